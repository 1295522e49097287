"""Filters of the catalogue's lists; they live in the address."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from django import forms
from django.db.models import Q, QuerySet

from creatives.models import Category, Product, ProductImage
from creatives.models.catalog import PATH_SEPARATOR

PICTURES = [
    ("ready", "With a picture"),
    ("pending", "Picture being fetched"),
    ("failed", "Picture failed"),
    ("none", "Without a picture"),
]
SORTS = [("-created_at", "Newest"), ("-updated_at", "Changed last"), ("price", "Price")]


class ProductFilter(filters.FilterSet):
    """Search by words of title, brand or id; narrow by category (with what is below it), status and picture."""

    q = filters.CharFilter(label="Search", method="search", widget=forms.SearchInput)
    category = filters.ModelChoiceFilter(
        label="Category", queryset=Category.objects.none(), method="below", empty_label="All"
    )
    status = filters.ChoiceFilter(label="Status", choices=Product.Status.choices, empty_label="All")
    picture = filters.ChoiceFilter(
        label="Picture", choices=PICTURES, method="with_picture", empty_label="All"
    )
    sort = filters.OrderingFilter(
        label="Sort", choices=SORTS, fields=["created_at", "updated_at", "price"], empty_label="Title"
    )

    class Meta:
        model = Product
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        used = Category.objects.filter(products__in=self.queryset.order_by()).distinct()
        paths = {path for category in used for path in category.lineage()}
        self.filters["category"].queryset = Category.objects.filter(path__in=paths)
        self.filters["sort"].null_label = None

    def search(self, rows: QuerySet[Product], name: str, value: str) -> QuerySet[Product]:
        for word in value.split():
            rows = rows.filter(
                Q(title__icontains=word) | Q(brand__icontains=word) | Q(external_id__icontains=word)
            )
        return rows

    def below(self, rows: QuerySet[Product], name: str, value: Category) -> QuerySet[Product]:
        return rows.filter(Q(category=value) | Q(category__path__startswith=f"{value.path}{PATH_SEPARATOR}"))

    def with_picture(self, rows: QuerySet[Product], name: str, value: str) -> QuerySet[Product]:
        if value == "none":
            return rows.filter(images__isnull=True)
        main = ProductImage.objects.filter(position=0, status=value)
        return rows.filter(images__in=main)
