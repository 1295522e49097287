"""The urlconf: pages, API, operations."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path
from django.views.static import serve

from config import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("admin/", admin.site.urls),
]
# While the house is being built each room brings its own urls module.
for _module in (
    "creatives.urls_accounts",
    "creatives.urls_catalog",
    "creatives.urls_prompts",
    "creatives.urls_operations",
    "review.urls",
    "bandit.urls",
    "bandit.urls_reports",
):
    if find_spec(_module):
        urlpatterns.append(path("", include(_module)))
if find_spec("config.api"):
    urlpatterns.append(path("api/v1/", import_module("config.api").api.urls))
if settings.SERVE_MEDIA:
    urlpatterns.append(
        re_path(
            r"^media/(?P<path>.*)$",
            serve,
            {"document_root": settings.STORAGES["default"]["OPTIONS"]["location"]},
        )
    )
