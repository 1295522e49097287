"""Fetching addresses from feeds: what is answered, what is cut off, what is never reached."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from creatives.net import FetchError, FetchLimits, fetch, retry_after


class _Host(BaseHTTPRequestHandler):
    seen: list[str] = []

    def do_GET(self) -> None:
        self.seen.append(self.path)
        getattr(self, f"_{self.path.strip('/').split('/')[0]}")()

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _ok(self) -> None:
        self._answer(200, b"picture")

    def _big(self) -> None:
        self._answer(200, b"x" * 5000)

    def _endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        for _ in range(1000):
            try:
                self.wfile.write(b"x" * 1000)
            except OSError:
                return

    def _drip(self) -> None:
        self.send_response(200)
        self.end_headers()
        for _ in range(100):
            try:
                self.wfile.write(b"x")
                self.wfile.flush()
            except OSError:
                return
            time.sleep(0.02)

    def _cut(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"half")

    def _missing(self) -> None:
        self._answer(404)

    def _busy(self) -> None:
        self._answer(503)

    def _hop(self) -> None:
        self._answer(302, Location="/ok")

    def _loop(self) -> None:
        self._answer(302, Location="/loop")

    def _file(self) -> None:
        self._answer(302, Location="file:///etc/passwd")

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def host() -> Iterator[str]:
    _Host.seen.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Host)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def refusal(url: str, **limits: Any) -> FetchError:
    with pytest.raises(FetchError) as caught:
        fetch(url, FetchLimits(**limits))
    return caught.value


def test_the_body(host: str) -> None:
    assert fetch(f"{host}/ok") == b"picture"
    assert fetch(f"{host}/hop") == b"picture"


@pytest.mark.parametrize(
    ("path", "limits", "message", "is_transient"),
    [
        ("missing", {}, "the host answered 404", False),
        ("busy", {}, "the host answered 503", True),
        ("big", {"max_bytes": 4999}, "the answer has more than 0 MB", False),
        ("endless", {"max_bytes": 10_000}, "the answer has more than 0 MB", False),
        ("drip", {"total_seconds": 0.1}, "the host took more than 0.1 s", True),
        ("cut", {}, "the connection broke off", True),
        ("loop", {"max_redirects": 2}, "the address redirects more than 2 times", False),
        ("file", {}, "only http and https addresses are fetched", False),
    ],
)
def test_answers_that_are_no_use(
    host: str, path: str, limits: dict[str, Any], message: str, is_transient: bool
) -> None:
    error = refusal(f"{host}/{path}", **limits)
    assert (str(error), error.is_transient) == (message, is_transient)


def test_redirects_are_counted(host: str) -> None:
    refusal(f"{host}/loop", max_redirects=2)
    assert _Host.seen == ["/loop"] * 3


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"],
)
def test_private_addresses_are_not_reached(host: str, address: str, settings: Any) -> None:
    settings.ALLOW_PRIVATE_HOSTS = False
    error = refusal(f"http://{address}:{host.rpartition(':')[2]}/ok")
    assert str(error) == "the address does not lead to a public host"
    assert _Host.seen == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://s.example/a", "http://", "gopher://127.0.0.1/"])
def test_other_schemes_are_not_fetched(url: str) -> None:
    refusal(url)


def test_a_host_that_is_not_there(host: str) -> None:
    error = refusal("http://127.0.0.1:9/ok", connect_seconds=0.5)
    assert (str(error), error.is_transient) == ("the host could not be reached", True)


@pytest.mark.parametrize(("text", "seconds"), [("120", 120), ("0", 0), ("99999999999999", 86_400)])
def test_a_host_says_for_how_many_seconds(text: str, seconds: float) -> None:
    assert retry_after(text) == seconds


@pytest.mark.parametrize(("ahead", "low", "high"), [(90, 60, 91), (-90, 0, 0), (10**7, 86_400, 86_400)])
def test_a_host_says_until_when(ahead: float, low: float, high: float) -> None:
    until = datetime.now(UTC) + timedelta(seconds=ahead)
    seconds = retry_after(format_datetime(until, usegmt=True))
    assert seconds is not None
    assert low <= seconds <= high


@pytest.mark.parametrize("text", ["", "soon", "-5", "1.5", "Mon, 99 Foo 2026"])
def test_what_is_no_time_is_none(text: str) -> None:
    assert retry_after(text) is None
