"""RSS and Atom feeds: what is read, on which line, and what is refused before anything is imported."""

from __future__ import annotations

import io
import tracemalloc
from typing import Any

import pytest

from creatives.feeds import ABSENT, FeedError, FeedOptions, Record, UnknownColumnsError, open_feed

RSS = """<?xml version="1.0"?>
<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0">
<channel>
<title>My shop</title><link>https://s.example</link><description>All of it</description>
{items}
</channel>
</rss>"""
ITEM = """<item>
<g:id>{id}</g:id><title>Plain</title><g:title>Shoe &amp; sock</g:title>
<link>https://s.example/{id}</link><description><![CDATA[<b>Light</b>]]></description>
<g:image_link>https://s.example/{id}.jpg</g:image_link>
<g:additional_image_link>https://s.example/1.jpg</g:additional_image_link>
<g:additional_image_link>https://s.example/2.jpg</g:additional_image_link>
<g:price>29.00 EUR</g:price>
<g:shipping><g:country>DE</g:country><g:price>5.00 EUR</g:price></g:shipping>
</item>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xmlns:merchant="http://base.google.com/ns/1.0">
<title>My shop</title>
<entry><id>tag:s.example,2026:a</id><merchant:id>A</merchant:id><title>Shoe</title><summary>Light</summary>
<link rel="alternate" href="https://s.example/a"/><link rel="self" href="https://s.example/feed"/>
<merchant:image_link>https://s.example/a.jpg</merchant:image_link></entry>
</feed>"""


def read(text: str | bytes, **options: Any) -> list[Record]:
    data = text.encode() if isinstance(text, str) else text
    with open_feed(io.BytesIO(data), options=FeedOptions(**options)) as feed:
        return list(feed)


def rss(*items: str) -> str:
    return RSS.format(items="\n".join(items))


def test_an_item_of_rss() -> None:
    with open_feed(io.BytesIO(rss(ITEM.format(id="A")).encode())) as feed:
        (record,) = feed
    row = record.row
    assert row is not None, record.issues
    assert (feed.format, feed.is_snapshot, feed.complete) == ("google-rss", True, True)
    assert (row.id, row.title, row.description, row.link) == (
        "A",
        "Shoe & sock",
        "<b>Light</b>",
        "https://s.example/A",
    )
    assert row.additional_image_link == ("https://s.example/1.jpg", "https://s.example/2.jpg")
    assert str(row.price) == "29.00 EUR"
    assert row.brand is ABSENT
    assert feed.ignored == ("g:shipping",)


def test_an_entry_of_atom_with_another_prefix() -> None:
    with open_feed(io.BytesIO(ATOM.encode())) as feed:
        (record,) = feed
    assert feed.format == "google-atom"
    assert record.row is not None, record.issues
    assert (record.row.id, record.row.title, record.row.description, record.row.link, record.row.image_link) == (
        "A", "Shoe", "Light", "https://s.example/a", "https://s.example/a.jpg",
    )  # fmt: skip


def test_an_element_that_only_other_items_have_is_blank_here_and_clears() -> None:
    with_brand = ITEM.format(id="B").replace("<g:price>", "<g:brand>Fleet</g:brand><g:price>")
    rows = [record.row for record in read(rss(ITEM.format(id="A"), with_brand))]
    assert [row.brand for row in rows if row] == [None, "Fleet"]


def test_issues_name_the_line_on_which_the_item_starts() -> None:
    bad = ITEM.format(id="B").replace("29.00 EUR", "cheap").replace("https://s.example/B.jpg", "")
    records = read(rss(ITEM.format(id="A"), bad, ITEM.format(id="A")))
    assert [(issue.number, issue.line, issue.column) for record in records for issue in record.issues] == [
        (2, 14, "image_link"), (2, 14, "price"), (3, 23, "id"),
    ]  # fmt: skip


def test_metas_own_tags_make_it_metas() -> None:
    item = "<item><g:id>{}</g:id><g:title>{}</g:title><g:visibility>hidden</g:visibility></item>"
    with open_feed(io.BytesIO(rss(item.format("x" * 80, "y" * 180)).encode())) as feed:
        (record,) = feed
    assert feed.format == "meta-rss"
    assert record.row is not None
    assert record.row.status == "retired"


@pytest.mark.parametrize("codec", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_encodings_that_the_declaration_names(codec: str) -> None:
    text = rss(ITEM.format(id="A").replace("Shoe", "Größe"))
    data = text.replace('version="1.0"?', f'version="1.0" encoding="{codec}"?').encode(codec)
    (record,) = read(data)
    assert record.row is not None
    assert record.row.title == "Größe & sock"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (rss(ITEM.format(id="A")[:-8]), "The XML is broken at line 13, column 3: mismatched tag"),
        (rss("<item><g:id>A&nbsp;</g:id></item>"), "broken at line 5, column 14: undefined entity"),
        (
            '<!DOCTYPE lolz [<!ENTITY lol "lol">]><rss><item><id>&lol;</id></item></rss>',
            "document type or entities",
        ),
        ('<!DOCTYPE r SYSTEM "file:///etc/passwd"><rss/>', "document type or entities"),
        ("<!DOCTYPE html><html><body>Sign in</body></html>", "This is a web page"),
        ("<rss><channel><title>x</title></channel></rss>", "there are no products"),
        (rss(ITEM.format(id="A"))[:300], "The XML is broken"),
    ],
)
def test_what_is_no_feed_says_why(text: str, message: str) -> None:
    with pytest.raises(FeedError, match=message):
        read(text)


def test_unknown_tags_are_offered_for_naming_and_read_once_named() -> None:
    text = "<rss><channel><item><sku>A</sku><name>Shoe</name></item></channel></rss>"
    with pytest.raises(UnknownColumnsError) as caught:
        read(text)
    assert (caught.value.names, caught.value.samples) == (["sku", "name"], [["A", "Shoe"]])
    (record,) = read(text, columns={"sku": "id", "name": "title"})
    assert record.row is not None
    assert (record.row.id, record.row.title) == ("A", "Shoe")


class _Endless(io.RawIOBase):
    """An RSS feed of ``items`` items, made up as it is read."""

    def __init__(self, items: int) -> None:
        self._parts = self._made(items)
        self._buffer = b""

    @staticmethod
    def _made(items: int) -> Any:
        head, tail = RSS.split("{items}")
        yield head.encode()
        for number in range(items):
            yield ITEM.format(id=number).encode()
        yield tail.encode()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while len(self._buffer) < size and (part := next(self._parts, b"")):
            self._buffer += part
        chunk, self._buffer = self._buffer[:size], self._buffer[size:]
        return chunk


def test_memory_stays_flat() -> None:
    tracemalloc.start()
    with open_feed(_Endless(5_000)) as feed:  # type: ignore[arg-type]
        count = sum(record.row is not None for record in feed)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 5_000
    assert peak < 8 << 20  # the ids seen and one spool buffer, not the items


def test_one_huge_element_is_cut_off_and_refused() -> None:
    (record,) = read(rss(f"<item><g:id>A</g:id><g:title>{'x' * 3_000_000}</g:title></item>"))
    (issue,) = record.issues
    assert issue.rule.startswith("title must have at most 150 characters")
