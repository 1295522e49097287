"""Prompt pools as files: export, and import with a look at what would change."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from creatives import pool_files
from creatives.forms.trials import MAX_FILE_BYTES, PoolFileForm
from creatives.listing import csv_response
from creatives.models import Category
from creatives.permissions import admin_required, signed_in
from creatives.services.pools import Plan, StalePlanError, apply_pools, entries_of, plan_pools
from creatives.services.prompts import PromptError


@admin_required
@require_safe
def pool_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """Every prompt in its newest version, of all pools or (``?category=id``) of a category and what is below it."""
    wanted = request.GET.get("category", "")
    category = (
        get_object_or_404(Category, pk=int(wanted)) if wanted.isdecimal() and len(wanted) < 19 else None
    )
    entries = entries_of(category)
    if kind == "csv":
        return csv_response("prompts", pool_files.COLUMNS, map(pool_files.cells, entries))
    if kind != "json":
        raise Http404("csv or json")
    response = HttpResponse(pool_files.as_json(entries), content_type="application/json")
    response["Content-Disposition"] = 'attachment; filename="prompts.json"'
    return response


@admin_required
@require_http_methods(["GET", "HEAD", "POST"])
def pool_import(request: HttpRequest) -> HttpResponse:
    """The form, and what the file that was sent would change; nothing is changed yet."""
    is_sent = request.method == "POST"
    form = PoolFileForm(request.POST, request.FILES) if is_sent else PoolFileForm()
    if not is_sent or not form.is_valid():
        return render(request, "prompts/import.html", {"form": form}, status=422 if form.is_bound else 200)
    return _look(request, form.cleaned_data["file"], form)


@admin_required
@require_POST
def pool_apply(request: HttpRequest) -> HttpResponse:
    """Change what was looked at: the file comes back with the form."""
    data = request.POST.get("content", "").encode()
    if not data or len(data) > 4 * MAX_FILE_BYTES:
        raise Http404("no file")
    entries, problems = pool_files.read(data)
    try:
        if problems:
            first = problems[0]
            where = f"entry {first.line}" + (f", {first.column}" if first.column else "")
            raise PromptError(f"{where}: {first.rule}")
        plan = apply_pools(entries, request.POST.get("digest", ""), signed_in(request))
    except StalePlanError as error:
        messages.warning(request, str(error))
        return _look(request, data, PoolFileForm(), status=409)
    except PromptError as error:
        messages.error(request, f"Nothing was imported: {error}")
        return redirect("pool-import")
    messages.success(request, f"Imported: {_words(plan)}.")
    return redirect("prompts")


def _look(request: HttpRequest, data: bytes, form: PoolFileForm, status: int = 200) -> HttpResponse:
    entries, problems = pool_files.read(data)
    plan = plan_pools(entries)
    context = {
        "form": form,
        "plan": plan,
        "words": _words(plan),
        "problems": problems,
        "content": "" if problems else pool_files.as_json(entries),
    }
    return render(request, "prompts/import.html", context, status=422 if problems else status)


def _words(plan: Plan) -> str:
    kinds = (
        ("new", "new"),
        ("changed", "with a new version"),
        ("back", "brought back"),
        ("retired", "retired"),
    )
    said = [f"{count} {words}" for kind, words in kinds if (count := plan.count(kind))]  # type: ignore[arg-type]
    return ", ".join([*said, f"{plan.count('unchanged')} unchanged"])
