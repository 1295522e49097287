"""Second opinions: asked for or drawn, blind, agreed or in dispute, settled by an owner; and undone."""

from __future__ import annotations

import uuid

import pytest
from django.db import IntegrityError, transaction

from creatives.models import Creative, Merchant, User
from review.errors import AlreadyDecidedError, InvalidDecisionError, NothingToUndoError, NotOpenError
from review.filters import QueueFilters
from review.models import Decision, ReviewRules, SecondOpinion
from review.selectors.history import history
from review.services import claims
from review.services.decisions import decide
from review.services.second import resolve
from review.services.undo import undo
from review.services.verdicts import Verdict
from tests import factories
from tests.review_rows import creative, recommender

pytestmark = pytest.mark.django_db
ALL = QueueFilters()
APPROVE, REJECT = Verdict("approve"), Verdict("reject", "brand")
FLAG = Verdict("flag")
LEAN_APPROVE = Verdict("flag", lean="approve", note="I like it")
LEAN_REJECT = Verdict("flag", "space_mismatch", lean="reject")


@pytest.fixture
def merchant() -> Merchant:
    made = factories.merchant()
    recommender(made)
    return made


@pytest.fixture
def picture(merchant: Merchant) -> Creative:
    return creative(merchant)


@pytest.fixture
def people(merchant: Merchant) -> tuple[User, User, User]:
    one, other, owner = (factories.member(merchant, role) for role in ("reviewer", "reviewer", "owner"))
    return one, other, owner


def say(person: User, picture: Creative, verdict: Verdict) -> Decision:
    outcome = decide(person, picture.pk, verdict, uuid.uuid4())
    assert outcome.decision is not None
    return outcome.decision


def state(picture: Creative) -> tuple[str, str]:
    """Status of the creative, and of its last second opinion."""
    case = SecondOpinion.objects.filter(creative=picture).first()
    return Creative.objects.get(pk=picture.pk).status, case.status if case else "none"


def sampled(merchant: Merchant, share: float = 1.0) -> None:
    ReviewRules.objects.create(merchant=merchant, second_share=share)


@pytest.mark.parametrize(
    ("flag", "answer", "expected"),
    [
        (FLAG, APPROVE, ("approved", "agreed")),
        (FLAG, REJECT, ("rejected", "agreed")),
        (FLAG, FLAG, ("in_review", "disputed")),
        (LEAN_APPROVE, APPROVE, ("approved", "agreed")),
        (LEAN_APPROVE, REJECT, ("in_review", "disputed")),
        (LEAN_REJECT, REJECT, ("rejected", "agreed")),
        (LEAN_REJECT, APPROVE, ("in_review", "disputed")),
    ],
)
def test_two_equal_opinions_decide_and_different_ones_are_a_dispute(
    picture: Creative,
    people: tuple[User, User, User],
    flag: Verdict,
    answer: Verdict,
    expected: tuple[str, str],
) -> None:
    one, other, _ = people
    first = say(one, picture, flag)
    assert (first.action, first.reason, first.note, first.purpose) == ("flag", "", "", "decide")
    assert state(picture) == ("in_review", "open")
    assert claims.claim(one, ALL) == []
    assert claims.claim(other, ALL) == [picture.pk]
    second = say(other, picture, answer)
    assert state(picture) == expected
    assert second.purpose == ("decide" if expected[1] == "agreed" else "second")
    assert claims.claim(one, ALL) == claims.claim(other, ALL) == []


def test_the_first_reviewer_gives_no_second_opinion(
    picture: Creative, people: tuple[User, User, User]
) -> None:
    one, *_ = people
    say(one, picture, LEAN_APPROVE)
    for attempt in (lambda: say(one, picture, APPROVE), lambda: claims.claim_one(one, picture.pk)):
        with pytest.raises(AlreadyDecidedError):
            attempt()
    assert state(picture) == ("in_review", "open")
    assert Decision.objects.count() == 1


