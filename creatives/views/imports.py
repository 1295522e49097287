"""Uploading feeds and watching their imports."""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from creatives.feeds import RowIssue, Severity, issues_as_csv
from creatives.forms.feeds import ColumnsForm, FeedForm
from creatives.listing import Choice, Column, ListSpec, listing, of_status, wants_csv
from creatives.models import CatalogImport, ImportIssue, Merchant
from creatives.models.base import ANY_ROLE, EDITORS
from creatives.permissions import current_merchant, get_for_member, member_required, signed_in
from creatives.selectors.catalog import counts_of, import_progress
from creatives.services.catalog import CatalogError
from creatives.services.imports import ImportHow, apply_dry_run, explain, look_ahead, start_import
from creatives.services.uploads import unknown_columns

IMPORTS = ListSpec(
    search=("filename", "source__name", "created_by__email", "created_by__name"),
    placeholder="File, feed or person",
    sorts={
        "latest": ("Latest first", ["-pk"]),
        "oldest": ("Oldest first", ["pk"]),
        "file": ("File", ["filename", "-pk"]),
        "refused": ("Most refused", ["-refused", "-pk"]),
    },
    choices=[
        of_status(CatalogImport.Status.choices),
        Choice(
            "kind",
            "Kind",
            [("real", "Imports"), ("dry", "Dry runs")],
            lambda rows, value: rows.filter(dry_run=value == "dry"),
        ),
    ],
    columns=[
        Column("file", lambda row: row.filename),
        Column("came_in", lambda row: row.queued_at),
        Column("by", lambda row: row.created_by.email if row.created_by else row.source or ""),
        Column("dry_run", lambda row: "yes" if row.dry_run else "no"),
        Column("status", lambda row: row.status),
        *[
            Column(name, attrgetter(field))
            for name, field in (
                ("rows", "rows_done"), ("new", "created"), ("changed", "changed"), ("unchanged", "unchanged"),
                ("retired", "retired"), ("refused", "refused"), ("error", "error"),
            )
        ],
    ],
)  # fmt: skip
ISSUES = ListSpec(
    search=("record", "column", "value", "rule", "fix"),
    placeholder="Id, column or problem",
    sorts={
        "weight": ("Errors first", ["severity", "line", "pk"]),
        "line": ("Line", ["line", "pk"]),
        "column": ("Column", ["column", "line", "pk"]),
        "record": ("Id", ["record", "line", "pk"]),
    },
    choices=[
        Choice(
            "weight",
            "Weight",
            [("error", "Errors"), ("warning", "Warnings")],
            lambda rows, value: rows.filter(severity=value),
        )
    ],
    columns=[],
)
HOW = ("mode", "dry_run", "strict", "format", "currency", "link_template")


@member_required(EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    """The upload form, and an upload."""
    merchant = current_merchant(request, EDITORS)
    if merchant is None:
        raise Http404("no merchant")
    form = FeedForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        options = {name: data[name] for name in HOW}
        try:
            started = start_import(
                merchant, data["file"], data["file"].name, ImportHow(**options), user=signed_in(request)
            )
        except CatalogError as error:
            form.add_error("file", str(error))
        else:
            return redirect("import-columns" if look_ahead(started) else "import", started.pk)
    status = 422 if form.is_bound else 200
    merchants = Merchant.objects.for_member(signed_in(request), EDITORS).order_by("name")
    context = {"form": form, "merchant": merchant, "merchants": merchants}
    return render(request, "catalog/upload.html", context, status=status)


@member_required(ANY_ROLE)
@require_safe
def imports(request: HttpRequest) -> HttpResponseBase:
    """The merchant's imports, newest first."""
    merchant = current_merchant(request)
    rows = CatalogImport.objects.filter(merchant=merchant).select_related("created_by", "source")
    found = listing(request, rows, IMPORTS)
    if wants_csv(request):
        return found.csv("imports")
    merchants = Merchant.objects.for_member(signed_in(request)).order_by("name")
    context = {"merchant": merchant, "merchants": merchants, "list": found}
    return render(request, "catalog/imports.html", context)


@member_required(ANY_ROLE)
@require_safe
def one_import(request: HttpRequest, import_id: int) -> HttpResponse:
    """An import's progress, counts and issues; htmx asks for the part that changes."""
    found = get_for_member(CatalogImport, signed_in(request), pk=import_id)
    may_edit = CatalogImport.objects.for_member(signed_in(request), EDITORS).filter(pk=found.pk).exists()
    issues = listing(request, found.issues.all(), ISSUES)
    context = {
        "upload": found,
        "may_edit": may_edit,
        "progress": import_progress(found),
        "counts": counts_of(found),
        "list": issues,
        "has_issues": issues.is_narrowed or issues.page.paginator.count,
    }
    template = (
        "catalog/_import.html" if request.headers.get("HX-Target") == "import" else "catalog/import.html"
    )
    return render(request, template, context)


@member_required(EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def columns(request: HttpRequest, import_id: int) -> HttpResponse:
    """Say what a file does not: what its columns mean, its currency, where the products' pages are."""
    found = get_for_member(CatalogImport, signed_in(request), EDITORS, pk=import_id)
    if not found.problem:
        return redirect("import", import_id)
    unknown = unknown_columns(found)
    names = unknown.names if unknown else []
    needs_pages = found.problem == CatalogImport.Problem.PAGES
    initial = {"currency": found.currency, "link_template": found.link_template}
    form = ColumnsForm(names, request.POST or None, needs_pages=needs_pages, initial=initial)
    if request.method == "POST" and form.is_valid():
        facts = form.cleaned_data
        try:
            explain(found, form.columns, facts["currency"], facts["link_template"], signed_in(request))
        except CatalogError as error:
            form.add_error(None, str(error))
        else:
            return redirect("import", import_id)
    samples = unknown.samples if unknown else []
    rows = [
        (field, [sample[number] for sample in samples if number < len(sample)])
        for number, field in enumerate(form.column_fields())
    ]
    context = {"upload": found, "form": form, "rows": rows}
    return render(request, "catalog/columns.html", context, status=422 if form.errors else 200)


@member_required(EDITORS)
@require_POST
def apply(request: HttpRequest, import_id: int) -> HttpResponse:
    """Import for real what a dry run has looked at."""
    found = get_for_member(CatalogImport, signed_in(request), EDITORS, pk=import_id)
    try:
        started = apply_dry_run(found, signed_in(request))
    except CatalogError as error:
        messages.error(request, str(error))
        return redirect("import", import_id)
    return redirect("import", started.pk)


@member_required(ANY_ROLE)
@require_safe
def issues_csv(request: HttpRequest, import_id: int) -> StreamingHttpResponse:
    """The issues of an import as CSV, narrowed and sorted as on its page; formulae are escaped."""
    found = get_for_member(CatalogImport, signed_in(request), pk=import_id)
    rows = listing(request, found.issues.all(), ISSUES).rows
    response = StreamingHttpResponse(issues_as_csv(_issues(rows)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="import-{found.pk}-issues.csv"'
    return response


def _issues(rows: QuerySet[ImportIssue]) -> Iterator[RowIssue]:
    for row in rows.iterator():
        severity = Severity(row.severity)
        yield RowIssue(row.line, row.record, row.column, row.value, row.rule, row.fix, severity, row.number)
