"""Reading profiles and their comparisons, for the pages of administrators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from creatives.models import ComparisonEntry, ProductImage, ProfileComparison
from creatives.pipeline.presence import MISSING, TO_FETCH, Part, parts_of
from creatives.pipeline.profiles import CheckpointProfile


@dataclass(frozen=True)
class Measured:
    """What the newest picture of a profile took here. Times in seconds, memory in bytes or None."""

    seconds: float
    load_seconds: float
    weights_bytes: int
    peak_bytes: int | None
    device: str
    bucket: str


@dataclass(frozen=True)
class ProfileRow:
    """A profile, the parts of its checkpoint, and what it took when it last painted for a comparison."""

    profile: CheckpointProfile
    parts: list[Part]
    in_use: bool
    measured: Measured | None

    @property
    def standing(self) -> str:
        """ "ready", "to fetch" or "missing": of the parts, the one furthest from being painted with."""
        states = {part.state for part in self.parts}
        if self.profile.missing or MISSING in states:
            return "missing"
        return "to fetch" if TO_FETCH in states else "ready"


def profile_rows(profiles: list[CheckpointProfile], in_use: CheckpointProfile) -> list[ProfileRow]:
    """The profiles in the order given (1 query)."""
    newest = ComparisonEntry.objects.filter(status=ComparisonEntry.Status.DONE)
    newest = newest.order_by("profile", "-finished_at").distinct("profile")
    facts: dict[str, dict[str, Any]] = dict(newest.values_list("profile", "facts"))
    return [
        ProfileRow(profile, parts_of(profile), profile == in_use, _measured(facts.get(profile.name)))
        for profile in profiles
    ]


def _measured(facts: dict[str, Any] | None) -> Measured | None:
    if not facts:
        return None
    return Measured(
        seconds=facts["paint_ms"] / 1000,
        load_seconds=facts["load_ms"] / 1000,
        weights_bytes=facts["weights_bytes"],
        peak_bytes=facts["peak_bytes"],
        device=facts["device"],
        bucket=facts["bucket"],
    )


def latest_comparisons(limit: int = 20) -> QuerySet[ProfileComparison]:
    """The newest comparisons of profiles with their merchants, makers and entries (2 queries)."""
    rows = ProfileComparison.objects.filter(trial=None).select_related("merchant", "created_by")
    return rows.prefetch_related("entries").order_by("-pk")[:limit]


def photo_of_product(merchant_id: int, external_id: str) -> ProductImage | None:
    """The first photo of a product that is ready, or of the merchant's newest product when no id is given."""
    ready = ProductImage.objects.filter(
        product__merchant=merchant_id, status=ProductImage.Status.READY
    ).exclude(file="")
    if external_id:
        return ready.filter(product__external_id=external_id).order_by("pk").first()
    return ready.order_by("-product__pk", "pk").first()


def compared_photo(comparison: ProfileComparison) -> ProductImage | None:
    """A picture in the catalogue that shows what was compared, if it is still there."""
    rows = ProductImage.objects.filter(merchant=comparison.merchant_id, sha256=comparison.image_sha256)
    return rows.select_related("product").order_by("pk").first()
