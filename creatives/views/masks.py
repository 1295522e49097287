"""Masks of product pictures: those to be checked, and one to be fixed by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from creatives.forms.masks import BoxForm, MaskForm
from creatives.listing import Choice, Column, ListSpec, listing, wants_csv
from creatives.models import ImageMask, Merchant, ProductImage
from creatives.models.base import ANY_ROLE
from creatives.navigation import own_address
from creatives.permissions import current_merchant, get_for_member, member_required, signed_in
from creatives.pipeline.image_io import ImageError
from creatives.pipeline.segment import DOUBTFUL
from creatives.selectors.masks import SHOWN, mask_cards, mask_in_force, masks_of
from creatives.selectors.photo_products import with_products
from creatives.services import mask_pictures, masks
from creatives.services.masks import Fixed, MaskConflictError
from creatives.services.photos import PhotoMissingError

MASKS: Final = ListSpec(
    search=("product_titles", "product_ids"),
    placeholder="Product’s title or id",
    sorts={
        "unsure": ("Least sure first", ["confidence", "pk"]),
        "sure": ("Most sure first", ["-confidence", "-pk"]),
        "latest": ("Latest first", ["-created_at", "-pk"]),
    },
    choices=[
        Choice(
            "source",
            "Where from",
            [(value, label.capitalize()) for value, label in ImageMask.Source.choices],
            lambda rows, value: rows.filter(source=value),
        )
    ],
    columns=[
        Column("products", lambda row: row.product_ids),
        Column("titles", lambda row: row.product_titles),
        Column("photo_sha256", lambda row: row.image_sha256),
        Column("revision", lambda row: row.revision),
        Column("source", lambda row: row.source),
        Column("method", lambda row: row.method),
        Column("confidence", lambda row: round(row.confidence, 3)),
        Column("warnings", lambda row: "; ".join(row.warnings)),
        Column("by", lambda row: row.created_by.email if row.created_by else ""),
        Column("at", lambda row: row.created_at),
    ],
    page_size=24,
)


@member_required(ANY_ROLE)
@require_safe
def mask_list(request: HttpRequest) -> HttpResponseBase:
    """The masks of a merchant, at first those that a person should look at."""
    merchant = current_merchant(request)
    shown = request.GET.get("show", "doubtful")
    if shown not in SHOWN:
        raise Http404(f"no such list {shown!r}")
    rows = masks_of(merchant, shown) if merchant else ImageMask.objects.none()
    named = with_products(rows.select_related("created_by"), "image_sha256")
    found = listing(request, named, MASKS, ["merchant", "show"])
    if wants_csv(request):
        return found.csv("masks")
    context = {
        "merchant": merchant,
        "merchants": Merchant.objects.for_member(signed_in(request)).order_by("name"),
        "list": found,
        "cards": mask_cards(merchant, found.page.object_list) if merchant else [],
        "shown": shown,
        "lists": SHOWN.items(),
    }
    return render(request, "masks/masks.html", context)


@member_required(ANY_ROLE)
@require_http_methods(["GET", "HEAD", "POST"])
def mask(request: HttpRequest, image_id: int) -> HttpResponse:
    """One picture's mask: look at it, paint it, find it in a box, upload it, confirm it, or leave it to the segmenter."""
    image = _image(request, image_id)
    if request.method != "POST":
        return _page(request, image)
    act = ACTIONS.get(request.POST.get("action", ""))
    if act is None:
        raise Http404("no such action")
    return act(request, image)


@member_required(ANY_ROLE)
@require_POST
def mask_box(request: HttpRequest, image_id: int) -> HttpResponse:
    """The mask that GrabCut finds in a box, as PNG, kept nowhere yet: for the page's script."""
    image = _image(request, image_id)
    form = BoxForm(request.POST)
    if not form.is_valid():
        return HttpResponse(_first_error(form), status=422, content_type="text/plain; charset=utf-8")
    try:
        return HttpResponse(
            mask_pictures.preview_box(image, form.cleaned_data["box"]), content_type="image/png"
        )
    except (ImageError, PhotoMissingError) as error:
        return HttpResponse(str(error), status=422, content_type="text/plain; charset=utf-8")


@member_required(ANY_ROLE)
@require_safe
@cache_control(private=True, max_age=3600)
def mask_photo(request: HttpRequest, image_id: int) -> HttpResponse:
    """The photo as the pipeline sees it: upright, sRGB, small enough to paint on."""
    return _picture(request, image_id, mask_pictures.preview_photo, "image/jpeg")


@member_required(ANY_ROLE)
@require_safe
@cache_control(private=True, max_age=3600)
def mask_matte(request: HttpRequest, image_id: int) -> HttpResponse:
    """The mask in force as a grey PNG of the size of `mask_photo`."""
    return _picture(request, image_id, mask_pictures.preview_matte, "image/png")


