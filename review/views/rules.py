"""A merchant's rules of review, their history, and the trust that prompts have earned."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from creatives.models import Merchant
from creatives.permissions import OWNERS, current_merchant, member_required, signed_in
from review.errors import ReviewError
from review.filters import number
from review.forms import RulesForm
from review.models import PromptTrust
from review.selectors import trust as read
from review.services import trust
from review.services.recall import recall
from review.services.rules import FIELDS, change_rules, rules_of

TURNS = {"stop": trust.stop, "restart": trust.restart}


@member_required(OWNERS)
@require_http_methods(["GET", "HEAD", "POST"])
def rules(request: HttpRequest) -> HttpResponse:
    """Show and change the rules of one merchant (``?merchant=slug``); ``?version=ID`` fills the form."""
    merchant = current_merchant(request, OWNERS)
    if merchant is None:
        raise Http404("no merchant")
    held = rules_of(merchant.pk)
    if request.method == "POST":
        form = RulesForm(request.POST)
        if form.is_valid():
            values = {name: form.cleaned_data[name] for name in FIELDS}
            seen = number(request.POST.get("seen", ""))
            try:
                change_rules(signed_in(request), merchant.pk, values, seen, form.cleaned_data["note"])
            except ReviewError as error:
                form.add_error(None, str(error))
            else:
                messages.success(request, f"The review rules of {merchant} are saved.")
                return redirect(f"{reverse('review-rules')}?merchant={merchant.slug}")
    else:
        older = number(request.GET.get("version") or "")
        version = merchant.review_rules.filter(pk=older).first() if older else None
        form = RulesForm(instance=version or held)
    context = {
        "merchant": merchant,
        "merchants": Merchant.objects.for_member(signed_in(request), OWNERS).order_by("name"),
        "form": form,
        "held": held,
        "versions": read.versions(merchant),
        "trusts": read.trusts(merchant),
        "events": read.events(merchant),
    }
    return render(request, "review/rules.html", context, status=422 if form.errors else 200)


@member_required(OWNERS)
@require_POST
def turn(request: HttpRequest, trust_id: int, turn: str) -> HttpResponse:
    """Stop the trust in a prompt and category, or let it count again."""
    if turn not in TURNS:
        raise Http404(f"no {turn!r}")
    try:
        row = TURNS[turn](signed_in(request), trust_id)
    except PromptTrust.DoesNotExist as error:
        raise Http404(f"no trust {trust_id}") from error
    except ReviewError as error:
        messages.error(request, str(error))
        return redirect("review-rules")
    messages.success(request, f"{row}.")
    return redirect(f"{reverse('review-rules')}?merchant={row.merchant.slug}")


@member_required(OWNERS)
@require_POST
def take_back(request: HttpRequest, trust_id: int) -> HttpResponse:
    """Look again at what a lost trust has approved."""
    person = signed_in(request)
    try:
        count = recall(person, trust_id)
        row = PromptTrust.objects.for_member(person, OWNERS).select_related("merchant").get(pk=trust_id)
    except PromptTrust.DoesNotExist as error:
        raise Http404(f"no trust {trust_id}") from error
    except ReviewError as error:
        messages.error(request, str(error))
        return redirect("review-rules")
    said = (
        f"{count} pictures are back in review and not served meanwhile."
        if count
        else "Nothing is left to look at."
    )
    messages.success(request, said)
    return redirect(f"{reverse('review-rules')}?merchant={row.merchant.slug}")
