"""The order of the queue, as plain functions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from review.policy import Waiting, approval_rate, cohens_kappa, drawn, priority, rank, risk

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ITEMS = st.lists(
    st.builds(
        Waiting,
        creative_id=st.integers(1, 10_000),
        age=st.floats(0, 1e7),
        demand=st.integers(0, 50),
        risk=st.floats(1, 3),
    ),
    unique_by=lambda item: item.creative_id,
)


@pytest.mark.parametrize(
    ("age", "demand", "risk", "expected"),
    [
        (60, 1, 1.0, 60),
        (60, 2, 1.0, 120),
        (60, 4, 1.0, 180),
        (60, 1, 1.5, 90),
        (60, 0, 1.0, 60),
        (-5, 3, 3.0, 0),
    ],
)
def test_demand_and_risk_make_a_picture_age_faster(
    age: float, demand: int, risk: float, expected: float
) -> None:
    assert priority(age, demand, risk) == pytest.approx(expected)


GOOD = {"structure": 0.9, "expansion": 0.1, "sharpness": 0.8, "distinctness": 30.0, "mask": 0.9}


@pytest.mark.parametrize(
    ("scores", "doubtful", "expected"),
    [
        (GOOD, False, 2 - 0.9),
        (GOOD, True, 1.5 * (2 - 0.9)),
        (GOOD | {"expansion": 1.0}, False, 2 - 0.72),
        ({"structure": 0.4}, False, 1.6),
        ({"distinctness": 5.0}, False, 1.75),
        ({}, False, 1.5),
        ({"risk": 0.4, "structure": 0.1}, False, 1.4),
        ({"risk": 1.6}, True, 2.6),
        ({"risk": 40.0}, True, 3.0),
        ({"structure": 7.0, "mask": -1.0}, True, 2.25),
    ],
)
def test_risk_falls_with_quality(scores: dict[str, float], doubtful: bool, expected: float) -> None:
    assert risk(scores, doubtful) == pytest.approx(expected)


@given(st.floats(0, 1), st.integers(0, 10_000))
def test_what_is_drawn_for_a_smaller_share_is_drawn_for_a_larger(share: float, key: int) -> None:
    assert drawn(1.0, "secret", key)
    assert not drawn(0.0, "secret", key)
    assert not drawn(share / 2, "secret", key) or drawn(share, "secret", key)


def test_a_share_is_drawn_and_nobody_without_the_secret_knows_which() -> None:
    chosen = {key for key in range(10_000) if drawn(0.05, "secret", "check", key)}
    others = {key for key in range(10_000) if drawn(0.05, "another", "check", key)}
    assert 430 < len(chosen) < 570
    assert len(chosen & others) < 60


@pytest.mark.parametrize(
    ("pairs", "kappa"),
    [
        ({}, None),
        ({("a", "a"): 9}, None),
        ({("a", "a"): 20, ("a", "r"): 5, ("r", "a"): 10, ("r", "r"): 15}, 0.4),
        ({("a", "a"): 5, ("r", "r"): 5}, 1.0),
        ({("a", "r"): 5, ("r", "a"): 5}, -1.0),
        ({("a", "a"): 1, ("a", "r"): 1, ("r", "a"): 1, ("r", "r"): 1}, 0.0),
    ],
)
def test_cohens_kappa(pairs: dict[tuple[str, str], int], kappa: float | None) -> None:
    found = cohens_kappa(pairs)
    assert found == (kappa if kappa is None else pytest.approx(kappa))


def test_the_oldest_comes_first_and_the_lower_id_on_a_tie() -> None:
    queue = [Waiting(3, 10), Waiting(2, 50), Waiting(9, 10), Waiting(1, 10)]
    assert rank(queue, {}) == [2, 1, 3, 9]


def test_what_is_wanted_more_overtakes_what_is_a_little_older() -> None:
    assert rank([Waiting(1, 100), Waiting(2, 60, demand=4)], {}) == [2, 1]


def test_what_was_skipped_comes_last_in_the_order_of_skipping() -> None:
    queue = [Waiting(1, 99), Waiting(2, 98), Waiting(3, 1)]
    assert rank(queue, {1: NOON, 2: NOON - timedelta(minutes=1), 77: NOON}) == [3, 2, 1]


@given(ITEMS, st.sets(st.integers(1, 10_000)))
def test_ranking_is_a_permutation_with_the_skipped_at_the_end(
    queue: list[Waiting], skipped: set[int]
) -> None:
    order = rank(queue, dict.fromkeys(skipped, NOON))
    assert sorted(order) == sorted(item.creative_id for item in queue)
    flags = [creative_id in skipped for creative_id in order]
    assert flags == sorted(flags)


@given(st.floats(0, 1e7), st.integers(1, 100), st.floats(1, 3))
def test_waiting_longer_never_lowers_the_priority(age: float, demand: int, risk: float) -> None:
    assert priority(age + 1, demand, risk) >= priority(age, demand, risk)


@pytest.mark.parametrize(
    ("approved", "rejected", "rate"), [(0, 0, None), (3, 1, 0.75), (0, 2, 0.0), (5, 0, 1.0)]
)
def test_approval_rate(approved: int, rejected: int, rate: float | None) -> None:
    assert approval_rate(approved, rejected) == rate
