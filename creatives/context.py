"""What every page knows."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from creatives.models import Merchant, Role


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Merchants and roles of the person who is signed in, for the navigation."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"nav_roles": set(), "nav_merchants": []}
    roles = set(user.memberships.values_list("role", flat=True))
    if user.is_staff:
        roles |= {*Role.values, "admin"}
    return {"nav_roles": roles, "nav_merchants": list(Merchant.objects.for_member(user).order_by("name"))}
