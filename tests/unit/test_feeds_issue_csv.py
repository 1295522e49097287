"""The issues of an import as CSV."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatives.feeds import RowIssue, Severity, issues_as_csv
from creatives.feeds.issue_csv import escape_formula


def test_a_line_per_issue() -> None:
    issue = RowIssue(7, "A1", "price", 'say "5"', "A rule, with a comma.", "Fix it.", Severity.WARNING, 6)
    assert "".join(issues_as_csv([issue])) == (
        "record,line,id,column,value,severity,rule,fix\r\n"
        '6,7,A1,price,"say ""5""",warning,"A rule, with a comma.",Fix it.\r\n'
    )


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1"])
def test_formulas_are_escaped(text: str) -> None:
    assert escape_formula(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "shoe", "a=b", "5 - 3"])
def test_other_text_is_left_alone(text: str) -> None:
    assert escape_formula(text) == text


@given(st.lists(st.text(max_size=20), min_size=4, max_size=4))
def test_no_cell_starts_a_formula_and_all_can_be_read_back(texts: list[str]) -> None:
    lines = "".join(issues_as_csv([RowIssue(1, texts[0], texts[1], texts[2], texts[3], "fix")]))
    _, cells = csv.reader(io.StringIO(lines, newline=""))
    assert not any(cell[:1] in set("=+-@\t\r\n") for cell in cells if cell)
    assert [cell.removeprefix("'") for cell in cells[2:5]] == [text.removeprefix("'") for text in texts[:3]]
