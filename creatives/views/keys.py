"""API keys of merchants, and recommenders with theirs."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from creatives.forms.accounts import RecommenderForm
from creatives.listing import Choice, Column, ListSpec, listing, wants_csv
from creatives.models import ApiKey, Merchant, Recommender
from creatives.permissions import (
    OWNERS,
    admin_required,
    current_merchant,
    get_for_member,
    member_required,
    signed_in,
)
from creatives.services import accounts, audit

RECOMMENDERS = ListSpec(
    search=("name", "webhook_url"),
    placeholder="Name or webhook address",
    sorts={"name": ("Name", ["name"]), "keys": ("Most keys", ["-live_keys", "name"])},
    choices=[
        Choice(
            "state",
            "State",
            [("active", "Active"), ("inactive", "Inactive"), ("dead", "With dead messages")],
            lambda rows, value: (
                rows.filter(dead__gt=0) if value == "dead" else rows.filter(is_active=value == "active")
            ),
        )
    ],
    columns=[
        Column("name", lambda row: row.name),
        Column("active", lambda row: "yes" if row.is_active else "no"),
        Column("merchants", lambda row: "; ".join(merchant.slug for merchant in row.merchants.all())),
        Column("webhook", lambda row: row.webhook_url),
        Column("keys", lambda row: row.live_keys),
        Column("dead_messages", lambda row: row.dead),
    ],
)
KEYS = ListSpec(
    search=("prefix",),
    placeholder="Beginning of the key",
    sorts={"made": ("Made last", ["revoked_at", "-created_at"]), "oldest": ("Made first", ["created_at"])},
    choices=[
        Choice(
            "state",
            "State",
            [("active", "In use"), ("revoked", "Revoked")],
            lambda rows, value: rows.filter(revoked_at__isnull=value == "active"),
        )
    ],
    columns=[
        Column("key", str),
        Column("made", lambda row: row.created_at),
        Column("revoked", lambda row: row.revoked_at),
    ],
)


@member_required(OWNERS)
def keys(request: HttpRequest) -> HttpResponseBase:
    """The keys of a merchant."""
    merchant = current_merchant(request, OWNERS)
    rows = ApiKey.objects.filter(merchant=merchant) if merchant else ApiKey.objects.none()
    found = listing(request, rows, KEYS)
    if wants_csv(request):
        return found.csv("keys")
    owned = Merchant.objects.for_member(signed_in(request), OWNERS).order_by("name")
    context = {"merchant": merchant, "list": found, "keys": found.page, "merchants": owned}
    return render(request, "accounts/keys.html", context)


@member_required(OWNERS)
@require_POST
@never_cache
def key_add(request: HttpRequest) -> HttpResponse:
    """Make a key and show its secret, once."""
    merchant = current_merchant(request, OWNERS)
    if merchant is None:
        raise Http404("no merchant")
    _, secret = accounts.issue_key(signed_in(request), merchant=merchant)
    back = f"{reverse('keys')}?merchant={merchant.slug}"
    return _secret(
        request, f"New API key of {merchant}", secret, "Send it as “Authorization: Bearer <key>”.", back
    )


@member_required(OWNERS)
@require_POST
def key_revoke(request: HttpRequest, key_id: int) -> HttpResponse:
    """Switch a key off. A merchant's key is for its owners, a recommender's for administrators."""
    key = get_object_or_404(ApiKey.objects.select_related("merchant", "recommender"), pk=key_id)
    if key.merchant is not None:
        get_for_member(Merchant, signed_in(request), OWNERS, pk=key.merchant.pk)
        back = f"{reverse('keys')}?merchant={key.merchant.slug}"
    elif not signed_in(request).is_staff:
        raise Http404("no such key")
    else:
        back = reverse("recommender", args=[key.recommender_id])
    if accounts.revoke_key(key, signed_in(request)):
        messages.success(request, f"Key {key} no longer works.")
    else:
        messages.info(request, f"Key {key} was revoked already.")
    return redirect(back)


@admin_required
def recommenders(request: HttpRequest) -> HttpResponseBase:
    """All recommenders."""
    live = Count("api_keys", filter=Q(api_keys__revoked_at=None), distinct=True)
    dead = Count("deliveries", filter=Q(deliveries__status="dead"), distinct=True)
    rows = Recommender.objects.prefetch_related("merchants").annotate(live_keys=live, dead=dead)
    found = listing(request, rows, RECOMMENDERS, keep=())
    if wants_csv(request):
        return found.csv("recommenders")
    return render(request, "accounts/recommenders.html", {"list": found})


@admin_required
def recommender_add(request: HttpRequest) -> HttpResponse:
    """Add a recommender."""
    form = RecommenderForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        saved = audit.save_form(form, signed_in(request), "recommenders")
        messages.success(request, f"{saved} was added. Make a key for it, and a secret for its webhooks.")
        return redirect("recommender", saved.pk)
    context = {
        "form": form,
        "heading": "Add a recommender",
        "submit": "Add",
        "back": "recommenders",
        "back_label": "Recommenders",
    }
    return render(request, "accounts/form.html", context)


@admin_required
def recommender(request: HttpRequest, recommender_id: int) -> HttpResponse:
    """A recommender's merchants, webhook and keys."""
    found = get_object_or_404(Recommender, pk=recommender_id)
    form = RecommenderForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        url = reverse("recommender", args=[found.pk])
        audit.save_form(form, signed_in(request), "recommenders", url=url)
        messages.success(request, f"{found} was saved.")
        return redirect("recommender", found.pk)
    context: dict[str, Any] = {
        "recommender": Recommender.objects.get(pk=found.pk),
        "form": form,
        "keys": found.api_keys.order_by("revoked_at", "-created_at"),
    }
    return render(request, "accounts/recommender.html", context)


@admin_required
@require_POST
@never_cache
def recommender_key(request: HttpRequest, recommender_id: int) -> HttpResponse:
    """Make a key for a recommender and show it, once."""
    found = get_object_or_404(Recommender, pk=recommender_id)
    _, secret = accounts.issue_key(signed_in(request), recommender=found)
    back = reverse("recommender", args=[found.pk])
    return _secret(
        request, f"New API key of {found}", secret, "Send it as “Authorization: Bearer <key>”.", back
    )


@admin_required
@require_POST
@never_cache
def recommender_secret(request: HttpRequest, recommender_id: int) -> HttpResponse:
    """Make a new webhook secret and show it, or end a rotation (``end``)."""
    found = get_object_or_404(Recommender, pk=recommender_id)
    back = reverse("recommender", args=[found.pk])
    if "end" in request.POST:
        accounts.drop_previous_secret(found.pk, signed_in(request))
        messages.success(request, "Only the new secret signs from now on.")
        return redirect(back)
    secret = accounts.rotate_secret(found.pk, signed_in(request))
    text = "Webhooks are signed with it (Standard Webhooks). A former secret signs as well until you end the rotation."
    return _secret(request, f"New webhook secret of {found}", secret, text, back)


def _secret(request: HttpRequest, heading: str, secret: str, text: str, back: str) -> HttpResponse:
    return render(
        request, "accounts/secret.html", {"heading": heading, "secret": secret, "text": text, "back": back}
    )
