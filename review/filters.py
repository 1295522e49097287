"""What a reviewer has narrowed the queue or the history to. It lives in the URL, so it can be kept and shared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Self
from urllib.parse import urlencode


class UrlFilters:
    """Fields that are read from a query string and written back to one. What cannot be read counts as not given."""

    @classmethod
    def read(cls, query: Mapping[str, Any]) -> Self:
        """Filters out of ``request.GET`` or ``request.POST``; unknown names are left alone."""
        return cls(**{name: read(query.get(name) or "") for name, read in cls.readers().items()})

    @classmethod
    def readers(cls) -> dict[str, Any]:
        """The reader of each field, by name."""
        raise NotImplementedError

    def as_dict(self) -> dict[str, str]:
        """The fields that are given, as text."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        return {name: str(value) for name, value in values.items() if value not in (None, "")}

    def query(self) -> str:
        """Query string without the question mark; empty without filters."""
        return urlencode(self.as_dict())

    def __bool__(self) -> bool:
        return bool(self.as_dict())


def number(text: str) -> int | None:
    """A row's id: 1 … 2⁶³−1, else None."""
    return (
        int(text)
        if text.isascii() and text.isdigit() and 0 < int(text[:20]) < 2**63 and len(text) < 20
        else None
    )


def hours(text: str) -> int | None:
    """Whole hours: 1 … 8,760 (a year), else None."""
    found = number(text)
    return found if found and found <= 8760 else None


def day(text: str) -> date | None:
    """A date as 2026-01-31, else None."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def word(text: str) -> str:
    """Up to 60 characters as they are; nothing that a database refuses."""
    return text.replace("\x00", "")[:60].strip()


@dataclass(frozen=True, slots=True)
class QueueFilters(UrlFilters):
    """Narrow the queue: merchant by slug, product category and prompt by id, the quality gate's verdict.

    ``q`` is part of a product's title or its id, ``waited`` the hours that a creative has waited at least.
    """

    merchant: str = ""
    category: int | None = None
    prompt: int | None = None
    verdict: str = ""
    q: str = ""
    waited: int | None = None

    @classmethod
    def readers(cls) -> dict[str, Any]:
        readers = {"merchant": word, "category": number, "prompt": number, "verdict": word}
        return readers | {"q": word, "waited": hours}


@dataclass(frozen=True, slots=True)
class ApprovedFilters(UrlFilters):
    """Narrow what is approved: merchant by slug, by whom ("auto" or "person"), by which prompt's trust (an id).

    ``q`` is part of a product's title or of the prompt's name, or a product's id; ``sort`` is "oldest" or "" (latest first).
    """

    merchant: str = ""
    by: str = ""
    trust: int | None = None
    q: str = ""
    sort: str = ""

    @classmethod
    def readers(cls) -> dict[str, Any]:
        return {"merchant": word, "by": word, "trust": number, "q": word, "sort": word}


@dataclass(frozen=True, slots=True)
class HistoryFilters(UrlFilters):
    """Narrow the history: merchant by slug, reviewer and creative by id, action, reason, first and last day (UTC)."""

    merchant: str = ""
    reviewer: int | None = None
    creative: int | None = None
    action: str = ""
    reason: str = ""
    since: date | None = None
    until: date | None = None

    @classmethod
    def readers(cls) -> dict[str, Any]:
        return {
            "merchant": word,
            "reviewer": number,
            "creative": number,
            "action": word,
            "reason": word,
            "since": day,
            "until": day,
        }
