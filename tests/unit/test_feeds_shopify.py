"""Shopify's CSV: both generations of headers, several rows per product."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

import pytest

from creatives.feeds import (
    ABSENT,
    FeedOptions,
    FeedRow,
    MissingOptionError,
    Price,
    Record,
    Severity,
    Variant,
    open_feed,
)  # fmt: skip

PAGES = "https://shop.example/products/{id}"
LEGACY = (
    "Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,"
    "Option2 Value,Variant SKU,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,Variant Price,"
    "Image Src,Image Position,Variant Image,Google Shopping / Gender,Status\n"
    'cap,Red cap,"<p>Warm &amp;\n<b>soft</b></p>",Fleet,Apparel & Accessories > Hats,Caps,x,TRUE,Color,Red,Size,S,'
    "C-S,shopify,0,deny,19.90,https://cdn.example/2.jpg,2,https://cdn.example/s.jpg,unisex,active\n"
    "cap,,,,,,,,,Red,,L,C-L,shopify,3,deny,17.50,https://cdn.example/1.jpg,1,,,\n"
    "cap,,,,,,,,,,,,,,,,,https://cdn.example/3.jpg,3,,,\n"
    "mug,Mug,,Fleet,,Mugs,,TRUE,Title,Default Title,,,M-1,,,deny,9.00,https://cdn.example/m.jpg,1,,,draft\n"
)
CURRENT = (
    "Title,URL handle,Description,Vendor,Product category,Type,Published on online store,Status,SKU,Option1 name,"
    "Option1 value,Price,Inventory tracker,Inventory quantity,Continue selling when out of stock,Product image URL,"
    "Image position,Variant image URL,Google Shopping / Gender\n"
    "Red cap,cap,Warm,Fleet,Apparel & Accessories > Hats,Caps,TRUE,Active,C-S,Color,Red,19.90,shopify,0,DENY,"
    "https://cdn.example/1.jpg,1,,unisex\n"
    ",cap,,,,,,,C-B,,Blue,17.50,shopify,0,DENY,,,https://cdn.example/b.jpg,\n"
)


def read(text: str, **options: Any) -> list[Record]:
    chosen = {"link_template": PAGES, "currency": "EUR"} | options
    with open_feed(io.BytesIO(text.encode()), options=FeedOptions(**chosen)) as feed:
        return list(feed)


def row_of(record: Record) -> FeedRow:
    assert record.row is not None, record.issues
    return record.row


def test_rows_of_one_handle_are_one_product() -> None:
    cap, mug = read(LEGACY)
    row = row_of(cap)
    assert (row.id, row.title, row.description, row.brand) == ("cap", "Red cap", "Warm & soft", "Fleet")
    assert (row.link, row.price) == ("https://shop.example/products/cap", Price(Decimal("17.50"), "EUR"))
    assert (row.image_link, row.additional_image_link) == (
        "https://cdn.example/1.jpg",
        ("https://cdn.example/2.jpg", "https://cdn.example/3.jpg", "https://cdn.example/s.jpg"),
    )
    assert (row.google_product_category, row.product_type, row.gender) == (
        "Apparel & Accessories > Hats",
        "Caps",
        "unisex",
    )
    assert (row.availability, row.status, row.color, row.size) == ("in_stock", "active", "Red", None)
    assert row.variants == (
        Variant("C-S", (("Color", "Red"), ("Size", "S")), "19.90", "https://cdn.example/s.jpg", False),
        Variant("C-L", (("Color", "Red"), ("Size", "L")), "17.50", "", True),
    )
    assert (cap.line, mug.line, mug.number) == (2, 6, 2)
    assert row_of(mug).variants == (Variant("M-1", (), "9.00", "", True),)
    assert (row_of(mug).status, row_of(mug).availability) == ("retired", "in_stock")


def test_the_current_headers() -> None:
    (cap,) = read(CURRENT)
    row = row_of(cap)
    assert (row.id, row.title, row.price) == ("cap", "Red cap", Price(Decimal("17.50"), "EUR"))
    assert (row.image_link, row.additional_image_link) == (
        "https://cdn.example/1.jpg",
        ("https://cdn.example/b.jpg",),
    )
    assert (row.availability, row.color, row.status) == ("out_of_stock", None, "active")
    assert isinstance(row.variants, tuple)
    assert [variant.sku for variant in row.variants] == ["C-S", "C-B"]


def test_columns_that_an_update_leaves_out_are_kept() -> None:
    row = row_of(read("Handle,Title,Vendor\ncap,Cap,Fleet\n", currency="")[0])
    assert (row.image_link, row.description, row.status, row.availability) == (ABSENT, ABSENT, ABSENT, ABSENT)


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        ({"link_template": ""}, ("link_template",)),
        ({"currency": ""}, ("currency",)),
        ({"link_template": "", "currency": ""}, ("link_template", "currency")),
    ],
)
def test_what_the_file_does_not_say_must_be_given(options: dict[str, str], missing: tuple[str, ...]) -> None:
    with pytest.raises(MissingOptionError, match="give the shop's address and currency") as caught:
        read(CURRENT, **options)
    assert caught.value.options == missing


def test_issues_call_columns_by_the_files_own_names() -> None:
    (cap, _) = read(LEGACY.replace("19.90", "cheap"))
    assert [(issue.column, issue.value, issue.severity) for issue in cap.issues] == [
        ("Variant Price", "cheap", Severity.ERROR)
    ]


def test_a_handle_that_comes_back_later_is_an_error() -> None:
    records = read(
        CURRENT + "Other,mug,,,,,,,,,,1.00,,,,https://cdn.example/m.jpg,1,,\n,cap,,,,,,,X,,Red,1.00,,,,,,,\n"
    )
    assert [record.row is not None for record in records] == [True, True, False]
    assert records[2].issues[-1].rule == "An id appears once; line 2 has it already."


@pytest.mark.parametrize(
    ("handle", "link"),
    [
        ("a b", "https://shop.example/products/a%20b"),
        ("größe", "https://shop.example/products/gr%C3%B6%C3%9Fe"),
    ],
)
def test_handles_are_encoded_in_addresses(handle: str, link: str) -> None:
    (record,) = read(f"Handle,Title\n{handle},Cap\n")
    assert row_of(record).link == link
