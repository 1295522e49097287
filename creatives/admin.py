"""Django's admin: for looking things up. What has rules of its own is changed on its page, not here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from creatives.models import (
    ApiKey,
    CatalogImport,
    Category,
    Creative,
    CreativeRequest,
    Membership,
    Merchant,
    OutboxEntry,
    Placement,
    Product,
    Prompt,
    PromptVersion,
    Recommender,
    User,
    WebhookDelivery,
)


class ReadOnlyAdmin(admin.ModelAdmin):
    """A list and a page to read."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MembershipInline(admin.TabularInline):
    """The roles of a person."""

    model = Membership
    extra = 0


@admin.register(User)
class UserAdmin(admin.ModelAdmin):
    """People; passwords are set through a welcome link."""

    list_display = ["email", "name", "is_staff", "is_active", "last_login"]
    list_filter = ["is_staff", "is_active"]
    search_fields = ["email", "name"]
    fields = ["email", "name", "is_staff", "is_active", "last_login", "date_joined"]
    readonly_fields = ["last_login", "date_joined"]
    inlines = [MembershipInline]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Merchant)
class MerchantAdmin(admin.ModelAdmin):
    """Merchants."""

    list_display = ["name", "slug", "is_active", "auto_approve", "fallback", "exploration"]
    search_fields = ["name", "slug"]


@admin.register(Placement)
class PlacementAdmin(admin.ModelAdmin):
    """Placements."""

    list_display = ["slug", "name", "width", "height", "scale", "anchor", "margin", "is_active"]
    search_fields = ["slug", "name"]


@admin.register(Category)
class CategoryAdmin(ReadOnlyAdmin):
    """The tree."""

    list_display = ["path"]
    search_fields = ["path"]


@admin.register(Product)
class ProductAdmin(ReadOnlyAdmin):
    """Products."""

    list_display = ["external_id", "title", "merchant", "category", "status"]
    list_filter = ["status", "merchant"]
    list_select_related = ["merchant", "category"]
    search_fields = ["external_id", "title"]


@admin.register(CatalogImport)
class CatalogImportAdmin(ReadOnlyAdmin):
    """Imports."""

    list_display = ["id", "merchant", "filename", "status", "created", "changed", "refused", "queued_at"]
    list_filter = ["status", "merchant"]
    list_select_related = ["merchant"]


@admin.register(Prompt)
class PromptAdmin(ReadOnlyAdmin):
    """Prompts."""

    list_display = ["name", "category"]
    list_select_related = ["category"]
    search_fields = ["name", "category__path"]


@admin.register(PromptVersion)
class PromptVersionAdmin(ReadOnlyAdmin):
    """Texts: immutable."""

    list_display = ["prompt", "version", "text", "created_by", "created_at", "retired_at"]
    list_select_related = ["prompt", "created_by"]
    search_fields = ["text", "prompt__name"]


@admin.register(CreativeRequest)
class CreativeRequestAdmin(ReadOnlyAdmin):
    """Requests."""

    list_display = ["id", "merchant", "prompt_version", "bucket", "status", "attempts", "due_at"]
    list_filter = ["status", "bucket", "merchant"]
    list_select_related = ["merchant", "prompt_version__prompt"]


@admin.register(Creative)
class CreativeAdmin(ReadOnlyAdmin):
    """Creatives."""

    list_display = ["id", "merchant", "request", "status", "reason", "created_at", "decided_at"]
    list_filter = ["status", "merchant"]
    list_select_related = ["merchant", "request"]


@admin.register(OutboxEntry)
class OutboxEntryAdmin(ReadOnlyAdmin):
    """Wake-ups that are not on the queue yet."""

    list_display = ["job", "key", "available_at", "created_at"]


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    """Messages."""

    list_display = ["message_id", "recommender", "event_type", "status", "attempts", "due_at"]
    list_filter = ["status", "event_type", "recommender"]
    list_select_related = ["recommender"]


@admin.register(Recommender)
class RecommenderAdmin(ReadOnlyAdmin):
    """Recommenders, without their secrets."""

    list_display = ["name", "webhook_url", "is_active"]
    exclude = ["webhook_secret", "webhook_secret_previous"]


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Keys, by their first characters."""

    list_display = ["prefix", "merchant", "recommender", "created_at", "revoked_at"]
    list_select_related = ["merchant", "recommender"]
    exclude = ["digest"]
