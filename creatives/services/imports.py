"""Feeds that come in: stored as they are, then imported by a worker; and what a person says of them."""

from __future__ import annotations

import gzip
import re
import tempfile
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Final, Protocol, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.utils import timezone

from creatives.feeds import FORMATS, FeedError
from creatives.feeds.columns import COLUMN_FIELDS
from creatives.feeds.prices import CURRENCIES
from creatives.models import CatalogImport, FeedSource, ImportMode, Merchant, User
from creatives.services.catalog import CatalogError
from creatives.services.uploads import problem_of, remember, settle
from creatives.services.wakeups import wake_import

CHUNK: Final = 1 << 20
GZIP_MARK: Final = b"\x1f\x8b"


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class ImportHow:
    """How a feed is taken: ``mode`` of ImportMode, and what the feed does not say of itself.

    ``format`` is one of feeds.FORMATS or "" (find out), ``link_template`` the address of a product's page with ``{id}``
    in it, or of the shop; ``columns`` maps normalised headers to fields. A snapshot retires nothing when it leaves out
    more than ``retire_limit`` per cent of the catalogue.
    """

    mode: str = ImportMode.UPSERT.value
    dry_run: bool = False
    strict: bool = False
    format: str = ""
    currency: str = ""
    link_template: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    retire_limit: int | None = None

    def checked(self) -> dict[str, Any]:
        """The fields of CatalogImport. Raises CatalogError."""
        if self.mode not in ImportMode.values:
            raise CatalogError(f"mode is {', '.join(ImportMode.values)}; not {self.mode!r}.")
        if self.format and self.format not in FORMATS:
            raise CatalogError(f"format is {', '.join(FORMATS)}; not {self.format!r}.")
        currency = self.currency.strip().upper()
        if currency and currency not in CURRENCIES:
            raise CatalogError(f"{self.currency!r} is not an ISO 4217 currency code.")
        if unknown := sorted(set(self.columns.values()) - {*COLUMN_FIELDS, ""}):
            raise CatalogError(f"columns cannot be {', '.join(unknown)}.")
        return {
            "mode": self.mode, "dry_run": self.dry_run, "strict": self.strict, "format": self.format,
            "currency": currency, "link_template": page_template(self.link_template),
            "columns": dict(self.columns), "retire_limit": self.retire_limit,
        }  # fmt: skip


def page_template(text: str) -> str:
    """The address of a product's page with ``{id}`` in it; a shop's address gets Shopify's ``/products/{id}``.

    Raises CatalogError.
    """
    text = text.strip()
    if not text:
        return ""
    if "{id}" not in text:
        text = text.rstrip("/") + "/products/{id}"
    parts = urlsplit(text.replace("{id}", "x"))
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or re.search(r"\s", text)
        or len(text) > 500
    ):
        raise CatalogError(
            "The products' pages are a web address such as https://shop.example/products/{id}."
        )
    return text


def start_import(
    merchant: Merchant,
    source: Readable,
    filename: str,
    how: ImportHow | None = None,
    *,
    user: User | None = None,
    feed_source: FeedSource | None = None,
    queue: bool = True,
) -> CatalogImport:
    """Store a feed and, with ``queue``, have a worker import it; without, the caller runs ``run_import``.

    A feed packed with gzip is unpacked. Raises CatalogError for options that make no sense, an empty upload, and one
    over ``CATALOG_MAX_UPLOAD_BYTES``.
    """
    facts = (how or ImportHow()).checked()
    name = plain_name(filename)
    with tempfile.TemporaryFile() as spool:
        if _copy_capped(source, spool) and name.lower().endswith(".gz"):
            name = name[:-3]
        spool.seek(0)
        upload = CatalogImport(
            merchant=merchant, created_by=user, source=feed_source, filename=name[-255:], **facts
        )
        upload.file.save(f"imports/{uuid.uuid4().hex}/{name[-80:]}", File(spool), save=False)
    with transaction.atomic():
        upload.save()
        if queue:
            wake_import(upload.pk)
    return upload


