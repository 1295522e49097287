"""What the models of a merchant have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from .accounts import User

ANY_ROLE = ("owner", "editor", "reviewer")
EDITORS = ("owner", "editor")
REVIEWERS = ("reviewer",)


class TenantQuerySet(models.QuerySet[Any]):
    """Rows of merchants. Every look-up on behalf of a person goes through ``for_member``.

    What is not yours does not exist.
    """

    merchant_path = "merchant"

    def for_member(self, user: User, roles: tuple[str, ...] = ANY_ROLE) -> Self:
        """Rows of the merchants in which ``user`` holds one of ``roles``; all of them for an admin."""
        if user.is_staff:
            return self
        path = self.merchant_path
        return self.filter(
            Q(**{f"{path}__memberships__user": user, f"{path}__memberships__role__in": roles})
        ).distinct()


class MerchantQuerySet(TenantQuerySet):
    """Merchants themselves."""

    def for_member(self, user: User, roles: tuple[str, ...] = ANY_ROLE) -> Self:
        """Merchants in which ``user`` holds one of ``roles``; all of them for an admin."""
        if user.is_staff:
            return self
        return self.filter(memberships__user=user, memberships__role__in=roles).distinct()
