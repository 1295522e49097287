"""A plain count of the log in Python, and what the roll-ups say about it."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from typing import Any

import pytest

from bandit.models import (
    Click,
    Conversion,
    DailyCell,
    DailyCreative,
    DailyGroup,
    Experiment,
    ExperimentDay,
    ExperimentUserDay,
    HourlyCell,
    Impression,
)
from bandit.statistics import UserTotals
from creatives.models import Merchant


def counted(merchant: Merchant) -> list[tuple[Impression, bool, int]]:
    """By hand: the impressions that count, whether each was clicked in time, its conversions."""
    clicks = dict(Click.objects.values_list("decision_id", "occurred_at"))
    conversions = Counter(Conversion.objects.values_list("decision_id", flat=True))
    window = timedelta(minutes=merchant.attribution_minutes)
    return [
        (
            row,
            row.pk in clicks and (not window or clicks[row.pk] <= row.occurred_at + window),
            conversions[row.pk],
        )
        for row in Impression.objects.filter(merchant=merchant, flags=[])
    ]


def assert_equal_to_the_log(merchant: Merchant) -> None:
    """Every roll-up against the log, key by key."""
    rows = counted(merchant)
    by_hour: dict[Any, list[float]] = defaultdict(lambda: [0.0] * 7)
    for row, clicked, conversions in rows:
        hour = row.occurred_at.replace(minute=0, second=0, microsecond=0)
        prompt = row.prompt_version_id if row.variant == "generated" else None
        key = (hour, row.is_simulated, row.experiment_id, row.arm, row.category_id, prompt, row.placement)
        weight = 1 / row.propensity
        found = by_hour[(*key, row.device or "unknown", row.variant, row.is_fallback)]
        for place, value in enumerate(
            (1, clicked, conversions, weight, weight**2, clicked * weight, clicked * weight**2)
        ):
            found[place] += value
    names = (
        "is_simulated",
        "experiment_id",
        "arm",
        "category_id",
        "prompt_version_id",
        "placement",
        "device",
    )
    sums = ("impressions", "clicks", "conversions", "weight", "weight_squared")
    sums = (*sums, "clicked_weight", "clicked_weight_squared")
    cells = HourlyCell.objects.filter(merchant=merchant)
    stored = {
        row[:10]: list(row[10:]) for row in cells.values_list("hour", *names, "variant", "is_fallback", *sums)
    }
    assert len(stored) == cells.count()
    assert stored.keys() == by_hour.keys()
    for key, expected in by_hour.items():
        assert stored[key][:3] == expected[:3]
        assert stored[key][3:] == pytest.approx(expected[3:], rel=1e-9)
    by_day: Counter[Any] = Counter()
    for key, values in by_hour.items():
        by_day[(key[0].date(), *key[1:])] += int(values[0])
    days = DailyCell.objects.filter(merchant=merchant)
    assert by_day == {
        row[:10]: row[10] for row in days.values_list("day", *names, "variant", "is_fallback", "impressions")
    }
    assert_users_equal_the_log(merchant, rows)
    assert_groups_equal_the_log(merchant, rows)


def assert_users_equal_the_log(merchant: Merchant, rows: list[tuple[Impression, bool, int]]) -> None:
    """The sums by user of every arm, up to every day."""
    for experiment in Experiment.objects.filter(merchant=merchant):
        mine = [entry for entry in rows if entry[0].experiment_id == experiment.pk]
        stored = ExperimentDay.objects.filter(experiment=experiment)
        assert {row.day for row in stored} <= {row.occurred_at.date() for row, *_ in mine}
        for arm in {row.arm for row, *_ in mine}:
            for day in {row.occurred_at.date() for row, *_ in mine}:
                users: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
                for row, clicked, conversions in mine:
                    if row.arm == arm and row.occurred_at.date() <= day:
                        for place, value in enumerate((1, clicked, conversions, row.is_fallback)):
                            users[row.user_key][place] += value
                n, c, v, f = (
                    (list(column) for column in zip(*users.values(), strict=True)) if users else ([],) * 4
                )
                until = stored.filter(arm=arm, day__lte=day)
                total = lambda name: sum(until.values_list(name, flat=True))  # noqa: E731, B023
                clicks, bought = UserTotals.of(c, n), UserTotals.of(v, n)
                fell_back = UserTotals.of(f, n)
                assert total("users") == len(users)
                assert [total(name) for name in ("n", "c", "nn", "nc", "cc")] == [
                    clicks.impressions,
                    clicks.clicks,
                    clicks.impressions_squared,
                    clicks.clicks_impressions,
                    clicks.clicks_squared,
                ]
                assert [total(name) for name in ("v", "nv", "vv")] == [
                    bought.clicks,
                    bought.clicks_impressions,
                    bought.clicks_squared,
                ]
                assert [total(name) for name in ("f", "nf", "ff")] == [
                    fell_back.clicks,
                    fell_back.clicks_impressions,
                    fell_back.clicks_squared,
                ]


def assert_groups_equal_the_log(merchant: Merchant, rows: list[tuple[Impression, bool, int]]) -> None:
    """Impressions and clicks of each key of each dimension, and of each creative."""
    keys = {
        "arm": lambda row: row.arm or None,
        "prompt": lambda row: (
            str(row.prompt_version_id or "") or None if row.variant == "generated" else None
        ),
        "category": lambda row: str(row.category_id or ""),
        "placement": lambda row: row.placement,
        "shown": lambda row: row.variant,
        "device": lambda row: row.device or "unknown",
    }
    expected: Counter[Any] = Counter()
    creatives: Counter[Any] = Counter()
    for row, clicked, _ in rows:
        day = row.occurred_at.date()
        for dimension, key_of in keys.items():
            if (key := key_of(row)) is not None:
                expected[(day, dimension, key, "n")] += 1
                expected[(day, dimension, key, "c")] += clicked
        if row.creative_id and row.variant == "generated":
            creatives[(day, row.creative_id, row.placement, "n")] += 1
            creatives[(day, row.creative_id, row.placement, "c")] += clicked
    found: Counter[Any] = Counter()
    for group in DailyGroup.objects.filter(merchant=merchant):
        found[(group.day, group.dimension, group.key, "n")] += group.impressions
        found[(group.day, group.dimension, group.key, "c")] += group.clicks
    assert +found == +expected
    shown: Counter[Any] = Counter()
    for row in DailyCreative.objects.filter(merchant=merchant):
        shown[(row.day, row.creative_id, row.placement, "n")] += row.impressions
        shown[(row.day, row.creative_id, row.placement, "c")] += row.clicks
    assert +shown == +creatives


def everything() -> list[list[Any]]:
    """All that the roll-ups hold, but for the order and the numbers of their rows."""
    kept = []
    for model in (HourlyCell, DailyCell, DailyGroup, DailyCreative, ExperimentUserDay, ExperimentDay):
        names = [field.name for field in model._meta.concrete_fields if field.name not in ("id", "pk")]
        kept.append(sorted(map(str, model.objects.values_list(*names))))
    return kept
