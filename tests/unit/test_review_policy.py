"""The order of the queue, as plain functions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from review.policy import Waiting, approval_rate, priority, rank

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ITEMS = st.lists(
    st.builds(
        Waiting,
        creative_id=st.integers(1, 10_000),
        age=st.floats(0, 1e7),
        demand=st.integers(0, 50),
        doubtful=st.booleans(),
    ),
    unique_by=lambda item: item.creative_id,
)


@pytest.mark.parametrize(
    ("age", "demand", "doubtful", "expected"),
    [
        (60, 1, False, 60),
        (60, 2, False, 120),
        (60, 4, False, 180),
        (60, 1, True, 90),
        (60, 0, False, 60),
        (-5, 3, True, 0),
    ],
)
def test_demand_and_doubt_make_a_picture_age_faster(
    age: float, demand: int, doubtful: bool, expected: float
) -> None:
    assert priority(age, demand, doubtful) == pytest.approx(expected)


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


@given(st.floats(0, 1e7), st.integers(1, 100), st.booleans())
def test_waiting_longer_never_lowers_the_priority(age: float, demand: int, doubtful: bool) -> None:
    assert priority(age + 1, demand, doubtful) >= priority(age, demand, doubtful)


@pytest.mark.parametrize(
    ("approved", "rejected", "rate"), [(0, 0, None), (3, 1, 0.75), (0, 2, 0.0), (5, 0, 1.0)]
)
def test_approval_rate(approved: int, rejected: int, rate: float | None) -> None:
    assert approval_rate(approved, rejected) == rate
