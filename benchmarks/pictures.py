"""Fetching a catalogue's pictures by address from a real server on the loopback: pictures per second, and memory.

    python -m benchmarks pictures --count 50000

The server is a process of its own and makes a small PNG for every address, each with other pixels. It has two names, so
that the limits by host are at work as they are in the world. A process that fetches is killed half-way, and another one
goes on: what the server was asked for twice is what the kill cost.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from benchmarks.__main__ import Result

COUNT = 2_000
HOSTS = ("127.0.0.1", "localhost")

_SERVER = """
import io, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import struct, zlib

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

def png(number):
    row = b"\\0" + number.to_bytes(4, "big") * 48
    rows = zlib.compress(row[:1 + 64 * 3] * 64, 1)
    header = struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0)
    return b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")

asked = []

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or every answer waits 40 ms for an acknowledgement
    def do_GET(self):
        if self.path == "/asked":
            body = str(len(asked)).encode()
        else:
            asked.append(1)
            body = png(int(self.path.rpartition("/")[2].partition(".")[0]))
        self.send_response(200)
        self.send_header("Content-Type", "image/png")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
"""


def run() -> list[Result]:
    """Pictures per second with one host and with several, the pace after a kill, and what memory grows by."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks pictures")
    parser.add_argument("--count", type=int, default=COUNT)
    count = parser.parse_known_args()[0].count
    from benchmarks.decisions import _database

    with _database(), _server() as port:
        _pictures("small", port, count // 10, HOSTS)
        _pictures("large", port, count, HOSTS)
        _pictures("single", port, count // 10, HOSTS[:1])
        small, large, single = (_fetch_in_a_process(slug) for slug in ("small", "large", "single"))
        twice = _killed_and_resumed(port, count // 5)
    grown = (large.peak - small.peak) / 2**20
    return [
        _result(f"pictures fetched, {len(HOSTS)} hosts, {count}", large.pace, "pictures/s"),
        _result("pictures fetched, one host", single.pace, "pictures/s"),
        _result("peak memory of the process", large.peak / 2**20, "MiB"),
        _result(f"memory for {count - count // 10} more pictures", grown, "MiB"),
        _result("asked for twice after a kill", twice, "pictures"),
    ]


class Measured(NamedTuple):
    """Pictures per second, and a process's peak of memory in bytes."""

    pace: float
    peak: float


@contextmanager
def _server() -> Iterator[int]:
    server = subprocess.Popen(
        [sys.executable, "-c", _SERVER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert server.stdout is not None
        yield int(server.stdout.readline())
    finally:
        server.kill()
        server.wait()


def _pictures(slug: str, port: int, count: int, hosts: Sequence[str]) -> None:
    """A merchant with ``count`` products, each with one picture to fetch."""
    from creatives.models import Merchant, Product, ProductImage

    merchant = Merchant.objects.create(slug=slug, name=slug)
    products = Product.objects.bulk_create(
        (
            Product(merchant=merchant, external_id=f"P{n}", title=f"Product {n}", link="https://s.example/p")
            for n in range(count)
        ),
        batch_size=5_000,
    )
    ProductImage.objects.bulk_create(
        (
            ProductImage(
                merchant=merchant,
                product=product,
                source_url=f"http://{hosts[n % len(hosts)]}:{port}/{merchant.pk * 10_000_000 + n}.png",
            )
            for n, product in enumerate(products)
        ),
        batch_size=5_000,
    )


def _fetch_in_a_process(slug: str) -> Measured:
    """What a process of its own does that fetches all of a merchant's pictures."""
    done = subprocess.run(_command(slug), env=_environment(), capture_output=True, text=True, check=True)
    return Measured(*map(float, done.stdout.split()[-2:]))


def _command(slug: str) -> list[str]:
    return [sys.executable, "-c", f"from benchmarks.pictures import fetch_all; fetch_all({slug!r})"]


def _environment() -> dict[str, str]:
    return os.environ | {"STUDIO_USE_TEST_DATABASE": "1"}


def fetch_all(slug: str) -> None:
    """Fetch in rounds, as the job does; prints pictures per second and this process's peak of memory in bytes."""
    import django

    django.setup()
    from benchmarks.imports import _high_water
    from creatives.models import ProductImage
    from creatives.services.image_fetch import fetch_pending

    rows = ProductImage.objects.filter(merchant__slug=slug)
    merchant_id = rows.values_list("merchant", flat=True)[0]
    before, begun = rows.filter(status="ready").count(), time.perf_counter()
    while not fetch_pending(merchant_id):
        pass
    spent = time.perf_counter() - begun
    count = rows.filter(status="ready").count() - before
    if rows.exclude(status="ready").exists():
        raise RuntimeError(f"not all pictures came: {rows.exclude(status='ready').first().error}")  # type: ignore[union-attr]
    print(count / spent, _high_water())


def _killed_and_resumed(port: int, count: int) -> int:
    """How many pictures are asked for twice when the process that fetches is killed half-way."""
    from creatives.models import ProductImage

    _pictures("killed", port, count, HOSTS)
    ready = ProductImage.objects.filter(merchant__slug="killed", status=ProductImage.Status.READY)
    before = _asked(port)
    first = subprocess.Popen(_command("killed"), env=_environment(), stdout=subprocess.DEVNULL)
    while ready.count() < count // 2:
        if first.poll() is not None:
            raise RuntimeError("the first process ended before it could be killed")
        time.sleep(0.02)
    first.kill()
    first.wait()
    _fetch_in_a_process("killed")
    return _asked(port) - before - count


def _asked(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/asked") as answer:
        return int(answer.read())


def _result(name: str, value: float, unit: str) -> Any:
    return {"name": name, "value": round(value, 1), "unit": unit}
