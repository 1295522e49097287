"""Pages that look into the log for a policy: why a prompt was shown, and what other policies would have earned."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from bandit import kinds, linucb
from bandit.comparing import ComparisonError, ask
from bandit.features import ENCODINGS, FeatureError
from bandit.forms_policy import ComparisonForm
from bandit.models import ArmKind, Impression, PolicyComparison, PolicyKind
from bandit.reasons import Why, why
from bandit.selectors_policy import control_of, pools_of, snapshot_for
from bandit.snapshot import from_bytes
from bandit.views_policy import chosen_pool, url_of
from creatives.models import Merchant, PromptVersion
from creatives.permissions import EDITORS, current_merchant, get_for_member, member_required, signed_in
from creatives.selectors.prompts import pool as versions_of

COMPARISONS_SHOWN = 20


@member_required(EDITORS)
def why_page(request: HttpRequest) -> HttpResponse:
    """Why a decision, named by its id or by one of its addresses' tokens, showed what it showed."""
    merchants = Merchant.objects.for_member(signed_in(request), EDITORS).order_by("name")
    asked = request.GET.get("decision", "").strip()
    context: dict[str, Any] = {"merchant": current_merchant(request, EDITORS), "merchants": merchants}
    context["asked"] = asked
    status = 200
    if asked:
        rows = Impression.objects.for_member(signed_in(request), EDITORS)
        try:
            found = rows.filter(pk=UUID(asked)).select_related("merchant", "category", "product").first()
        except ValueError:
            found = None
        if found is None:
            status = 404
            context["problem"] = "No impression of yours has this decision id."
        else:
            context |= {
                "impression": found,
                "prompt": _named([found.prompt_version_id]).get(found.prompt_version_id),
            }
            context |= _explained(found)
    return render(request, "policy/why.html", context, status=status)


@member_required(EDITORS)
def compare(request: HttpRequest) -> HttpResponse:
    """The comparisons of a pool, and a form to ask for one."""
    merchant = current_merchant(request, EDITORS)
    merchants = Merchant.objects.for_member(signed_in(request), EDITORS).order_by("name")
    pools = pools_of(merchant) if merchant else []
    chosen = chosen_pool(request, pools)
    context: dict[str, Any] = {"merchant": merchant, "merchants": merchants, "pools": pools, "pool": chosen}
    form = ComparisonForm(request.POST or None)
    if merchant is None or chosen is None:
        return render(request, "policy/compare.html", context)
    if request.method == "POST" and form.is_valid():
        try:
            asked = ask(merchant, chosen, signed_in(request), form.cleaned_data["days"], form.candidates())
        except ComparisonError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "The comparison is queued.")
            return redirect("policy-comparison", asked.pk)
    rows = PolicyComparison.objects.for_member(signed_in(request), EDITORS)
    context |= {
        "form": form,
        "comparisons": rows.filter(merchant=merchant, category=chosen)
        .select_related("asked_by")
        .order_by("-id")[:COMPARISONS_SHOWN],
    }
    return render(request, "policy/compare.html", context, status=422 if request.method == "POST" else 200)


@member_required(EDITORS)
def comparison(request: HttpRequest, comparison_id: int) -> HttpResponse:
    """One comparison: how far it is, and what each policy would have earned."""
    rows = PolicyComparison.objects.select_related("merchant", "category", "asked_by")
    found = get_for_member(rows, signed_in(request), EDITORS, pk=comparison_id)
    entries = [_entry(entry) for entry in found.result]
    ends = [entry["shown"][edge] for entry in entries for edge in ("low", "high")]
    finite = [edge for edge in ends if edge is not None]
    context = {
        "comparison": found,
        "is_over": found.status in (PolicyComparison.Status.DONE, PolicyComparison.Status.FAILED),
        "entries": sorted(entries, key=lambda entry: -(entry["shown"]["value"] or 0.0)),
        "warned": [entry for entry in entries if entry["warnings"]],
        "logged": entries[0]["logged"] if entries else None,
        "highest": max(finite, default=1.0),
        "lowest": min(0.0, *finite) if finite else 0.0,
        "policy_url": url_of(found.merchant, found.category),
        "compare_url": url_of(found.merchant, found.category, "policy-compare"),
        "settings_url": f"{reverse('policy-settings', args=[found.category_id])}?merchant={found.merchant.slug}",
    }
    page = "policy/_comparison.html" if request.htmx else "policy/comparison.html"  # type: ignore[attr-defined]
    return render(request, page, context)


def _entry(entry: dict[str, Any]) -> dict[str, Any]:
    """A stored result with its name, and the estimate to go by: doubly robust where it says anything, else SNIPS."""
    kind = entry["kind"]
    label = PolicyKind(kind).label if kind in PolicyKind.values else "Random prompts"
    shown = entry["dr"] if entry["dr"]["low"] is not None else entry["snips"]
    logged = entry["logged"]
    verdict = "unclear"
    if None not in (shown["low"], shown["high"], logged["value"]):
        if shown["low"] > logged["value"]:
            verdict = "better"
        elif shown["high"] < logged["value"]:
            verdict = "worse"
    is_policy = kind in PolicyKind.values
    return {**entry, "label": label, "shown": shown, "verdict": verdict, "is_policy": is_policy}


def _explained(impression: Impression) -> dict[str, Any]:
    """What the policy saw in the prompts when it chose; nothing where no policy chose."""
    if impression.prompt_version_id is None or impression.category is None:
        return {"kind": "none"}
    if impression.arm_kind != ArmKind.PERSONALISED:
        return {"kind": "random"}
    snapshot, is_exact = snapshot_for(impression)
    if snapshot is None or impression.encoding_version not in ENCODINGS:
        return {"kind": "untaught"}
    control = control_of(impression.merchant, impression.category)
    alpha = impression.merchant.alpha if control.alpha is None else control.alpha
    epsilon = impression.merchant.exploration if control.exploration is None else control.exploration
    model = linucb.load(from_bytes(bytes(snapshot.state)), alpha=alpha)
    arms = [version.pk for version in versions_of(impression.category)]
    arms = list(dict.fromkeys([*arms, impression.prompt_version_id]))
    kinds.introduce(model, arms)
    encoding, features = ENCODINGS[impression.encoding_version], impression.features
    triple = (features.get("user"), features.get("item"), features.get("placement"))
    try:
        found = why(model, encoding, snapshot.clicks, *triple, arms, epsilon=epsilon)
    except FeatureError:
        return {"kind": "none"}
    return _why_context(found, impression) | {"kind": "policy", "snapshot": snapshot, "is_exact": is_exact}


def _why_context(found: Why, impression: Impression) -> dict[str, Any]:
    named = _named([entry.arm for entry in found.arms])
    weights = [*found.ahead, *(weight for entry in found.arms for weight in entry.reasons)]
    heaviest = max((abs(weight.value) + weight.margin for weight in weights), default=1.0)
    rows = [
        {
            "entry": entry,
            "version": named.get(entry.arm),
            "is_shown": entry.arm == impression.prompt_version_id,
        }
        for entry in found.arms
    ]
    return {
        "rows": rows,
        "ahead": found.ahead,
        "heaviest": heaviest,
        "lightest": -heaviest,
        "highest": max(entry.score for entry in found.arms),
        "was_best": found.arms[0].arm == impression.prompt_version_id,
    }


def _named(ids: list[int | None]) -> dict[int | None, PromptVersion]:
    return dict(PromptVersion.objects.select_related("prompt").in_bulk([pk for pk in ids if pk]))
