"""Reports say what the log says: counts, click rates with intervals, gains by user, trends."""

from __future__ import annotations

import csv
import io
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from bandit import reports
from bandit.models import Click, Impression
from bandit.report_query import ReportFilter, counts
from bandit.statistics import UserTotals, difference_z, lift, lift_interval, wilson
from creatives.models import Merchant
from tests import factories

pytestmark = pytest.mark.django_db
START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def merchant() -> Merchant:
    return factories.merchant(attribution_minutes=60)


def wanted(merchant: Merchant, **fields: object) -> ReportFilter:
    return ReportFilter(merchant, START, START + timedelta(days=10), **fields)  # type: ignore[arg-type]


def show(merchant: Merchant, user: str, clicked_after: float | None = None, **fields: object) -> Impression:
    """One impression, and its click so many minutes later."""
    defaults: dict[str, object] = {
        "arm": "random",
        "arm_kind": "random",
        "placement": "home",
        "variant": "generated",
        "is_fallback": False,
        "propensity": 0.5,
        "policy_version": 0,
        "encoding_version": 1,
        "issued_at": START,
        "occurred_at": START + timedelta(hours=1),
    }
    row = Impression.objects.create(
        decision_id=uuid.uuid4(), merchant=merchant, user_key=user, **(defaults | fields)
    )
    if clicked_after is not None:
        at = row.occurred_at + timedelta(minutes=clicked_after)
        Click.objects.create(decision_id=row.decision_id, merchant=merchant, occurred_at=at)
    return row


def test_counts_by_arm_with_the_sums_by_user(merchant: Merchant) -> None:
    show(merchant, "a", clicked_after=1)
    show(merchant, "a")
    show(merchant, "b", clicked_after=1)
    show(merchant, "c", arm="personalised")
    found = {count.key: count for count in counts(wanted(merchant), "arm")}
    random = found["random"]
    assert (random.users, random.impressions, random.clicks) == (2, 3, 2)
    assert (random.nn, random.nc, random.cc) == (2 * 2 + 1, 2 * 1 + 1, 1 + 1)
    assert (found["personalised"].impressions, found["personalised"].clicks) == (1, 0)


def test_a_click_counts_up_to_the_end_of_the_attribution_window(merchant: Merchant) -> None:
    show(merchant, "in time", clicked_after=60)
    show(merchant, "late", clicked_after=60.01)
    (count,) = counts(wanted(merchant), "arm")
    assert (count.impressions, count.clicks) == (2, 1)


def test_without_a_window_a_click_counts_whenever() -> None:
    merchant = factories.merchant(attribution_minutes=0)
    show(merchant, "a", clicked_after=500)
    (count,) = counts(wanted(merchant), "arm")
    assert count.clicks == 1


def test_what_is_left_out(merchant: Merchant) -> None:
    show(merchant, "counted")
    show(merchant, "too early", occurred_at=START - timedelta(seconds=1))
    show(merchant, "too late", occurred_at=START + timedelta(days=10))
    show(merchant, "a bot", flags=["bot"])
    show(factories.merchant(), "somebody else's")
    (count,) = counts(wanted(merchant), "arm")
    assert count.impressions == 1


def test_a_prompt_is_judged_only_by_impressions_that_showed_it(merchant: Merchant) -> None:
    version = factories.prompt_version(factories.category("Shoes"))
    show(merchant, "a", prompt_version_id=version.pk)
    show(merchant, "b", prompt_version_id=version.pk, variant="original", is_fallback=True)
    report = reports.build(wanted(merchant), "prompt")
    assert [(row.label, row.count.impressions) for row in report.rows] == [(f"{version} · Shoes", 1)]


def test_simulated_traffic_is_marked_and_can_be_left_out(merchant: Merchant) -> None:
    show(merchant, "real")
    show(merchant, "made up", is_simulated=True)
    assert reports.build(wanted(merchant), "arm").simulated == 1
    assert reports.build(wanted(merchant, traffic="live"), "arm").impressions == 1
    assert reports.build(wanted(merchant, traffic="simulated"), "arm").impressions == 1


