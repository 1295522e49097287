"""Pixels, clicks, experiments, the policy, and the reports."""

from __future__ import annotations

from django.urls import include, path

from bandit import views, views_experiments, views_policy

urlpatterns = [
    path("e/<str:token>", views.impression, name="impression"),
    path("c/<str:token>", views.click, name="click"),
    path("experiments/", views_experiments.experiments, name="experiments"),
    path("experiments/add/", views_experiments.experiment_add, name="experiment-add"),
    path(
        "experiments/<int:experiment_id>/start/", views_experiments.experiment_start, name="experiment-start"
    ),
    path("experiments/<int:experiment_id>/stop/", views_experiments.experiment_stop, name="experiment-stop"),
    path("policy/", views_policy.policy, name="policy"),
    path("", include("bandit.urls_reports")),
]
