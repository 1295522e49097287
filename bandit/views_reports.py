"""/reports/: performance and A/B, as a page and as CSV."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from bandit import reports
from bandit.forms_reports import ReportForm
from creatives.models import Merchant
from creatives.permissions import EDITORS, current_merchant, member_required


@member_required(EDITORS)
def report(request: HttpRequest) -> HttpResponse:
    """The page; an invalid filter is explained and nothing is counted."""
    merchant = current_merchant(request, EDITORS)
    if merchant is None:
        return render(request, "reports/report.html", {"merchant": None})
    form = ReportForm(request.GET, merchant)
    context = {
        "form": form,
        "merchant": merchant,
        "merchants": Merchant.objects.for_member(request.user, EDITORS).order_by("name"),  # type: ignore[arg-type]
    }
    if not form.is_valid():
        return render(request, "reports/report.html", context, status=422)
    found = reports.build(form.wanted(), form.cleaned_data["split"] or "arm", form.cleaned_data["baseline"])
    context |= {"report": found, "headline": reports.headline(found), "chart": reports.chart(found)}
    return render(request, "reports/report.html", context)


@member_required(EDITORS)
def report_csv(request: HttpRequest) -> HttpResponse:
    """The same table for a spreadsheet."""
    merchant = current_merchant(request, EDITORS)
    if merchant is None:
        return HttpResponse("no merchant\n", status=404, content_type="text/plain")
    form = ReportForm(request.GET, merchant)
    if not form.is_valid():
        messages = [str(message) for errors in form.errors.values() for message in errors]
        return HttpResponse("\n".join(messages) + "\n", status=422, content_type="text/plain; charset=utf-8")
    found = reports.build(form.wanted(), form.cleaned_data["split"] or "arm", form.cleaned_data["baseline"])
    response = HttpResponse(reports.to_csv(found), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="report-{merchant.slug}-{found.dimension}.csv"'
    return response