def test_what_the_first_thinks_is_kept_from_the_trail_until_then(
    picture: Creative, people: tuple[User, User, User]
) -> None:
    one, other, _ = people
    say(one, picture, LEAN_REJECT)
    assert [(row.action, row.reason, row.note) for row in history(other)] == [("flag", "", "")]
    case = SecondOpinion.objects.get()
    assert (case.lean, case.lean_reason, case.first.reviewer) == ("reject", "space_mismatch", one)


def test_a_flag_that_leans_to_reject_needs_its_reason(
    picture: Creative, people: tuple[User, User, User]
) -> None:
    with pytest.raises(InvalidDecisionError, match="Choose a reason"):
        say(people[0], picture, Verdict("flag", lean="reject"))
    assert state(picture) == ("in_review", "none")


def test_the_same_flag_twice_is_one(picture: Creative, people: tuple[User, User, User]) -> None:
    token = uuid.uuid4()
    assert [decide(people[0], picture.pk, FLAG, token).repeated for _ in range(2)] == [False, True]
    assert SecondOpinion.objects.count() == 1


@pytest.mark.parametrize(("verdict", "status", "events"), [(APPROVE, "approved", 1), (REJECT, "rejected", 1)])
def test_an_owner_settles_a_dispute(
    picture: Creative, people: tuple[User, User, User], verdict: Verdict, status: str, events: int
) -> None:
    one, other, owner = people
    say(one, picture, LEAN_APPROVE)
    say(other, picture, REJECT)
    with pytest.raises(AlreadyDecidedError, match="an owner or administrator decides"):
        say(factories.member(picture.merchant, "reviewer"), picture, APPROVE)
    case, token = SecondOpinion.objects.get(), uuid.uuid4()
    outcomes = [resolve(owner, case.pk, verdict, token) for _ in range(2)]
    assert [outcome.repeated for outcome in outcomes] == [False, True]
    assert state(picture) == (status, "resolved")
    with pytest.raises(NotOpenError):
        resolve(owner, case.pk, verdict, uuid.uuid4())
    with pytest.raises(NothingToUndoError):
        undo(other, uuid.uuid4())


def test_only_owners_and_administrators_settle(picture: Creative, people: tuple[User, User, User]) -> None:
    one, other, _ = people
    say(one, picture, FLAG)
    case = SecondOpinion.objects.get()
    strangers = (one, other, factories.member(picture.merchant, "editor"))
    for person in (*strangers, factories.member(factories.merchant(), "owner")):
        with pytest.raises(SecondOpinion.DoesNotExist):
            resolve(person, case.pk, APPROVE, uuid.uuid4())
    assert state(picture) == ("in_review", "open")
    resolve(factories.admin(), case.pk, APPROVE, uuid.uuid4())
    assert state(picture) == ("approved", "resolved")


@pytest.mark.parametrize(
    ("first", "answer", "verdict", "expected"),
    [
        (APPROVE, APPROVE, None, ("approved", "agreed")),
        (REJECT, REJECT, None, ("rejected", "agreed")),
        (APPROVE, REJECT, APPROVE, ("approved", "resolved")),
        (APPROVE, REJECT, REJECT, ("retired", "resolved")),
        (REJECT, APPROVE, REJECT, ("rejected", "resolved")),
        (REJECT, APPROVE, APPROVE, ("approved", "resolved")),
        (APPROVE, FLAG, REJECT, ("retired", "resolved")),
    ],
)
def test_a_sample_changes_nothing_until_an_owner_overrules(
    picture: Creative,
    people: tuple[User, User, User],
    first: Verdict,
    answer: Verdict,
    verdict: Verdict | None,
    expected: tuple[str, str],
) -> None:
    one, other, owner = people
    sampled(picture.merchant)
    say(one, picture, first)
    before = Creative.objects.get(pk=picture.pk).status
    assert claims.claim(one, ALL) == []
    assert claims.claim(other, ALL) == [picture.pk]
    line = say(other, picture, answer)
    assert (line.purpose, Creative.objects.get(pk=picture.pk).status) == ("second", before)
    if verdict:
        assert state(picture) == (before, "disputed")
        resolve(owner, SecondOpinion.objects.get().pk, verdict, uuid.uuid4())
    assert state(picture) == expected


