"""Checkpoint profiles and their comparisons."""

from __future__ import annotations

from django.urls import path

from creatives.views import profiles

urlpatterns = [
    path("profiles/", profiles.profiles, name="profiles"),
    path("profiles/comparisons/<int:comparison_id>/", profiles.comparison, name="comparison"),
]
