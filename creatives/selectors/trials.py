"""Trials of prompts as their page shows them."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import QuerySet
from django.utils import timezone

from creatives.models import Category, ComparisonEntry, Product, ProfileComparison, Prompt, PromptTrial


@dataclass(slots=True)
class Sample:
    """A product of a trial: what the tried text paints for it, and what the text in use does."""

    product: Product | None
    tried: ComparisonEntry | None = None
    in_use: ComparisonEntry | None = None
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class TrialProgress:
    """Steps done of all, and in about how many seconds the rest will be (None before there is anything to go by)."""

    done: int
    total: int
    is_open: bool
    seconds_left: int | None


@dataclass(slots=True)
class TrialView:
    """A trial with its pictures by product."""

    samples: list[Sample] = field(default_factory=list)
    entries: list[ComparisonEntry] = field(default_factory=list)

    def progress(self, trial: PromptTrial) -> TrialProgress:
        """How far the pictures have come."""
        ended = ("done", "failed")
        done = sum(entry.steps if entry.status in ended else entry.step for entry in self.entries)
        total = sum(entry.steps for entry in self.entries)
        is_open = any(entry.status in ComparisonEntry.OPEN for entry in self.entries)
        passed = (timezone.now() - trial.created_at).total_seconds()
        left = round(passed / done * (total - done)) if is_open and done else None
        return TrialProgress(done, total, is_open, left)


def trial_view(trial: PromptTrial) -> TrialView:
    """The trial's pictures by photo, in the order they were asked for (3 queries)."""
    view = TrialView()
    found: dict[tuple[int, str], Sample] = {}
    pictures = ProfileComparison.objects.filter(trial=trial).order_by("pk").prefetch_related("entries")
    for picture in pictures:
        key = (picture.merchant_id, picture.image_sha256)
        sample = found.setdefault(key, Sample(None, width=picture.width, height=picture.height))
        for entry in picture.entries.all():
            view.entries.append(entry)
            if picture.is_in_use:
                sample.in_use = entry
            else:
                sample.tried = entry
    products = Product.objects.filter(
        images__sha256__in={sha256 for _, sha256 in found}, merchant__in={pk for pk, _ in found}
    ).prefetch_related("images")
    for product in products.order_by("-pk"):
        for image in product.images.all():
            if shown := found.get((product.merchant_id, image.sha256)):
                shown.product = product
    view.samples = list(found.values())
    return view


def latest_trials(*, prompt: Prompt | None = None, category: Category | None = None) -> QuerySet[PromptTrial]:
    """The last few trials of a prompt, or of new prompts for a category."""
    rows = PromptTrial.objects.select_related("created_by").order_by("-pk")
    return rows.filter(prompt=prompt)[:5] if prompt else rows.filter(category=category, prompt=None)[:5]
