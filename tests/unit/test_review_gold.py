"""Gold items: mixed in at a rate, answered once by each reviewer, never changing the creative."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from creatives.models import Creative, Merchant, User, WebhookDelivery
from review.errors import InvalidDecisionError, NotOpenError
from review.filters import QueueFilters
from review.models import Claim, Decision, GoldCheck, GoldItem, ReviewRules
from review.selectors.agreement import agreement
from review.selectors.history import history
from review.services import claims
from review.services.decisions import decide
from review.services.gold import retire_gold, set_gold
from review.services.undo import undo
from review.services.verdicts import Verdict
from tests import factories
from tests.review_rows import creative, recommender

pytestmark = pytest.mark.django_db
ALL = QueueFilters()
APPROVE, REJECT = Verdict("approve"), Verdict("reject", "brand")


@pytest.fixture
def merchant(monkeypatch: pytest.MonkeyPatch) -> Merchant:
    """A gold item comes before every picture."""
    monkeypatch.setattr("review.services.gold.drawn", lambda share, *key: share > 0)
    made = factories.merchant()
    recommender(made)
    ReviewRules.objects.create(merchant=made, gold_share=0.5)
    return made


@pytest.fixture
def reviewer(merchant: Merchant) -> User:
    return factories.member(merchant, "reviewer")


def gold(merchant: Merchant, verdict: Verdict = REJECT, status: str = "approved") -> GoldItem:
    return set_gold(factories.admin(), creative(merchant, status=status).pk, verdict)


def test_a_gold_item_comes_before_the_next_picture_and_stays_first(
    merchant: Merchant, reviewer: User
) -> None:
    item, picture = gold(merchant), creative(merchant)
    assert claims.claim(reviewer, ALL, count=2) == [item.creative_id, picture.pk]
    assert claims.claim(reviewer, ALL, count=2) == [item.creative_id, picture.pk]
    assert (GoldCheck.objects.count(), Claim.objects.get().creative) == (1, picture)


@pytest.mark.parametrize(("answer", "right"), [(REJECT, 1), (APPROVE, 0)])
def test_an_answer_is_measured_and_changes_nothing(
    merchant: Merchant, reviewer: User, answer: Verdict, right: int
) -> None:
    item = gold(merchant)
    creative(merchant)
    claims.claim(reviewer, ALL, count=2)
    token = uuid.uuid4()
    first, second = (decide(reviewer, item.creative_id, answer, token) for _ in range(2))
    assert (first.repeated, second.repeated) == (False, True)
    assert first.decision is not None
    assert (first.decision.purpose, first.decision.seconds is not None) == ("gold", True)
    assert Creative.objects.get(pk=item.creative_id).status == "approved"
    assert WebhookDelivery.objects.count() == 0
    found = agreement(reviewer, timezone.now() - timedelta(days=1))[reviewer.pk]
    assert (found.gold, found.gold_right) == (1, right)


def test_each_reviewer_gets_an_item_once(merchant: Merchant, reviewer: User) -> None:
    item = gold(merchant)
    for _ in range(3):
        creative(merchant)
    answered = []
    while mine := claims.claim(reviewer, ALL):
        decide(reviewer, mine[0], APPROVE, uuid.uuid4())
        answered += mine
    assert answered.count(item.creative_id) == 1
    assert len(answered) == 4
    other = factories.member(merchant, "reviewer")
    creative(merchant)
    assert claims.claim(other, ALL, count=2)[0] == item.creative_id


def test_who_decided_it_or_set_it_is_not_asked(merchant: Merchant, reviewer: User) -> None:
    picture = creative(merchant)
    claims.claim(reviewer, ALL)
    decide(reviewer, picture.pk, APPROVE, uuid.uuid4())
    set_gold(factories.admin(), picture.pk, APPROVE)
    other = creative(merchant)
    assert claims.claim(reviewer, ALL, count=2) == [other.pk]


def test_another_merchants_items_and_those_outside_the_filters_never_appear(
    merchant: Merchant, reviewer: User
) -> None:
    gold(factories.merchant())
    set_gold(
        factories.admin(), creative(merchant, status="approved", record={"verdict": "doubtful"}).pk, REJECT
    )
    picture = creative(merchant)
    assert claims.claim(reviewer, QueueFilters(verdict="pass"), count=3) == [picture.pk]
    assert GoldCheck.objects.count() == 0


def test_skipping_takes_it_away_and_undo_brings_it_back(merchant: Merchant, reviewer: User) -> None:
    item = gold(merchant)
    picture = creative(merchant)
    claims.claim(reviewer, ALL, count=2)
    claims.skip(reviewer, item.creative_id)
    assert GoldCheck.objects.count() == 0
    creative(merchant)
    assert item.creative_id in claims.claim(reviewer, ALL, count=3)
    decide(reviewer, item.creative_id, APPROVE, uuid.uuid4())
    undone = undo(reviewer, uuid.uuid4()).decision
    assert undone is not None
    assert (undone.action, undone.purpose) == ("undo", "gold")
    assert claims.claim_one(reviewer, item.creative_id) == item.creative_id
    decide(reviewer, item.creative_id, REJECT, uuid.uuid4())
    answer = GoldCheck.objects.get().answer
    assert answer is not None
    assert (answer.action, Creative.objects.get(pk=picture.pk).status) == ("reject", "in_review")


def test_the_trail_shows_gold_checks_to_administrators_only(merchant: Merchant, reviewer: User) -> None:
    item = gold(merchant)
    creative(merchant)
    claims.claim(reviewer, ALL, count=2)
    decide(reviewer, item.creative_id, APPROVE, uuid.uuid4())
    assert history(reviewer).count() == 0
    assert history(factories.admin()).count() == 1


def test_another_answer_is_another_item(merchant: Merchant) -> None:
    admin, first = factories.admin(), gold(merchant, REJECT)
    assert set_gold(admin, first.creative_id, REJECT) == first
    second = set_gold(admin, first.creative_id, APPROVE)
    first.refresh_from_db()
    assert (first.retired_by, second.retired_at) == (admin, None)
    retire_gold(admin, second.pk)
    with pytest.raises(NotOpenError):
        retire_gold(admin, second.pk)


def test_what_is_in_review_cannot_be_gold_and_only_administrators_say(merchant: Merchant) -> None:
    picture, decided = creative(merchant), creative(merchant, status="rejected")
    with pytest.raises(NotOpenError, match="in review"):
        set_gold(factories.admin(), picture.pk, APPROVE)
    with pytest.raises(InvalidDecisionError):
        set_gold(factories.admin(), decided.pk, Verdict("retire", "brand"))
    for role in ("owner", "reviewer"):
        with pytest.raises(Creative.DoesNotExist):
            set_gold(factories.member(merchant, role), decided.pk, APPROVE)
    assert GoldItem.objects.count() == Decision.objects.count() == 0
