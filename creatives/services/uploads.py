"""The stored files of imports: how they are to be read, and reading them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast

from creatives.feeds import (
    Feed,
    FeedArchive,
    FeedError,
    FeedOptions,
    MissingOptionError,
    Record,
    UnknownColumnsError,
    is_zip,
    open_feed,
)
from creatives.models import CatalogImport, FeedMapping, User
from creatives.pipeline.image_io import ImageError
from creatives.services.images import StoredImage, inspect_image, store_image


@dataclass(slots=True)
class Source:
    """An opened upload: the feed, and the ZIP around it if there is one."""

    feed: Feed
    archive: FeedArchive | None

    def read_pictures(
        self, records: Iterable[Record], keep: bool
    ) -> tuple[dict[str, StoredImage], dict[str, str]]:
        """The ZIP's pictures that ``records`` name, stored if ``keep``, and what is wrong with the others."""
        good: dict[str, StoredImage] = {}
        bad: dict[str, str] = {}
        for name in self._names(records):
            try:
                data = cast("FeedArchive", self.archive).read_image(name)
                good[name] = store_image(data) if keep else inspect_image(data)
            except (ImageError, FeedError) as error:
                bad[name] = str(error)
        return good, bad

    def _names(self, records: Iterable[Record]) -> set[str]:
        if self.archive is None:
            return set()
        rows = [record.row for record in records if record.row is not None]
        links = {row.image_link for row in rows if isinstance(row.image_link, str)}
        links |= {
            link
            for row in rows
            if isinstance(row.additional_image_link, tuple)
            for link in row.additional_image_link
        }
        return {link for link in links if link in self.archive}


@contextmanager
def opened(upload: CatalogImport, salt: bytes = b"") -> Iterator[Source]:
    """The stored upload, opened as it says. ``salt`` goes into the records' digests. Raises FeedError."""
    options = FeedOptions(
        format=upload.format,
        columns=upload.columns or None,
        currency=upload.currency,
        link_template=upload.link_template,
        salt=salt,
    )
    with ExitStack() as stack:
        stream = cast("BinaryIO", stack.enter_context(upload.file.open("rb")).file)
        archive: FeedArchive | None = None
        if is_zip(stream):
            archive = stack.enter_context(FeedArchive(stream))
            stream = cast("BinaryIO", stack.enter_context(archive.open_manifest()))
        yield Source(stack.enter_context(open_feed(stream, members=archive, options=options)), archive)


def settle(upload: CatalogImport) -> None:
    """Fill in, unsaved, what the merchant said of an earlier file with this header, if the file needs it.

    Raises FeedError; UnknownColumnsError and MissingOptionError when nothing was said yet.
    """
    try:
        with opened(upload) as source:
            upload.fingerprint = source.feed.fingerprint
    except (UnknownColumnsError, MissingOptionError) as error:
        upload.fingerprint = error.fingerprint
        known = FeedMapping.objects.filter(merchant=upload.merchant_id, fingerprint=error.fingerprint).first()
        if known is None:
            raise
        upload.columns = known.columns
        upload.format = upload.format or known.format
        upload.currency = upload.currency or known.currency
        upload.link_template = upload.link_template or known.link_template
        with opened(upload):
            pass


def remember(upload: CatalogImport, user: User | None) -> None:
    """Keep what was said of the upload for the next file of the merchant with the same header."""
    if upload.fingerprint and (upload.columns or upload.currency or upload.link_template):
        facts = {name: getattr(upload, name) for name in ("columns", "format", "currency", "link_template")}
        FeedMapping.objects.update_or_create(
            merchant_id=upload.merchant_id,
            fingerprint=upload.fingerprint,
            defaults=facts | {"updated_by": user},
        )


def unknown_columns(upload: CatalogImport) -> UnknownColumnsError | None:
    """The headers and first rows of a file whose columns nobody has named yet; None for any other."""
    try:
        with opened(upload):
            return None
    except UnknownColumnsError as error:
        return error
    except FeedError:
        return None


def problem_of(error: FeedError) -> tuple[str, str]:
    """(problem, fingerprint) of an import that stopped with ``error``; a problem is something a person can say."""
    if isinstance(error, UnknownColumnsError):
        return CatalogImport.Problem.COLUMNS, error.fingerprint
    if isinstance(error, MissingOptionError):
        return CatalogImport.Problem.PAGES, error.fingerprint
    return CatalogImport.Problem.NONE, ""
