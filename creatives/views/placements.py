"""Placements: the list with drawn previews, and their edits."""

from __future__ import annotations

from collections import defaultdict

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from creatives.forms.placements import PlacementForm
from creatives.models import Placement
from creatives.models.placements import LAYOUT_FIELDS
from creatives.permissions import EDITORS, admin_required, member_required, signed_in
from creatives.services import audit
from creatives.services.placements import Preview, placement_problem, preview, switch


@member_required(EDITORS)
def placements(request: HttpRequest) -> HttpResponse:
    """Every placement with its size bucket and the placements that share its generations."""
    found = list(Placement.objects.order_by("-is_active", "slug"))
    sharing: dict[tuple[str, str], list[Placement]] = defaultdict(list)
    previews: dict[int, Preview | None] = {row.pk: preview(row) for row in found}
    for row in found:
        if row.is_active and (drawn := previews[row.pk]):
            sharing[drawn.bucket, drawn.layout].append(row)
    rows = []
    for row in found:
        drawn = previews[row.pk]
        others = (
            [other for other in sharing[drawn.bucket, drawn.layout] if other.pk != row.pk] if drawn else []
        )
        rows.append({"placement": row, "preview": drawn, "others": others if row.is_active else []})
    active = sum(row.is_active for row in found)
    saved = active - sum(1 for shared in sharing.values() if shared)
    return render(request, "placements/placements.html", {"rows": rows, "active": active, "saved": saved})


@admin_required
def placement_add(request: HttpRequest) -> HttpResponse:
    """Add a placement."""
    return _edit(request, None)


@admin_required
def placement(request: HttpRequest, slug: str) -> HttpResponse:
    """Edit a placement."""
    return _edit(request, get_object_or_404(Placement, slug=slug))


@admin_required
def placement_preview(request: HttpRequest) -> HttpResponse:
    """The drawing for the values in the form, before they are saved (htmx)."""
    row = Placement()
    form = PlacementForm(request.GET, instance=row)
    form.is_valid()
    wanted = {"width", "height", "__all__", *LAYOUT_FIELDS}
    problems = {name: errors for name, errors in form.errors.items() if name in wanted}
    drawn = None if problems else preview(row)
    problem = None if problems or drawn else placement_problem(row)
    context = {"placement": row, "preview": drawn, "problems": problems, "problem": problem}
    return render(request, "placements/_preview.html", context)


@admin_required
@require_POST
def placement_switch(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a placement out of use, or back into it (``in_use``)."""
    try:
        row = switch(slug, request.POST.get("in_use") == "1", signed_in(request))
    except Placement.DoesNotExist as error:
        raise Http404(f"no placement {slug}") from error
    messages.success(request, f"{row.name} is {'in use' if row.is_active else 'no longer in use'}.")
    return redirect("placements")


def _edit(request: HttpRequest, found: Placement | None) -> HttpResponse:
    heading = found.name if found else "Add a placement"
    drawn = preview(found) if found else preview(Placement(width=300, height=250))
    shown = found or Placement(width=300, height=250)
    form = PlacementForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid() and (problem := placement_problem(form.instance)):
        form.add_error(None, problem)
    if request.method == "POST" and form.is_valid():
        saved = audit.save_form(form, signed_in(request), "placements", url=reverse("placements"))
        messages.success(request, f"{saved.name} was saved.")
        return redirect("placements")
    context = {
        "form": form,
        "heading": heading,
        "placement": shown,
        "preview": drawn,
        "is_new": found is None,
    }
    return render(request, "placements/edit.html", context, status=422 if form.is_bound else 200)
