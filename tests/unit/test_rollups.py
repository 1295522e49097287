"""Roll-ups equal the log: what they hold is what a plain count of the log says, whatever came when and how often."""

from __future__ import annotations

import random
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command

from bandit import rollups
from bandit.models import (
    Click,
    ExperimentDay,
    HourlyCell,
    Impression,
    RollupState,
    RollupTouch,
    StaleDay,
)
from creatives.models import Merchant
from tests import factories
from tests.log_rows import LogRows
from tests.rollup_checks import assert_equal_to_the_log, everything

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def log() -> LogRows:
    return LogRows(factories.merchant(attribution_minutes=60), START)


def test_the_log_is_counted_by_hour_day_group_creative_and_user(log: LogRows) -> None:
    log.traffic(random.Random(1), 400)
    assert rollups.roll_up() > 20
    assert_equal_to_the_log(log.merchant)
    assert not RollupTouch.objects.exists()
    assert not StaleDay.objects.exists()


def test_bit_by_bit_is_the_same_as_at_once(log: LogRows) -> None:
    """Late clicks, clicks ahead of their impression, conversions, flags, a new window: after each the counts are right."""
    rng = random.Random(2)
    for _ in range(3):
        log.traffic(rng, 60)
        rollups.roll_up()
        log.late_clicks(rng, 10)
        rollups.roll_up()
        assert_equal_to_the_log(log.merchant)
    flagged = rng.sample(list(Impression.objects.all()), 15)
    for row in flagged:
        row.flags = ["bot"]
        row.save(update_fields=["flags"])
    rollups.roll_up()
    assert_equal_to_the_log(log.merchant)
    log.merchant.attribution_minutes = 5
    log.merchant.save()
    rollups.roll_up()
    assert_equal_to_the_log(log.merchant)
    before = everything()
    rollups.rebuild(log.merchant.pk)
    rollups.roll_up()
    assert everything() == before


def test_a_click_ahead_of_its_impression_counts_once_that_is_there(log: LogRows) -> None:
    ahead = uuid.uuid4()
    Click.objects.create(decision_id=ahead, merchant=log.merchant, occurred_at=START + timedelta(minutes=1))
    assert rollups.roll_up() == 0
    assert not RollupTouch.objects.exists()
    log.show("a", decision_id=ahead)
    rollups.roll_up()
    assert_equal_to_the_log(log.merchant)
    assert sum(HourlyCell.objects.values_list("clicks", flat=True)) == 1


def test_only_the_hours_that_changed_are_counted_anew(log: LogRows) -> None:
    log.show("a", hours=1)
    late = log.show("b", hours=30)
    assert rollups.roll_up() == 2
    assert rollups.roll_up() == 0
    log.click(late, minutes=3)
    assert rollups.roll_up() == 1
    assert_equal_to_the_log(log.merchant)


def test_learning_from_a_row_touches_nothing(log: LogRows) -> None:
    log.show("a")
    rollups.roll_up()
    Impression.objects.update(device="desktop")
    assert not RollupTouch.objects.exists()


def test_a_click_names_no_hour_of_another_merchant(log: LogRows) -> None:
    row = log.show("a")
    rollups.roll_up()
    Click.objects.create(decision_id=row.pk, merchant=factories.merchant(), occurred_at=row.occurred_at)
    assert rollups.roll_up() == 0


def test_more_hours_than_one_transaction_takes(log: LogRows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollups, "MAX_HOURS", 2)
    for hours in range(7):
        log.show("a", hours=hours)
    assert rollups.count_hours(log.merchant.pk) == (2, False)
    assert sorted(HourlyCell.objects.values_list("hour", flat=True)) == [
        START + timedelta(hours=hours) for hours in (5, 6)
    ]
    assert RollupState.objects.get().hours_at is None
    rollups.roll_up()
    assert RollupState.objects.get().hours_at is not None
    assert_equal_to_the_log(log.merchant)


def test_one_merchant_can_be_counted_alone(log: LogRows) -> None:
    other = LogRows(factories.merchant(), START)
    log.show("a")
    other.show("a")
    assert rollups.roll_up([other.merchant.pk]) == 1
    assert set(HourlyCell.objects.values_list("merchant", flat=True)) == {other.merchant.pk}


def test_what_is_left_of_a_merchant_that_is_gone_is_swept_up(log: LogRows) -> None:
    log.show("a")
    rollups.roll_up()
    log.show("a")
    Merchant.objects.get(pk=log.merchant.pk).delete()
    assert rollups.roll_up() == 0
    assert not RollupTouch.objects.exists()
    assert not HourlyCell.objects.exists()


def test_the_command_counts_and_rebuilds(log: LogRows, capsys: pytest.CaptureFixture[str]) -> None:
    log.show("a")
    call_command("rollup")
    assert capsys.readouterr().out == "1 hour counted\n"
    HourlyCell.objects.update(impressions=7)
    ExperimentDay.objects.all().delete()
    call_command("rollup", "--rebuild", "--merchant", log.merchant.slug)
    assert capsys.readouterr().out == "1 hour counted\n"
    assert_equal_to_the_log(log.merchant)
