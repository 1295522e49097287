"""Undo takes back one's own last decisions, with a line of its own; nothing is erased."""

from __future__ import annotations

import uuid

import pytest

from creatives.models import Creative, User, WebhookDelivery
from creatives.services import creatives as lifecycle
from review.errors import AlreadyDecidedError, NothingToUndoError
from review.models import Decision
from review.services import undo as undoing
from review.services.decisions import decide
from review.services.undo import undo, undoable
from review.services.verdicts import Verdict
from tests import factories
from tests.review_rows import creative, recommender

pytestmark = pytest.mark.django_db
APPROVE = Verdict("approve")
REJECT = Verdict("reject", "brand")


@pytest.fixture
def picture() -> Creative:
    merchant = factories.merchant()
    recommender(merchant)
    return creative(merchant)


@pytest.fixture
def reviewer(picture: Creative) -> User:
    return factories.member(picture.merchant, "reviewer")


def status(picture: Creative) -> str:
    return Creative.objects.get(pk=picture.pk).status


def test_undoing_an_approval_withdraws_it(picture: Creative, reviewer: User) -> None:
    done = decide(reviewer, picture.pk, APPROVE, uuid.uuid4()).decision
    undone = undo(reviewer, uuid.uuid4()).decision
    assert undone is not None
    assert (status(picture), undone.action, undone.undoes) == ("in_review", "undo", done)
    assert list(picture.decisions.order_by("pk").values_list("action", flat=True)) == ["approve", "undo"]
    events = WebhookDelivery.objects.order_by("pk").values_list("event_type", flat=True)
    assert list(events) == ["creative.approved", "creative.retired"]
    assert Creative.objects.get(pk=picture.pk).decided_at is None


def test_undoing_a_rejection_returns_it_to_the_queue(picture: Creative, reviewer: User) -> None:
    decide(reviewer, picture.pk, REJECT, uuid.uuid4())
    undo(reviewer, uuid.uuid4())
    row = Creative.objects.get(pk=picture.pk)
    assert (row.status, row.reason) == ("in_review", "")


def test_after_an_undo_it_can_be_decided_again(picture: Creative, reviewer: User) -> None:
    decide(reviewer, picture.pk, REJECT, uuid.uuid4())
    undo(reviewer, uuid.uuid4())
    decide(reviewer, picture.pk, APPROVE, uuid.uuid4())
    undo(reviewer, uuid.uuid4())
    assert [row.action for row in picture.decisions.order_by("pk")] == ["reject", "undo", "approve", "undo"]
    assert status(picture) == "in_review"


def test_undo_goes_back_step_by_step(picture: Creative, reviewer: User) -> None:
    second = creative(picture.merchant)
    for each in (picture, second):
        decide(reviewer, each.pk, APPROVE, uuid.uuid4())
    assert [undo(reviewer, uuid.uuid4()).decision.creative_id for _ in range(2)] == [second.pk, picture.pk]  # type: ignore[union-attr]
    with pytest.raises(NothingToUndoError):
        undo(reviewer, uuid.uuid4())
    assert Decision.objects.count() == 4


def test_the_same_undo_twice_takes_back_one_decision(picture: Creative, reviewer: User) -> None:
    second, token = creative(picture.merchant), uuid.uuid4()
    for each in (picture, second):
        decide(reviewer, each.pk, APPROVE, uuid.uuid4())
    assert [undo(reviewer, token).repeated for _ in range(2)] == [False, True]
    assert (status(picture), status(second)) == ("approved", "in_review")


def test_a_named_decision_can_be_undone_out_of_turn(picture: Creative, reviewer: User) -> None:
    first = decide(reviewer, picture.pk, APPROVE, uuid.uuid4()).decision
    second = creative(picture.merchant)
    decide(reviewer, second.pk, APPROVE, uuid.uuid4())
    undo(reviewer, uuid.uuid4(), first.uuid)  # type: ignore[union-attr]
    assert (status(picture), status(second)) == ("in_review", "approved")


def test_only_the_last_ten_can_be_undone(picture: Creative, reviewer: User) -> None:
    first = decide(reviewer, picture.pk, APPROVE, uuid.uuid4()).decision
    for _ in range(10):
        decide(reviewer, creative(picture.merchant).pk, APPROVE, uuid.uuid4())
    assert undoable(reviewer).count() == 10
    with pytest.raises(NothingToUndoError):
        undo(reviewer, uuid.uuid4(), first.uuid)  # type: ignore[union-attr]
    assert status(picture) == "approved"


def test_others_decisions_are_not_ones_own_to_undo(picture: Creative, reviewer: User) -> None:
    done = decide(reviewer, picture.pk, APPROVE, uuid.uuid4()).decision
    other = factories.member(picture.merchant, "reviewer")
    for named in (None, done.uuid):  # type: ignore[union-attr]
        with pytest.raises(NothingToUndoError):
            undo(other, uuid.uuid4(), named)
    assert (status(picture), Decision.objects.count()) == ("approved", 1)


def test_a_decision_that_was_reversed_since_no_longer_stands(picture: Creative, reviewer: User) -> None:
    decide(reviewer, picture.pk, APPROVE, uuid.uuid4())
    other = factories.member(picture.merchant, "reviewer")
    decide(other, picture.pk, Verdict("retire", "safety"), uuid.uuid4())
    with pytest.raises(NothingToUndoError):
        undo(reviewer, uuid.uuid4())
    assert (status(picture), Decision.objects.count()) == ("retired", 2)


def test_what_was_painted_again_since_stays_rejected(picture: Creative, reviewer: User) -> None:
    decide(reviewer, picture.pk, REJECT, uuid.uuid4())
    Creative.objects.create(merchant=picture.merchant, request=picture.request, seed=10**6)
    with pytest.raises(NothingToUndoError):
        undo(reviewer, uuid.uuid4())
    assert (status(picture), Decision.objects.count()) == ("rejected", 1)


def test_what_was_retired_with_its_prompt_is_passed_over(picture: Creative, reviewer: User) -> None:
    second = creative(picture.merchant)
    for each in (picture, second):
        decide(reviewer, each.pk, APPROVE, uuid.uuid4())
    lifecycle.retire(second.pk, "prompt retired")
    undo(reviewer, uuid.uuid4())
    assert (status(picture), status(second)) == ("in_review", "retired")
    with pytest.raises(AlreadyDecidedError, match=f"Creative {second.pk} has already been retired.$"):
        decide(reviewer, second.pk, REJECT, uuid.uuid4())


def test_a_creative_retired_while_the_undo_was_waiting_stays_retired(
    picture: Creative, reviewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = decide(reviewer, picture.pk, APPROVE, uuid.uuid4()).decision
    monkeypatch.setattr(undoing, "_undoable", lambda *_: done)
    lifecycle.retire(picture.pk, "prompt retired")
    with pytest.raises(AlreadyDecidedError, match="cannot return to review"):
        undo(reviewer, uuid.uuid4())
    assert (status(picture), Decision.objects.count()) == ("retired", 1)
