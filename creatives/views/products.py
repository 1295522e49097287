"""A product: its pictures, its creatives, and editing it by hand."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from creatives.forms.catalog import ImageForm, NewImageForm, ProductForm
from creatives.models import Creative, Merchant, Product, ProductImage
from creatives.models.base import ANY_ROLE, EDITORS
from creatives.permissions import current_merchant, get_for_member, member_required, signed_in
from creatives.pipeline.image_io import ImageError
from creatives.selectors.catalog import creatives_of
from creatives.selectors.gallery import by_placement, category_choices, painting_progress, vetoes_for
from creatives.services import catalog
from creatives.services.ahead import ask_ahead, slots_for

WHY_NOTHING: Final = {
    "unknown": "The product is retired; bring it back first.",
    "no picture": "There is no picture to paint from yet.",
    "no prompts": "No prompts apply: give the product a category that has some.",
}


@member_required(ANY_ROLE)
@require_safe
def product(request: HttpRequest, product_id: int) -> HttpResponse:
    """The original and every creative, with its steps."""
    user = signed_in(request)
    found = get_for_member(_with_pictures(), user, pk=product_id)
    return _page(request, found, NewImageForm())


def _with_pictures() -> QuerySet[Product]:
    return Product.objects.select_related("merchant", "category").prefetch_related("images")


def _page(request: HttpRequest, found: Product, image_form: NewImageForm) -> HttpResponse:
    pictures = list(found.images.all())
    groups = creatives_of(found)
    context = {
        "product": found,
        "main": pictures[0] if pictures else None,
        "pictures": pictures,
        "prompt_groups": groups,
        "painting": painting_progress(found) if any(group.waiting for group in groups) else None,
        "placement_groups": by_placement(found) if request.GET.get("by") == "placement" else None,
        "vetoes": list(vetoes_for(found)),
        "categories": category_choices(found),
        "approved": sum(
            card.creative.status == Creative.Status.APPROVED for group in groups for card in group.cards
        ),
        "may_edit": Product.objects.for_member(signed_in(request), EDITORS).filter(pk=found.pk).exists(),
        "image_form": image_form,
    }
    return render(request, "catalog/product.html", context, status=422 if image_form.errors else 200)


@member_required(EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def product_add(request: HttpRequest) -> HttpResponse:
    """Add a product by hand."""
    merchant = current_merchant(request, EDITORS)
    if merchant is None:
        raise Http404("no merchant")
    form = ProductForm(request.POST or None)
    image_form = ImageForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid() and image_form.is_valid():
        try:
            added = catalog.add_product(
                merchant, form.cleaned_data, **image_form.picture, by=signed_in(request)
            )
        except catalog.CatalogError as error:
            form.add_error("external_id", str(error))
        except ImageError as error:
            image_form.add_error("image", str(error))
        else:
            messages.success(request, f"{added.title} was added.")
            return redirect("product", added.pk)
    status = 422 if request.method == "POST" else 200
    merchants = Merchant.objects.for_member(signed_in(request), EDITORS).order_by("name")
    context = {"form": form, "image_form": image_form, "merchant": merchant, "merchants": merchants}
    return render(request, "catalog/product_add.html", context, status=status)


@member_required(EDITORS)
@require_http_methods(["GET", "HEAD", "POST"])
def product_edit(request: HttpRequest, product_id: int) -> HttpResponse:
    """Edit a product's fields."""
    found = get_for_member(Product, signed_in(request), EDITORS, pk=product_id)
    form = ProductForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        try:
            catalog.edit_product(product_id, form.cleaned_data, signed_in(request))
        except catalog.CatalogError as error:
            form.add_error("external_id", str(error))
        else:
            messages.success(request, "Saved.")
            return redirect("product", product_id)
    status = 422 if request.method == "POST" else 200
    title = Product.objects.values_list("title", flat=True).get(pk=product_id)
    return render(
        request, "catalog/product_edit.html", {"form": form, "product": found, "title": title}, status=status
    )


@member_required(EDITORS)
@require_POST
def product_status(request: HttpRequest, product_id: int) -> HttpResponse:
    """Retire a product, or bring it back."""
    get_for_member(Product, signed_in(request), EDITORS, pk=product_id)
    status = request.POST.get("status")
    if status not in Product.Status.values:
        raise Http404("no such status")
    catalog.set_status(product_id, status, signed_in(request))
    messages.success(
        request, "The product is retired." if status == "retired" else "The product is active again."
    )
    return redirect("product", product_id)


@member_required(EDITORS)
@require_POST
def product_creatives(request: HttpRequest, product_id: int) -> HttpResponse:
    """Ask for the creatives of a product: every prompt of its pool × every placement."""
    found = get_for_member(_with_pictures(), signed_in(request), EDITORS, pk=product_id)
    merchant = found.merchant
    asked = ask_ahead({merchant.slug: merchant}, [(merchant.slug, found.external_id)], None, slots_for(None))
    if asked.generations:
        messages.success(
            request,
            f"{asked.generations} pictures are being painted. They go to review when they are done.",
        )
    elif asked.sizes:
        messages.success(request, f"{asked.sizes} sizes of painted pictures are on their way.")
    else:
        messages.info(
            request,
            WHY_NOTHING.get(
                asked.items[0].problem, "Everything there is to paint has been asked for already."
            ),
        )
    return redirect("product", product_id)


@member_required(EDITORS)
@require_POST
def image_add(request: HttpRequest, product_id: int) -> HttpResponse:
    """Add a picture to a product."""
    found = get_for_member(_with_pictures(), signed_in(request), EDITORS, pk=product_id)
    form = NewImageForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            catalog.add_image(
                product_id, primary=form.cleaned_data["primary"], **form.picture, by=signed_in(request)
            )
        except ImageError as error:
            form.add_error("image", str(error))
        else:
            messages.success(request, "The picture was added.")
            return redirect("product", product_id)
    return _page(request, found, form)


@member_required(EDITORS)
@require_POST
def image_action(request: HttpRequest, product_id: int, image_id: int, action: str) -> HttpResponse:
    """Make a picture the first one, remove it, or fetch it again."""
    found = get_for_member(Product, signed_in(request), EDITORS, pk=product_id)
    image = get_for_member(
        ProductImage.objects.filter(product=found), signed_in(request), EDITORS, pk=image_id
    )
    if action == "primary":
        catalog.make_primary(image.pk, found.pk, signed_in(request))
        messages.success(request, "This picture is shown and painted from now on.")
    elif action == "remove":
        catalog.remove_image(image.pk, found.pk, signed_in(request))
        messages.success(request, "The picture was removed.")
    elif action == "retry":
        catalog.retry_images([image.pk], found.merchant_id)
        messages.success(request, "The picture is fetched again.")
    else:
        raise Http404("no such action")
    return redirect(f"{reverse('product', args=[found.pk])}#pictures")
