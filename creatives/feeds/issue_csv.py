"""Row issues as CSV that a spreadsheet opens without running anything in it (OWASP, "CSV injection")."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Final

from .model import RowIssue

HEADER: Final = ("record", "line", "id", "column", "value", "severity", "rule", "fix")
FORMULA_STARTS: Final = frozenset("=+-@\t\r\n＝＋－＠")


def escape_formula(text: str) -> str:
    """``text`` with a leading apostrophe where a spreadsheet would take it for a formula."""
    start = text.lstrip(" ")[:1] or text[:1]
    return f"'{text}" if start in FORMULA_STARTS and start else text


def issues_as_csv(issues: Iterable[RowIssue]) -> Iterator[str]:
    """The lines of the CSV, header first, one string each: for a streaming response."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(HEADER)
    yield buffer.getvalue()
    for issue in issues:
        buffer.seek(0)
        buffer.truncate()
        cells = (issue.record_id, issue.column, issue.value, issue.severity.value, issue.rule, issue.fix)
        writer.writerow((issue.number or "", issue.line, *map(escape_formula, cells)))
        yield buffer.getvalue()
