"""Delimited feeds: delimiters, headers, encodings, quotes, and what a blank or absent cell means."""

import codecs
import csv
import io
import tracemalloc
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatives.feeds import ABSENT, FeedError, FeedRow, Price, ReadLimits, Record, Severity, open_feed

HEADER = "id\ttitle\tlink\timage_link"
ROW = "A1\tRed shoe\thttps://shop.example/a1\thttps://shop.example/a1.jpg"


def read(text: str | bytes, **options: object) -> list[Record]:
    data = text.encode() if isinstance(text, str) else text
    with open_feed(io.BytesIO(data), **options) as feed:  # type: ignore[arg-type]
        return list(feed)


def row_of(text: str | bytes) -> FeedRow:
    (record,) = read(text)
    assert record.row is not None, record.issues
    return record.row


def test_every_field_of_a_google_row() -> None:
    header = (
        "ID,Title,Description,Link,Image Link,additional image link,Availability,Price,Brand,Colour,Size,Gender,"
        "Google Product Category,product-type,g:item_group_id"
    )
    row = row_of(
        f"{header}\n"
        'A1," Red shoe ","Light, soft",https://s.example/a1,https://s.example/1.jpg,'
        '"https://s.example/2.jpg,https://s.example/3.jpg",in stock,"29,00 EUR",Fleet,red,42,Female,'
        "Apparel & Accessories>Shoes,Shoes > Running,G1\n"
    )
    assert row == FeedRow(
        line=2, id="A1", title="Red shoe", description="Light, soft", link="https://s.example/a1",
        image_link="https://s.example/1.jpg",
        additional_image_link=("https://s.example/2.jpg", "https://s.example/3.jpg"), availability="in_stock",
        price=Price(Decimal("29.00"), "EUR"), brand="Fleet", color="red", size="42", gender="female",
        google_product_category="Apparel & Accessories > Shoes", product_type="Shoes > Running", item_group_id="G1",
    )  # fmt: skip


def test_an_absent_column_differs_from_a_blank_cell() -> None:
    row = row_of(f"{HEADER}\tprice\tadditional_image_link\n{ROW}\t \t\n")
    assert (row.price, row.additional_image_link, row.brand) == (None, (), ABSENT)
    assert row.given() == {
        "title": "Red shoe", "link": "https://shop.example/a1", "image_link": "https://shop.example/a1.jpg",
        "price": None, "additional_image_link": (),
    }  # fmt: skip


@pytest.mark.parametrize("delimiter", ["\t", ",", ";", "|"])
def test_delimiter_is_found(delimiter: str) -> None:
    assert row_of(f"{HEADER}\n{ROW}\n".replace("\t", delimiter)).title == "Red shoe"


@pytest.mark.parametrize(
    ("prefix", "codec"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (b"", "utf-16-le"),
        (b"", "utf-16-be"),
    ],
)
def test_encodings_read_alike(prefix: bytes, codec: str) -> None:
    text = f"{HEADER}\n{ROW}\n".replace("Red", "Größe – 紅")
    with open_feed(io.BytesIO(prefix + text.encode(codec))) as feed:
        (record,) = feed
        assert record.row is not None
        assert record.row.title == "Größe – 紅 shoe"
        assert (feed.issues, feed.complete) == ((), True)


@pytest.mark.parametrize(("byte", "read_as"), [(b"\xe9", "é"), (b"\x80", "€"), (b"\x81\xe9", "\x81é")])
def test_a_file_that_is_not_utf8_is_read_as_latin_with_an_issue(byte: bytes, read_as: str) -> None:
    data = f"{HEADER}\n{ROW}\n{ROW}\n".replace("A1", "A2", 1).encode()
    position = data.rindex(b"Red")
    with open_feed(io.BytesIO(data[:position] + byte + data[position:])) as feed:
        titles = [record.row.title for record in feed if record.row]
        (issue,) = feed.issues
    assert titles == ["Red shoe", f"{read_as}Red shoe"]
    assert (issue.line, issue.severity) == (3, Severity.WARNING)
    assert "Latin-1" in issue.rule


