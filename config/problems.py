"""Errors as RFC 9457 problem objects."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, JsonResponse


def problem(status: int, title: str, detail: str = "", **extra: Any) -> dict[str, Any]:
    """An RFC 9457 problem object."""
    return {
        "type": "about:blank",
        "title": title,
        "status": status,
        **({"detail": detail} if detail else {}),
        **extra,
    }


def problem_response(status: int, title: str, detail: str = "", **extra: Any) -> HttpResponse:
    """An RFC 9457 response."""
    return JsonResponse(
        problem(status, title, detail, **extra), status=status, content_type="application/problem+json"
    )
