"""Pictures say how they came about, in every format that is written."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from defusedxml.ElementTree import fromstring
from PIL import Image

from creatives.pipeline.image_io import encode_jpeg, encode_png, encode_webp, open_image
from creatives.pipeline.provenance import Provenance, SourceType, read_provenance

MADE = Provenance(
    SourceType.COMPOSITE, "studio-tiny", "2-studio-tiny-28da4079", "12/3", "9223372036854775807"
)
PIXELS = np.random.default_rng(3).integers(0, 256, (48, 64, 3), np.uint8)
ENCODERS = [encode_png, encode_jpeg, encode_webp]


@pytest.mark.parametrize("encode", ENCODERS)
def test_what_is_written_is_read_again(encode: Callable[..., bytes]) -> None:
    marked = encode(PIXELS, xmp=MADE.xmp())
    assert read_provenance(marked) == MADE
    assert read_provenance(encode(PIXELS)) is None
    assert np.array_equal(open_image(marked).rgb, open_image(encode(PIXELS)).rgb)
    assert encode(PIXELS, xmp=MADE.xmp()) == marked  # files are named by their content


@pytest.mark.parametrize("encode", ENCODERS)
def test_others_read_the_source_type_that_iptc_names(encode: Callable[..., bytes]) -> None:
    with Image.open(io.BytesIO(encode(PIXELS, xmp=MADE.xmp()))) as picture:
        found = picture.getxmp()["xmpmeta"]["RDF"]["Description"]
    assert found["DigitalSourceType"] == (
        "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
    )
    assert found["CreatorTool"] == "Product studio"
    assert (found["profile"], found["prompt_version"], found["seed"]) == (
        "studio-tiny", "12/3", "9223372036854775807",
    )  # fmt: skip


def test_the_packet_stands_where_readers_look_for_it() -> None:
    assert b"iTXtXML:com.adobe.xmp\0" in encode_png(PIXELS, MADE.xmp())
    assert b"http://ns.adobe.com/xap/1.0/\0<?xpacket" in encode_jpeg(PIXELS, xmp=MADE.xmp())
    assert b"XMP " in encode_webp(PIXELS, xmp=MADE.xmp())


def test_texts_are_escaped_and_empty_ones_left_out() -> None:
    odd = Provenance(SourceType.PAINTED, 'a<b>&"c"')
    packet = odd.xmp()
    fromstring(packet[packet.index(b"<x:xmpmeta") : packet.index(b"<?xpacket end")])
    assert b"seed" not in packet
    assert read_provenance(encode_png(PIXELS, packet)) == odd
