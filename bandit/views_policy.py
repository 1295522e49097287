"""/policy/: what LinUCB believes, and why."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from bandit.beliefs import beliefs
from bandit.features import encoding
from bandit.models import PendingLesson, Policy, PolicySnapshot
from bandit.snapshot import from_bytes
from creatives.models import Merchant, PromptVersion
from creatives.permissions import EDITORS, current_merchant, member_required, signed_in
from creatives.selectors.prompts import pool

VERSIONS_SHOWN = 20


@member_required(EDITORS)
def policy(request: HttpRequest) -> HttpResponse:
    """One pool of a merchant: its prompts as the policy sees them, and the versions it went through."""
    merchant = current_merchant(request, EDITORS)
    merchants = Merchant.objects.for_member(signed_in(request), EDITORS).order_by("name")
    context: dict[str, Any] = {"merchant": merchant, "merchants": merchants}
    if merchant is not None:
        rows = Policy.objects.for_member(signed_in(request), EDITORS)
        rows = rows.filter(merchant=merchant, current_version__gt=0).select_related("category")
        policies = list(rows.order_by("category__path", "-encoding_version"))
        chosen = _chosen(request, policies)
        waiting = PendingLesson.objects.filter(merchant=merchant).count()
        context |= {"policies": policies, "policy": chosen, "waiting": waiting}
        if chosen is not None:
            context |= _content(chosen)
    return render(request, "policy/policy.html", context)


def _chosen(request: HttpRequest, policies: list[Policy]) -> Policy | None:
    """The policy of ``?policy=id``, else the first. Raises Http404 for one that is not among them."""
    wanted = request.GET.get("policy")
    if not wanted:
        return policies[0] if policies else None
    found = next((row for row in policies if str(row.pk) == wanted), None)
    if found is None:
        raise Http404(f"no policy {wanted!r}")
    return found


def _content(of: Policy) -> dict[str, Any]:
    snapshot = of.snapshots.get(version=of.current_version)
    in_use = {version.pk: version for version in pool(of.category)}
    found = beliefs(
        from_bytes(bytes(snapshot.state)), encoding(of.encoding_version), snapshot.clicks, list(in_use)
    )
    named = PromptVersion.objects.select_related("prompt").in_bulk([belief.arm for belief in found])
    shown = [belief for belief in found if belief.arm in named]
    arms = [
        {"belief": belief, "version": named[belief.arm], "in_use": belief.arm in in_use} for belief in shown
    ]
    weights = [weight for belief in shown for weight in belief.weights]
    heaviest = max((abs(weight.value) + weight.margin for weight in weights), default=1.0)
    return {
        "snapshot": snapshot,
        "rate": snapshot.clicks / snapshot.impressions if snapshot.impressions else None,
        "arms": sorted(arms, key=lambda arm: not arm["in_use"]),
        "highest": max((belief.high for belief in shown), default=1.0),
        "heaviest": heaviest,
        "lightest": -heaviest,
        "versions": _versions(of),
    }


def _versions(of: Policy) -> list[PolicySnapshot]:
    return list(of.snapshots.order_by("-version").defer("state")[:VERSIONS_SHOWN])
