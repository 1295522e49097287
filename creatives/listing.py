"""Lists of rows: search, filters and sort that live in the address, pages, and all of it as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from django import forms
from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, StreamingHttpResponse

from creatives.feeds.issue_csv import escape_formula
from creatives.models import Merchant

PAGE: Final = 50
LONGEST_WORD: Final = 100
MOST_WORDS: Final = 8


@dataclass(frozen=True, slots=True)
class Choice:
    """A filter: options as (value, label), and what a chosen value leaves of the rows."""

    name: str
    label: str
    options: Sequence[tuple[str, str]]
    narrow: Callable[[QuerySet[Any], str], QuerySet[Any]]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the export: its heading, and the cell of a row."""

    name: str
    cell: Callable[[Any], object]


@dataclass(frozen=True)
class ListSpec:
    """What can be done with a list.

    ``search`` are look-ups that every word must be found in one of; ``sorts`` are orders by name, the first one the usual
    one, each a field or fields ("-at"); ``columns`` are those of the export.
    """

    search: Sequence[str]
    sorts: Mapping[str, tuple[str, Sequence[str]]]
    columns: Sequence[Column]
    choices: Sequence[Choice] = ()
    placeholder: str = ""
    page_size: int = PAGE


@dataclass
class Listing:
    """A list as the address asks for it: ``rows`` narrowed and in order, one ``page`` of them, and the ``form`` for that."""

    spec: ListSpec
    rows: QuerySet[Any]
    form: forms.Form
    sort: str
    page: Page
    is_narrowed: bool

    def csv(self, name: str) -> StreamingHttpResponse:
        """All rows, not only the page, as ``name``.csv; formulas are escaped."""
        columns = self.spec.columns
        lines = ([column.cell(row) for column in columns] for row in self.rows.iterator(chunk_size=1000))
        return csv_response(name, [column.name for column in columns], lines)


def of_merchant() -> Choice:
    """The filter of rows by their merchant, for lists over all of them (1 query)."""
    merchants = [(row.slug, row.name) for row in Merchant.objects.order_by("name")]
    return Choice("of", "Merchant", merchants, lambda rows, value: rows.filter(merchant__slug=value))


def of_status(choices: Sequence[tuple[str, str]]) -> Choice:
    """The filter of rows by their status."""
    return Choice("status", "Status", choices, lambda rows, value: rows.filter(status=value))


def listing(
    request: HttpRequest, rows: QuerySet[Any], spec: ListSpec, keep: Sequence[str] = ("merchant",)
) -> Listing:
    """The list that ``request`` asks for. Unknown values of filters and sorts count as not given.

    ``keep`` are names of the address that the filters' form hands on.
    """
    given = request.GET
    query = given.get("q", "").replace("\x00", "").strip()
    rows = searched(rows, query, spec.search)
    chosen = {}
    for choice in spec.choices:
        value = given.get(choice.name, "")
        if value in {option for option, _ in choice.options} and value:
            rows, chosen[choice.name] = choice.narrow(rows, value), value
    names = list(spec.sorts)
    sort = given.get("sort", "") if given.get("sort", "") in names else names[0]
    rows = rows.order_by(*spec.sorts[sort][1])
    kept = {name: given[name] for name in keep if given.get(name)}
    return Listing(
        spec=spec,
        rows=rows,
        form=_form(spec, {"q": query, "sort": sort} | chosen | kept, kept),
        sort=sort,
        page=Paginator(rows, spec.page_size).get_page(given.get("page")),
        is_narrowed=bool(query or chosen),
    )


def wants_csv(request: HttpRequest) -> bool:
    """Whether the list is asked for as a file."""
    return request.GET.get("export") == "csv"


def searched(rows: QuerySet[Any], query: str, fields: Sequence[str]) -> QuerySet[Any]:
    """Rows in which every word of ``query`` is part of one of ``fields``."""
    for word in query.replace("\x00", "").split()[:MOST_WORDS]:
        found = Q()
        for name in fields:
            found |= Q(**{f"{name}__icontains": word[:LONGEST_WORD]})
        rows = rows.filter(found)
    return rows.distinct() if query and any("__" in name for name in fields) else rows


def csv_response(name: str, header: Sequence[str], rows: Iterable[Iterable[object]]) -> StreamingHttpResponse:
    """Rows as a CSV file, sent as they are read."""
    response = StreamingHttpResponse(_lines(header, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _lines(header: Sequence[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(header)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return value if isinstance(value, int | float) else escape_formula(str(value))


def _form(spec: ListSpec, data: dict[str, str], kept: Mapping[str, str]) -> forms.Form:
    fields: dict[str, forms.Field] = {}
    if spec.search:
        fields["q"] = forms.CharField(
            label="Search", required=False, widget=forms.SearchInput(attrs={"placeholder": spec.placeholder})
        )
    for choice in spec.choices:
        options = [("", "All"), *choice.options]
        fields[choice.name] = forms.ChoiceField(label=choice.label, required=False, choices=options)
    if len(spec.sorts) > 1:
        orders = [(name, label) for name, (label, _) in spec.sorts.items()]
        fields["sort"] = forms.ChoiceField(label="Sort", required=False, choices=orders)
    for name in kept:
        fields[name] = forms.CharField(required=False, widget=forms.HiddenInput)
    made = forms.Form(data, initial={"sort": next(iter(spec.sorts)), **kept})
    made.fields.update(fields)
    made.kept = urlencode(kept)  # type: ignore[attr-defined]  # for the link that clears the rest
    return made
