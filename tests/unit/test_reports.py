"""Reports say what the roll-ups say: counts, click rates with intervals, gains, trends."""

from __future__ import annotations

import csv
import io
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bandit import reports
from bandit.grouped import compare, design_effect, rate_interval
from bandit.report_export import rows_of, to_csv, to_json
from bandit.report_query import ReportFilter, spreads
from bandit.rollups import roll_up
from tests import factories
from tests.log_rows import LogRows

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def log() -> LogRows:
    return LogRows(factories.merchant("shop", attribution_minutes=60), START)


def wanted(log: LogRows, days: int = 10, **fields: Any) -> ReportFilter:
    return ReportFilter(log.merchant, START, START + timedelta(days=days), **fields)


def build(log: LogRows, dimension: str = "arm", baseline: str = "", **fields: Any) -> reports.Report:
    roll_up()
    return reports.build(wanted(log, **fields), dimension, baseline)


def counts(report: reports.Report) -> dict[str, tuple[int, int]]:
    return {row.key: (row.total.impressions, row.total.clicks) for row in report.rows}


def two_arms(log: LogRows, users: int = 120) -> None:
    """Control: every second user clicks once in two impressions. Treatment: three of four do."""
    for number in range(users):
        for arm, clicks in (("random", number % 2 == 0), ("personalised", number % 4 != 0)):
            log.show(f"{arm}{number}", arm=arm, clicked_after=1 if clicks else None)
            log.show(f"{arm}{number}", arm=arm)


def test_a_click_counts_up_to_the_end_of_the_attribution_window(log: LogRows) -> None:
    log.show("in time", clicked_after=60)
    log.show("late", clicked_after=60.01)
    assert counts(build(log)) == {"random": (2, 1)}


def test_what_is_left_out(log: LogRows) -> None:
    log.show("counted")
    log.show("too early", hours=-0.01)
    log.show("too late", hours=240)
    log.show("a bot", flags=["bot"])
    LogRows(factories.merchant(), START).show("somebody else's")
    assert counts(build(log)) == {"random": (1, 0)}


def test_filters(log: LogRows) -> None:
    rows = log.traffic(random.Random(3), 200)
    expected = [
        row for row in rows if row.category_id == 1 and row.placement == "cart" and not row.is_simulated
    ]
    found = build(log, "device", category_id=1, placement="cart", traffic="live")
    assert found.total.impressions == len(expected)
    shown = [row for row in rows if row.prompt_version_id == 11 and row.variant == "generated"]
    assert build(log, "shown", prompt_version_id=11).total.impressions == len(shown)
    mine = [row for row in rows if row.experiment_id and row.is_simulated]
    found = build(log, "arm", experiment_id=log.experiment.pk, traffic="simulated")
    assert (found.total.impressions, found.total.simulated) == (len(mine), len(mine))


def test_a_prompt_is_judged_only_by_impressions_that_showed_it(log: LogRows) -> None:
    version = factories.prompt_version(factories.category("Shoes"))
    log.show("a", prompt_version_id=version.pk)
    log.show("b", prompt_version_id=version.pk, variant="original", is_fallback=True)
    assert [(row.label, row.total.impressions) for row in build(log, "prompt").rows] == [
        (f"{version} · Shoes", 1)
    ]


def test_conversions_and_their_worth(log: LogRows) -> None:
    row = log.show("a")
    log.buy(row, "12.50")
    log.buy(row, "7.50")
    total = build(log).total
    assert (total.conversions, str(total.value)) == (2, "20.00")


def test_rates_intervals_and_gains_from_groups_of_users(log: LogRows) -> None:
    two_arms(log)
    report = build(log)
    rows = {row.key: row for row in report.rows}
    base, treatment = rows["random"], rows["personalised"]
    assert base.is_baseline
    assert base.gain is None
    assert (base.total.ctr, treatment.total.ctr) == (60 / 240, 90 / 240)
    groups = spreads(wanted(log), "arm")
    assert base.interval == rate_interval(60, 240, design_effect(groups["random"]))
    expected = compare((90, 240), (60, 240), (groups["personalised"], groups["random"]))
    assert treatment.gain == expected
    assert expected is not None
    assert expected.gain == pytest.approx(0.5, abs=1e-12)
    assert expected.verdict == "better"
    assert reports.headline(report).startswith(
        "personalised gets 50% more clicks than random, with 95 % certainty between"
    )


