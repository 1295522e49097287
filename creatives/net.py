"""Fetching what strangers' addresses name, without becoming their way into the private network (SSRF)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from django.conf import settings
from requests_hardened import Config, HTTPSession
from requests_hardened.ip_filter import InvalidIPAddress

USER_AGENT: Final = "ProductStudio/1.0 (catalogue pictures)"
CHUNK: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Bytes of the body, redirects followed, and seconds: for connecting, for any one read, and in all."""

    max_bytes: int = 16 << 20
    max_redirects: int = 3
    connect_seconds: float = 5.0
    read_seconds: float = 10.0
    total_seconds: float = 30.0


class FetchError(Exception):
    """The address gave no usable answer. ``is_transient`` says that asking again later may help."""

    def __init__(self, message: str, is_transient: bool = False) -> None:
        super().__init__(message)
        self.is_transient = is_transient


def hardened_session(user_agent: str = USER_AGENT) -> HTTPSession:
    """A session that connects to public addresses only, resolving each name once, and follows no redirect itself.

    ``settings.ALLOW_PRIVATE_HOSTS`` lifts the first rule (development and tests). Proxies and credentials
    of the environment are not used.
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
    return session


def fetch(url: str, limits: FetchLimits | None = None) -> bytes:
    """The body behind an http(s) address. Raises FetchError, whose message is fit for the merchant."""
    limits = limits or FetchLimits()
    deadline = time.monotonic() + limits.total_seconds
    try:
        with hardened_session() as session:
            return _follow(session, url, limits, deadline)
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


def _follow(session: HTTPSession, url: str, limits: FetchLimits, deadline: float) -> bytes:
    for _ in range(limits.max_redirects + 1):
        if urlsplit(url).scheme not in ("http", "https"):
            raise FetchError("only http and https addresses are fetched")
        with session.get(
            url,
            stream=True,
            timeout=(limits.connect_seconds, limits.read_seconds),
            headers={"Accept": "image/*", "Accept-Encoding": "identity"},
        ) as response:
            if response.is_redirect:
                url = urljoin(url, response.headers["Location"])
                continue
            if response.status_code != 200:
                busy = response.status_code == 429 or response.status_code >= 500
                raise FetchError(f"the host answered {response.status_code}", is_transient=busy)
            return _body(response, limits, deadline)
    raise FetchError(f"the address redirects more than {limits.max_redirects} times")


def _body(response: requests.Response, limits: FetchLimits, deadline: float) -> bytes:
    """Read on as bytes arrive, so that neither a huge nor a slow answer holds us."""
    too_large = FetchError(f"the answer has more than {limits.max_bytes >> 20} MB")
    if int(response.headers.get("Content-Length") or 0) > limits.max_bytes:
        raise too_large
    body = bytearray()
    while chunk := response.raw.read1(CHUNK):
        body += chunk
        if len(body) > limits.max_bytes:
            raise too_large
        if time.monotonic() > deadline:
            raise FetchError(f"the host took more than {limits.total_seconds:g} s", is_transient=True)
    return bytes(body)
