"""The desk: one picture at a time, or a grid of them."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from creatives.models import Creative, User
from creatives.permissions import REVIEWERS, member_required
from review.errors import ReviewError
from review.filters import QueueFilters, number
from review.forms import QueueFilterForm
from review.models import Reason
from review.selectors.items import items, siblings
from review.selectors.queue import waiting
from review.selectors.trail import last_own
from review.services import claims

GRID = "grid"
AHEAD = 3  # the picture on screen and the next ones, whose claims are held too
GRID_SIZE = 10  # what was decided together can be undone: no more than the depth of undo
REASONS = [(digit, value, label) for digit, (value, label) in enumerate(Reason.choices, 1)]


@never_cache
@member_required(REVIEWERS)
@require_safe
def desk(request: HttpRequest) -> HttpResponse:
    """The queue. ``?creative=ID`` asks for one creative, ``?view=grid`` for the grid, the rest filters."""
    return render_desk(request, pinned=number(request.GET.get("creative") or ""))


def render_desk(request: HttpRequest, pinned: int | None = None) -> HttpResponse:
    """The desk with what comes next (or ``pinned``): a partial for htmx, else the page."""
    user: User = request.user  # type: ignore[assignment]
    filters, grid = QueueFilters.read(request.GET), request.GET.get("view") == GRID
    context = _grid(user, filters) if grid else _single(request, user, filters, pinned)
    context |= {
        "filters": filters,
        "grid": grid,
        "query": query_of(request),
        "other_view": _with_query(filters.as_dict() | ({} if grid else {"view": GRID})),
        "waiting": waiting(user, filters).count(),
        "reasons": REASONS,
        "last": last_own(user),
        "undo_token": uuid.uuid4(),
    }
    partial = bool(request.htmx) and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    context["partial"] = partial
    if not partial:
        context["form"] = QueueFilterForm(user, filters, GRID if grid else "")
        context["views"] = user.review_views.order_by("name")
    response = render(request, "review/_desk.html" if partial else "review/desk.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def query_of(request: HttpRequest) -> str:
    """The desk's own part of the query string, "?" included: filters and view; empty without any."""
    view = {"view": GRID} if request.GET.get("view") == GRID else {}
    return _with_query(QueueFilters.read(request.GET).as_dict() | view)


def desk_url(request: HttpRequest) -> str:
    """URL of the desk with the filters and view of ``request``."""
    return reverse("review") + query_of(request)


def _with_query(fields: dict[str, str]) -> str:
    return f"?{urlencode(fields)}" if fields else ""


def _single(request: HttpRequest, user: User, filters: QueueFilters, pinned: int | None) -> dict[str, Any]:
    first: list[int] = []
    if pinned:
        try:
            first = [claims.claim_one(user, pinned)]
        except Creative.DoesNotExist as error:
            raise Http404(f"no creative {pinned}") from error
        except ReviewError as error:
            messages.warning(request, str(error))
    queue = claims.claim(user, filters, count=AHEAD, shown=0 if first else 1)
    held = (first + [key for key in queue if key not in first])[:AHEAD]
    known = {number(text) for text in request.POST.get("have", "").split(",")}
    shown = items([key for key in held if key not in known])
    others = siblings(shown)
    cards = [(item, others[item.creative.pk], uuid.uuid4()) for item in shown]
    return {"cards": cards, "held": held, "pinned": first[0] if first else None}


def _grid(user: User, filters: QueueFilters) -> dict[str, Any]:
    shown = items(claims.claim(user, filters, count=GRID_SIZE, shown=GRID_SIZE))
    return {"items": shown, "token": uuid.uuid4(), "held": [item.creative.pk for item in shown]}
