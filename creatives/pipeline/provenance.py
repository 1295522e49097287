"""What a picture says of how it came about: IPTC's DigitalSourceType and the facts of the painting, as XMP."""

from __future__ import annotations

import io
from dataclasses import dataclass, fields
from enum import StrEnum
from xml.sax.saxutils import escape

from defusedxml.ElementTree import ParseError, fromstring
from PIL import Image

from .image_io import FORMATS, Limits, read_bytes

_SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_XMP = "http://ns.adobe.com/xap/1.0/"
_OURS = "urn:product-studio:provenance:1"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
TOOL = "Product studio"


class SourceType(StrEnum):
    """IPTC's vocabulary of digital source types, as far as pictures of ours are of them."""

    COMPOSITE = "compositeWithTrainedAlgorithmicMedia"
    PAINTED = "trainedAlgorithmicMedia"

    @property
    def uri(self) -> str:
        """The term's address in IPTC's vocabulary."""
        return _SOURCE_TYPES + self.value


@dataclass(frozen=True)
class Provenance:
    """source_type: what kind of picture it is; the others: what it was painted with. Empty ones are left out."""

    source_type: SourceType
    profile: str = ""
    pipeline_version: str = ""
    prompt_version: str = ""
    seed: str = ""

    def xmp(self) -> bytes:
        """The XMP packet, UTF-8. Equal provenances have equal packets."""
        facts = "".join(
            f"<studio:{name}>{escape(value)}</studio:{name}>" for name, value in self.facts().items()
        )
        return (
            '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
            '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
            f'<rdf:RDF xmlns:rdf="{_RDF}">'
            f'<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="{_IPTC}" xmlns:xmp="{_XMP}" xmlns:studio="{_OURS}">'
            f"<Iptc4xmpExt:DigitalSourceType>{self.source_type.uri}</Iptc4xmpExt:DigitalSourceType>"
            f"<xmp:CreatorTool>{TOOL}</xmp:CreatorTool>{facts}"
            "</rdf:Description></rdf:RDF></x:xmpmeta>"
            '<?xpacket end="r"?>'
        ).encode()

    def facts(self) -> dict[str, str]:
        """What it was painted with, by name, without the empty ones."""
        named = {field.name: str(getattr(self, field.name)) for field in fields(self)}
        return {name: value for name, value in named.items() if value and name != "source_type"}


def read_provenance(data: bytes) -> Provenance | None:
    """What an encoded picture says of itself; None without a word on its source type, or with an unknown one.

    Raises ImageError for more bytes than a photo may have; any other damage reads as None.
    """
    read_bytes(data, Limits())
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            packet = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp") or b""
    except Exception:  # Pillow's decoders raise a wide family of errors on damaged input
        return None
    text = packet.encode() if isinstance(packet, str) else bytes(packet)
    start, end = text.find(b"<x:xmpmeta"), text.rfind(b"</x:xmpmeta>")
    if start < 0 or end < 0:
        return None
    try:
        root = fromstring(text[start : end + len(b"</x:xmpmeta>")])
    except (ParseError, ValueError):
        return None
    word = (root.findtext(f".//{{{_IPTC}}}DigitalSourceType") or "").removeprefix(_SOURCE_TYPES)
    if word not in list(SourceType):
        return None
    names = [field.name for field in fields(Provenance) if field.name != "source_type"]
    return Provenance(
        SourceType(word), **{name: root.findtext(f".//{{{_OURS}}}{name}") or "" for name in names}
    )
