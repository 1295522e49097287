"""Categories, products, their images, and the imports that bring them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from .accounts import Merchant
from .base import TenantQuerySet

PATH_SEPARATOR = " > "


class Category(models.Model):
    """A node of the one category tree, known by its full path, such as ``Apparel & Accessories > Shoes``."""

    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    name = models.CharField(max_length=120)
    path = models.CharField(max_length=750, unique=True)

    class Meta:
        verbose_name_plural = "categories"
        ordering = ["path"]

    def __str__(self) -> str:
        return self.path

    def lineage(self) -> list[str]:
        """Paths from this node up to its root, nearest first."""
        parts = self.path.split(PATH_SEPARATOR)
        return [PATH_SEPARATOR.join(parts[:count]) for count in range(len(parts), 0, -1)]


class Product(models.Model):
    """A merchant's product, known by the merchant's own id.

    ``feed_digest`` stands for the text of the feed's row that it was last imported from; any change by hand blanks it,
    so that the next import looks at the row again.
    """

    class Status(models.TextChoices):
        ACTIVE = "active"
        RETIRED = "retired"

    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="products", db_index=False)
    external_id = models.CharField(max_length=100)
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True, max_length=9999)
    category = models.ForeignKey(Category, models.PROTECT, null=True, blank=True, related_name="products")
    link = models.URLField(max_length=2000)
    price = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    availability = models.CharField(max_length=20, blank=True)
    brand = models.CharField(max_length=120, blank=True)
    color = models.CharField(max_length=120, blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    feed_digest = models.CharField(max_length=32, blank=True, default="", editable=False)
    status = models.CharField(max_length=8, choices=Status, default=Status.ACTIVE)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merchant", "external_id"], name="one_product_per_external_id")
        ]
        indexes = [models.Index(fields=["merchant", "status", "title"])]

    def __str__(self) -> str:
        return f"{self.external_id} {self.title}"


class ProductImage(models.Model):
    """A photo of a product. Position 0 is the one shown and painted; the file is stored once per content.

    One that is pending is fetched from ``due_at`` on; ``attempts`` counts the tries that a later one may better.
    """

    class Status(models.TextChoices):
        PENDING = "pending"
        READY = "ready"
        FAILED = "failed"

    merchant = models.ForeignKey(Merchant, models.CASCADE, db_index=False)
    product = models.ForeignKey(Product, models.CASCADE, related_name="images", db_index=False)
    position = models.PositiveSmallIntegerField(default=0)
    source_url = models.URLField(max_length=2000, blank=True)
    status = models.CharField(max_length=8, choices=Status, default=Status.PENDING)
    error = models.TextField(blank=True)
    file = models.FileField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    fetched_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    due_at = models.DateTimeField(db_default=Now())
    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["product", "position"], name="one_image_per_position")]
        indexes = [
            models.Index(fields=["sha256", "merchant"], name="image_content"),
            models.Index(
                fields=["merchant", "status", "due_at"],
                condition=Q(status__in=["pending", "failed"]),
                name="image_wanting",
            ),
        ]

    def __str__(self) -> str:
        return f"image {self.position} of {self.product}"
