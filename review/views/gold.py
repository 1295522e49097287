"""Gold items: which decided creatives test reviewers, and how they are answered. For administrators."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.db.models import Count, ExpressionWrapper, F, FloatField, Q, QuerySet
from django.db.models.functions import NullIf
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from creatives.listing import Choice, Column, ListSpec, listing, wants_csv
from creatives.models import Creative, Merchant
from creatives.permissions import admin_required, signed_in
from creatives.selectors.photo_products import with_products
from review.errors import ReviewError
from review.models import GoldItem, Reason
from review.selectors.items import items
from review.services import gold as golds
from review.views.common import next_page, read_verdict

PAGE_SIZE = 24
TABS = (("", "In use"), ("retired", "Retired"))
DECIDED = Q(checks__answer__action__in=["approve", "reject"])
PROMPT = "creative__request__prompt_version__prompt"


@admin_required
@require_safe
def gold(request: HttpRequest) -> HttpResponseBase:
    """The items with the number of answers and how many were right; ``?tab=retired`` for those no longer shown."""
    tab = "retired" if request.GET.get("tab") == "retired" else ""
    found = listing(request, _counted(GoldItem.objects.filter(retired_at__isnull=not tab)), _spec(), ["tab"])
    if wants_csv(request):
        return found.csv("gold-items")
    pictures = {item.creative.pk: item for item in items([row.creative_id for row in found.page])}
    context = {
        "tab": tab,
        "tabs": TABS,
        "list": found,
        "tiles": [(row, pictures[row.creative_id], uuid.uuid4()) for row in found.page],
        "reasons": Reason.choices,
    }
    return render(request, "review/gold.html", context)


def _counted(rows: QuerySet[GoldItem]) -> QuerySet[GoldItem]:
    """With ``answers``, how many of them were ``right``, and that as a ``share`` (0–1; null without answers)."""
    right = Count("checks", filter=DECIDED & Q(checks__answer__action=F("expected")))
    counted = rows.annotate(answers=Count("checks", filter=DECIDED), right=right)
    share = ExpressionWrapper(F("right") * 1.0 / NullIf(F("answers"), 0), FloatField())
    related = ("merchant", "set_by", "retired_by", PROMPT)
    return with_products(
        counted.annotate(share=share).select_related(*related), "creative__request__image_sha256"
    )


def _spec() -> ListSpec:
    reasons = [(value, label.capitalize()) for value, label in Reason.choices]
    merchants = [(row.slug, row.name) for row in Merchant.objects.order_by("name")]
    return ListSpec(
        search=("product_titles", "product_ids", f"{PROMPT}__name", "note", "set_by__email", "set_by__name"),
        placeholder="Product, prompt, note or person",
        sorts={
            "latest": ("Latest first", ["-pk"]),
            "oldest": ("Oldest first", ["pk"]),
            "answers": ("Most answers", ["-answers", "-pk"]),
            "hardest": ("Least often right", ["share", "-pk"]),
        },
        choices=[
            Choice("merchant", "Merchant", merchants, lambda rows, slug: rows.filter(merchant__slug=slug)),
            Choice(
                "answer",
                "Right answer",
                [("approve", "Approve"), ("reject", "Reject")],
                lambda rows, value: rows.filter(expected=value),
            ),
            Choice("reason", "Reason", reasons, lambda rows, value: rows.filter(reason=value)),
        ],
        columns=[
            Column("creative", lambda row: row.creative_id),
            Column("merchant", lambda row: row.merchant.slug),
            Column("products", lambda row: row.product_ids),
            Column("prompt", lambda row: row.creative.request.prompt_version.prompt.name),
            Column("right_answer", lambda row: row.expected),
            Column("reason", lambda row: row.reason),
            Column("note", lambda row: row.note),
            Column("answers", lambda row: row.answers),
            Column("right", lambda row: row.right),
            Column("set_by", lambda row: row.set_by.email),
            Column("set_at", lambda row: row.set_at),
            Column("retired_by", lambda row: row.retired_by.email if row.retired_by else ""),
            Column("retired_at", lambda row: row.retired_at),
        ],
        page_size=PAGE_SIZE,
    )


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
