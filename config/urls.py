"""The urlconf: pages, API, operations."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path
from django.views.static import serve

from config import health
from config.api import api

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("admin/", admin.site.urls),
    path("", include("creatives.urls_accounts")),
    path("", include("creatives.urls_catalog")),
    path("", include("creatives.urls_masks")),
    path("", include("creatives.urls_prompts")),
    path("", include("creatives.urls_operations")),
    path("", include("creatives.urls_profiles")),
    path("", include("review.urls")),
    path("", include("bandit.urls")),
    path("api/v1/", api.urls),
]
if settings.SERVE_MEDIA:
    urlpatterns.append(
        re_path(
            r"^media/(?P<path>.*)$",
            serve,
            {"document_root": settings.STORAGES["default"]["OPTIONS"]["location"]},
        )
    )
