"""The recommender's side of the HTTP API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import requests

TIMEOUT_SECONDS = 30


class ApiError(RuntimeError):
    """The API cannot be reached or refused a request; the message says which and why."""


class StudioClient:
    """One key, one connection."""

    def __init__(self, base_url: str, key: str) -> None:
        self._base = base_url.rstrip("/")
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {key}"

    def decisions(
        self, user: dict[str, Any], placement: dict[str, Any], items: Sequence[dict[str, str]]
    ) -> list[dict[str, Any]]:
        """``POST /decisions``: one decision, or an error in its place, for each item."""
        body = {"user": user, "placement": placement, "items": list(items)}
        return self._call("POST", "/api/v1/decisions", body)["decisions"]

    def events(self, events: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """``POST /events``: the receipt."""
        return self._call("POST", "/api/v1/events", {"events": list(events)})

    def request_creatives(self, items: Sequence[dict[str, str]], placements: Sequence[str]) -> dict[str, Any]:
        """``POST /creatives``: ask for every prompt of the items' pools ahead of traffic; idempotent."""
        body = {"items": list(items), "prompts": "all", "placements": list(placements)}
        return self._call("POST", "/api/v1/creatives", body)

    def touch(self, url: str) -> int:
        """GET an impression or click URL as a browser would, without following the redirect; returns the status."""
        try:
            return requests.get(url, timeout=TIMEOUT_SECONDS, allow_redirects=False).status_code
        except requests.RequestException as error:
            raise ApiError(f"GET {url[:80]}: {error}") from error

    def _call(self, method: str, path: str, body: Any) -> dict[str, Any]:
        try:
            response = self._session.request(method, self._base + path, json=body, timeout=TIMEOUT_SECONDS)
        except requests.RequestException as error:
            raise ApiError(
                f"{self._base} does not answer ({type(error).__name__}): is `make run` on? At another address: --url"
            ) from error
        if response.status_code >= 400:
            raise ApiError(f"{method} {path}: {response.status_code} {response.text[:300]}")
        return response.json()
