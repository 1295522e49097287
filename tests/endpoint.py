"""A webhook endpoint on a free port that verifies, counts and answers as a test says."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook

from tests.studio import SECRET


@dataclass
class Endpoint:
    """``answers`` are used up one by one, then 204; an answer is a status, "hang", or "drip"."""

    answers: list[int | str] = field(default_factory=list)
    secret: str = SECRET
    url: str = ""
    requests: list[dict[str, str]] = field(default_factory=list)
    payloads: list[dict[str, Any]] = field(default_factory=list)
    accepted: set[str] = field(default_factory=set)
    released: threading.Event = field(default_factory=threading.Event)

    def take(self, headers: dict[str, str], body: str) -> int | str:
        self.requests.append({name.lower(): value for name, value in headers.items()})
        self.payloads.append(Webhook(self.secret).verify(body, headers))
        answer = self.answers.pop(0) if self.answers else 204
        if isinstance(answer, int) and 200 <= answer < 300:
            self.accepted.add(self.requests[-1]["webhook-id"])
        return answer


@contextmanager
def endpoint(*answers: int | str, secret: str = SECRET) -> Iterator[Endpoint]:
    """Serve until the block ends."""
    state = Endpoint(list(answers), secret)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            answer = state.take(dict(self.headers), body)
            if answer == "hang":
                state.released.wait(30)
                return
            if answer == "drip":
                self.send_response(500)
                self.end_headers()
                while not state.released.wait(0.05):
                    self.wfile.write(b".")
                    self.wfile.flush()
                return
            self.send_response(int(answer))
            if 300 <= int(answer) < 400:
                self.send_header("location", state.url + "/elsewhere")
            self.end_headers()
            if int(answer) >= 400:
                self.wfile.write(b"not  now\n")

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.released.set()
        server.shutdown()
        server.server_close()


def wait_until(condition: Any, timeout: float = 20) -> bool:
    """Whether ``condition()`` came true within ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False
