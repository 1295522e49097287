"""The catalogue: a gallery or list of a merchant's products."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from creatives.filters import ProductFilter
from creatives.forms.feeds import FeedForm
from creatives.models import Merchant
from creatives.models.base import ANY_ROLE, EDITORS
from creatives.permissions import current_merchant, member_required, signed_in
from creatives.selectors.catalog import product_cards, products_of

PAGE = 48


@member_required(ANY_ROLE)
@require_safe
def catalog(request: HttpRequest) -> HttpResponse:
    """Products of the chosen merchant, searched, filtered and paged by the address."""
    user = signed_in(request)
    merchants = list(Merchant.objects.for_member(user).order_by("name"))
    merchant = current_merchant(request)
    if merchant is None:
        return render(request, "catalog/catalog.html", {"merchant": None, "merchants": merchants})
    products = products_of(merchant).order_by("title", "pk")
    filtered = ProductFilter(request.GET, queryset=products)
    page = Paginator(filtered.qs, PAGE).get_page(request.GET.get("page"))
    context = {
        "merchant": merchant,
        "merchants": merchants,
        "may_edit": Merchant.objects.for_member(user, EDITORS).filter(pk=merchant.pk).exists(),
        "filter": filtered,
        "page": page,
        "cards": product_cards(page.object_list),
        "is_empty": not products.exists(),
        "as_list": request.GET.get("view") == "list",
        "feed_form": FeedForm(),
    }
    return render(request, "catalog/catalog.html", context)
