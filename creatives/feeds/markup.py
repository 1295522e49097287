"""RSS 2.0 and Atom feeds of Google and Meta: read as a stream, without entities or document types."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, Final, Protocol
from xml.sax import SAXParseException

from defusedxml.common import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from .columns import DIALECTS, MAPPED, Dialect, dialect_of, mapped_fields
from .formats import FeedOptions, RawFeed, UnknownColumnsError
from .model import FeedError, RawRecord

CHUNK: Final = 1 << 16
HEAD_BYTES: Final = 1024
MAX_TEXT: Final = 100_000
MAX_NAMES: Final = 500
SAMPLES: Final = 3
ITEMS: Final = ("item", "entry", "product")
GOOGLE_SPACES: Final = ("http://base.google.com/ns/1.0", "https://base.google.com/ns/1.0")


def matches(head: bytes) -> bool:
    """Whether a file starts like markup, in whatever encoding."""
    return head.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\x00").startswith(b"<")


def open_feed(stream: BinaryIO, options: FeedOptions) -> RawFeed:
    """Read through the stream once to know its tags and to be sure that it is well formed. Raises FeedError."""
    if _HTML.match(stream.read(HEAD_BYTES)):
        raise FeedError("This is a web page (HTML), not a feed; the address may ask for a sign-in.")
    survey = _Survey()
    _parse(stream, survey)
    if not survey.total:
        raise FeedError("The XML holds no <item> (RSS) and no <entry> (Atom): there are no products in it.")
    names = list(survey.names)
    dialect = MAPPED if options.columns else _dialect(names, survey, options)
    fields = _fields(names, dialect, options)
    columns = {name: field for name, field in zip(names, fields, strict=True) if field}
    known = {*columns, *_NO_MISTAKE, *(name.removeprefix("g:") for name in columns)}
    return RawFeed(
        format=f"{dialect.name}-{'atom' if survey.item == 'entry' else 'rss'}",
        details=f"XML, <{survey.item}>",
        names=names,
        columns=tuple(dict.fromkeys(columns.values())),
        ignored=tuple(name for name in names if name not in known),
        records=_records(stream, _Items(survey.item, survey.prefixes, columns)),
        lengths=dialect.lengths,
        most_images=dialect.most_images,
        is_snapshot=dialect.is_snapshot,
        headers={field: name for name, field in columns.items()} if dialect is MAPPED else {},
        total=survey.total,
    )


_HTML: Final = re.compile(rb"\W*(?:xml[^>]*>\s*<)?(?:!doctype html|html)\b", re.IGNORECASE)
_NO_MISTAKE: Final = frozenset(
    {"guid", "pubDate", "updated", "published", "author", "id", "summary", "content"}
)
_PLAIN_TAGS: Final = {"summary": "description", "content": "description", "guid": "id"}
"""Tags of RSS and Atom that serve where Google's own are missing."""


def _dialect(names: list[str], survey: _Survey, options: FeedOptions) -> Dialect:
    """Google's or Meta's. Raises UnknownColumnsError when no tag gives an id."""
    dialect = dialect_of([_PLAIN_TAGS.get(name, name) for name in names])
    if dialect is None:
        raise UnknownColumnsError(names, survey.samples(names), "XML")
    return DIALECTS.get(options.format, dialect)


def _fields(names: list[str], dialect: Dialect, options: FeedOptions) -> list[str | None]:
    """What each tag means; where several mean the same, Google's prefix wins, then the plain name."""
    if options.columns:
        return mapped_fields(names, options.columns)
    best: dict[str, tuple[int, str]] = {}
    for name in names:
        field = dialect.field_of(_PLAIN_TAGS.get(name, name))
        rank = 0 if name.startswith("g:") else 2 if name in _PLAIN_TAGS else 1
        if field is not None and (field not in best or rank < best[field][0]):
            best[field] = rank, name
    chosen = {name: field for field, (_, name) in best.items()}
    return [chosen.get(name) for name in names]


def _records(stream: BinaryIO, items: _Items) -> Iterator[RawRecord]:
    for _ in _chunks(stream, items):
        yield from items.take()


def _parse(stream: BinaryIO, handler: _Survey) -> None:
    for _ in _chunks(stream, handler):
        pass


class _Handler(Protocol):
    """What is told of the elements; ``line`` is set to a function that gives the present line."""

    line: Callable[[], int]

    def start(self, name: str, attributes: dict[str, str]) -> None: ...

    def end(self, name: str) -> None: ...

    def text(self, content: str) -> None: ...


class _Parser(DefusedExpatParser):
    """Hands elements over without SAX's wrapping of names and attributes, which costs as much as all the rest."""

    def __init__(self, handler: _Handler) -> None:
        self._handler = handler
        super().__init__(forbid_dtd=True)

    def reset(self) -> None:
        super().reset()
        self._parser.StartElementHandler = self._handler.start
        self._parser.EndElementHandler = self._handler.end
        self._parser.CharacterDataHandler = self._handler.text