def test_a_file_that_breaks_its_own_mark_is_refused() -> None:
    with pytest.raises(FeedError, match="says it is UTF-8-SIG but is not, from line 2 on"):
        read(codecs.BOM_UTF8 + b"id\ttitle\nA1\t\xff\n")


def test_quoted_newlines_keep_line_numbers_of_the_file() -> None:
    records = read(
        f"{HEADER}\n{ROW.replace('Red shoe', chr(34) + 'Red' + chr(10) + 'shoe' + chr(34))}\n\nA2\tx\ty\tz\n"
    )
    assert [(record.number, record.line) for record in records] == [(1, 2), (2, 5)]
    assert records[0].row is not None
    assert records[0].row.title == "Red\nshoe"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_any_newline(newline: str) -> None:
    assert [record.line for record in read(f"\n{HEADER}\n{ROW}\n{ROW}".replace("\n", newline))] == [3, 4]


def test_an_unclosed_quote_costs_one_row() -> None:
    broken = 'A0\t"Red shoe\thttps://shop.example/a0\thttps://shop.example/a0.jpg'
    with open_feed(io.BytesIO("\n".join([HEADER, broken, ROW, ROW.replace("A1", "A2")]).encode())) as feed:
        records = list(feed)
        assert feed.complete is False
    assert [record.row.id if record.row else None for record in records] == [None, "A1", "A2"]
    assert records[0].issues[0].line == 2
    assert "quotation mark" in records[0].issues[0].rule


def test_two_unclosed_quotes_that_pair_up_cost_two_rows() -> None:
    broken = 'A{}\t"Red shoe\thttps://shop.example/a\thttps://shop.example/a.jpg'
    records = read("\n".join([HEADER, broken.format(0), ROW, broken.format(3), ROW.replace("A1", "A4")]))
    assert [record.row.id if record.row else None for record in records] == [None, "A1", None, "A4"]


def test_a_row_with_too_few_or_too_many_cells_is_refused_and_reading_goes_on() -> None:
    with open_feed(io.BytesIO(f"{HEADER}\nA0\tshort\n{ROW}\textra\n{ROW}\t\t\n".encode())) as feed:
        records = list(feed)
        assert feed.complete is False
    assert [(record.issues[0].record_id, record.issues[0].value) for record in records[:2]] == [
        ("A0", "2 cells"), ("A1", "5 cells"),
    ]  # fmt: skip
    assert records[2].row is not None


def test_the_second_row_of_an_id_is_an_error_even_if_the_first_was_refused() -> None:
    records = read(f"{HEADER}\n{ROW.replace('Red shoe', '')}\n{ROW}\n{ROW.replace('A1', 'a1')}\n")
    assert [record.row is not None for record in records] == [False, False, True]
    assert records[1].issues[0].rule == "An id appears once; line 2 has it already."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The file is empty"),
        ("\n \n", "The file is empty"),
        (HEADER, "The file has a header and no products."),
        (
            "name,price\nx,y\n",
            "The first line has no column named id. As comma-separated text it says: 'name, price'",
        ),
        (
            "id,Image Link,image_link\n1,2,3\n",
            r"Two columns mean image_link: 'Image Link' \(column 2\) and 'image_link'",
        ),
        ("<rss></rss>", "The XML holds no <item>"),
        ("x" * 30_000, "The first line has more than 20000 characters"),
    ],
)
def test_a_file_that_is_no_feed_says_why(text: str, message: str) -> None:
    with pytest.raises(FeedError, match=message):
        read(text)


def test_ignored_columns_are_named() -> None:
    with open_feed(io.BytesIO(f"{HEADER}\tgtin\tsale price\n{ROW}\t1\t2\n".encode())) as feed:
        assert feed.ignored == ("gtin", "sale price")
        assert feed.columns == ("id", "title", "link", "image_link")


