"""Which format a file is told to be of, Meta's delimited feeds, and columns that a person names."""

from __future__ import annotations

import io
from typing import Any

import pytest

from creatives.feeds import ABSENT, FeedError, FeedOptions, FeedRow, UnknownColumnsError, open_feed
from creatives.feeds.columns import fingerprint
from creatives.feeds.guesses import guess

META = (
    '"# Required | A unique id, 100 characters","# Required | The title",# Required,# Optional,# Required,# Optional\n'
    "id,title,availability,image[0].url,price,fb_product_category\n"
)


def opened(text: str, **options: Any) -> Any:
    return open_feed(io.BytesIO(text.encode()), options=FeedOptions(**options))


def row_of(text: str, **options: Any) -> FeedRow:
    with opened(text, **options) as feed:
        (record,) = feed
    assert record.row is not None, record.issues
    return record.row


@pytest.mark.parametrize(
    ("header", "name", "is_snapshot"),
    [
        ("id\ttitle\tlink", "google-delimited", True),
        ("id,title,quantity_to_sell_on_facebook", "meta-delimited", True),
        ("Handle,Title,Body (HTML)", "shopify-csv", False),
        ("Title,URL handle,Price", "shopify-csv", False),
    ],
)
def test_the_header_tells(header: str, name: str, is_snapshot: bool) -> None:
    with opened(f"{header}\n1,2,3\n", link_template="https://s.example/{id}", currency="EUR") as feed:
        assert (feed.format, feed.is_snapshot) == (name, is_snapshot)


def test_metas_template_with_its_explanations() -> None:
    text = f"{META}{'x' * 80},{'y' * 180},available for order,https://s.example/a.jpg,29.00 EUR,Hats\n"
    row = row_of(text)
    assert (row.line, row.availability, row.image_link, row.product_type) == (
        3,
        "backorder",
        "https://s.example/a.jpg",
        "Hats",
    )


@pytest.mark.parametrize(
    ("word", "stored"), [("in stock", "in_stock"), ("discontinued", "out_of_stock"), ("preorder", "preorder")]
)
def test_metas_words_for_availability(word: str, stored: str) -> None:
    assert row_of(f"{META}A,T,{word},https://s.example/a.jpg,1.00 EUR,\n").availability == stored


def test_a_format_may_be_chosen_where_headers_do_not_tell() -> None:
    text = f"id,title\n{'x' * 80},T\n"
    with opened(text) as feed:
        assert [record.row for record in feed] == [None]
    assert row_of(text, format="meta").title == "T"


def test_an_archived_product_is_retired() -> None:
    assert (
        row_of(f"{META.strip()},status\nA,T,in stock,https://s.example/a.jpg,,,archived\n").status
        == "retired"
    )
    assert row_of("id,title,brand\nA,T,B\n").status is ABSENT


def test_unknown_columns_are_shown_with_samples() -> None:
    with pytest.raises(UnknownColumnsError) as caught:
        opened("SKU;Name;Preis\n1;Shoe;5\n2;Hat;6\n3;Cap;7\n4;Bag;8\n")
    error = caught.value
    assert (error.names, error.samples) == (
        ["SKU", "Name", "Preis"],
        [["1", "Shoe", "5"], ["2", "Hat", "6"], ["3", "Cap", "7"]],
    )
    assert error.fingerprint == fingerprint(["preis", "Name ", "sku"])
    assert error.fingerprint != fingerprint(["preis", "name"])
    assert guess(error.names) == ["id", "title", "price"]


def test_named_columns_are_read_and_issues_use_the_files_names() -> None:
    columns = {"sku": "id", "name": "title", "preis": "price"}
    options = {"columns": columns, "currency": "EUR", "link_template": "https://s.example/p/{id}"}
    text = "SKU;Name;Preis;Farbe\n1;Shoe;5,00;rot\n2;Hat;cheap;rot\n"
    with opened(text, **options) as feed:
        first, second = feed
    assert first.row is not None
    assert (first.row.id, first.row.title, str(first.row.price), first.row.link) == (
        "1",
        "Shoe",
        "5.00 EUR",
        "https://s.example/p/1",
    )
    assert (feed.format, feed.ignored, feed.is_snapshot) == ("mapped-delimited", ("Farbe",), False)
    assert [(issue.column, issue.number) for issue in second.issues] == [("Preis", 2)]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"name": "title"}, "No column of the file is named as the id"),
        ({"sku": "id", "name": "id"}, "Two columns are named as id"),
    ],
)
def test_a_naming_that_does_not_work(columns: dict[str, str], message: str) -> None:
    with pytest.raises(FeedError, match=message):
        opened("SKU,Name\n1,x\n", columns=columns)


def test_guesses_take_each_field_once() -> None:
    names = ["Artikelnummer", "Product Name", "URL", "Image URL", "Image", "Größe", "Foo", "Title"]
    assert guess(names) == ["id", "title", "link", "image_link", "additional_image_link", "size", None, None]


def test_digests_tell_texts_and_readings_apart() -> None:
    def digests(text: str, **options: Any) -> list[str]:
        with opened(text, **options) as feed:
            return [record.digest for record in feed]

    text = "id,title,price\nA,x,1.00 EUR\nB,x,1.00 EUR\nA,y,1.00 EUR\n"
    first, second, repeated = digests(text)
    assert len(first) == 32
    assert first != second
    assert repeated == ""
    assert digests(text) == [first, second, ""]
    assert digests(text, salt=b"other tree")[0] != first
    assert digests(text, currency="USD")[0] != first
    assert digests(text.replace("title", "brand"))[0] != first
