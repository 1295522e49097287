"""Pixels, clicks, experiments, the policy, and the reports."""

from __future__ import annotations

from django.urls import include, path

from bandit import views, views_policy, views_policy_log

urlpatterns = [
    path("e/<str:token>", views.impression, name="impression"),
    path("c/<str:token>", views.click, name="click"),
    path("", include("bandit.urls_experiments")),
    path("policy/", views_policy.policy, name="policy"),
    path("policy/pools/<int:category_id>/settings/", views_policy.settings, name="policy-settings"),
    path("policy/pools/<int:category_id>/switch/", views_policy.switch, name="policy-switch"),
    path("policy/pools/<int:category_id>/pause/<int:version_id>/", views_policy.pause, name="policy-pause"),
    path(
        "policy/pools/<int:category_id>/resume/<int:version_id>/", views_policy.resume, name="policy-resume"
    ),
    path("policy/<int:policy_id>/version/", views_policy.go_back, name="policy-version"),
    path("policy/why/", views_policy_log.why_page, name="policy-why"),
    path("policy/compare/", views_policy_log.compare, name="policy-compare"),
    path("policy/compare/<int:comparison_id>/", views_policy_log.comparison, name="policy-comparison"),
    path("", include("bandit.urls_reports")),
]
