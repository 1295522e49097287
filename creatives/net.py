"""Fetching what strangers' addresses name, without becoming their way into the private network (SSRF)."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import IO, Final
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from django.conf import settings
from requests_hardened import Config, HTTPSession
from requests_hardened.ip_filter import InvalidIPAddress

USER_AGENT: Final = "ProductStudio/1.0 (catalogue pictures)"
CHUNK: Final = 1 << 16
MAX_RETRY_AFTER: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Bytes of the body, redirects followed, and seconds: for connecting, for any one read, and in all."""

    max_bytes: int = 16 << 20
    max_redirects: int = 3
    connect_seconds: float = 5.0
    read_seconds: float = 10.0
    total_seconds: float = 30.0


class FetchError(Exception):
    """The address gave no usable answer. ``is_transient`` says that asking again later may help.

    ``retry_after`` is for how many seconds the host asked to be left alone, ``status`` what it answered, if it did.
    """

    def __init__(
        self,
        message: str,
        is_transient: bool = False,
        retry_after: float | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.is_transient, self.retry_after, self.status = is_transient, retry_after, status


@dataclass(frozen=True, slots=True)
class Answer:
    """What a host answered: 200, or 304 (not modified) to a question with conditions; ``size`` in bytes."""

    status: int
    headers: Mapping[str, str]
    size: int


def hardened_session(user_agent: str = USER_AGENT) -> HTTPSession:
    """A session that connects to public addresses only, resolving each name once, and follows no redirect itself.

    ``settings.ALLOW_PRIVATE_HOSTS`` lifts the first rule (development and tests). Proxies and credentials
    of the environment are not used, and no cookie is kept.
    """
    config = Config(
        ip_filter_enable=not settings.ALLOW_PRIVATE_HOSTS,
        ip_filter_allow_loopback_ips=False,
        never_redirect=True,
        default_timeout=(5.0, 10.0),
        user_agent_override=user_agent,
    )
    session = HTTPSession(config)
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


def fetch(url: str, limits: FetchLimits | None = None, session: HTTPSession | None = None) -> bytes:
    """The body behind an http(s) address. Raises FetchError, whose message is fit for the merchant.

    ``session`` (of ``hardened_session``, one per thread) keeps connections open between calls.
    """
    body = io.BytesIO()
    headers = {"Accept": "image/*", "Accept-Encoding": "identity"}
    download(url, body, limits or FetchLimits(), headers, session)
    return body.getvalue()


def download(
    url: str,
    sink: IO[bytes],
    limits: FetchLimits,
    headers: Mapping[str, str],
    session: HTTPSession | None = None,
) -> Answer:
    """Write the body behind an http(s) address, as it is sent, into ``sink``; for a 304 there is none.

    Raises FetchError, whose message is fit for the merchant; ``sink`` then holds an unfinished body.
    """
    deadline = time.monotonic() + limits.total_seconds
    with ExitStack() as stack, _explained():
        session = session or stack.enter_context(hardened_session())
        return _follow(session, url, sink, limits, deadline, headers)


@contextmanager
def _explained() -> Iterator[None]:
    """Errors of the libraries as FetchError."""
    try:
        yield
    except InvalidIPAddress as error:
        raise FetchError("the address does not lead to a public host") from error
    except requests.Timeout as error:
        raise FetchError("the host did not answer in time", is_transient=True) from error
    except requests.exceptions.SSLError as error:
        raise FetchError("the host's TLS certificate is not valid") from error
    except requests.ConnectionError as error:
        raise FetchError("the host could not be reached", is_transient=True) from error
    except urllib3.exceptions.HTTPError as error:  # while the body is read
        raise FetchError("the connection broke off", is_transient=True) from error
    except (requests.RequestException, ValueError) as error:  # ValueError: a malformed address or header
        raise FetchError("the address could not be fetched") from error


def _follow(
    session: HTTPSession,
    url: str,
    sink: IO[bytes],
    limits: FetchLimits,
    deadline: float,
    headers: Mapping[str, str],
) -> Answer:
    for _ in range(limits.max_redirects + 1):
        if urlsplit(url).scheme not in ("http", "https"):
            raise FetchError("only http and https addresses are fetched")
        timeout = (limits.connect_seconds, limits.read_seconds)
        with session.get(url, stream=True, timeout=timeout, headers=dict(headers)) as response:
            if response.is_redirect:
                url = urljoin(url, response.headers["Location"])
                continue
            if response.status_code == 304 and _is_conditional(headers):
                return Answer(304, response.headers, 0)
            if response.status_code != 200:
                raise _refused(response)
            return Answer(200, response.headers, _copy_body(response, sink, limits, deadline))
    raise FetchError(f"the address redirects more than {limits.max_redirects} times")


def _is_conditional(headers: Mapping[str, str]) -> bool:
    return "If-None-Match" in headers or "If-Modified-Since" in headers


def _refused(response: requests.Response) -> FetchError:
    status = response.status_code
    busy = status == 429 or status >= 500
    seconds = retry_after(response.headers.get("Retry-After", ""))
    return FetchError(f"the host answered {status}", is_transient=busy, retry_after=seconds, status=status)


def retry_after(text: str) -> float | None:
    """Seconds that a ``Retry-After`` asks for, a number or a date (RFC 9110, 10.2.3); None for neither, at most a day."""
    if text.isascii() and text.isdecimal():
        return float(min(int(text[:10]), MAX_RETRY_AFTER))
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    wait = (until if until.tzinfo else until.replace(tzinfo=UTC)).timestamp() - time.time()
    return min(max(wait, 0.0), float(MAX_RETRY_AFTER))


def _copy_body(response: requests.Response, sink: IO[bytes], limits: FetchLimits, deadline: float) -> int:
    """Read on as bytes arrive, so that neither a huge nor a slow answer holds us; how many there were."""
    too_large = FetchError(f"the answer has more than {limits.max_bytes >> 20} MB")
    expected = int(response.headers.get("Content-Length") or 0)
    if expected > limits.max_bytes:
        raise too_large
    size = 0
    while chunk := response.raw.read1(CHUNK):
        size += len(chunk)
        if size > limits.max_bytes:
            raise too_large
        sink.write(chunk)
        if time.monotonic() > deadline:
            raise FetchError(f"the host took more than {limits.total_seconds:g} s", is_transient=True)
    return size