def two_arms(merchant: Merchant) -> None:
    """Control: 40 users, every second clicks once in two impressions. Treatment: 40 users, three of four do."""
    for number in range(40):
        for arm, clicks in (("random", number % 2 == 0), ("personalised", number % 4 != 0)):
            show(merchant, f"{arm}{number}", arm=arm, clicked_after=1 if clicks else None)
            show(merchant, f"{arm}{number}", arm=arm)


def test_rates_intervals_and_gains_by_user(merchant: Merchant) -> None:
    two_arms(merchant)
    report = reports.build(wanted(merchant), "arm")
    rows = {row.key: row for row in report.rows}
    base, treatment = rows["random"], rows["personalised"]
    assert base.is_baseline
    assert base.gain is None
    assert (base.ctr, treatment.ctr) == (20 / 80, 30 / 80)
    assert base.interval == wilson(20, 80)
    control = UserTotals.of([1, 0] * 20, [2] * 40).rate()
    other = UserTotals.of([0, 1, 1, 1] * 10, [2] * 40).rate()
    assert treatment.gain is not None
    assert treatment.gain.lift == pytest.approx(0.5, abs=1e-12)
    assert treatment.gain.lift == lift(other, control)
    assert treatment.gain.interval == lift_interval(other, control)
    assert treatment.gain.p_value == difference_z(other, control).p_value
    assert treatment.gain.verdict == "better"
    assert reports.headline(report).startswith("personalised gets +50% clicks compared with random")


def test_the_baseline_can_be_chosen(merchant: Merchant) -> None:
    two_arms(merchant)
    report = reports.build(wanted(merchant), "arm", "personalised")
    random = next(row for row in report.rows if row.key == "random")
    assert random.gain is not None
    assert random.gain.lift == pytest.approx(20 / 30 - 1)
    assert random.gain.verdict == "worse"


def test_no_gain_is_claimed_on_a_handful_of_clicks(merchant: Merchant) -> None:
    show(merchant, "a", clicked_after=1)
    show(merchant, "b", arm="personalised", clicked_after=1)
    report = reports.build(wanted(merchant), "arm")
    assert [row.gain for row in report.rows] == [None, None]
    assert "Too few clicks" in reports.headline(report)


def test_the_trend_adds_up_to_the_table(merchant: Merchant) -> None:
    for day in range(4):
        show(
            merchant,
            f"u{day}",
            clicked_after=1 if day % 2 else None,
            occurred_at=START + timedelta(days=day, hours=20 + day),
        )
    report = reports.build(wanted(merchant), "arm")
    assert report.step == "day"
    assert [(point.at.day, point.impressions, point.clicks) for point in report.trend] == [
        (1, 1, 0),
        (2, 1, 1),
        (3, 1, 0),
        (4, 1, 1),
    ]
    drawn = reports.chart(report)
    assert drawn["x"] == [int((START + timedelta(days=day)).timestamp()) for day in range(4)]
    assert drawn["series"][0]["values"] == [0.0, 1.0, 0.0, 1.0]
    assert drawn["series"][0]["upper"][0] == wilson(0, 1).high


def test_csv_has_the_figures_and_no_formulae(merchant: Merchant) -> None:
    show(merchant, "a", placement="=cmd()", clicked_after=1)
    show(merchant, "b", placement="home")
    rows = list(csv.DictReader(io.StringIO(reports.to_csv(reports.build(wanted(merchant), "placement")))))
    assert {row["placement"] for row in rows} == {"'=cmd()", "home"}
    clicked = next(row for row in rows if row["clicks"] == "1")
    assert (clicked["impressions"], float(clicked["ctr"])) == ("1", 1.0)
    assert float(clicked["ctr_low"]) == wilson(1, 1).low


def test_an_empty_period_is_an_empty_report(merchant: Merchant) -> None:
    report = reports.build(wanted(merchant), "arm")
    assert (report.rows, report.impressions, reports.chart(report)["x"]) == ([], 0, [])
    assert reports.headline(report) == "Nothing was shown in this period."


def test_a_report_takes_four_queries_at_most(merchant: Merchant, django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    two_arms(merchant)
    with django_assert_max_num_queries(4):
        reports.build(wanted(merchant), "placement")
