"""Two reviewers, two clicks, one truth. Real threads on real connections."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
from django.db import connection

from creatives.models import Creative, User, WebhookDelivery
from review.errors import ReviewError
from review.filters import QueueFilters
from review.models import Claim, Decision
from review.services import claims
from review.services.decisions import decide
from review.services.undo import undo
from review.services.verdicts import Verdict
from tests import factories
from tests.review_rows import creative, recommender

pytestmark = pytest.mark.django_db(transaction=True)
Result = TypeVar("Result")
APPROVE = Verdict("approve")
REJECT = Verdict("reject", "brand")


def together(calls: Sequence[Callable[[], Result]]) -> list[Result | ReviewError]:
    """Run ``calls`` at the same moment, each in a thread with a connection of its own."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Result]) -> Result | ReviewError:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=30)
            return call()
        except ReviewError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def desk(people: int = 1) -> tuple[Creative, list[User]]:
    merchant = factories.merchant()
    recommender(merchant)
    return creative(merchant), [factories.member(merchant, "reviewer") for _ in range(people)]


@pytest.mark.parametrize("same_form", [True, False])
def test_a_double_click_is_one_decision_and_one_message(same_form: bool) -> None:
    picture, (person,) = desk()
    tokens = [uuid.uuid4()] * 2 if same_form else [uuid.uuid4(), uuid.uuid4()]
    outcomes = together([lambda token=token: decide(person, picture.pk, APPROVE, token) for token in tokens])  # type: ignore[misc]
    assert sorted(outcome.repeated for outcome in outcomes) == [False, True]  # type: ignore[union-attr]
    assert Decision.objects.count() == 1
    assert list(WebhookDelivery.objects.values_list("event_type", flat=True)) == ["creative.approved"]


def test_of_two_opposite_decisions_one_wins_and_the_other_is_told() -> None:
    picture, people = desk(2)
    verdicts = zip(people, (APPROVE, REJECT), strict=True)
    outcomes = together([lambda p=p, v=v: decide(p, picture.pk, v, uuid.uuid4()) for p, v in verdicts])  # type: ignore[misc]
    refused = [outcome for outcome in outcomes if isinstance(outcome, ReviewError)]
    assert len(refused) == 1
    assert "has already been" in str(refused[0])
    decision = Decision.objects.get()
    picture.refresh_from_db()
    assert picture.status == {"approve": "approved", "reject": "rejected"}[decision.action]
    assert WebhookDelivery.objects.count() == 1


def test_reviewers_who_claim_at_once_never_share_a_picture() -> None:
    picture, people = desk(4)
    ids = {picture.pk} | {creative(picture.merchant).pk for _ in range(9)}
    taken = together([lambda p=p: claims.claim(p, QueueFilters(), count=3) for p in people])  # type: ignore[misc]
    flat = [creative_id for each in taken for creative_id in each]  # type: ignore[union-attr]
    assert len(flat) == len(set(flat))
    assert set(flat) <= ids
    holders = dict(Claim.objects.values_list("creative", "reviewer"))
    assert holders == {key: person.pk for person, each in zip(people, taken, strict=True) for key in each}  # type: ignore[union-attr]


def test_of_two_who_take_over_one_lapsed_claim_one_gets_it() -> None:
    picture, people = desk(3)
    claims.claim(people[0], QueueFilters())
    Claim.objects.update(expires_at=picture.created_at)
    taken = together([lambda p=p: claims.claim(p, QueueFilters()) for p in people[1:]])  # type: ignore[misc]
    assert sorted(taken, key=len) == [[], [picture.pk]]  # type: ignore[arg-type]


def test_a_double_undo_takes_back_one_decision() -> None:
    picture, (person,) = desk()
    second, token = creative(picture.merchant), uuid.uuid4()
    for each in (picture, second):
        decide(person, each.pk, APPROVE, uuid.uuid4())
    together([lambda: undo(person, token) for _ in range(2)])
    assert Decision.objects.filter(action="undo").count() == 1
    assert set(Creative.objects.values_list("pk", "status")) == {
        (picture.pk, "approved"),
        (second.pk, "in_review"),
    }


def test_three_reviewers_empty_the_queue_without_losing_or_doubling() -> None:
    picture, people = desk(3)
    ids = {picture.pk} | {creative(picture.merchant).pk for _ in range(20)}

    def work(person: User) -> int:
        done = 0
        while mine := claims.claim(person, QueueFilters(), count=2):
            decide(person, mine[0], APPROVE if mine[0] % 2 else REJECT, uuid.uuid4())
            done += 1
        return done

    done = together([lambda p=p: work(p) for p in people])  # type: ignore[misc]
    assert sum(done) == len(ids)  # type: ignore[arg-type]
    assert set(Decision.objects.values_list("creative", flat=True)) == ids
    assert Decision.objects.count() == WebhookDelivery.objects.count() == len(ids)
    assert not Creative.objects.filter(status="in_review").exists()
