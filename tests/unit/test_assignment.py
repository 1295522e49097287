"""Sticky assignment: fixed values, fair shares, independent experiments, ramps that move nobody."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from bandit.assignment import arm_at, assign, place

HALVES = {"random": 0.5, "personalised": 0.5}


def test_places_are_fixed_for_ever():
    assert place("salt", "u1") == 0.6582839721009454
    assert place("salt", "u1", "enrolled") != place("salt", "u1")
    assert place("a", "bc") != place("ab", "c")


@given(st.text(), st.text())
def test_a_place_is_in_the_unit_interval(salt, user_id):
    assert 0.0 <= place(salt, user_id) < 1.0
    assert place(salt, user_id) == place(salt, user_id)


def test_users_spread_evenly():
    counts = Counter(int(place("s", f"user-{i}") * 20) for i in range(20_000))
    assert chisquare([counts[b] for b in range(20)]).pvalue > 0.001


def test_arms_get_their_shares_and_experiments_are_unrelated():
    shares = {"a": 0.2, "b": 0.5, "c": 0.3}
    users = [f"user-{i}" for i in range(20_000)]
    first, second = ([assign(user, salt, shares) for user in users] for salt in ("one", "two"))
    counts = Counter(first)
    assert (
        chisquare([counts[arm] for arm in shares], [20_000 * share for share in shares.values()]).pvalue
        > 0.001
    )
    together = Counter(zip(first, second, strict=True))
    expected = {(a, b): 20_000 * shares[a] * shares[b] for a in shares for b in shares}
    assert chisquare([together[pair] for pair in expected], list(expected.values())).pvalue > 0.001


def test_a_ramp_moves_nobody_between_arms():
    users = [f"user-{i}" for i in range(4000)]
    before = {user: assign(user, "s", HALVES, enrolled=0.1) for user in users}
    after = {user: assign(user, "s", HALVES, enrolled=0.6) for user in users}
    inside = [user for user in users if before[user] is not None]
    assert 300 < len(inside) < 500
    assert all(before[user] == after[user] for user in inside)
    assert all(assign(user, "s", HALVES, enrolled=0.0) is None for user in users)


@pytest.mark.parametrize(
    ("position", "arm"),
    [(0.0, "a"), (math.nextafter(0.25, 0), "a"), (0.25, "c"), (math.nextafter(1, 0), "c")],
)
def test_stretches_are_half_open_and_an_empty_one_is_never_hit(position, arm):
    assert arm_at(position, {"a": 0.25, "b": 0.0, "c": 0.75, "d": 0.0}) == arm


def test_rounding_never_leaves_a_user_without_an_arm():
    assert arm_at(math.nextafter(1, 0), {str(i): 0.1 for i in range(10)}) == "9"


@pytest.mark.parametrize("shares", [{}, {"a": 0.5}, {"a": 1.5, "b": -0.5}, {"a": math.nan}])
def test_shares_must_be_a_distribution(shares):
    with pytest.raises(ValueError, match="shares must"):
        assign("u", "s", shares)


@pytest.mark.parametrize("enrolled", [-0.1, 1.1, math.nan])
def test_the_enrolled_share_is_a_share(enrolled):
    with pytest.raises(ValueError, match="between 0 and 1"):
        assign("u", "s", HALVES, enrolled=enrolled)
