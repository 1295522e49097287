"""Importing a feed into a real PostgreSQL: rows per second against plain csv + COPY, and how much memory it takes.

    python -m benchmarks imports --rows 50000 [--xml]

The floor of the same run reads the same file with the csv module and copies its cells, unchecked, into a table without
indexes: what the disk and the wire allow. Memory is the peak of a fresh process that runs the import, less that of one
that imports a tenth of the rows: what grows with the feed.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from benchmarks.__main__ import Result

ROWS = 20_000
HEADER = (
    "id", "title", "description", "link", "image_link", "additional_image_link", "availability", "price", "brand",
    "color", "google_product_category", "item_group_id",
)  # fmt: skip
CATEGORIES = ("Home", "Apparel & Accessories > Shoes", "Home > Kitchen", "Electronics > Audio")


def run() -> list[Result]:
    """Rows per second of a first import, one with all prices changed, and one without news; the floor; the memory."""
    options = _options()
    from benchmarks.decisions import _database

    with _database(), tempfile.TemporaryDirectory() as folder:
        suffix = "xml" if options.xml else "tsv"
        path = write_feed(Path(folder) / f"feed.{suffix}", options.rows, 0)
        changed = write_feed(Path(folder) / f"changed.{suffix}", options.rows, 1)
        plain = write_feed(Path(folder) / "plain.tsv", options.rows, 0)
        floor = _floor(plain, options.rows)
        first = _import(path, options.rows, "created")
        second = _import(changed, options.rows, "changed")
        third = _import(changed, options.rows, "unchanged")
        small = write_feed(Path(folder) / f"small.{suffix}", max(options.rows // 10, 1), 2)
        grown = _peak(path) - _peak(small)
    return [
        _result(f"csv + COPY, {options.rows} rows", floor, "rows/s"),
        _result(f"import, all new ({suffix})", first, "rows/s", "csv + COPY", floor),
        _result(f"import, all changed ({suffix})", second, "rows/s", "csv + COPY", floor),
        _result(f"import, nothing new ({suffix})", third, "rows/s", "csv + COPY", floor),
        _result(f"import, memory for {options.rows * 9 // 10} more rows ({suffix})", grown / 2**20, "MiB"),
    ]


def _options() -> argparse.Namespace:
    """``--rows`` and ``--xml`` of the command line; other words are the benchmarks' names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks imports")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--xml", action="store_true", help="RSS instead of tab-separated text")
    return parser.parse_known_args()[0]


def rows(count: int, edition: int) -> Iterator[list[str]]:
    """Rows of a feed; editions differ in their prices only."""
    for n in range(count):
        yield [
            f"SKU-{n}", f"Product number {n}",
            f"A sturdy thing of good make, number {n}, that serves for years in any room of the house.",
            f"https://shop.example/products/{n}?utm=feed", f"https://cdn.shop.example/images/{n}/main.jpg",
            f"https://cdn.shop.example/images/{n}/a.jpg,https://cdn.shop.example/images/{n}/b.jpg", "in_stock",
            f"{n % 500 + 1}.{edition:02d} EUR", f"Brand {n % 50}", f"colour {n % 20}", CATEGORIES[n % 4], f"G{n // 3}",
        ]  # fmt: skip


def write_feed(path: Path, count: int, edition: int) -> Path:
    """A feed of ``count`` rows, as RSS or tab-separated text by the file's name."""
    with path.open("w", encoding="utf-8", newline="") as out:
        if path.suffix == ".xml":
            out.write('<?xml version="1.0"?>\n<rss xmlns:g="http://base.google.com/ns/1.0"><channel>\n')
            for row in rows(count, edition):
                cells = "\n".join(
                    f"<g:{name}>{escape(cell)}</g:{name}>" for name, cell in zip(HEADER, row, strict=True)
                )
                out.write(f"<item>\n{cells}\n</item>\n")
            out.write("</channel></rss>\n")
        else:
            writer = csv.writer(out, delimiter="\t")
            writer.writerow(HEADER)
            writer.writerows(rows(count, edition))
    return path


def _floor(path: Path, count: int) -> float:
    """Rows per second of the csv module and COPY alone."""
    from django.db import connection, transaction

    begun = time.perf_counter()
    with transaction.atomic(), connection.cursor() as cursor, path.open(newline="") as text:
        cursor.execute(f"CREATE TABLE floor ({', '.join(f'c{n} text' for n in range(len(HEADER)))})")
        with cursor.copy("COPY floor FROM STDIN") as copy:
            for row in csv.reader(text, delimiter="\t"):
                copy.write_row(row)
    spent = time.perf_counter() - begun
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE floor")
    return count / spent


def _import(path: Path, count: int, outcome: str) -> float:
    """Rows per second of an import in this process, from the stored file to the last row; all must be ``outcome``."""
    from creatives.models import Merchant
    from creatives.services.catalog_import import run_import
    from creatives.services.categories import ensure_category
    from creatives.services.imports import start_import

    for category in CATEGORIES:
        ensure_category(category)
    merchant, _ = Merchant.objects.get_or_create(slug="bench", defaults={"name": "Bench"})
    with path.open("rb") as stream:
        upload = start_import(merchant, stream, path.name, queue=False)
    begun = time.perf_counter()
    done = run_import(upload.pk)
    spent = time.perf_counter() - begun
    if done is None or getattr(done, outcome) != count:
        raise RuntimeError(f"the import did not leave {count} products {outcome}: {done and done.error}")
    return count / spent


def _peak(path: Path) -> int:
    """Peak resident bytes of a process of its own that imports the file."""
    code = f"from benchmarks.imports import measure; measure({str(path)!r})"
    environment = os.environ | {"STUDIO_USE_TEST_DATABASE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return int(done.stdout.split()[-1])


def measure(path: str) -> None:
    """Import ``path`` and print this process's peak of resident memory in bytes."""
    import django

    django.setup()
    from creatives.models import Merchant
    from creatives.services.catalog_import import run_import
    from creatives.services.imports import start_import

    merchant, _ = Merchant.objects.get_or_create(slug="memory", defaults={"name": "Memory"})
    with open(path, "rb") as stream:
        run_import(start_import(merchant, stream, path, queue=False).pk)
    print(_high_water())


def _high_water() -> int:
    """This process's peak of resident memory in bytes. ru_maxrss will not do: it starts with the parent's."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("the kernel does not tell a process's peak of memory")


def _result(name: str, value: float, unit: str, versus: str = "", of: float = 0.0) -> Any:
    found = {"name": name, "value": round(value, 1), "unit": unit}
    return found | ({"versus": versus, "ratio": round(value / of, 3)} if versus else {})
