"""The HTTP API of the catalogue: sending a feed, and watching its import."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import get_object_or_404
from django.urls import reverse
from ninja import Query, Router, Schema, Status
from ninja.errors import HttpError
from pydantic import Field

from creatives.api_auth import merchant_or_404
from creatives.models import ApiKey, CatalogImport
from creatives.services.catalog import CatalogError
from creatives.services.imports import ImportHow, Readable, start_import

router = Router(tags=["catalogue"])

BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "string", "format": "binary", "description": "TSV, CSV, XML or ZIP"},
                    "mode": {"type": "string", "enum": ["upsert", "snapshot", "auto"]},
                    "dry_run": {"type": "boolean"},
                    "strict": {"type": "boolean"},
                    "format": {"type": "string", "enum": ["", "google", "meta", "shopify"]},
                    "currency": {"type": "string"},
                    "pages": {"type": "string"},
                },
            }
        },
        **{
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in (
                "text/tab-separated-values",
                "text/csv",
                "application/xml",
                "application/zip",
                "application/octet-stream",
            )
        },
    },
}


class ImportOptions(Schema):
    """How a feed is taken. In a multipart body the fields may be form fields instead."""

    mode: Literal["upsert", "snapshot", "auto"] = Field(
        "upsert",
        description="snapshot retires what the feed leaves out; auto is snapshot for Google and Meta feeds",
    )
    dry_run: bool = Field(False, description="report and change nothing")
    strict: bool = Field(False, description="import nothing if any row is refused")
    format: Literal["", "google", "meta", "shopify"] = Field("", description="blank: found by the header")
    currency: str = Field("", max_length=3, description="of prices that name none (ISO 4217)")
    pages: str = Field(
        "",
        max_length=500,
        description="of the products, where the feed has no links: https://shop.example/p/{id}",
    )
    filename: str = Field("", max_length=255, description="for the record; a raw body has no name of its own")


class IssueOut(Schema):
    """What is wrong with one value. ``record`` counts the file's products from 1; 0 is about the file."""

    record: int
    line: int
    id: str
    column: str
    value: str
    severity: Literal["error", "warning"]
    rule: str
    fix: str


class ImportCounts(Schema):
    """What became of the rows; of a dry run, what would. ``held_back`` would have retired beyond the source's limit."""

    created: int
    changed: int
    unchanged: int
    retired: int
    refused: int
    held_back: int


class ImportOut(Schema):
    """An import, its progress, and a page of its issues (errors first)."""

    id: int
    url: str
    merchant: str
    filename: str
    mode: Literal["upsert", "snapshot", "auto"]
    dry_run: bool
    strict: bool
    read_as: str = Field(description="the format found, with its details")
    status: Literal["queued", "running", "done", "failed"]
    error: str
    problem: Literal["", "columns", "pages"] = Field(
        description="what a person has to say of such a file, once, on its page in the catalogue"
    )
    rows_done: int
    rows_total: int | None
    counts: ImportCounts
    issues: list[IssueOut]
    issues_total: int
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class IssuePage(Schema):
    """Which of the issues an answer carries."""

    limit: int = Field(100, ge=0, le=1000)
    offset: int = Field(0, ge=0)


@router.post("/catalogs/{merchant}", response={202: ImportOut}, openapi_extra={"requestBody": BODY})
def post_catalog(
    request: HttpRequest, merchant: str, response: HttpResponse, options: Query[ImportOptions]
) -> Status[ImportOut]:
    """Send a feed. It is stored and imported by a worker; the answer says where to watch."""
    owner = merchant_or_404(_merchant_key(request), merchant)
    source, name, chosen = _source(request, options)
    try:
        upload = start_import(owner, source, name or "feed", _how(chosen))
    except CatalogError as error:
        raise HttpError(413 if "more than" in str(error) else 422, str(error)) from error
    answer = _import_out(request, upload, IssuePage(limit=0, offset=0))
    response["Location"] = answer.url
    return Status(202, answer)


@router.get("/imports/{import_id}", response=ImportOut, url_name="import")
def get_import(request: HttpRequest, import_id: int, page: Query[IssuePage]) -> ImportOut:
    """Progress, counts and row errors of an import."""
    mine: QuerySet[CatalogImport] = CatalogImport.objects.filter(merchant=_merchant_key(request).merchant)
    return _import_out(request, get_object_or_404(mine.select_related("merchant"), pk=import_id), page)


def _how(chosen: ImportOptions) -> ImportHow:
    names = ("mode", "dry_run", "strict", "format", "currency")
    return ImportHow(link_template=chosen.pages, **{name: getattr(chosen, name) for name in names})


def _merchant_key(request: HttpRequest) -> ApiKey:
    """The key, if it is a merchant's: catalogues are no business of a recommender, so for it there are none."""
    key: ApiKey = request.auth  # type: ignore[attr-defined]
    if key.merchant is None:
        raise HttpError(404, "catalogues are reached with a merchant's key")
    return key


def _source(request: HttpRequest, options: ImportOptions) -> tuple[Readable, str, ImportOptions]:
    """The bytes of the feed, its name, and the options; a multipart body may carry them as fields."""
    if request.content_type != "multipart/form-data":
        return request, options.filename, options
    try:
        file, fields = request.FILES.get("file"), request.POST.dict()
    except MultiPartParserError as error:
        raise HttpError(400, f"The multipart body cannot be read: {error}") from error
    if file is None:
        raise HttpError(422, "file: a multipart body carries the feed as the field 'file'.")
    given = {name: value for name, value in fields.items() if name in ImportOptions.model_fields}
    try:
        chosen = ImportOptions.model_validate(options.model_dump() | given)
    except ValueError as error:
        raise HttpError(422, _first_problem(error)) from error
    return file, chosen.filename or file.name or "", chosen


def _first_problem(error: Any) -> str:
    first = error.errors()[0]
    return f"{first['loc'][0]}: {first['msg']}"


def _import_out(request: HttpRequest, upload: CatalogImport, page: IssuePage) -> ImportOut:
    issues = upload.issues.order_by("severity", "line", "pk")
    return ImportOut(
        url=request.build_absolute_uri(reverse("api:import", args=[upload.pk])),
        merchant=upload.merchant.slug,
        counts=ImportCounts.model_validate(upload, from_attributes=True),
        issues=[
            IssueOut.model_validate(
                {"id": issue.record, "record": issue.number}
                | {name: getattr(issue, name) for name in IssueOut.model_fields if name not in ("id", "record")}
            )
            for issue in issues[page.offset : page.offset + page.limit]
        ],
        issues_total=issues.count(),
        **{name: getattr(upload, name) for name in PLAIN},
    )  # fmt: skip


PLAIN = (
    "id", "filename", "mode", "dry_run", "strict", "read_as", "status", "error", "problem", "rows_done", "rows_total",
    "queued_at", "started_at", "finished_at",
)  # fmt: skip
