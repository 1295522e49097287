"""A set of approved creatives as a ZIP: one file per exact size, and a table of what they are."""

from __future__ import annotations

import csv
import io
import re
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from typing import IO, Final, cast

from django.core.files.storage import default_storage

from creatives.feeds.issue_csv import escape_formula
from creatives.models import Product, Rendition

MAX_FILES: Final = 1_000
MAX_BYTES: Final = 500 << 20
SPOOL_BYTES: Final = 8 << 20
HEADER: Final = ("file", "item", "prompt", "version", "width", "height", "creative")


class SetTooLargeError(ValueError):
    """More than one archive should hold; the message names count and limit."""


def creatives_zip(products: Sequence[Product], files: Sequence[Rendition]) -> IO[bytes]:
    """A ZIP of ``files``, in a temporary file at its start, with ``creatives.csv``.

    Files that are gone from the storage are left out. Raises SetTooLargeError.
    """
    if len(files) > MAX_FILES:
        raise SetTooLargeError(
            f"{len(files):,} pictures are too many for one ZIP; the limit is {MAX_FILES:,}."
        )
    names = {image.sha256: product.external_id for product in products for image in product.images.all()}
    spool = cast("IO[bytes]", tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES))  # noqa: SIM115 - the caller's to close
    rows = []
    with zipfile.ZipFile(spool, "w", zipfile.ZIP_STORED) as archive:
        total = 0
        for file in files:
            row = _row(file, names)
            try:
                with default_storage.open(str(file.file.name), "rb") as stored:
                    data = stored.read()
            except FileNotFoundError:
                continue
            total += len(data)
            if total > MAX_BYTES:
                raise SetTooLargeError(f"The pictures have more than {MAX_BYTES >> 20} MB; choose fewer.")
            archive.writestr(row[0], data)
            rows.append(row)
        archive.writestr("creatives.csv", _table(rows))
    spool.seek(0)
    return spool


def _row(file: Rendition, names: dict[str, str]) -> tuple[str, ...]:
    creative = file.creative
    assert creative is not None
    version = creative.request.prompt_version
    item = names.get(creative.request.image_sha256, "")
    extension = str(file.file.name).rpartition(".")[2] or "png"
    stem = f"{_plain(version.prompt.name)}-v{version.version}-{creative.pk}"
    path = f"{_plain(item)}/{file.width}x{file.height}/{stem}.{extension}"
    sizes = (str(file.width), str(file.height), str(creative.pk))
    return (path, item, version.prompt.name, str(version.version), *sizes)


def _plain(text: str) -> str:
    """A name that every file system takes, and that leads nowhere."""
    return re.sub(r"[^\w-]+", "-", text).strip("-")[:60] or "item"


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(HEADER)
    writer.writerows([escape_formula(cell) for cell in row] for row in rows)
    return out.getvalue()