def test_limits_on_size_and_rows() -> None:
    text = f"{HEADER}\n{ROW}\n{ROW.replace('A1', 'A2')}\n"
    with pytest.raises(FeedError, match="at most 1 products"):
        read(text, limits=ReadLimits(max_records=1))
    with pytest.raises(FeedError, match="at most 0 MB"):
        read(text, limits=ReadLimits(max_bytes=20))


class _Pipe(io.RawIOBase):
    def __init__(self, data: bytes) -> None:
        self._rest = data

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        size = len(self._rest) if size < 0 else size
        chunk, self._rest = self._rest[:size], self._rest[size:]
        return chunk


def test_counting_checks_no_values() -> None:
    data = f"{HEADER}\n{ROW}\nA2\tbroken\n{ROW}\n".encode()
    with open_feed(io.BytesIO(data)) as feed:
        assert feed.count() == 3
    with open_feed(io.BytesIO(HEADER.encode())) as feed, pytest.raises(FeedError, match="no products"):
        feed.count()


def test_a_stream_that_cannot_seek_is_read_and_capped() -> None:
    data = f"{HEADER}\n{ROW}\n".encode()
    with open_feed(_Pipe(data)) as feed:  # type: ignore[arg-type]
        assert [record.line for record in feed] == [2]
    with pytest.raises(FeedError, match="at most"):
        open_feed(_Pipe(data), ReadLimits(max_bytes=10))  # type: ignore[arg-type]


def test_the_callers_stream_stays_open_and_progress_reaches_the_end() -> None:
    stream = io.BytesIO(f"{HEADER}\n{ROW}\n".encode())
    with open_feed(stream) as feed:
        list(feed)
        assert feed.bytes_read == feed.size == len(stream.getvalue())
    assert not stream.closed


class _Endless(io.RawIOBase):
    """A feed of ``rows`` rows made up as it is read, so that memory is the reader's alone."""

    def __init__(self, rows: int) -> None:
        self._rows, self._buffer = rows, b""
        self._made = -1

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while len(self._buffer) < size and self._made < self._rows:
            line = HEADER if self._made < 0 else ROW.replace("A1", str(self._made))
            self._buffer += f"{line}\n".encode()
            self._made += 1
        chunk, self._buffer = self._buffer[:size], self._buffer[size:]
        return chunk


def test_memory_stays_flat() -> None:
    tracemalloc.start()
    with open_feed(_Endless(50_000)) as feed:  # type: ignore[arg-type]
        count = sum(record.row is not None for record in feed)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 50_000
    assert peak < 24 << 20  # the ids seen and one spool buffer, not the rows


@given(st.binary(max_size=400))
def test_any_bytes_give_rows_issues_or_a_feed_error(data: bytes) -> None:
    try:
        for record in read(b"id,title,price\n" + data):
            assert (record.row is None) == any(issue.severity is Severity.ERROR for issue in record.issues)
    except FeedError:
        pass


@given(st.text(alphabet='a ,\n\r"', max_size=60))
def test_counting_and_reading_agree(text: str) -> None:
    data = b"id,title\n" + text.encode()
    with open_feed(io.BytesIO(data)) as feed:
        try:
            rows = sum(1 for _ in feed)
        except FeedError:
            rows = 0
    with open_feed(io.BytesIO(data)) as feed:
        try:
            assert feed.count() == rows
        except FeedError:
            assert rows == 0


cells = st.text(st.characters(exclude_categories=["Cc", "Cs", "Z"]), min_size=1, max_size=12)


@given(st.lists(cells, min_size=1, max_size=20, unique=True), st.sampled_from([",", ";", "|"]))
def test_what_csv_writes_is_read_back(titles: list[str], delimiter: str) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(["id", "title"])
    writer.writerows([str(number), title] for number, title in enumerate(titles))
    assert [record.row.title for record in read(out.getvalue()) if record.row] == titles
