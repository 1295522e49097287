"""What is being served, for a second look; and the way to withdraw it."""

from __future__ import annotations

import uuid

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from creatives.models import User
from creatives.permissions import REVIEWERS, member_required
from review.filters import ApprovedFilters
from review.forms import ApprovedFilterForm
from review.models import Reason
from review.selectors.approved import approved as read
from review.selectors.approved import latest_decisions
from review.selectors.items import items

PAGE_SIZE = 24


@member_required(REVIEWERS)
@require_safe
def approved(request: HttpRequest) -> HttpResponse:
    """Approved creatives, latest first, each with a form that retires it everywhere."""
    user: User = request.user  # type: ignore[assignment]
    filters = ApprovedFilters.read(request.GET)
    page = Paginator(read(user, filters), PAGE_SIZE).get_page(request.GET.get("page"))
    ids = [creative.pk for creative in page]
    decisions = latest_decisions(ids)
    context = {
        "form": ApprovedFilterForm(user, filters),
        "filters": filters,
        "page": page,
        "tiles": [(item, decisions.get(item.creative.pk), uuid.uuid4()) for item in items(ids)],
        "reasons": Reason.choices,
        "can_set_gold": user.is_staff,
    }
    return render(request, "review/approved.html", context)
