"""What a merchant does with a product's creatives: pausing, asking for another, prompts not wanted, a ZIP."""

from __future__ import annotations

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from creatives.models import Creative, Product, Prompt, PromptVeto
from creatives.models.base import ANY_ROLE, EDITORS
from creatives.permissions import get_for_member, member_required, signed_in
from creatives.selectors.gallery import approved_files, category_choices
from creatives.services import creatives as lifecycle
from creatives.services import vetoes
from creatives.services.creative_zip import MAX_FILES, SetTooLargeError, creatives_zip

DONE = {"pause": "Paused: it is not served any more.", "resume": "It is served again."}


@member_required(EDITORS)
@require_POST
def creative_action(request: HttpRequest, product_id: int, creative_id: int, action: str) -> HttpResponse:
    """Pause a creative, go on with it, or ask for another picture in its place."""
    user = signed_in(request)
    found = get_for_member(Product, user, EDITORS, pk=product_id)
    hashes = found.images.exclude(sha256="").values("sha256")
    mine = Creative.objects.filter(merchant=found.merchant_id, request__image_sha256__in=hashes)
    creative = get_for_member(mine, user, EDITORS, pk=creative_id)
    try:
        if action == "another":
            is_new = lifecycle.another(creative.pk, user)
            said = "Another picture is being painted." if is_new else "Another picture is on its way already."
        elif action in DONE:
            (lifecycle.pause if action == "pause" else lifecycle.resume)(creative.pk, user)
            said = DONE[action]
        else:
            raise Http404("no such action")
    except lifecycle.TransitionError as error:
        messages.error(request, f"{error}.")
    else:
        messages.success(request, said)
    return _back(product_id)


@member_required(EDITORS)
@require_POST
def veto_add(request: HttpRequest, product_id: int) -> HttpResponse:
    """Use a prompt no more for this product, or for its category or one above."""
    user = signed_in(request)
    found = get_for_member(
        Product.objects.select_related("merchant", "category"), user, EDITORS, pk=product_id
    )
    asked, scope = request.POST.get("prompt", ""), request.POST.get("scope", "")
    prompt = get_object_or_404(Prompt, pk=int(asked) if asked.isdecimal() and len(asked) < 19 else 0)
    if scope == "product":
        count = vetoes.veto(found.merchant, prompt, user, product=found)
    else:
        category = next((row for row in category_choices(found) if str(row.pk) == scope), None)
        if category is None:
            raise Http404("no such category above the product")
        count = vetoes.veto(found.merchant, prompt, user, category=category)
    messages.success(
        request, f"“{prompt.name}” is not used there any more; {count} of its creatives retired."
    )
    return _back(product_id)


@member_required(EDITORS)
@require_POST
def veto_lift(request: HttpRequest, product_id: int, veto_id: int) -> HttpResponse:
    """Take a veto back."""
    user = signed_in(request)
    found = get_for_member(Product, user, EDITORS, pk=product_id)
    mine = PromptVeto.objects.filter(merchant=found.merchant_id)
    veto = get_for_member(mine.select_related("prompt"), user, EDITORS, pk=veto_id)
    count = vetoes.lift(veto.pk, user)
    messages.success(request, f"“{veto.prompt.name}” may be used again; {count} of its creatives are back.")
    return _back(product_id)


@member_required(ANY_ROLE)
@require_safe
def product_zip(request: HttpRequest, product_id: int) -> HttpResponseBase:
    """The product's approved creatives in all sizes, as a ZIP."""
    user = signed_in(request)
    found = get_for_member(Product.objects.prefetch_related("images"), user, pk=product_id)
    try:
        archive = creatives_zip([found], list(approved_files([found])[: MAX_FILES + 1]))
    except SetTooLargeError as error:
        messages.error(request, str(error))
        return _back(product_id)
    return FileResponse(archive, as_attachment=True, filename=f"creatives-{found.pk}.zip")


def _back(product_id: int) -> HttpResponse:
    return redirect(f"{reverse('product', args=[product_id])}#creatives")
