"""The audit trail as a page and as CSV."""

from __future__ import annotations

import csv
import uuid
from collections.abc import Iterator
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from creatives.models import Creative, Merchant, User
from creatives.permissions import ANY_ROLE, REVIEWERS, member_required
from review.filters import HistoryFilters
from review.forms import HistoryFilterForm
from review.models import Decision, Reason
from review.selectors import history as trail
from review.selectors.approved import latest_decisions
from review.selectors.items import items
from review.services.undo import undoable

PAGE_SIZE = 25
DECIDED = (Creative.Status.APPROVED, Creative.Status.REJECTED)
COLUMNS = (
    "at",
    "reviewer",
    "action",
    "purpose",
    "reason",
    "note",
    "seconds",
    "creative",
    "merchant",
    "prompt",
    "decision",
    "undoes",
)


@member_required(ANY_ROLE)
@require_safe
def history(request: HttpRequest) -> HttpResponse:
    """Who decided what and when, for everyone of the merchant; ``?format=csv`` downloads it."""
    user: User = request.user  # type: ignore[assignment]
    filters = HistoryFilters.read(request.GET)
    rows = trail.history(user, filters)
    if request.GET.get("format") == "csv":
        return _csv(rows.iterator(chunk_size=500))
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "form": HistoryFilterForm(user, filters),
        "filters": filters,
        "page": page,
        "lines": _lines(user, list(page)),
        "reasons": Reason.choices,
        "mine": user.pk,
        "may_review": user.is_staff or Merchant.objects.for_member(user, REVIEWERS).exists(),
    }
    return render(request, "review/history.html", context)


def _lines(user: User, rows: list[Decision]) -> list[dict[str, Any]]:
    pictures = {item.creative.pk: item for item in items([row.creative_id for row in rows])}
    mine = set(undoable(user).values_list("pk", flat=True))
    reviewed = set(Merchant.objects.for_member(user, REVIEWERS).values_list("pk", flat=True))
    latest = latest_decisions(row.creative_id for row in rows)
    return [
        {
            "decision": row,
            "item": pictures[row.creative_id],
            "token": uuid.uuid4(),
            "can_undo": row.pk in mine,
            "can_reverse": row == latest.get(row.creative_id)
            and row.merchant_id in reviewed
            and row.creative.status in DECIDED,
            "can_set_gold": user.is_staff
            and row == latest.get(row.creative_id)
            and row.creative.status != Creative.Status.IN_REVIEW,
        }
        for row in rows
    ]


def _csv(rows: Iterator[Decision]) -> HttpResponse:
    writer = csv.writer(_Echo())
    body = (writer.writerow(line) for line in _table(rows))
    response = HttpResponse(body, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="review-history.csv"'
    return response


def _table(rows: Iterator[Decision]) -> Iterator[tuple[Any, ...]]:
    yield COLUMNS
    for row in rows:
        prompt = row.creative.request.prompt_version
        yield tuple(
            _safe(value)
            for value in (
                row.at.isoformat(timespec="seconds"),
                row.by,
                row.action,
                row.purpose,
                row.reason,
                row.note,
                "" if row.seconds is None else f"{row.seconds:.1f}",
                row.creative_id,
                row.merchant.slug,
                prompt,
                row.uuid,
                row.undoes.uuid if row.undoes else "",
            )
        )


def _safe(value: object) -> str:
    """Text that a spreadsheet does not take for a formula."""
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


class _Echo:
    def write(self, line: str) -> str:
        return line
