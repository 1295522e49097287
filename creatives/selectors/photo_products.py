"""What the products of a photo are called, as columns that lists search and export."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.aggregates import StringAgg
from django.db.models import OuterRef, QuerySet, Subquery, TextField, Value
from django.db.models.functions import Coalesce

from creatives.models import ProductImage


def with_products(rows: QuerySet[Any], sha256: str) -> QuerySet[Any]:
    """Rows of merchants with ``product_ids`` and ``product_titles``, joined by "; ": of the merchant's products that show
    the photo whose SHA-256 in hex is in the field ``sha256``; empty where there are none.
    """
    return rows.annotate(
        product_ids=_joined("product__external_id", sha256), product_titles=_joined("product__title", sha256)
    )


def _joined(field: str, sha256: str) -> Coalesce:
    images = ProductImage.objects.filter(merchant=OuterRef("merchant"), sha256=OuterRef(sha256))
    joined = (
        images.order_by()
        .values("sha256")
        .annotate(all=StringAgg(field, "; ", distinct=True, output_field=TextField()))
    )
    return Coalesce(Subquery(joined.values("all")), Value(""), output_field=TextField())
