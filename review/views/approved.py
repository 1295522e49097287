"""What is being served, for a second look; and the way to withdraw it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from creatives.listing import csv_response, wants_csv
from creatives.models import Creative, User
from creatives.permissions import REVIEWERS, member_required
from review.filters import ApprovedFilters
from review.forms import ApprovedFilterForm
from review.models import Reason
from review.selectors.approved import approved as read
from review.selectors.approved import latest_decisions
from review.selectors.items import items

PAGE_SIZE = 24
CHUNK = 500
COLUMNS = ("creative", "merchant", "products", "prompt", "version", "bucket", "approved_at", "approved_by")


@member_required(REVIEWERS)
@require_safe
def approved(request: HttpRequest) -> HttpResponseBase:
    """Approved creatives, latest first, each with a form that retires it everywhere."""
    user: User = request.user  # type: ignore[assignment]
    filters = ApprovedFilters.read(request.GET)
    rows = read(user, filters)
    if wants_csv(request):
        return csv_response("approved-creatives", COLUMNS, _table(rows))
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
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


def _table(rows: QuerySet[Creative]) -> Iterator[tuple[object, ...]]:
    """The cells of COLUMNS, some creatives at a time."""
    ids = list(rows.values_list("pk", flat=True))
    for start in range(0, len(ids), CHUNK):
        some = ids[start : start + CHUNK]
        lines = latest_decisions(some)
        for item in items(some):
            creative, line = item.creative, lines.get(item.creative.pk)
            version = creative.request.prompt_version
            yield (
                creative.pk, creative.merchant.slug, "; ".join(product.external_id for product in item.products),
                version.prompt.name, version.version, creative.request.bucket, creative.decided_at,
                line.reviewer if line and line.reviewer_id else "automatic",
            )  # fmt: skip
