"""Prompt pools: the tree of categories, a pool, a prompt with its history, and its edits."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from creatives.forms.prompts import CategoryForm, PromptForm, RetireForm, VersionForm
from creatives.models import Category, Prompt
from creatives.permissions import EDITORS, admin_required, member_required, signed_in
from creatives.selectors.prompt_pages import history, prompts_of, tree, visible_categories, visible_prompts
from creatives.selectors.prompts import pool_category
from creatives.services import prompts as service
from creatives.services.categories import ensure_category
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
        request, "prompts/prompt.html", {"prompt": found, "changes": changes, "newest": changes[0].version}
    )


@admin_required
def prompt_add(request: HttpRequest, category_id: int) -> HttpResponse:
    """Add a prompt to the pool of a category."""
    category = get_object_or_404(Category, pk=category_id)
    form = PromptForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            service.add_prompt(
                category,
                data["name"],
                data["text"],
                data["negative_text"],
                signed_in(request),
                data["ground"],
            )
        except service.PromptError as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, f"“{data['name']}” is in the pool.")
            return redirect(f"{reverse('prompts')}?category={category.pk}")
    status = 422 if form.is_bound else 200
    return render(request, "prompts/add.html", {"form": form, "category": category}, status=status)


@admin_required
def prompt_edit(request: HttpRequest, prompt_id: int) -> HttpResponse:
    """Edit a prompt, which makes a new version. ``?from=n`` begins with the text of version n."""
    found = get_object_or_404(Prompt.objects.select_related("category"), pk=prompt_id)
    newest = found.versions.order_by("-version")[:1].get()
    if request.method != "POST":
        wanted = request.GET.get("from", "")
        start = found.versions.filter(version=wanted).first() if wanted.isdecimal() else None
        source = start or newest
        initial = {
            "text": source.text,
            "negative_text": source.negative_text,
            "ground": source.ground,
            "base": newest.version,
        }
        form = VersionForm(initial=initial)
        return render(request, "prompts/edit.html", {"form": form, "prompt": found, "newest": newest})
    form = VersionForm(request.POST, initial={"ground": newest.ground})
    if not form.is_valid():
        return render(
            request, "prompts/edit.html", {"form": form, "prompt": found, "newest": newest}, status=422
        )
    data = form.cleaned_data
    try:
        saved = service.new_version(
            found.pk, data["base"], data["text"], data["negative_text"], signed_in(request), data["ground"]
        )
    except service.StaleEditError as error:
        return _conflict(request, found, form, error)
    except service.PromptError as error:
        form.add_error(None, str(error))
        return render(
            request, "prompts/edit.html", {"form": form, "prompt": found, "newest": newest}, status=422
        )
    messages.success(request, f"“{found}” is now version {saved.version}. It starts learning afresh.")
    return redirect("prompt", found.pk)


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
    return {
        "prompts": own,
        "serving": serving,
        "inherited": [row for row in inherited if row.latest.retired_at is None],
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
    }
    return render(request, "prompts/edit.html", context, status=409)