def test_nothing_is_drawn_where_there_is_nobody_else_to_ask(picture: Creative) -> None:
    sampled(picture.merchant)
    say(factories.member(picture.merchant, "reviewer"), picture, APPROVE)
    assert SecondOpinion.objects.count() == 0


def test_saying_it_again_is_no_second_opinion(picture: Creative, people: tuple[User, User, User]) -> None:
    one, other, _ = people
    sampled(picture.merchant)
    say(one, picture, APPROVE)
    for person in (one, other):  # neither holds it: a stale page, a second click
        assert decide(person, picture.pk, APPROVE, uuid.uuid4()).repeated
    assert state(picture) == ("approved", "open")


def test_undoing_a_flag_withdraws_it_while_nobody_has_answered(
    picture: Creative, people: tuple[User, User, User]
) -> None:
    one, other, _ = people
    say(one, picture, FLAG)
    undo(one, uuid.uuid4())
    assert state(picture) == ("in_review", "withdrawn")
    assert claims.claim(one, ALL) == [picture.pk]
    say(one, picture, FLAG)
    say(other, picture, APPROVE)
    with pytest.raises(NothingToUndoError):
        undo(one, uuid.uuid4())


@pytest.mark.parametrize("answer", [APPROVE, REJECT])
def test_undoing_a_second_opinion_leaves_it_to_be_given(
    picture: Creative, people: tuple[User, User, User], answer: Verdict
) -> None:
    one, other, _ = people
    say(one, picture, LEAN_APPROVE)
    line = say(other, picture, answer)
    undone = undo(other, uuid.uuid4()).decision
    assert undone is not None
    assert (undone.undoes, undone.purpose, state(picture)) == (line, line.purpose, ("in_review", "open"))
    assert claims.claim_one(other, picture.pk) == picture.pk
    say(other, picture, APPROVE)
    assert state(picture) == ("approved", "agreed")


def test_undoing_a_sampled_decision_withdraws_the_sample(
    picture: Creative, people: tuple[User, User, User]
) -> None:
    one, other, _ = people
    sampled(picture.merchant)
    say(one, picture, APPROVE)
    claims.claim(other, ALL)
    undo(one, uuid.uuid4())
    assert state(picture) == ("in_review", "withdrawn")


def test_reversing_withdraws_what_was_drawn(picture: Creative, people: tuple[User, User, User]) -> None:
    one, other, _ = people
    sampled(picture.merchant)
    say(one, picture, APPROVE)
    say(other, picture, Verdict("retire", "safety"))
    assert state(picture) == ("retired", "withdrawn")


def test_a_creative_has_one_unsettled_case(picture: Creative, people: tuple[User, User, User]) -> None:
    say(people[0], picture, FLAG)
    line = Decision.objects.create(
        merchant=picture.merchant, creative=picture, reviewer=people[1], action="flag"
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        SecondOpinion.objects.create(merchant=picture.merchant, creative=picture, kind="flag", first=line)
    assert SecondOpinion.objects.count() == 1


def test_looking_again_returns_a_decided_picture(picture: Creative, people: tuple[User, User, User]) -> None:
    one, other, _ = people
    say(one, picture, REJECT)
    with pytest.raises(InvalidDecisionError, match="why"):
        say(other, picture, Verdict("reopen"))
    say(other, picture, Verdict("reopen", note="the brand has changed"))
    assert state(picture) == ("in_review", "none")
    say(one, picture, APPROVE)
    say(other, picture, Verdict("reopen", note="too dark after all"))
    assert state(picture) == ("in_review", "none")