def test_the_baseline_can_be_chosen(log: LogRows) -> None:
    two_arms(log)
    report = build(log, baseline="personalised")
    gain = next(row.gain for row in report.rows if row.key == "random")
    assert gain is not None
    assert gain.gain == pytest.approx(60 / 90 - 1)
    assert gain.verdict == "worse"


@pytest.mark.parametrize("users", [3, 8])
def test_no_gain_is_claimed_on_a_handful_of_clicks_or_users(log: LogRows, users: int) -> None:
    for number in range(60):
        log.show(f"a{number % users}", clicked_after=1)
        log.show(f"b{number % users}", arm="personalised", clicked_after=1 if number % 2 else None)
    report = build(log)
    assert [row.gain for row in report.rows] == [None, None]
    assert "Too few clicks" in reports.headline(report)


def test_the_trend_is_daily_over_a_long_period_and_adds_up_to_the_table(log: LogRows) -> None:
    for day in range(4):
        log.show(f"u{day}", hours=24 * day + 20, clicked_after=1 if day % 2 else None)
    report = build(log)
    assert report.step == "day"
    (row,) = report.rows
    assert [(at.day, point.impressions, point.clicks) for at, point in row.series.points.items()] == [
        (1, 1, 0),
        (2, 1, 1),
        (3, 1, 0),
        (4, 1, 1),
    ]
    drawn = reports.chart(report)
    assert drawn["x"] == [int((START + timedelta(days=day)).timestamp()) for day in range(4)]
    assert drawn["series"][0]["values"] == [0.0, 1.0, 0.0, 1.0]
    assert drawn["series"][0]["upper"][0] == rate_interval(0, 1, 1.0).high


@pytest.mark.parametrize("days", [3, 10])
def test_the_trend_is_hourly_over_a_short_period_or_while_the_log_is_young(log: LogRows, days: int) -> None:
    log.show("a", hours=5.5)
    log.show("a", hours=30)
    roll_up()
    report = reports.build(wanted(log, days), "arm")
    assert report.step == "hour"
    assert list(report.rows[0].series.points) == [START + timedelta(hours=hours) for hours in (5, 30)]


def test_a_period_is_whole_days(log: LogRows) -> None:
    with pytest.raises(ValueError, match="whole days in UTC"):
        ReportFilter(log.merchant, START, START + timedelta(hours=36))


def test_csv_has_the_figures_and_no_formulae(log: LogRows) -> None:
    log.show("a", placement="=cmd()", clicked_after=1)
    log.show("b", placement="home")
    rows = list(csv.DictReader(io.StringIO(to_csv(rows_of(build(log, "placement"))))))
    assert {row["placement"] for row in rows} == {"'=cmd()", "home"}
    clicked = next(row for row in rows if row["clicks"] == "1")
    assert (clicked["impressions"], float(clicked["ctr"]), clicked["gain"]) == ("1", 1.0, "")
    assert float(clicked["ctr_low"]) == rate_interval(1, 1, 1.0).low
    assert to_csv([]) == ""


def test_json_has_the_trend_too(log: LogRows) -> None:
    log.show("a", hours=2, clicked_after=1)
    report = build(log)
    found = to_json(report, wanted(log), reports.headline(report))
    assert (found["merchant"], found["start"], found["step"]) == ("shop", "2026-03-01T00:00:00+00:00", "hour")
    assert found["rows"][0]["impressions"] == 1
    assert found["trend"] == {"random": [{"at": "2026-03-01T02:00:00+00:00", "impressions": 1, "clicks": 1}]}


def test_an_empty_period_is_an_empty_report(log: LogRows) -> None:
    report = build(log)
    assert (report.rows, report.total.impressions, reports.chart(report)["x"]) == ([], 0, [])
    assert reports.headline(report) == "Nothing was shown in this period."


def test_how_fresh_the_counts_are(log: LogRows) -> None:
    assert reports.freshness(log.merchant) == reports.Freshness(None, False)
    log.show("a")
    assert reports.freshness(log.merchant).is_behind
    roll_up()
    found = reports.freshness(log.merchant)
    assert found.counted_until is not None
    assert not found.is_behind


def test_a_report_takes_four_queries_at_most(log: LogRows, django_assert_max_num_queries: Any) -> None:
    two_arms(log, 20)
    roll_up()
    with django_assert_max_num_queries(4):
        reports.build(wanted(log), "placement")
