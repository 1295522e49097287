"""Pixels, clicks, experiments, the policy, and the reports."""

from __future__ import annotations

from importlib.util import find_spec

from django.urls import include, path

from bandit import views

urlpatterns = [
    path("e/<str:token>/i.gif", views.impression, name="impression"),
    path("c/<str:token>", views.click, name="click"),
]
if find_spec("bandit.urls_reports"):
    urlpatterns.append(path("", include("bandit.urls_reports")))
