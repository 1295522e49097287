"""How a prompt does with shoppers, for pages that know nothing of the bandit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django import template
from django.db.models import Sum

from bandit.models import DailyCell, PausedPrompt
from bandit.statistics import Interval, wilson
from creatives.models import Merchant, PromptVersion, User
from creatives.models.base import EDITORS

register = template.Library()


@dataclass(frozen=True, slots=True)
class Performance:
    """Impressions that showed the text and how many were clicked; ``paused`` are merchants whose policy has paused it."""

    impressions: int = 0
    clicks: int = 0
    simulated: int = 0
    paused: tuple[str, ...] = ()

    @property
    def rate(self) -> float | None:
        """Clicks per impression; None before it was shown."""
        return self.clicks / self.impressions if self.impressions else None

    @property
    def interval(self) -> Interval:
        """Where the rate lies with 95 % confidence (Wilson)."""
        return wilson(self.clicks, self.impressions)


@register.simple_tag
def performance(user: User, versions: Iterable[PromptVersion]) -> dict[int, Performance]:
    """By version id, over all days and the merchants that ``user`` edits (3 queries)."""
    ids = [version.pk for version in versions]
    merchants = list(Merchant.objects.for_member(user, EDITORS).values_list("pk", flat=True))
    rows = DailyCell.objects.filter(prompt_version_id__in=ids, merchant__in=merchants, is_fallback=False)
    sums: dict[int, list[int]] = {}
    counted = rows.values_list("prompt_version_id", "is_simulated").order_by()
    for pk, is_simulated, shown, clicked in counted.annotate(Sum("impressions"), Sum("clicks")):
        total = sums.setdefault(pk, [0, 0, 0])
        total[0] += shown
        total[1] += clicked
        total[2] += shown if is_simulated else 0
    paused: dict[int, list[str]] = {}
    open_ones = PausedPrompt.objects.filter(
        prompt_version__in=ids, merchant__in=merchants, resumed_at__isnull=True
    )
    for pk, name in open_ones.values_list("prompt_version_id", "merchant__name"):
        paused.setdefault(pk, []).append(name)
    return {pk: _performance(sums.get(pk, [0, 0, 0]), paused.get(pk, [])) for pk in ids}


def _performance(sums: list[int], paused: list[str]) -> Performance:
    shown, clicked, simulated = sums
    return Performance(shown, clicked, simulated, tuple(paused))


@register.filter
def of(found: dict[Any, Any], key: Any) -> Any:
    """The value of a key, None if there is none: ``{{ found|of:version.pk }}``."""
    return found.get(key)
