"""How the desk is doing."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from creatives.models import User
from creatives.permissions import REVIEWERS, member_required
from review.selectors import stats as read
from review.selectors.queue_stats import queue

SPANS = (7, 14, 30)


@member_required(REVIEWERS)
@require_safe
def stats(request: HttpRequest) -> HttpResponse:
    """Throughput per reviewer, reasons and the age of the queue; ``?days=7|14|30``."""
    user: User = request.user  # type: ignore[assignment]
    days = next((span for span in SPANS if request.GET.get("days") == str(span)), 14)
    people, reasons = read.reviewers(user, days), read.reasons(user, days)
    context = {
        "days": days,
        "spans": SPANS,
        "queue": queue(user, days),
        "people": people,
        "peak": max((count for person in people for _, count in person.per_day), default=0),
        "total": sum(person.decisions for person in people),
        "reasons": reasons,
        "most": max((count for _, count in reasons), default=1),
    }
    return render(request, "review/stats.html", context)
