"""Structured logs: one JSON object a line (or text for people), with a request id bound to every line of a request."""

from __future__ import annotations

import logging
import re
import sys
import time
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from config.metrics import observe

log = structlog.get_logger("http")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def configure(style: str, level: str) -> None:
    """Send both structlog's and the standard library's records through one chain; ``style`` is "json" or "text"."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    logging.getLogger("django.server").propagate = False


class RequestLogMiddleware:
    """Binds ``request_id`` (taken from X-Request-ID when well formed) and logs method, path, status and milliseconds."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started = time.perf_counter()
        response = self.get_response(request)
        # Tokens in event URLs are secrets of the shopper's session: only the route is logged.
        route = request.resolver_match.route if request.resolver_match else "unmatched"
        seconds = time.perf_counter() - started
        method = request.method or ""
        observe(method, route, response.status_code, seconds)
        log.info(
            "request", method=method, route=route, status=response.status_code, ms=round(seconds * 1000, 1)
        )
        response["X-Request-ID"] = request_id
        return response
