"""The catalogue: a gallery or list of a merchant's products."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from creatives.filters import ProductFilter
from creatives.forms.feeds import FeedForm
from creatives.listing import csv_response, wants_csv
from creatives.models import Merchant
from creatives.models.base import ANY_ROLE, EDITORS
from creatives.permissions import current_merchant, member_required, signed_in
from creatives.selectors.catalog import EXPORT, product_cards, product_rows, products_of

PAGE = 48


@member_required(ANY_ROLE)
@require_safe
def catalog(request: HttpRequest) -> HttpResponseBase:
    """Products of the chosen merchant, searched, filtered and paged by the address."""
    user = signed_in(request)
    merchants = list(Merchant.objects.for_member(user).order_by("name"))
    merchant = current_merchant(request)
    if merchant is None:
        return render(request, "catalog/catalog.html", {"merchant": None, "merchants": merchants})
    products = products_of(merchant).order_by("title", "pk")
    filtered = ProductFilter(request.GET, queryset=products)
    if wants_csv(request):
        return csv_response("products", EXPORT, product_rows(filtered.qs))
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
