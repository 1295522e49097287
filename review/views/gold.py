"""Gold items: which decided creatives test reviewers, and how they are answered. For administrators."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, F, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from creatives.models import Creative
from creatives.permissions import admin_required, signed_in
from review.errors import ReviewError
from review.models import GoldItem, Reason
from review.selectors.items import items
from review.services import gold as golds
from review.views.common import next_page, read_verdict

PAGE_SIZE = 24
TABS = (("", "In use"), ("retired", "Retired"))
DECIDED = Q(checks__answer__action__in=["approve", "reject"])


@admin_required
@require_safe
def gold(request: HttpRequest) -> HttpResponse:
    """The items with the number of answers and how many were right; ``?tab=retired`` for those no longer shown."""
    tab = "retired" if request.GET.get("tab") == "retired" else ""
    rows = GoldItem.objects.filter(retired_at__isnull=not tab).select_related(
        "merchant", "set_by", "retired_by"
    )
    counted = rows.annotate(
        answers=Count("checks", filter=DECIDED),
        right=Count("checks", filter=DECIDED & Q(checks__answer__action=F("expected"))),
    )
    page = Paginator(counted.order_by("-pk"), PAGE_SIZE).get_page(request.GET.get("page"))
    pictures = {item.creative.pk: item for item in items([row.creative_id for row in page])}
    context = {
        "tab": tab,
        "tabs": TABS,
        "page": page,
        "tiles": [(row, pictures[row.creative_id], uuid.uuid4()) for row in page],
        "reasons": Reason.choices,
    }
    return render(request, "review/gold.html", context)


@admin_required
@require_POST
def set_item(request: HttpRequest, creative_id: int) -> HttpResponse:
    """Make a creative a gold item, or give it another right answer."""
    try:
        golds.set_gold(signed_in(request), creative_id, read_verdict(request))
    except Creative.DoesNotExist as error:
        raise Http404(f"no creative {creative_id}") from error
    except ReviewError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"Creative {creative_id} is a gold item.")
    return next_page(request) or redirect("review-gold")


@admin_required
@require_POST
def retire_item(request: HttpRequest, gold_id: int) -> HttpResponse:
    """Show a gold item to nobody any more."""
    try:
        item = golds.retire_gold(signed_in(request), gold_id)
    except GoldItem.DoesNotExist as error:
        raise Http404(f"no gold item {gold_id}") from error
    except ReviewError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"Creative {item.creative_id} is no longer shown as a gold item.")
    return next_page(request) or redirect("review-gold")