def look_ahead(upload: CatalogImport) -> bool:
    """Whether a person has to say something of a new upload before it can be read; notes what it is.

    A file that is no feed at all is left for the worker to report on.
    """
    try:
        settle(upload)
    except FeedError as error:
        problem, fingerprint = problem_of(error)
        if not problem:
            return False
        with transaction.atomic():
            row = CatalogImport.objects.select_for_update(of=("self",)).get(pk=upload.pk)
            if row.status == CatalogImport.Status.QUEUED:
                row.status, row.error = CatalogImport.Status.FAILED, str(error)
                row.problem, row.fingerprint = problem, fingerprint
                row.save(update_fields=["status", "error", "problem", "fingerprint"])
        return True
    return False


def explain(
    upload: CatalogImport, columns: Mapping[str, str], currency: str, link_template: str, user: User
) -> CatalogImport:
    """Say of an import that stopped for it what its columns, pages and currency are, and have it run.

    What was said is remembered for the merchant's next file with the same header. Raises CatalogError when there is
    nothing to say any more, and when what is said does not suffice.
    """
    facts = ImportHow(columns=columns, currency=currency, link_template=link_template).checked()
    with transaction.atomic():
        row: CatalogImport = CatalogImport.objects.select_for_update(of=("self",)).get(pk=upload.pk)
        if not row.problem:
            raise CatalogError("This import is under way already.")
        for name in ("columns", "currency", "link_template"):
            setattr(row, name, facts[name])
        try:
            settle(row)
        except FeedError as error:
            raise CatalogError(str(error)) from error
        remember(row, user)
        row.status, row.error, row.problem = CatalogImport.Status.QUEUED, "", CatalogImport.Problem.NONE
        row.started_at = row.finished_at = row.rows_total = None
        row.queued_at = timezone.now()
        row.save()
        wake_import(row.pk)
    return row


def apply_dry_run(upload: CatalogImport, user: User) -> CatalogImport:
    """Import for real the file of a dry run. Raises CatalogError for an import that was none, or that failed."""
    if not upload.dry_run or upload.status != CatalogImport.Status.DONE:
        raise CatalogError("Only a dry run that is done can be imported for real.")
    names = (
        "filename",
        "mode",
        "strict",
        "format",
        "currency",
        "link_template",
        "columns",
        "fingerprint",
        "source",
    )
    with transaction.atomic():
        started = CatalogImport.objects.create(
            merchant_id=upload.merchant_id, created_by=user, file=upload.file.name,
            **{name: getattr(upload, name) for name in names},
        )  # fmt: skip
        wake_import(started.pk)
    return started


def plain_name(filename: str) -> str:
    """The last part of a file's name, without anything that a storage might stumble over."""
    base = re.split(r"[/\\]", filename)[-1]
    return re.sub(r"[^\w.-]+", "_", base).strip("._") or "feed"


class _Joined:
    """A head that was read already, and what follows it."""

    def __init__(self, head: bytes, rest: Readable) -> None:
        self._head, self._rest = head, rest

    def read(self, size: int = CHUNK, /) -> bytes:
        if self._head:
            head, self._head = self._head[:size], self._head[size:]
            return head
        return self._rest.read(size)


def _copy_capped(source: Readable, target: IO[bytes]) -> bool:
    """Copy a feed, unpacked where it is packed; whether it was."""
    limit = settings.CATALOG_MAX_UPLOAD_BYTES
    head = source.read(CHUNK)
    joined = _Joined(head, source)
    is_packed = head.startswith(GZIP_MARK)
    stream: Readable = gzip.GzipFile(fileobj=cast("Any", joined)) if is_packed else joined
    total = 0
    try:
        while chunk := stream.read(CHUNK):
            total += len(chunk)
            if total > limit:
                raise CatalogError(f"The upload has more than {limit >> 20} MB; split it.")
            target.write(chunk)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CatalogError("The gzip file is damaged or not complete; create and send it again.") from error
    if not total:
        raise CatalogError("The upload is empty.")
    return is_packed
