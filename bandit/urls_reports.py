"""Reports: pages, and each of them as CSV and JSON."""

from django.urls import path

from bandit import views_reports as views

urlpatterns = [
    path("reports/", views.report, name="reports"),
    path("reports/export.csv", views.report_file, {"kind": "csv"}, name="report-csv"),
    path("reports/export.json", views.report_file, {"kind": "json"}, name="report-json"),
    path("reports/creatives/", views.creatives, name="report-creatives"),
    path("reports/creatives.csv", views.creatives_file, {"kind": "csv"}, name="report-creatives-csv"),
    path("reports/creatives.json", views.creatives_file, {"kind": "json"}, name="report-creatives-json"),
    path("reports/learned/", views.learned, name="report-learned"),
    path("reports/learned.csv", views.learned_file, {"kind": "csv"}, name="report-learned-csv"),
    path("reports/learned.json", views.learned_file, {"kind": "json"}, name="report-learned-json"),
]
