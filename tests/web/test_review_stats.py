"""The figures of the desk, exactly."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from creatives.models import Creative, Merchant, User
from review.filters import QueueFilters
from review.models import Decision, GoldCheck, GoldItem, ReviewRules, SecondOpinion
from review.selectors import stats
from review.selectors.queue_stats import QueueStats, queue
from review.services import claims
from review.services.decisions import decide
from review.services.gate import admit
from review.services.undo import undo
from review.services.verdicts import Verdict
from review.templatetags.review_desk import columns, in_words
from tests import factories
from tests.review_rows import creative

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant() -> Merchant:
    return factories.merchant()


def decided(merchant: Merchant, name: str, *verdicts: tuple[str, float | None]) -> None:
    person = factories.member(merchant, "reviewer")
    person.name = name
    person.save()
    for action, seconds in verdicts:
        reason = "" if action == "approve" else "brand"
        picture = creative(merchant)
        Decision.objects.create(
            merchant=merchant,
            creative=picture,
            reviewer=person,
            action=action,
            reason=reason,
            seconds=seconds,
        )


def test_figures_per_reviewer(merchant: Merchant) -> None:
    decided(merchant, "Ana", ("approve", 2.0), ("approve", 4.0), ("reject", 9.0), ("approve", None))
    decided(merchant, "Ben", ("reject", 1.0), ("retire", None))
    ana, ben = stats.reviewers(factories.member(merchant, "reviewer"), days=7)
    assert (ana.name, ana.decisions, ana.approved, ana.approval_rate, ana.median_seconds) == (
        "Ana",
        4,
        3,
        0.75,
        4.0,
    )
    assert (ben.name, ben.decisions, ben.rejected, ben.retired, ben.approval_rate) == ("Ben", 1, 1, 1, 0.0)
    assert [count for _, count in ana.per_day] == [0] * 6 + [4]
    assert stats.reasons(factories.member(merchant, "reviewer")) == [("off brand", 3)]


def test_an_undo_is_counted_as_such(merchant: Merchant) -> None:
    person = factories.member(merchant, "reviewer")
    decide(person, creative(merchant).pk, Verdict("approve"), uuid.uuid4())
    undo(person, uuid.uuid4())
    (row,) = stats.reviewers(person)
    assert (row.decisions, row.undone) == (1, 1)


def test_other_merchants_are_not_counted(merchant: Merchant) -> None:
    decided(factories.merchant(), "Eve", ("approve", 1.0))
    creative(factories.merchant())
    person = factories.member(merchant, "reviewer")
    assert stats.reviewers(person) == []
    assert queue(person) == QueueStats(0, 0, 0, None, None, None, 0)


def test_the_age_of_the_queue(merchant: Merchant) -> None:
    for hours in (1, 3):
        made = creative(merchant)
        Creative.objects.filter(pk=made.pk).update(created_at=timezone.now() - timedelta(hours=hours))
    person = factories.member(merchant, "reviewer")
    claims.claim(person, QueueFilters(), count=2, shown=1)
    ReviewRules.objects.create(merchant=merchant, sla_hours=2)
    found = queue(person)
    assert (found.waiting, found.claimed, found.overdue) == (2, 1, 1)
    assert (in_words(found.oldest), in_words(found.mean)) == ("3 h", "2 h")
    assert (found.in_time, found.automatic) == (None, 0)


def test_what_was_decided_in_time(merchant: Merchant) -> None:
    ReviewRules.objects.create(merchant=merchant, sla_hours=2)
    person, other = factories.member(merchant, "reviewer"), factories.merchant(auto_approve=True)
    for hours in (1, 1, 3, 30):
        made = creative(merchant)
        Creative.objects.filter(pk=made.pk).update(created_at=timezone.now() - timedelta(hours=hours))
        decide(person, made.pk, Verdict("approve"), uuid.uuid4())
    undo(person, uuid.uuid4())
    made = creative(merchant)
    Merchant.objects.update(auto_approve=True)
    admit(Creative.objects.get(pk=made.pk))
    admit(creative(other))
    found = queue(person)
    assert (found.in_time, found.automatic) == (0.5, 1)


def test_agreement_and_gold_accuracy_per_reviewer(merchant: Merchant) -> None:
    """Twenty samples: both approve 9, both reject 6, the first alone approves 2, the second alone 3; gold 3 of 4."""
    one, other = (factories.member(merchant, "reviewer") for _ in range(2))
    answers = [("approve", "approve")] * 9 + [("reject", "reject")] * 6
    answers += [("approve", "reject")] * 2 + [("reject", "approve")] * 3
    for lean, action in answers:
        picture = creative(merchant, status="approved")
        first = answered(one, picture, lean, "decide")
        second = answered(other, picture, action, "second")
        SecondOpinion.objects.create(
            merchant=merchant, creative=picture, kind="sample", first=first, lean=lean, second=second
        )
    flagged = creative(merchant)
    SecondOpinion.objects.create(
        merchant=merchant,
        creative=flagged,
        kind="flag",
        lean="approve",
        first=answered(one, flagged, "flag", "decide"),
        second=answered(other, flagged, "reject", "second"),
    )
    for action in ("approve", "approve", "approve", "reject", "flag"):
        picture = creative(merchant, status="approved")
        item = GoldItem.objects.create(merchant=merchant, creative=picture, expected="approve", set_by=other)
        GoldCheck.objects.create(gold=item, reviewer=one, answer=answered(one, picture, action, "gold"))
    rows = {row.name: row for row in stats.reviewers(one)}
    mine, theirs = rows[str(one)].agreement, rows[str(other)].agreement
    assert (mine.samples, mine.agreed, mine.gold, mine.gold_accuracy) == (20, 0.75, 4, 0.75)
    assert mine.kappa == pytest.approx((0.75 - 0.51) / 0.49)
    assert (theirs.samples, theirs.kappa, theirs.gold_accuracy) == (20, pytest.approx(mine.kappa), None)
    assert (rows[str(one)].decisions, rows[str(other)].decisions) == (24, 21)


def answered(person: User, picture: Creative, action: str, purpose: str) -> Decision:
    reason = "brand" if action == "reject" else ""
    return Decision.objects.create(
        merchant=picture.merchant,
        creative=picture,
        reviewer=person,
        action=action,
        purpose=purpose,
        reason=reason,
    )


def test_the_page(client: Client, merchant: Merchant) -> None:
    decided(merchant, "Ana", ("approve", 2.0), ("reject", 4.0))
    client.force_login(factories.member(merchant, "reviewer"))
    page = client.get("/review/stats/", {"days": "7"}).content.decode()
    for text in ("Ana", "50 %", "3.0", "2 decisions in 7 days", "Overdue", "κ", "Off brand"):
        assert text in page, text
    assert client.get("/review/stats/", {"days": "999"}).context["days"] == 14


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (172800, "2 days"), (-3, "0 s")],
)
def test_spans_in_words(seconds: int, words: str) -> None:
    assert in_words(timedelta(seconds=seconds)) == words


def test_columns_without_any_decision_are_flat() -> None:
    today = timezone.now().date()
    assert 'height="0.00"' in columns([(today, 0)], 0)
