"""How a merchant wants its products to stand in the placements."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from creatives.forms.placements import MerchantPlacementForm
from creatives.models import Merchant, MerchantPlacement, Placement
from creatives.models.base import EDITORS
from creatives.models.placements import LAYOUT_FIELDS, LayoutFields
from creatives.permissions import current_merchant, member_required, signed_in
from creatives.services.placements import placement_problem, preview, reset_layout, set_layout


@member_required(EDITORS)
@require_safe
def layouts(request: HttpRequest) -> HttpResponse:
    """The placements in use, each with the merchant's own layout if it has one."""
    merchant = current_merchant(request, EDITORS)
    own = {row.placement_id: row for row in MerchantPlacement.objects.filter(merchant=merchant)}
    rows = []
    for placement in Placement.objects.filter(is_active=True):
        shown = _shown(placement, own.get(placement.pk))
        rows.append({"placement": shown, "preview": preview(shown), "is_own": placement.pk in own})
    merchants = Merchant.objects.for_member(signed_in(request), EDITORS).order_by("name")
    context = {"merchant": merchant, "merchants": merchants, "rows": rows}
    return render(request, "catalog/layouts.html", context)


@member_required(EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def layout(request: HttpRequest, slug: str) -> HttpResponse:
    """Give a placement a layout of the merchant's own, or go back to the placement's."""
    merchant = _merchant(request)
    placement = get_object_or_404(Placement, slug=slug)
    own = MerchantPlacement.objects.filter(merchant=merchant, placement=placement).first()
    shown = _shown(placement, own)
    initial = {name: getattr(shown, name) for name in LAYOUT_FIELDS}
    form = MerchantPlacementForm(request.POST or None, initial=initial)
    back = f"{reverse('layouts')}?merchant={merchant.slug}"
    if request.method == "POST" and "reset" in request.POST:
        reset_layout(merchant, placement, signed_in(request))
        messages.success(request, f"{placement.name} is laid out as for everybody.")
        return redirect(back)
    if request.method == "POST" and form.is_valid():
        if problem := placement_problem(_shown(placement, form.instance)):
            form.add_error(None, problem)
        else:
            set_layout(merchant, placement, form.cleaned_data, signed_in(request))
            messages.success(request, "Saved. New pictures are painted as they are asked for.")
            return redirect(back)
    context = {
        "form": form, "merchant": merchant, "placement": shown, "preview": preview(shown),
        "is_own": own is not None, "back": back,
    }  # fmt: skip
    return render(request, "catalog/layout.html", context, status=422 if form.errors else 200)


@member_required(EDITORS)
@require_safe
def layout_preview(request: HttpRequest, slug: str) -> HttpResponse:
    """The drawing for the values in the form, before they are saved (htmx)."""
    _merchant(request)
    placement = get_object_or_404(Placement, slug=slug)
    form = MerchantPlacementForm(request.GET)
    problems = {} if form.is_valid() else dict(form.errors)
    shown = _shown(placement, form.instance)
    drawn = None if problems else preview(shown)
    context = {
        "placement": shown,
        "preview": drawn,
        "problems": problems,
        "problem": None if problems or drawn else placement_problem(shown),
    }
    return render(request, "placements/_preview.html", context)


def _merchant(request: HttpRequest) -> Merchant:
    merchant = current_merchant(request, EDITORS)
    if merchant is None:
        raise Http404("no merchant")
    return merchant


def _shown(placement: Placement, own: LayoutFields | None) -> Placement:
    """The placement, unsaved, as it is for the merchant."""
    if own is not None:
        for name in LAYOUT_FIELDS:
            setattr(placement, name, getattr(own, name))
    return placement