def _chunks(stream: BinaryIO, handler: _Handler) -> Iterator[None]:
    """Feed the stream to the handler piece by piece. Raises FeedError with line and column of the first fault."""
    parser = _Parser(handler)
    handler.line = parser.getLineNumber
    stream.seek(0)
    try:
        while chunk := stream.read(CHUNK):
            parser.feed(chunk)
            yield
        parser.close()
        yield
    except SAXParseException as error:
        raise FeedError(
            f"The XML is broken at line {error.getLineNumber()}, column {(error.getColumnNumber() or 0) + 1}: "
            f"{error.getMessage()}. Mend it, or export the feed again."
        ) from error
    except DefusedXmlException as error:
        raise FeedError(
            "The XML has a document type or entities of its own, which feeds need not; remove them."
        ) from error


def _tag(name: str, prefixes: Mapping[str, str]) -> str:
    """The tag with Google's prefix as ``g:``, without one as it is, and "" for other vocabularies."""
    prefix, colon, local = name.rpartition(":")
    return f"{prefixes[prefix]}{local}" if prefix in prefixes else "" if colon else name


class _Survey:
    """What the items are called, the tags in them by first appearance, how many items there are, and a few of them."""

    def __init__(self) -> None:
        self.line: Callable[[], int] = int
        self.item = ""
        self.prefixes: dict[str, str] = {"g": "g:"}
        self.names: dict[str, None] = {}
        self.total = 0
        self._raw_names: set[str] = set()
        self._samples: list[dict[str, str]] = []
        self._depth = 0  # 0 outside of items, 1 in one, 2 in a field
        self._field = ""

    def samples(self, names: list[str]) -> list[list[str]]:
        return [[sample.get(name, "").strip() for name in names] for sample in self._samples]

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if self._depth:
            self._depth += 1
            if self._depth == 2 and (name not in self._raw_names or self.total <= SAMPLES):
                self._note(name)
        elif name == self.item or (not self.item and name in ITEMS):
            self.item, self._depth = name, 1
            self.total += 1
            if self.total <= SAMPLES:
                self._samples.append({})
        else:
            for attribute, value in attributes.items():
                if attribute.startswith("xmlns:") and value in GOOGLE_SPACES:
                    self.prefixes[attribute[6:]] = "g:"

    def _note(self, name: str) -> None:
        self._field = _tag(name, self.prefixes)
        if len(self._raw_names) < MAX_NAMES:
            self._raw_names.add(name)
            if self._field:
                self.names[self._field] = None

    def end(self, name: str) -> None:
        if self._depth:
            self._depth -= 1

    def text(self, content: str) -> None:
        if self._depth >= 2 and self.total <= SAMPLES and self._field:
            sample = self._samples[-1]
            sample[self._field] = (sample.get(self._field, "") + content)[:200]


class _Items:
    """Collects items as records: the texts of the fields, and the line on which the item starts."""

    def __init__(self, item: str, prefixes: Mapping[str, str], columns: Mapping[str, str]) -> None:
        self.line: Callable[[], int] = int
        self._item, self._prefixes, self._columns = item, prefixes, columns
        self._blank = dict.fromkeys(columns.values(), "")
        self._fields: dict[str, str | None] = {}
        self._records: list[RawRecord] = []
        self._cells: dict[str, str] = {}
        self._begun = 0
        self._depth = 0
        self._field: str | None = None
        self._text: list[str] = []
        self._size = 0

    def take(self) -> list[RawRecord]:
        """The records that are complete by now."""
        taken, self._records = self._records, []
        return taken

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._depth:
            if name == self._item:
                self._depth, self._begun = 1, self.line()
                self._cells = self._blank.copy()
            return
        self._depth += 1
        if self._depth > 2:
            return
        if name not in self._fields and len(self._fields) < MAX_NAMES:
            self._fields[name] = self._columns.get(_tag(name, self._prefixes))
        self._field = self._fields.get(name)
        self._text.clear()
        self._size = 0
        if name == "link" and "href" in attributes and attributes.get("rel", "alternate") == "alternate":
            self._text.append(attributes["href"])

    def text(self, content: str) -> None:
        if self._field is not None and self._size <= MAX_TEXT:
            self._text.append(content)
            self._size += len(content)

    def end(self, name: str) -> None:
        depth = self._depth
        if depth:
            self._depth = depth - 1
            if depth == 1:
                self._records.append(RawRecord(self._begun, self._cells))
            elif depth == 2 and self._field is not None:
                self._keep(self._field, "".join(self._text).strip())
                self._field = None

    def _keep(self, field: str, text: str) -> None:
        present = self._cells[field]
        if not present:
            self._cells[field] = text
        elif field == "additional_image_link" and text:
            self._cells[field] = f"{present},{text}"
