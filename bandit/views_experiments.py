"""/experiments/: which share of the shoppers is shown what."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from bandit.forms_experiments import ExperimentForm
from bandit.models import Experiment
from bandit.services import ExperimentError, create_experiment, start_experiment, stop_experiment
from creatives.models import Merchant
from creatives.permissions import EDITORS, admin_required, current_merchant, member_required, signed_in


@member_required(EDITORS)
def experiments(request: HttpRequest) -> HttpResponse:
    """A merchant's experiments, the newest first; admins start and stop them."""
    merchant = current_merchant(request, EDITORS)
    rows = Experiment.objects.for_member(signed_in(request), EDITORS)
    rows = rows.filter(merchant=merchant).prefetch_related("arms").order_by("-id")
    merchants = Merchant.objects.for_member(signed_in(request), EDITORS).order_by("name")
    context = {
        "merchant": merchant,
        "merchants": merchants,
        "experiments": rows,
        "running": next((row for row in rows if row.status == Experiment.Status.RUNNING), None),
    }
    return render(request, "experiments/experiments.html", context)


@admin_required
def experiment_add(request: HttpRequest) -> HttpResponse:
    """Plan an experiment; it starts when somebody starts it."""
    merchant = current_merchant(request)
    if merchant is None:
        return redirect("experiments")
    form = ExperimentForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                made = create_experiment(merchant, form.cleaned_data["name"], form.arms())
            except ExperimentError as error:
                form.add_error("name", str(error))
            else:
                messages.success(request, f"{made.name} is planned. Start it when you are ready.")
                return _back(merchant)
    return render(request, "experiments/add.html", {"form": form, "merchant": merchant}, status=status)


@admin_required
@require_POST
def experiment_start(request: HttpRequest, experiment_id: int) -> HttpResponse:
    """Start a planned experiment, unless another one runs."""
    return _step(request, experiment_id, start_experiment, "is running from now on.")


@admin_required
@require_POST
def experiment_stop(request: HttpRequest, experiment_id: int) -> HttpResponse:
    """Stop a running experiment for good."""
    return _step(
        request,
        experiment_id,
        stop_experiment,
        "has stopped: everybody is personalised until another one starts.",
    )


def _step(
    request: HttpRequest, experiment_id: int, step: Callable[[int], Experiment], done: str
) -> HttpResponse:
    rows = Experiment.objects.for_member(signed_in(request))
    found = get_object_or_404(rows.select_related("merchant"), pk=experiment_id)
    try:
        messages.success(request, f"{step(found.pk).name} {done}")
    except ExperimentError as error:
        messages.error(request, str(error))
    return _back(found.merchant)


def _back(merchant: Merchant) -> HttpResponse:
    return redirect(f"{reverse('experiments')}?merchant={merchant.slug}")
