"""Saved views of the desk."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from creatives.permissions import REVIEWERS, member_required, signed_in
from review.errors import ReviewError
from review.models import SavedView
from review.services.views import forget_view, save_view
from review.views.desk import desk_url, query_of


@member_required(REVIEWERS)
@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Keep the filters of the query string under the posted ``name``."""
    try:
        view = save_view(
            signed_in(request), request.POST.get("name", ""), query_of(request).removeprefix("?")
        )
    except ReviewError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"Saved as “{view.name}”.")
    return redirect(desk_url(request))


@member_required(REVIEWERS)
@require_POST
def forget(request: HttpRequest, view_id: int) -> HttpResponse:
    """Delete one's own view."""
    try:
        forget_view(signed_in(request), view_id)
    except SavedView.DoesNotExist as error:
        raise Http404(f"no view {view_id}") from error
    return redirect(desk_url(request))
