"""/experiments/: which share of the shoppers is shown what, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from bandit.experiment_designs import READY_MADE
from bandit.experiment_pictures import ask_for_pictures, pictures_of
from bandit.experiment_results import (
    Result,
    chart,
    document,
    phases,
    records,
    result_of,
    results_of,
    usual_traffic,
)
from bandit.experiment_words import conclusion, tone
from bandit.experiments import (
    ExperimentError,
    create_experiment,
    discard_experiment,
    set_holdout,
    start_experiment,
    stop_experiment,
    widen_experiment,
)
from bandit.forms_experiments import ExperimentForm, HoldoutForm, WidenForm
from bandit.models import Design, Experiment, Layer
from bandit.report_export import to_csv
from bandit.reports import freshness
from creatives.models import CreativeRequest, Merchant
from creatives.permissions import EDITORS, admin_required, current_merchant, member_required, signed_in
from creatives.services.ahead import AskError
from creatives.services.sizes import current_pipeline_version


@member_required(EDITORS)
def experiments(request: HttpRequest) -> HttpResponse:
    """A merchant's experiments, the newest first, and how the shoppers are divided; admins plan new ones."""
    context = _of_merchant(request)
    if merchant := context["merchant"]:
        rows = list(Experiment.objects.filter(merchant=merchant).order_by("-id"))
        running = [row for row in rows if row.status == Experiment.Status.RUNNING]
        layer = Layer.objects.filter(merchant=merchant).first()
        holdout = layer.holdout if layer else 0
        context |= {
            "results": [(result, conclusion(result), tone(result)) for result in results_of(rows)],
            "running": sorted(running, key=lambda row: row.slot_start or 0),
            "free": 100 - holdout - sum(row.traffic for row in running),
            "holdout": holdout,
            "holdout_form": HoldoutForm(initial={"holdout": holdout}),
            "designs": READY_MADE.values(),
        }
    return render(request, "experiments/experiments.html", context)


@member_required(EDITORS)
def experiment(request: HttpRequest, experiment_id: int) -> HttpResponse:
    """One experiment: the conclusion, its progress, the arms, the gain over time, what must not suffer."""
    result = _result(request, experiment_id)
    context = {
        "merchant": result.experiment.merchant,
        "result": result,
        "conclusion": conclusion(result),
        "tone": tone(result),
        "chart": chart(result),
        "planned_days": result.planned_days(usual_traffic(result.experiment.merchant)[1]),
        "freshness": freshness(result.experiment.merchant),
        "actions": result.experiment.actions.select_related("user"),
        "pictures": pictures_of(result.experiment, result.arms),
        "widen_form": WidenForm(initial={"enrolled": 100}),
    }
    return render(request, "experiments/experiment.html", context)


@member_required(EDITORS)
def experiment_file(request: HttpRequest, experiment_id: int, kind: str) -> HttpResponse:
    """The figures of one experiment by arm and day."""
    result = _result(request, experiment_id)
    if kind == "json":
        response: HttpResponse = JsonResponse(document(result, conclusion(result)))
    else:
        response = HttpResponse(to_csv(records(result)), content_type="text/csv; charset=utf-8")
    name = f"experiment-{result.experiment.merchant.slug}-{result.experiment.pk}.{kind}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@member_required(EDITORS)
def experiment_phases(request: HttpRequest) -> HttpResponse:
    """The paper's figure 4 with the merchant's own figures: the gains of its three phases side by side."""
    context = _of_merchant(request)
    if merchant := context["merchant"]:
        found = phases(merchant)
        context |= {
            "panels": [(result, chart(result), conclusion(result)) for result in found],
            "missing": [
                READY_MADE[design]
                for design in (Design.PHASE_1, Design.PHASE_2, Design.PHASE_3)
                if design not in {result.experiment.design for result in found}
            ],
            "freshness": freshness(merchant),
        }
    return render(request, "experiments/phases.html", context)


@admin_required
def experiment_add(request: HttpRequest) -> HttpResponse:
    """Plan an experiment of ``?design=``; it starts when somebody starts it."""
    merchant = current_merchant(request)
    if merchant is None:
        return redirect("experiments")
    design = request.GET.get("design") or request.POST.get("design") or Design.PHASE_3
    if design not in READY_MADE:
        raise Http404(f"no design {design!r}")
    versions = _pipeline_versions(merchant)
    form = ExperimentForm(request.POST or None, design, versions, usual_traffic(merchant)[0])
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            name, arms, plan = form.cleaned_data["name"], form.arms(), form.plan()
            try:
                made = create_experiment(merchant, name, arms, plan, design, signed_in(request))
            except ExperimentError as error:
                form.add_error("name", str(error))
            else:
                messages.success(request, f"{made.name} is planned. Start it when you are ready.")
                return redirect("experiment", made.pk)
    context = {
        "form": form,
        "merchant": merchant,
        "made": READY_MADE[design],
        "designs": READY_MADE.values(),
        "versions": versions,
        "is_possible": design != Design.PHASE_2 or len(versions) > 1,
    }
    return render(request, "experiments/add.html", context, status=status)


