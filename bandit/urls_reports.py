"""Reports."""

from django.urls import path

from bandit import views_reports

urlpatterns = [
    path("reports/", views_reports.report, name="reports"),
    path("reports/export.csv", views_reports.report_csv, name="report-csv"),
]
