"""Django's admin: read the audit trail, release a claim."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from review.models import Claim, Decision


@admin.register(Decision)
class DecisionAdmin(admin.ModelAdmin):
    """Read-only: the database refuses changes anyway."""

    list_display = ("at", "merchant", "creative", "action", "reason", "reviewer")
    list_filter = ("action", "reason", "merchant")
    list_select_related = ("merchant", "creative", "reviewer")
    search_fields = ("uuid", "reviewer__email", "note")
    date_hierarchy = "at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Claim)
class ClaimAdmin(admin.ModelAdmin):
    """Deleting a claim returns the creative to the queue at once."""

    list_display = ("creative", "reviewer", "claimed_at", "expires_at")
    list_select_related = ("creative", "reviewer")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