@admin_required
@require_POST
def experiment_start(request: HttpRequest, experiment_id: int) -> HttpResponse:
    """Start a planned experiment, if there is room for it."""
    user = signed_in(request)
    return _step(request, experiment_id, lambda pk: start_experiment(pk, user), "is running from now on.")


@admin_required
@require_POST
def experiment_stop(request: HttpRequest, experiment_id: int) -> HttpResponse:
    """Stop a running experiment for good."""
    user = signed_in(request)
    done = "has stopped: its shoppers are personalised until another one starts."
    return _step(request, experiment_id, lambda pk: stop_experiment(pk, user), done)


@admin_required
@require_POST
def experiment_widen(request: HttpRequest, experiment_id: int) -> HttpResponse:
    """Let more shoppers take part in a running experiment."""
    form, user = WidenForm(request.POST), signed_in(request)

    def widen(pk: int) -> Experiment:
        if not form.is_valid():
            raise ExperimentError("Give a share from 1 to 100 %.")
        return widen_experiment(pk, form.cleaned_data["enrolled"], user)

    return _step(request, experiment_id, widen, "has more shoppers from now on; nobody has changed arms.")


@admin_required
@require_POST
def experiment_ask(request: HttpRequest, experiment_id: int) -> HttpResponse:
    """Have the generated pictures of an experiment's arms painted ahead of the shoppers, as far as they are missing."""
    found = get_object_or_404(_theirs(request), pk=experiment_id)
    try:
        asked = ask_for_pictures(found, signed_in(request))
    except AskError as error:
        messages.error(request, f"{error}. Ask for a part of the catalogue by the API.")
    else:
        if asked.generations or asked.sizes:
            what = f"Asked for. Paintings: {asked.generations:,}, sizes: {asked.sizes:,}"
            messages.success(request, f"{what}. They go to review when they are done.")
        else:
            messages.info(request, "Everything there is to paint has been asked for already.")
    return redirect("experiment", found.pk)


@admin_required
@require_POST
def experiment_discard(request: HttpRequest, experiment_id: int) -> HttpResponse:
    """Throw a draft away."""
    return _step(request, experiment_id, discard_experiment, "is discarded.", is_kept=False)


@admin_required
@require_POST
def experiment_holdout(request: HttpRequest) -> HttpResponse:
    """Change the share of shoppers that is kept out of everything."""
    merchant, form = current_merchant(request), HoldoutForm(request.POST)
    if merchant is None:
        return redirect("experiments")
    if not form.is_valid():
        messages.error(request, "A holdout is a share from 0 to 50 %.")
        return _back(merchant)
    try:
        layer = set_holdout(merchant, form.cleaned_data["holdout"])
    except ExperimentError as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request, f"{layer.holdout} % of the shoppers are kept out of everything from now on."
        )
    return _back(merchant)


def _of_merchant(request: HttpRequest) -> dict[str, Any]:
    merchants = Merchant.objects.for_member(signed_in(request), EDITORS).order_by("name")
    return {"merchant": current_merchant(request, EDITORS), "merchants": merchants}


def _result(request: HttpRequest, experiment_id: int) -> Result:
    return result_of(get_object_or_404(_theirs(request, EDITORS), pk=experiment_id))


def _theirs(request: HttpRequest, *roles: tuple[str, ...]) -> QuerySet[Experiment]:
    found: QuerySet[Experiment] = Experiment.objects.for_member(signed_in(request), *roles)
    return found.select_related("merchant")


def _pipeline_versions(merchant: Merchant) -> list[str]:
    """Versions of the pipeline with an approved picture of the merchant's, the current one first."""
    current = current_pipeline_version()
    rows = CreativeRequest.objects.filter(merchant=merchant, creatives__status="approved")
    found = set(rows.order_by().values_list("pipeline_version", flat=True).distinct())
    return [current, *sorted(found - {current}, reverse=True)]


def _step(
    request: HttpRequest,
    experiment_id: int,
    step: Callable[[int], Experiment],
    done: str,
    *,
    is_kept: bool = True,
) -> HttpResponse:
    found = get_object_or_404(_theirs(request), pk=experiment_id)
    try:
        messages.success(request, f"{step(found.pk).name} {done}")
    except ExperimentError as error:
        messages.error(request, str(error))
        is_kept = True
    return redirect("experiment", found.pk) if is_kept else _back(found.merchant)


def _back(merchant: Merchant) -> HttpResponse:
    return redirect(f"{reverse('experiments')}?merchant={merchant.slug}")
