"""Second opinions: what two reviewers differ about, what still waits, and an owner's last word."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from creatives.listing import Choice, Column, ListSpec, listing, wants_csv
from creatives.models import Creative, Merchant, User
from creatives.permissions import OWNERS, member_required, signed_in
from creatives.selectors.photo_products import with_products
from review.errors import ReviewError
from review.models import Reason, SecondOpinion
from review.selectors.agreement import disputes
from review.selectors.items import items
from review.services import second as opinions
from review.views.common import next_page, read_token, read_verdict

Status = SecondOpinion.Status
TABS = {
    "disputed": ("Disputed", (Status.DISPUTED,)),
    "open": ("Waiting for an answer", (Status.OPEN,)),
    "closed": ("Settled", (Status.AGREED, Status.RESOLVED, Status.WITHDRAWN)),
}
PAGE_SIZE = 12
PROMPT = "creative__request__prompt_version__prompt"


@member_required(OWNERS)
@require_safe
def second(request: HttpRequest) -> HttpResponseBase:
    """Cases of one's merchants; ``?tab=disputed|open|closed``."""
    user = signed_in(request)
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else "disputed"
    rows = disputes(user, OWNERS)
    unsettled = rows.exclude(creative__status=Creative.Status.RETIRED)
    found = {
        name: (rows if name == "closed" else unsettled).filter(status__in=TABS[name][1]) for name in TABS
    }
    shown = listing(request, _named(found[tab]), _spec(user), ["tab"])
    if wants_csv(request):
        return shown.csv(f"second-opinions-{tab}")
    pictures = {item.creative.pk: item for item in items([case.creative_id for case in shown.page])}
    context = {
        "tab": tab,
        "tabs": [(name, label, found[name].count()) for name, (label, _) in TABS.items()],
        "list": shown,
        "cases": [(case, pictures[case.creative_id], uuid.uuid4()) for case in shown.page],
        "reasons": Reason.choices,
    }
    return render(request, "review/second.html", context)


def _named(rows: QuerySet[SecondOpinion]) -> QuerySet[SecondOpinion]:
    return with_products(rows.select_related(PROMPT), "creative__request__image_sha256")


def _spec(user: User) -> ListSpec:
    mine = Merchant.objects.for_member(user, OWNERS).order_by("name")
    people = [f"{line}__reviewer__{name}" for line in ("first", "second") for name in ("email", "name")]
    return ListSpec(
        search=("product_titles", "product_ids", f"{PROMPT}__name", "note", "second__note", *people),
        placeholder="Product, prompt, note or person",
        sorts={"latest": ("Latest first", ["-pk"]), "oldest": ("Oldest first", ["pk"])},
        choices=[
            Choice(
                "merchant",
                "Merchant",
                [(row.slug, row.name) for row in mine],
                lambda rows, slug: rows.filter(merchant__slug=slug),
            ),
            Choice(
                "kind",
                "Kind",
                [(value, label.capitalize()) for value, label in SecondOpinion.Kind.choices],
                lambda rows, value: rows.filter(kind=value),
            ),
        ],
        columns=[
            Column("creative", lambda row: row.creative_id),
            Column("merchant", lambda row: row.merchant.slug),
            Column("products", lambda row: row.product_ids),
            Column("prompt", lambda row: row.creative.request.prompt_version.prompt.name),
            Column("kind", lambda row: row.kind),
            Column("status", lambda row: row.status),
            Column("first_by", lambda row: row.first.by),
            Column("first_answer", lambda row: row.lean),
            Column("first_reason", lambda row: row.lean_reason),
            Column("note", lambda row: row.note),
            *_columns_of("second"),
            *_columns_of("resolution"),
            Column("asked", lambda row: row.opened_at),
            Column("settled", lambda row: row.closed_at),
        ],
        page_size=PAGE_SIZE,
    )


def _columns_of(name: str) -> list[Column]:
    """Who answered what and why, in one of a case's later decisions; empty cells where there is none yet."""
    fields = {"by": "by", "answer": "action", "reason": "reason", "note": "note"}
    return [
        Column(f"{name}_{column}", lambda row, field=field: getattr(getattr(row, name), field, ""))  # type: ignore[misc]
        for column, field in fields.items()
    ]


@member_required(OWNERS)
@require_POST
def resolve(request: HttpRequest, case_id: int) -> HttpResponse:
    """Decide a case."""
    token = read_token(request)
    if token is None:
        return HttpResponseBadRequest("The form carries no valid token.")
    try:
        outcome = opinions.resolve(signed_in(request), case_id, read_verdict(request), token)
    except SecondOpinion.DoesNotExist as error:
        raise Http404(f"no second opinion {case_id}") from error
    except ReviewError as error:
        messages.error(request, str(error))
    else:
        assert outcome.decision is not None
        messages.success(request, f"Creative {outcome.decision.creative_id} is settled.")
    return next_page(request) or redirect("review-second")
