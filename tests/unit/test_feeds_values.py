"""Each rule on a value: refused or warned about with line, id, column, value, rule and fix."""

import io

import pytest

from creatives.feeds import ABSENT, RowIssue, Severity, open_feed

GOOD = {"id": "A1", "title": "Shoe", "link": "https://s.example/a", "image_link": "https://s.example/a.jpg"}


def issues_of(**cells: str) -> list[RowIssue]:
    values = GOOD | cells
    text = "\t".join(values) + "\n" + "\t".join(values.values()) + "\n"
    with open_feed(io.BytesIO(text.encode())) as feed:
        (record,) = feed
        assert feed.complete is bool(values["id"])
        assert (record.row is None) == any(issue.severity is Severity.ERROR for issue in record.issues)
        return list(record.issues)


def test_a_good_row_has_no_issues() -> None:
    assert issues_of() == []


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("id", "", "id must not be blank."),
        ("title", " ", "title must not be blank."),
        ("link", "", "link must not be blank."),
        ("image_link", "", "image_link must not be blank."),
        ("id", "x" * 51, "id must have at most 50 characters (this has 51)."),
        ("title", "x" * 151, "title must have at most 150 characters (this has 151)."),
        ("description", "x" * 5001, "description must have at most 5000 characters (this has 5001)."),
        (
            "image_link",
            "https://s.example/" + "x" * 2000,
            "image_link must have at most 2000 characters (this has 2018).",
        ),
        ("title", "a\x00b", "title must hold no control characters (this has U+0000)."),
        ("link", "javascript:alert(1)", "link must be a web address."),
        ("link", "ftp://s.example/a", "link must be a web address."),
        ("link", "s.example/a", "link must be a web address."),
        ("link", "https://", "link must be a web address."),
        ("link", "https://s.example/a b", "link must be a web address."),
        ("link", "https://s.example:99999/", "link must be a web address."),
        ("image_link", "photos/a.jpg", "image_link must be a web address."),
        ("image_link", "file:///etc/passwd", "image_link must be a web address."),
        (
            "image_link",
            "https://s.example/a.svg",
            "image_link must be a JPEG, PNG, WebP, GIF, BMP or TIFF (this is .svg).",
        ),
        ("availability", "maybe", "availability must be in_stock, out_of_stock, preorder or backorder."),
        ("price", "cheap", "A price is an amount of 0 or more and a currency."),
        ("google_product_category", "A > > B", "google_product_category must have no empty level."),
    ],
)
def test_refused(column: str, value: str, rule: str) -> None:
    (issue,) = issues_of(**{column: value})
    assert (issue.column, issue.rule, issue.severity) == (column, rule, Severity.ERROR)
    assert issue.line == 2
    assert issue.fix
    assert len(issue.value) <= 80


def test_an_issue_names_the_record_and_shortens_the_value() -> None:
    (issue,) = issues_of(title="word " * 60)
    assert issue.record_id == "A1"
    assert issue.value == ("word " * 16)[:79] + "…"


def test_all_problems_of_a_row_are_reported_at_once() -> None:
    assert [issue.column for issue in issues_of(title="", link="x", price="y")] == ["title", "link", "price"]


def test_credentials_in_an_address_are_not_repeated() -> None:
    (issue,) = issues_of(link="https://user:secret@s.example/")
    assert "secret" not in f"{issue}"


def test_an_unknown_gender_is_a_warning_and_the_row_lands_without_it() -> None:
    (issue,) = issues_of(gender="dog")
    assert (issue.column, issue.severity) == ("gender", Severity.WARNING)


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("in stock", "in_stock"),
        ("Out-of-stock", "out_of_stock"),
        ("pre order", "preorder"),
        ("BACKORDER", "backorder"),
    ],
)
def test_availability_spellings(text: str, stored: str) -> None:
    with open_feed(io.BytesIO(f"id,availability\n1,{text}\n".encode())) as feed:
        (record,) = feed
    assert record.row is not None
    assert (record.row.availability, record.row.title) == (stored, ABSENT)


def test_the_additional_picture_at_fault_is_the_value_shown() -> None:
    (issue,) = issues_of(additional_image_link="https://s.example/1.jpg,https://s.example/2.pdf")
    assert (issue.column, issue.value) == ("additional_image_link", "https://s.example/2.pdf")


def test_at_most_ten_additional_pictures() -> None:
    links = ",".join(f"https://s.example/{number}.jpg" for number in range(11))
    (issue,) = issues_of(additional_image_link=links)
    assert issue.rule == "additional_image_link must have at most 10 pictures (this has 11)."


def test_an_address_may_hold_a_comma() -> None:
    with open_feed(io.BytesIO(b"id\tadditional_image_link\n1\thttps://s.example/w_1,h_2/a.jpg\n")) as feed:
        (record,) = feed
    assert record.row is not None
    assert record.row.additional_image_link == ("https://s.example/w_1,h_2/a.jpg",)
