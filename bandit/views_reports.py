"""/reports/: performance, creatives, and what the bandit has learned; each as a page, as CSV and as JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from bandit import report_creatives, report_learned, reports
from bandit.forms_reports import CreativesForm, LearnedForm, PeriodForm, ReportForm
from bandit.report_export import period, rows_of, to_csv, to_json
from creatives.models import Merchant
from creatives.permissions import EDITORS, current_merchant, member_required, signed_in

Json = dict[str, Any]


@member_required(EDITORS)
def report(request: HttpRequest) -> HttpResponse:
    """Click rates of what was shown; an invalid filter is explained and nothing is counted."""

    def content(form: PeriodForm) -> Json:
        found = _report(form)
        return {"report": found, "headline": reports.headline(found), "chart": reports.chart(found)}

    return _page(request, "reports/report.html", ReportForm, content)


@member_required(EDITORS)
def report_file(request: HttpRequest, kind: str) -> HttpResponse:
    """The same table for a spreadsheet or a program."""

    def records(form: PeriodForm) -> list[Json]:
        return rows_of(_report(form))

    def document(form: PeriodForm) -> Json:
        found = _report(form)
        return to_json(found, form.wanted(), reports.headline(found))

    return _file(request, kind, "report", ReportForm, records, document)


@member_required(EDITORS)
def creatives(request: HttpRequest) -> HttpResponse:
    """The best and the worst creatives, with their pictures."""

    def content(form: PeriodForm) -> Json:
        return {"report": report_creatives.build(form.wanted())}

    return _page(request, "reports/creatives.html", CreativesForm, content)


@member_required(EDITORS)
def creatives_file(request: HttpRequest, kind: str) -> HttpResponse:
    """The lists of the page above."""

    def records(form: PeriodForm) -> list[Json]:
        return report_creatives.records(report_creatives.build(form.wanted()))

    def document(form: PeriodForm) -> Json:
        found = report_creatives.build(form.wanted())
        counts = {"shown": found.shown, "judged": found.judged}
        return {**period(form.wanted()), **counts, "rows": report_creatives.records(found)}

    return _file(request, kind, "creatives", CreativesForm, records, document)


@member_required(EDITORS)
def learned(request: HttpRequest) -> HttpResponse:
    """Which prompt is shown to whom, what it is worth there, and what choosing has brought."""

    def content(form: PeriodForm) -> Json:
        found = _learned(form)
        return {
            "learned": found,
            "headline": report_learned.headline(found),
            "chart": report_learned.chart(found),
        }

    return _page(request, "reports/learned.html", LearnedForm, content)


@member_required(EDITORS)
def learned_file(request: HttpRequest, kind: str) -> HttpResponse:
    """The figures of the page above."""

    def records(form: PeriodForm) -> list[Json]:
        return report_learned.records(_learned(form))

    def document(form: PeriodForm) -> Json:
        found = _learned(form)
        words = {"headline": report_learned.headline(found), "estimates": report_learned.summary(found)}
        return {**period(form.wanted()), **words, "rows": report_learned.records(found)}

    return _file(request, kind, "learned", LearnedForm, records, document)


def _report(form: PeriodForm) -> reports.Report:
    return reports.build(form.wanted(), form.cleaned_data["split"] or "arm", form.cleaned_data["baseline"])


def _learned(form: PeriodForm) -> report_learned.Learned:
    return report_learned.build(form.wanted(), form.cleaned_data["segment"] or "device")


def _page(
    request: HttpRequest, template: str, of: type[PeriodForm], content: Callable[[PeriodForm], Json]
) -> HttpResponse:
    merchant = current_merchant(request, EDITORS)
    if merchant is None:
        return render(request, template, {"merchant": None})
    form = of(request.GET, merchant)
    context: Json = {
        "form": form,
        "merchant": merchant,
        "merchants": Merchant.objects.for_member(signed_in(request), EDITORS).order_by("name"),
        "freshness": reports.freshness(merchant),
    }
    if not form.is_valid():
        return render(request, template, context, status=422)
    return render(request, template, context | content(form))


def _file(
    request: HttpRequest,
    kind: str,
    name: str,
    of: type[PeriodForm],
    records: Callable[[PeriodForm], list[Json]],
    document: Callable[[PeriodForm], Json],
) -> HttpResponse:
    merchant = current_merchant(request, EDITORS)
    if merchant is None:
        return HttpResponse("no merchant\n", status=404, content_type="text/plain")
    form = of(request.GET, merchant)
    if not form.is_valid():
        messages = [str(message) for errors in form.errors.values() for message in errors]
        return HttpResponse("\n".join(messages) + "\n", status=422, content_type="text/plain; charset=utf-8")
    if kind == "json":
        response: HttpResponse = JsonResponse(document(form))
    else:
        response = HttpResponse(to_csv(records(form)), content_type="text/csv; charset=utf-8")
    split = form.cleaned_data.get("split") or form.cleaned_data.get("segment") or ""
    parts = [name, merchant.slug, *([split] if split else [])]
    response["Content-Disposition"] = f'attachment; filename="{"-".join(parts)}.{kind}"'
    return response
