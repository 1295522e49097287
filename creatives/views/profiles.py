"""Checkpoint profiles: what each is and needs, and comparisons of them side by side. For administrators."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from creatives.forms.comparisons import ComparisonForm
from creatives.models import ComparisonEntry, ProfileComparison
from creatives.permissions import admin_required, signed_in
from creatives.selectors.comparisons import compared_photo, latest_comparisons, profile_rows
from creatives.services.comparisons import ComparisonError, Subject, start_comparison
from creatives.services.profiles import all_profiles, profile_in_use


@admin_required
@require_http_methods(["GET", "HEAD", "POST"])
def profiles(request: HttpRequest) -> HttpResponse:
    """The profiles with licence, whereabouts and cost, earlier comparisons, and the form that starts one."""
    known = all_profiles()
    rows = profile_rows(known, profile_in_use())
    usable = [row.profile for row in rows if row.standing != "missing"]
    initial = {"profiles": [row.profile.name for row in rows if row.standing == "ready"]}
    form = ComparisonForm(usable, request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        subject = Subject(
            data["photo"].sha256, data["prompt"], data["size"], data["negative_prompt"], data["seed"]
        )
        try:
            made = start_comparison(data["merchant"], subject, data["profiles"], signed_in(request))
        except ComparisonError as error:
            form.add_error("profiles", str(error))
        else:
            return redirect("comparison", made.pk)
    context = {"rows": rows, "form": form, "comparisons": latest_comparisons()}
    return render(request, "profiles/profiles.html", context, status=422 if form.is_bound else 200)


@admin_required
@require_safe
def comparison(request: HttpRequest, comparison_id: int) -> HttpResponse:
    """Pictures side by side as they come; htmx asks for the part that changes."""
    found = get_object_or_404(
        ProfileComparison.objects.select_related("merchant", "created_by"), pk=comparison_id
    )
    entries = list(found.entries.all())
    context = {
        "comparison": found,
        "entries": entries,
        "is_open": any(entry.status in ComparisonEntry.OPEN for entry in entries),
        "photo": compared_photo(found),
    }
    is_partial = request.headers.get("HX-Target") == "comparison"
    return render(request, "profiles/_comparison.html" if is_partial else "profiles/comparison.html", context)
