"""/policy/: what the policy of a pool believes, what people have decided about it, and its versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from bandit.forms_policy import ControlForm
from bandit.models import Policy, PolicyAction, PoolControl
from bandit.policy_services import PolicyError, pause_prompt, resume_prompt, roll_back, set_control
from bandit.selectors_policy import (
    active_policy,
    arm_rows,
    context_of,
    control_of,
    paused,
    pools_of,
    set_aside,
    version_rows,
    versions,
    waiting,
)
from creatives.models import Category, Merchant, PromptVersion
from creatives.permissions import (
    EDITORS,
    OWNERS,
    current_merchant,
    get_for_member,
    has_role,
    member_required,
    signed_in,
)

VERSIONS_SHOWN = 20
ACTIONS_SHOWN = 15


@member_required(EDITORS)
def policy(request: HttpRequest) -> HttpResponse:
    """One pool of a merchant: its prompts as the policy sees them, its settings, its versions and its history."""
    merchant = current_merchant(request, EDITORS)
    merchants = Merchant.objects.for_member(signed_in(request), EDITORS).order_by("name")
    context: dict[str, Any] = {"merchant": merchant, "merchants": merchants}
    if merchant is not None:
        pools = pools_of(merchant)
        chosen = chosen_pool(request, pools)
        context |= {"pools": pools, "pool": chosen, "waiting": waiting(merchant)}
        if chosen is not None:
            context |= _content(request, merchant, chosen)
    return render(request, "policy/policy.html", context)


@member_required(OWNERS)
def settings(request: HttpRequest, category_id: int) -> HttpResponse:
    """Change how a pool is explored and learned."""
    merchant, category = merchant_and_pool(request, category_id, OWNERS)
    form = ControlForm.of(control_of(merchant, category), request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            set_control(merchant, category, signed_in(request), **form.changes())
        except PolicyError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "Saved. Decisions follow within seconds, learning with its next round.")
            return back(merchant, category)
    context = {"form": form, "merchant": merchant, "pool": category, "policy_url": url_of(merchant, category)}
    return render(request, "policy/settings.html", context, status=422 if request.method == "POST" else 200)


@member_required(EDITORS)
@require_POST
def switch(request: HttpRequest, category_id: int) -> HttpResponse:
    """The kill switch: serve a pool by its policy, or the original or positioned picture only."""
    merchant, category = merchant_and_pool(request, category_id, EDITORS)
    serve = request.POST.get("serve", "")
    on = serve == PoolControl.Serve.POLICY
    said = (
        "The policy chooses again." if on else "Switched off: from the next decision on no prompt is shown."
    )
    return _do(
        request,
        merchant,
        category,
        lambda: set_control(merchant, category, signed_in(request), serve=serve),
        said,
    )


@member_required(EDITORS)
@require_POST
def pause(request: HttpRequest, category_id: int, version_id: int) -> HttpResponse:
    """Show a prompt to nobody of this merchant for the time being."""
    return _of_prompt(request, category_id, version_id, pause_prompt, "is paused.")


@member_required(EDITORS)
@require_POST
def resume(request: HttpRequest, category_id: int, version_id: int) -> HttpResponse:
    """Show a paused prompt again."""
    return _of_prompt(request, category_id, version_id, resume_prompt, "is shown again.")


@member_required(OWNERS)
@require_POST
def go_back(request: HttpRequest, policy_id: int) -> HttpResponse:
    """Serve and learn on from another version that is kept."""
    found = get_for_member(Policy, signed_in(request), OWNERS, pk=policy_id)
    try:
        version = int(request.POST.get("version", ""))
    except ValueError:
        raise Http404("no such version") from None
    return _do(
        request,
        found.merchant,
        found.category,
        lambda: roll_back(found.pk, version, signed_in(request)),
        f"Version {version} is in use from now on.",
    )


def merchant_and_pool(
    request: HttpRequest, category_id: int, roles: tuple[str, ...]
) -> tuple[Merchant, Category]:
    """The merchant of the request and one of its pools; raises Http404 for anything else."""
    merchant = current_merchant(request, roles)
    if merchant is None:
        raise Http404("no merchant")
    category = next((row for row in pools_of(merchant) if row.pk == category_id), None)
    if category is None:
        raise Http404(f"no pool {category_id} of {merchant}")
    return merchant, category


def chosen_pool(request: HttpRequest, pools: list[Category]) -> Category | None:
    """The pool of ``?pool=id``, else the first. Raises Http404 for one that is not among them."""
    wanted = request.GET.get("pool")
    if not wanted:
        return pools[0] if pools else None
    found = next((row for row in pools if str(row.pk) == wanted), None)
    if found is None:
        raise Http404(f"no pool {wanted!r}")
    return found


def url_of(merchant: Merchant, category: Category, name: str = "policy") -> str:
    """The address of a page about a pool."""
    return f"{reverse(name)}?merchant={merchant.slug}&pool={category.pk}"


def back(merchant: Merchant, category: Category) -> HttpResponse:
    return redirect(url_of(merchant, category))


def _content(request: HttpRequest, merchant: Merchant, category: Category) -> dict[str, Any]:
    found, control = active_policy(merchant, category), control_of(merchant, category)
    rows = arm_rows(found, merchant, category)
    content: dict[str, Any] = {
        "policy": found,
        "control": control,
        "alpha": merchant.alpha if control.alpha is None else control.alpha,
        "exploration": merchant.exploration if control.exploration is None else control.exploration,
        "arms": rows,
        "paused": paused(merchant, category),
        "actions": PolicyAction.objects.filter(merchant=merchant, category=category).select_related("user")[
            :ACTIONS_SHOWN
        ],
        "set_aside": set_aside(merchant, category),
        "may_change": has_role_of(request, merchant),
    }
    if found is not None:
        snapshot = found.snapshots.defer("state").get(version=found.current_version)
        page = Paginator(versions(found), VERSIONS_SHOWN).get_page(request.GET.get("page"))
        content |= {
            "snapshot": snapshot,
            "rate": snapshot.clicks / snapshot.impressions if snapshot.impressions else None,
            "versions": version_rows(found, list(page)),
            "page": page,
            **context_of(rows),
        }
    return content


def has_role_of(request: HttpRequest, merchant: Merchant) -> bool:
    """Whether the person may change settings and versions of this merchant."""
    user = signed_in(request)
    return (
        has_role(user, OWNERS) and Merchant.objects.for_member(user, OWNERS).filter(pk=merchant.pk).exists()
    )


def _of_prompt(
    request: HttpRequest,
    category_id: int,
    version_id: int,
    act: Callable[[Merchant, PromptVersion, Any], Any],
    said: str,
) -> HttpResponse:
    merchant, category = merchant_and_pool(request, category_id, EDITORS)
    rows = PromptVersion.objects.select_related("prompt__category").filter(prompt__category=category)
    version = get_object_or_404(rows, pk=version_id)
    return _do(
        request,
        merchant,
        category,
        lambda: act(merchant, version, signed_in(request)),
        f"{version.prompt.name} {said}",
    )


def _do(
    request: HttpRequest, merchant: Merchant, category: Category, act: Callable[[], Any], said: str
) -> HttpResponse:
    try:
        act()
    except PolicyError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said)
    return back(merchant, category)
