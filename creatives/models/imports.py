"""Imports of feeds, and where feeds come from."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from .accounts import Merchant
from .base import TenantQuerySet


class ImportMode(models.TextChoices):
    """What becomes of products that a feed does not name."""

    AUTO = "auto", "by its format: Google and Meta feeds are the whole catalogue"
    UPSERT = "upsert", "add and update"
    SNAPSHOT = "snapshot", "the whole catalogue: what is missing retires"


class FeedFacts(models.Model):
    """What a person says of a feed because the feed does not."""

    format = models.CharField(max_length=20, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    link_template = models.CharField(max_length=500, blank=True)

    class Meta:
        abstract = True


class FeedMapping(FeedFacts):
    """What a merchant has said of files with a certain header: remembered for the next one.

    ``columns`` maps normalised headers to fields; it is empty where only currency or pages had to be said.
    """

    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="feed_mappings")
    fingerprint = models.CharField(max_length=32)
    columns = models.JSONField(default=dict, blank=True)
    updated_at = models.DateTimeField(auto_now=True)
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merchant", "fingerprint"], name="one_mapping_per_header")
        ]

    def __str__(self) -> str:
        return f"columns {self.fingerprint[:8]} of {self.merchant}"


class FeedSource(FeedFacts):
    """An address from which a merchant's feed is fetched again and again.

    ``etag`` and ``last_modified`` are those of the answer that was imported last, ``digest`` the SHA-256 of its body.
    ``failures`` counts the fetches in a row that came to nothing.
    """

    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="feed_sources")
    name = models.CharField(max_length=120)
    url = models.URLField(max_length=2000)
    mode = models.CharField(max_length=8, choices=ImportMode, default=ImportMode.AUTO)
    interval_minutes = models.PositiveIntegerField(
        default=1440, validators=[MinValueValidator(15), MaxValueValidator(44_640)]
    )
    retire_limit = models.PositiveSmallIntegerField(
        default=50,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text="Retire nothing when a feed leaves out more than this share of the catalogue, in per cent.",
    )
    is_paused = models.BooleanField(default=False)
    etag = models.CharField(max_length=500, blank=True)
    last_modified = models.CharField(max_length=100, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    next_run_at = models.DateTimeField(db_default=Now())
    failures = models.PositiveSmallIntegerField(default=0)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["merchant", "name"], name="one_source_per_name")]
        indexes = [models.Index(fields=["next_run_at"], condition=Q(is_paused=False), name="feed_source_due")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_due(self) -> bool:
        """Whether its time has come: the next sweep wakes a worker."""
        return self.next_run_at <= timezone.now()


class CatalogImport(FeedFacts):
    """One feed that came in and what became of it.

    ``format`` is what a person chose ("": find out), ``read_as`` what it was found to be.
    ``problem`` says what a person has to say of the file before it can be read: "columns", or "pages" (where the
    products' pages are). ``held_back`` counts products that a snapshot would have retired beyond ``retire_limit``
    (per cent of the active ones). ``retiring`` shows the first of those that retired, or would.
    """

    Mode = ImportMode

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    class Problem(models.TextChoices):
        NONE = ""
        COLUMNS = "columns"
        PAGES = "pages"

    merchant = models.ForeignKey(Merchant, models.CASCADE, related_name="imports")
    source = models.ForeignKey(FeedSource, models.SET_NULL, null=True, blank=True, related_name="imports")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)
    filename = models.CharField(max_length=255)
    file = models.FileField(max_length=200)
    columns = models.JSONField(default=dict, blank=True)
    fingerprint = models.CharField(max_length=32, blank=True)
    read_as = models.CharField(max_length=120, blank=True)
    problem = models.CharField(max_length=8, choices=Problem, blank=True, default=Problem.NONE)
    mode = models.CharField(max_length=8, choices=ImportMode, default=ImportMode.UPSERT)
    dry_run = models.BooleanField(default=False)
    strict = models.BooleanField(default=False)
    retire_limit = models.PositiveSmallIntegerField(null=True, blank=True)
    status = models.CharField(max_length=8, choices=Status, default=Status.QUEUED)
    error = models.TextField(blank=True)
    rows_total = models.PositiveIntegerField(null=True, blank=True)
    rows_done = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    retired = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    held_back = models.PositiveIntegerField(default=0)
    retiring = models.JSONField(default=list, blank=True)
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
    """What was wrong with one row of a feed, and how to put it right.

    ``number`` counts the file's products from 1 (0: about the file), ``record`` is the product's id.
    """

    catalog_import = models.ForeignKey(CatalogImport, models.CASCADE, related_name="issues")
    severity = models.CharField(max_length=7)
    number = models.PositiveIntegerField(default=0, db_default=0)
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


class FeedRun(models.Model):
    """One fetch of a source. The database allows one at a time for each source."""

    class Outcome(models.TextChoices):
        RUNNING = "", "running"
        IMPORTED = "imported", "fetched and handed to an import"
        UNCHANGED = "unchanged", "nothing new"
        FAILED = "failed", "failed"

    source = models.ForeignKey(FeedSource, models.CASCADE, related_name="runs")
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True, default=Outcome.RUNNING)
    detail = models.CharField(max_length=300, blank=True)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    size = models.PositiveBigIntegerField(null=True, blank=True)
    catalog_import = models.ForeignKey(
        CatalogImport, models.SET_NULL, null=True, blank=True, related_name="feed_runs"
    )

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["source"], condition=Q(finished_at__isnull=True), name="one_feed_run_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"run {self.pk} of {self.source}: {self.get_outcome_display()}"
