"""Categories, products, their images, and the imports that bring them."""

from __future__ import annotations

from django.conf import settings
from django.db import models

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
    """A merchant's product, known by the merchant's own id."""

    class Status(models.TextChoices):
        ACTIVE = "active"
        RETIRED = "retired"

    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="products")
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
    """A photo of a product. Position 0 is the one shown and painted; the file is stored once per content."""

    class Status(models.TextChoices):
        PENDING = "pending"
        READY = "ready"
        FAILED = "failed"

    merchant = models.ForeignKey(Merchant, models.CASCADE)
    product = models.ForeignKey(Product, models.CASCADE, related_name="images")
    position = models.PositiveSmallIntegerField(default=0)
    source_url = models.URLField(max_length=2000, blank=True)
    status = models.CharField(max_length=8, choices=Status, default=Status.PENDING)
    error = models.TextField(blank=True)
    file = models.FileField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True, db_index=True)
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    fetched_at = models.DateTimeField(null=True, blank=True)
    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["product", "position"], name="one_image_per_position")]

    def __str__(self) -> str:
        return f"image {self.position} of {self.product}"


class CatalogImport(models.Model):
    """One upload of a feed and what became of it."""

    class Mode(models.TextChoices):
        UPSERT = "upsert", "add and update"
        SNAPSHOT = "snapshot", "the whole catalogue: what is missing retires"

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="imports")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)
    filename = models.CharField(max_length=255)
    file = models.FileField(max_length=200)
    mode = models.CharField(max_length=8, choices=Mode, default=Mode.UPSERT)
    dry_run = models.BooleanField(default=False)
    strict = models.BooleanField(default=False)
    status = models.CharField(max_length=8, choices=Status, default=Status.QUEUED)
    error = models.TextField(blank=True)
    rows_total = models.PositiveIntegerField(null=True, blank=True)
    rows_done = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    retired = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    queued_at = models.DateTimeField(auto_now_add=True)
    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"import {self.pk} of {self.filename}"


class ImportIssue(models.Model):
    """What was wrong with one row of a feed, and how to put it right."""

    catalog_import = models.ForeignKey(CatalogImport, models.CASCADE, related_name="issues")
    severity = models.CharField(max_length=7)
    line = models.PositiveIntegerField()
    record = models.CharField(max_length=120, blank=True)
    column = models.CharField(max_length=120, blank=True)
    value = models.CharField(max_length=200, blank=True)
    rule = models.CharField(max_length=300)
    fix = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["line", "id"]

    def __str__(self) -> str:
        return f"line {self.line}: {self.column}: {self.rule}"