def _image(request: HttpRequest, image_id: int) -> ProductImage:
    rows = ProductImage.objects.filter(status=ProductImage.Status.READY).select_related("product", "merchant")
    found: ProductImage = get_for_member(rows, signed_in(request), pk=image_id)
    return found


def _picture(
    request: HttpRequest, image_id: int, make: Callable[[ProductImage], bytes], content_type: str
) -> HttpResponse:
    try:
        return HttpResponse(make(_image(request, image_id)), content_type=content_type)
    except (ImageError, PhotoMissingError) as error:
        raise Http404(str(error)) from error


def _page(
    request: HttpRequest,
    image: ProductImage,
    form: MaskForm | None = None,
    box: BoxForm | None = None,
    status: int = 200,
) -> HttpResponse:
    row = mask_in_force(image)
    revision = row.revision if row else 0
    context = {
        "image": image,
        "mask": row,
        "revision": revision,
        "is_doubtful": row is not None and not row.is_by_hand and row.confidence < DOUBTFUL,
        "form": form or MaskForm(initial={"base": revision}),
        "box": box or BoxForm(),
        "back": _back(request),
    }
    return render(request, "masks/mask.html", context, status=status)


def _save(request: HttpRequest, image: ProductImage) -> HttpResponse:
    form = MaskForm(request.POST, request.FILES)
    if form.is_valid() and not form.cleaned_data["matte"]:
        form.add_error("matte", "Choose a file.")
    if not form.is_valid():
        return _page(request, image, form, status=422)
    source = form.cleaned_data["source"] or ImageMask.Source.UPLOAD
    return _fixed(
        request, image, form,
        lambda: masks.fix(image, form.cleaned_data["matte"].read(), source, signed_in(request), **_terms(form)),
    )  # fmt: skip


def _save_box(request: HttpRequest, image: ProductImage) -> HttpResponse:
    form, box = MaskForm(request.POST), BoxForm(request.POST)
    if not (form.is_valid() and box.is_valid()):
        return _page(request, image, form, box, status=422)

    def fix() -> Fixed:
        matte = mask_pictures.found_in_box(image, box.cleaned_data["box"])
        return masks.fix(image, matte, ImageMask.Source.BOX, signed_in(request), **_terms(form))

    return _fixed(request, image, form, fix)


def _revert(request: HttpRequest, image: ProductImage) -> HttpResponse:
    form = MaskForm(request.POST)
    if not form.is_valid():
        return _page(request, image, form, status=422)
    return _fixed(request, image, form, lambda: masks.revert(image, signed_in(request), **_terms(form)))


def _confirm(request: HttpRequest, image: ProductImage) -> HttpResponse:
    form = MaskForm(request.POST)
    if not form.is_valid():
        return _page(request, image, form, status=422)
    try:
        masks.confirm(image, signed_in(request), base=form.cleaned_data["base"])
    except MaskConflictError as error:
        form.add_error(None, f"{error}.")
        return _page(request, image, form, status=409)
    messages.success(request, "The mask is confirmed.")
    return redirect(_back(request) or reverse("mask", args=[image.pk]))


def _find(request: HttpRequest, image: ProductImage) -> HttpResponse:
    masks.ask(image)
    messages.success(request, "The product is being looked for.")
    return redirect("mask", image.pk)


def _fixed(
    request: HttpRequest, image: ProductImage, form: MaskForm, fix: Callable[[], Fixed]
) -> HttpResponse:
    try:
        fixed = fix()
    except MaskConflictError as error:
        form.add_error(None, f"{error}.")
        return _page(request, image, form, status=409)
    except (ImageError, PhotoMissingError) as error:
        form.add_error(None, f"{error}.")
        return _page(request, image, form, status=422)
    again = f" {fixed.repainted} creatives are painted again." if fixed.repainted else ""
    messages.success(request, f"Saved. The mask is used for every creative of this photo from now on.{again}")
    return redirect(_back(request) or reverse("mask", args=[image.pk]))


def _terms(form: MaskForm) -> dict[str, Any]:
    return {name: form.cleaned_data[name] for name in ("base", "with_approved")}


def _back(request: HttpRequest) -> str:
    """Where the person came from (``?next=``), if that is an address of this site; else empty."""
    return own_address(request, request.GET.get("next", ""))


def _first_error(form: BoxForm) -> str:
    return " ".join(str(error) for errors in form.errors.values() for error in errors)


ACTIONS: Final[dict[str, Callable[[HttpRequest, ProductImage], HttpResponse]]] = {
    "save": _save,
    "box": _save_box,
    "confirm": _confirm,
    "revert": _revert,
    "find": _find,
}
