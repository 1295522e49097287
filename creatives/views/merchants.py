"""The list of merchants, for administrators."""

from __future__ import annotations

from typing import Final

from django.db.models import Count
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from creatives.listing import Choice, Column, ListSpec, listing, wants_csv
from creatives.models import Merchant
from creatives.permissions import admin_required

MERCHANTS: Final = ListSpec(
    search=("name", "slug"),
    placeholder="Name",
    sorts={
        "name": ("Name", ["name", "pk"]),
        "latest": ("Latest first", ["-created_at", "-pk"]),
        "exploration": ("Most exploration", ["-exploration", "name"]),
        "people": ("Most people", ["-people", "name"]),
    },
    choices=[
        Choice(
            "state",
            "State",
            [("active", "Active"), ("inactive", "Inactive")],
            lambda rows, value: rows.filter(is_active=value == "active"),
        ),
        Choice(
            "review",
            "Review",
            [("person", "By a person"), ("auto", "Approved automatically")],
            lambda rows, value: rows.filter(auto_approve=value == "auto"),
        ),
    ],
    columns=[
        Column("merchant", lambda row: row.slug),
        Column("name", lambda row: row.name),
        Column("active", lambda row: "yes" if row.is_active else "no"),
        Column("review", lambda row: "automatic" if row.auto_approve else "person"),
        Column("fallback", lambda row: row.fallback),
        Column("exploration", lambda row: row.exploration),
        Column("attribution_minutes", lambda row: row.attribution_minutes),
        Column("people", lambda row: row.people),
        Column("added", lambda row: row.created_at),
    ],
)


@admin_required
@require_safe
def merchants(request: HttpRequest) -> HttpResponseBase:
    """Every merchant, what is decided for it, and how many people have a role in it."""
    people = Count("memberships__user", distinct=True)
    found = listing(request, Merchant.objects.annotate(people=people), MERCHANTS, keep=())
    if wants_csv(request):
        return found.csv("merchants")
    return render(request, "accounts/merchants.html", {"list": found})
