"""Second opinions: what two reviewers differ about, what still waits, and an owner's last word."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from creatives.models import Creative
from creatives.permissions import OWNERS, member_required, signed_in
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


@member_required(OWNERS)
@require_safe
def second(request: HttpRequest) -> HttpResponse:
    """Cases of one's merchants; ``?tab=disputed|open|closed``."""
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else "disputed"
    rows = disputes(signed_in(request), OWNERS)
    unsettled = rows.exclude(creative__status=Creative.Status.RETIRED)
    found = {
        name: (rows if name == "closed" else unsettled).filter(status__in=TABS[name][1]) for name in TABS
    }
    page = Paginator(found[tab], PAGE_SIZE).get_page(request.GET.get("page"))
    pictures = {item.creative.pk: item for item in items([case.creative_id for case in page])}
    context = {
        "tab": tab,
        "tabs": [(name, label, found[name].count()) for name, (label, _) in TABS.items()],
        "page": page,
        "cases": [(case, pictures[case.creative_id], uuid.uuid4()) for case in page],
        "reasons": Reason.choices,
    }
    return render(request, "review/second.html", context)


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
