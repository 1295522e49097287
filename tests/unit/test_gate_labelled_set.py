"""The labelled set of the quality gate: built without any rendered scene, the same each time, and told apart by the gate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks._gate import FAILURES, GOOD, Case, cases
from benchmarks.gate import auc, calibrated, measured
from benchmarks.masks import doubts
from creatives.pipeline.gate import LIMITS
from creatives.pipeline.quality import decide


@pytest.fixture(scope="module")
def some() -> list[Case]:
    return list(cases(None, 2))


def test_every_class_of_failure_is_made_of_products_that_are_there(some: list[Case]) -> None:
    assert {case.label for case in some} >= {GOOD, *FAILURES} - {"foreign part"}
    assert {case.source for case in some} == {"table"}
    for case in some:
        assert case.generated.shape == case.composed.shape == (*case.matte.shape, 3)
    again = cases(None, 2)
    assert all(np.array_equal(one.generated, other.generated) for one, other in zip(some, again, strict=True))


def test_all_cases_of_one_product_are_in_one_half(some: list[Case]) -> None:
    halves: dict[str, set[bool]] = {}
    for case in some:
        halves.setdefault(case.item, set()).add(case.calibrates)
    assert all(len(half) == 1 for half in halves.values())


def test_the_limits_in_force_let_the_good_ones_pass_and_stop_the_plainest_failures(some: list[Case]) -> None:
    verdicts: dict[str, set[str]] = {}
    for case in some:
        verdicts.setdefault(case.label, set()).add(decide(measured(case).scores).verdict)
    assert verdicts[GOOD] == {"pass"}
    for label in ("shape ignored", "mask eroded", "mask dilated", "indistinct", "blurred"):
        assert "pass" not in verdicts[label], label


def test_limits_come_from_the_good_ones(some: list[Case]) -> None:
    rows = [measured(case) for case in some]
    found = calibrated(rows)
    assert set(found) == set(LIMITS)
    good = [row for row in rows if row.label == GOOD]
    assert all(decide(row.scores, found).verdict != "fail" for row in good)
    assert calibrated([row for row in rows if row.label != GOOD]) == dict(LIMITS)


@pytest.mark.parametrize(
    ("bad", "good", "area"),
    [([2, 3], [0, 1], 1.0), ([0, 1], [2, 3], 0.0), ([1, 1], [1, 1], 0.5), ([0, 3], [1, 2], 0.5)],
)
def test_the_area_under_the_curve(bad: list[float], good: list[float], area: float) -> None:
    assert auc(bad, good) == area


def test_masks_below_the_goal_are_counted_with_those_that_go_to_a_person() -> None:
    found: dict[str, Any] = doubts([0.99, 0.96, 0.94, 0.5], [0.9, 0.3, 0.6, 0.1])
    assert found == {"wrong": 2, "caught": 1, "good": 2, "false alarms": 1}
