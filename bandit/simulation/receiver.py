"""The recommender's webhook endpoint: verifies, deduplicates by webhook-id, keeps what is approved in a cache."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

MAX_BODY = 1_000_000


class PictureCache:
    """What the webhooks have brought: the pictures by creative id. Safe to use from several threads."""

    def __init__(self, secret: str) -> None:
        self._webhook = Webhook(secret)
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self.pictures: dict[int, dict[str, Any]] = {}
        self.received = self.duplicates = self.refused = 0

    def take(self, headers: dict[str, str], body: bytes) -> bool:
        """Whether the message is genuine; a repeated one is genuine and changes nothing."""
        try:
            message = self._webhook.verify(body, headers)
        except WebhookVerificationError:
            with self._lock:
                self.refused += 1
            return False
        with self._lock:
            if headers["webhook-id"] in self._seen:
                self.duplicates += 1
                return True
            self._seen.add(headers["webhook-id"])
            self.received += 1
            self._apply(message)
        return True

    def urls(self) -> set[str]:
        """URLs of every size of every approved picture."""
        with self._lock:
            return {size["url"] for data in self.pictures.values() for size in data["renditions"]}

    def _apply(self, message: dict[str, Any]) -> None:
        creative = message["data"]["id"]
        if message["type"] == "creative.approved":
            self.pictures[creative] = message["data"]
        else:
            self.pictures.pop(creative, None)


@contextmanager
def listening(cache: PictureCache) -> Iterator[str]:
    """Serve ``cache`` on a free port of the loopback interface; yields the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", 0))
            if length > MAX_BODY:
                return self._answer(413)
            headers = {key.lower(): value for key, value in self.headers.items()}
            return self._answer(204 if cache.take(headers, self.rfile.read(length)) else 400)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="webhook-receiver", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/webhooks"
    finally:
        server.shutdown()
        server.server_close()
