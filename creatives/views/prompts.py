"""Prompt pools: the tree of categories, a pool, a prompt with its history, and its edits."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from creatives.forms.prompts import CategoryForm, PromptForm, RetireForm, VersionForm
from creatives.forms.trials import TrialForm
from creatives.models import Category, Prompt, PromptTrial, PromptVersion
from creatives.permissions import EDITORS, admin_required, member_required, signed_in
from creatives.selectors.prompt_pages import history, prompts_of, tree, visible_categories, visible_prompts
from creatives.selectors.prompts import pool_category
from creatives.selectors.trials import latest_trials, trial_view
from creatives.services import prompts as service
from creatives.services.categories import ensure_category
from creatives.services.trials import Draft, TrialError, try_prompt
from creatives.text_diff import word_diff


@member_required(EDITORS)
def prompts(request: HttpRequest) -> HttpResponse:
    """The tree, and the pool of the chosen category (``?category=id``)."""
    user = signed_in(request)
    query = request.GET.get("q", "").strip()
    nodes = tree(user, query)
    chosen = None
    if wanted := request.GET.get("category"):
        chosen = get_object_or_404(visible_categories(user), pk=wanted if wanted.isdecimal() else 0)
    elif nodes:
        chosen = next((node.category for node in nodes if node.prompts), nodes[0].category)
    context = {"nodes": nodes, "query": query, "chosen": chosen, **(_pool_context(chosen) if chosen else {})}
    return render(request, "prompts/prompts.html", context)


@member_required(EDITORS)
def prompt(request: HttpRequest, prompt_id: int) -> HttpResponse:
    """A prompt: the text in use, who wrote it when, and every former version with its difference."""
    found = get_object_or_404(visible_prompts(signed_in(request)).select_related("category"), pk=prompt_id)
    changes = history(found)
    return render(
        request,
        "prompts/prompt.html",
        {
            "prompt": found,
            "changes": changes,
            "newest": changes[0].version,
            "versions": [change.version for change in changes],
            "trials": latest_trials(prompt=found) if request.user.is_staff else [],
        },
    )


@admin_required
def prompt_add(request: HttpRequest, category_id: int) -> HttpResponse:
    """Add a prompt to the pool of a category, or (``try``) see first what it paints. ``?trial=n`` begins with its text."""
    category = get_object_or_404(Category, pk=category_id)
    tried = _tried(request, PromptTrial.objects.filter(category=category, prompt=None))
    initial = _facts(tried) | {"name": tried.name} if tried else {}
    form = PromptForm(request.POST or None, initial=initial)
    trial_form = TrialForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            if "try" in request.POST:
                name = data["name"]
                draft = Draft(category, data["text"], data["negative_text"], data["ground"], name=name)
                return _try(request, draft, trial_form)
            service.add_prompt(
                category,
                data["name"],
                data["text"],
                data["negative_text"],
                signed_in(request),
                data["ground"],
            )
        except TrialError as error:
            trial_form.add_error("products", str(error))
        except service.PromptError as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, f"“{data['name']}” is in the pool.")
            return redirect(f"{reverse('prompts')}?category={category.pk}")
    context = {"form": form, "trial_form": trial_form, "category": category}
    return render(request, "prompts/add.html", context, status=422 if form.is_bound else 200)


@admin_required
def prompt_edit(request: HttpRequest, prompt_id: int) -> HttpResponse:
    """Edit a prompt, which makes a new version, or (``try``) see first what it paints.

    ``?from=n`` begins with the text of version n, ``?trial=n`` with that of a trial.
    """
    found = get_object_or_404(Prompt.objects.select_related("category"), pk=prompt_id)
    newest = found.versions.order_by("-version")[:1].get()
    if request.method != "POST":
        wanted = request.GET.get("from", "")
        start = found.versions.filter(version=wanted).first() if wanted.isdecimal() else None
        source = _tried(request, found.trials.all()) or start or newest
        return _edit_page(
            request, found, newest, VersionForm(initial={**_facts(source), "base": newest.version})
        )
    form = VersionForm(request.POST)
    trial_form = TrialForm(request.POST)
    if not form.is_valid():
        return _edit_page(request, found, newest, form, trial_form)
    data = form.cleaned_data
    facts = (data["text"], data["negative_text"])
    try:
        if "try" in request.POST:
            draft = Draft(found.category, *facts, data["ground"], prompt=found, base=data["base"])
            return _try(request, draft, trial_form)
        saved = service.new_version(found.pk, data["base"], *facts, signed_in(request), data["ground"])
    except service.StaleEditError as error:
        return _conflict(request, found, form, error)
    except TrialError as error:
        trial_form.add_error("products", str(error))
        return _edit_page(request, found, newest, form, trial_form)
    except service.PromptError as error:
        form.add_error(None, str(error))
        return _edit_page(request, found, newest, form, trial_form)
    messages.success(request, f"“{found}” is now version {saved.version}. It starts learning afresh.")
    return redirect("prompt", found.pk)


def _edit_page(
    request: HttpRequest,
    found: Prompt,
    newest: PromptVersion,
    form: VersionForm,
    trial_form: TrialForm | None = None,
) -> HttpResponse:
    context = {"form": form, "trial_form": trial_form or TrialForm(), "prompt": found, "newest": newest}
    return render(request, "prompts/edit.html", context, status=422 if form.is_bound else 200)


def _facts(source: PromptVersion | PromptTrial) -> dict[str, str]:
    return {"text": source.text, "negative_text": source.negative_text, "ground": source.ground}


def _tried(request: HttpRequest, trials: QuerySet[PromptTrial]) -> PromptTrial | None:
    wanted = request.GET.get("trial", "")
    return trials.filter(pk=wanted).first() if wanted.isdecimal() and len(wanted) < 19 else None


def _try(request: HttpRequest, draft: Draft, form: TrialForm) -> HttpResponse:
    """Start a trial. Raises TrialError."""
    if not form.is_valid():
        raise TrialError("Say which products as ids, separated by commas.")
    facts = form.cleaned_data
    trial = try_prompt(draft, signed_in(request), facts["products"], facts["placement"])
    return redirect("prompt-trial", trial.pk)


@admin_required
@require_safe
def prompt_trial(request: HttpRequest, trial_id: int) -> HttpResponse:
    """A trial: its pictures as they come, and saving it or going on. htmx asks for the part that changes."""
    trial = get_object_or_404(
        PromptTrial.objects.select_related("category", "prompt", "created_by"), pk=trial_id
    )
    view = trial_view(trial)
    newest = trial.prompt.versions.order_by("-version")[:1].get() if trial.prompt else None
    context = {
        "trial": trial,
        "samples": view.samples,
        "progress": view.progress(trial),
        "newest": newest,
        "difference": word_diff(newest.text, trial.text) if newest else [],
    }
    is_partial = request.headers.get("HX-Target") == "trial"
    return render(request, "prompts/_trial.html" if is_partial else "prompts/trial.html", context)


@admin_required
@require_POST
def prompt_retire(request: HttpRequest, prompt_id: int) -> HttpResponse:
    """Take a prompt out of its pool."""
    found = get_object_or_404(Prompt, pk=prompt_id)
    form = RetireForm(request.POST)
    try:
        if not form.is_valid():
            raise service.PromptError("The version to retire is missing.")
        service.retire(found.pk, form.cleaned_data["base"], signed_in(request))
    except service.PromptError as error:
        messages.error(request, f"Not retired: {error}")
    else:
        messages.success(request, f"“{found}” is retired. Edit it to bring it back.")
    return redirect("prompt", found.pk)


@admin_required
def category_add(request: HttpRequest) -> HttpResponse:
    """Add a category to the tree."""
    form = CategoryForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        category = ensure_category(form.cleaned_data["path"])
        return redirect(f"{reverse('prompts')}?category={category.pk}")
    context = {
        "form": form,
        "heading": "Add a category",
        "submit": "Add",
        "back": "prompts",
        "back_label": "Prompts",
    }
    return render(request, "accounts/form.html", context, status=422 if form.is_bound else 200)


def _pool_context(category: Category) -> dict[str, object]:
    own = prompts_of(category)
    serving = pool_category(category)
    inherited = prompts_of(serving) if serving and serving.pk != category.pk else []
    used = [row for row in inherited if row.latest.retired_at is None]
    return {
        "prompts": own,
        "serving": serving,
        "inherited": used,
        "versions": [row.latest for row in (*own, *used)],
        "trials": latest_trials(category=category),
    }


def _conflict(
    request: HttpRequest, found: Prompt, form: VersionForm, error: service.StaleEditError
) -> HttpResponse:
    mine = form.cleaned_data
    again = VersionForm(initial={**mine, "base": error.current.version})
    context = {
        "form": again,
        "prompt": found,
        "newest": error.current,
        "conflict": str(error),
        "difference": word_diff(error.current.text, mine["text"]),
        "trial_form": TrialForm(),
    }
    return render(request, "prompts/edit.html", context, status=409)
