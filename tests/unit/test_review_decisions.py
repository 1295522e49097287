"""What a decision changes, what it writes down, and what is refused without a trace."""

from __future__ import annotations

import uuid

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from creatives.models import Creative, User, WebhookDelivery
from review.errors import AlreadyDecidedError, HeldByAnotherError, InvalidDecisionError
from review.filters import QueueFilters
from review.models import Claim, Decision, Reason, Skip
from review.services import claims
from review.services.decisions import decide, decide_many
from review.services.verdicts import Verdict
from tests import factories
from tests.review_rows import creative, recommender

pytestmark = pytest.mark.django_db
APPROVE = Verdict("approve")
REJECT = Verdict("reject", "space_mismatch", "floats")
RETIRE = Verdict("retire", "brand")


@pytest.fixture
def picture() -> Creative:
    merchant = factories.merchant()
    recommender(merchant)
    return creative(merchant)


@pytest.fixture
def reviewer(picture: Creative) -> User:
    return factories.member(picture.merchant, "reviewer")


def trail(picture: Creative) -> list[tuple[str, str, str]]:
    return [(row.action, row.reason, row.note) for row in picture.decisions.order_by("pk")]


def status(picture: Creative) -> tuple[str, str]:
    picture.refresh_from_db()
    return picture.status, picture.reason


def events() -> list[str]:
    return list(WebhookDelivery.objects.order_by("pk").values_list("event_type", flat=True))


def unchanged(picture: Creative) -> None:
    assert status(picture) == ("in_review", "")
    assert trail(picture) == []
    assert events() == []


def test_approving_writes_status_trail_and_message(picture: Creative, reviewer: User) -> None:
    token = uuid.uuid4()
    outcome = decide(reviewer, picture.pk, APPROVE, token)
    assert (outcome.repeated, status(picture), trail(picture), events()) == (
        False,
        ("approved", ""),
        [("approve", "", "")],
        ["creative.approved"],
    )
    decision = picture.decisions.get()
    assert (decision.uuid, decision.reviewer, decision.merchant) == (token, reviewer, picture.merchant)
    assert decision.seconds is None  # it was never shown to this reviewer


def test_rejecting_keeps_reason_and_note(picture: Creative, reviewer: User) -> None:
    decide(reviewer, picture.pk, REJECT, uuid.uuid4())
    assert status(picture) == ("rejected", "space_mismatch")
    assert trail(picture) == [("reject", "space_mismatch", "floats")]
    assert events() == ["creative.rejected"]


def test_retiring_reverses_an_approval(picture: Creative, reviewer: User) -> None:
    decide(reviewer, picture.pk, APPROVE, uuid.uuid4())
    other = factories.member(picture.merchant, "reviewer")
    decide(other, picture.pk, RETIRE, uuid.uuid4())
    assert status(picture) == ("retired", "brand")
    assert trail(picture) == [("approve", "", ""), ("retire", "brand", "")]
    assert events() == ["creative.approved", "creative.retired"]


def test_the_time_since_the_picture_was_shown_is_kept(picture: Creative, reviewer: User) -> None:
    claims.claim(reviewer, QueueFilters())
    seconds = decide(reviewer, picture.pk, APPROVE, uuid.uuid4()).decision.seconds  # type: ignore[union-attr]
    assert seconds is not None
    assert 0 <= seconds < 60


def test_a_decision_clears_claim_and_skips(picture: Creative, reviewer: User) -> None:
    claims.skip(factories.member(picture.merchant, "reviewer"), picture.pk)
    claims.claim(reviewer, QueueFilters())
    decide(reviewer, picture.pk, APPROVE, uuid.uuid4())
    assert (Claim.objects.count(), Skip.objects.count()) == (0, 0)


def test_the_same_form_twice_is_one_decision(picture: Creative, reviewer: User) -> None:
    token = uuid.uuid4()
    first, second = (decide(reviewer, picture.pk, APPROVE, token) for _ in range(2))
    assert (first.repeated, second.repeated, first.decision == second.decision) == (False, True, True)
    assert (trail(picture), events()) == ([("approve", "", "")], ["creative.approved"])


def test_approving_again_is_a_no_op(picture: Creative, reviewer: User) -> None:
    decide(reviewer, picture.pk, APPROVE, uuid.uuid4())
    decided_at = Creative.objects.get(pk=picture.pk).decided_at
    other = factories.member(picture.merchant, "reviewer")
    outcome = decide(other, picture.pk, APPROVE, uuid.uuid4())
    assert outcome.repeated
    assert outcome.decision is not None
    assert outcome.decision.reviewer == reviewer
    assert (len(trail(picture)), events()) == (1, ["creative.approved"])
    assert Creative.objects.get(pk=picture.pk).decided_at == decided_at


def test_contradicting_another_says_who_and_why(picture: Creative, reviewer: User) -> None:
    other = factories.member(picture.merchant, "reviewer")
    decide(other, picture.pk, REJECT, uuid.uuid4())
    with pytest.raises(AlreadyDecidedError) as caught:
        decide(reviewer, picture.pk, APPROVE, uuid.uuid4())
    assert str(caught.value) == (
        f"Creative {picture.pk} has already been rejected by {other} (space mismatch (floating))."
    )
    assert (status(picture)[0], len(trail(picture)), events()) == ("rejected", 1, ["creative.rejected"])


def test_what_another_looks_at_is_left_alone(picture: Creative, reviewer: User) -> None:
    other = factories.member(picture.merchant, "reviewer")
    claims.claim(other, QueueFilters())
    with pytest.raises(HeldByAnotherError, match=str(other)):
        decide(reviewer, picture.pk, APPROVE, uuid.uuid4())
    unchanged(picture)


def test_what_was_not_approved_cannot_be_retired_from_the_desk(picture: Creative, reviewer: User) -> None:
    with pytest.raises(AlreadyDecidedError, match="is in review: approve or reject it"):
        decide(reviewer, picture.pk, RETIRE, uuid.uuid4())
    unchanged(picture)


@pytest.mark.parametrize(
    ("verdict", "message"),
    [
        (Verdict("reject"), "Choose a reason: unsuitable input, "),
        (Verdict("reject", "ugly"), "Choose a reason"),
        (Verdict("reject", "other", "  "), "Say in the note"),
        (Verdict("approve", note="x" * 501), "501 characters; at most 500"),
        (Verdict("undo"), "'undo' is not a decision"),
        (Verdict(""), "'' is not a decision"),
    ],
)
def test_incomplete_verdicts_are_refused(
    picture: Creative, reviewer: User, verdict: Verdict, message: str
) -> None:
    with pytest.raises(InvalidDecisionError) as caught:
        decide(reviewer, picture.pk, verdict, uuid.uuid4())
    assert message in str(caught.value)
    unchanged(picture)


def test_an_approval_carries_no_reason(picture: Creative, reviewer: User) -> None:
    decide(reviewer, picture.pk, Verdict("approve", "brand"), uuid.uuid4())
    assert trail(picture) == [("approve", "", "")]


def test_a_token_is_good_for_one_creative_only(picture: Creative, reviewer: User) -> None:
    second, token = creative(picture.merchant), uuid.uuid4()
    decide(reviewer, picture.pk, APPROVE, token)
    with pytest.raises(AlreadyDecidedError, match="used before"):
        decide(reviewer, second.pk, APPROVE, token)
    assert (status(second), trail(second)) == (("in_review", ""), [])


@pytest.mark.parametrize("role", ["owner", "editor", None])
def test_only_reviewers_of_the_merchant_decide(picture: Creative, role: str | None) -> None:
    person = factories.member(picture.merchant if role else factories.merchant(), role or "reviewer")
    with pytest.raises(Creative.DoesNotExist):
        decide(person, picture.pk, APPROVE, uuid.uuid4())
    unchanged(picture)


def test_admins_decide_everywhere(picture: Creative) -> None:
    decide(factories.admin(), picture.pk, APPROVE, uuid.uuid4())
    assert status(picture) == ("approved", "")


def test_many_are_decided_each_on_its_own(picture: Creative, reviewer: User) -> None:
    second, gone = creative(picture.merchant), creative(picture.merchant)
    decide(reviewer, gone.pk, REJECT, uuid.uuid4())
    token, ids = uuid.uuid4(), [second.pk, gone.pk, picture.pk]
    outcomes, refused = decide_many(reviewer, ids, APPROVE, token)
    assert (len(outcomes), len(refused)) == (2, 1)
    assert refused[0].startswith(f"Creative {gone.pk} has already been rejected")
    assert {status(picture), status(second)} == {("approved", "")}
    again, _ = decide_many(reviewer, ids, APPROVE, token)
    assert [outcome.repeated for outcome in again] == [True, True]
    assert Decision.objects.count() == 3


def test_many_with_a_foreign_one_decide_nothing(picture: Creative, reviewer: User) -> None:
    foreign = creative(factories.merchant())
    with pytest.raises(Creative.DoesNotExist):
        decide_many(reviewer, [picture.pk, foreign.pk], APPROVE, uuid.uuid4())
    unchanged(picture)
    assert status(foreign) == ("in_review", "")


@pytest.mark.parametrize(
    "change", [{"note": "nicer"}, {"action": "approve", "reason": ""}, {"reviewer": None}]
)
def test_the_trail_cannot_be_changed(picture: Creative, reviewer: User, change: dict[str, object]) -> None:
    decide(reviewer, picture.pk, REJECT, uuid.uuid4())
    with pytest.raises(DatabaseError, match="audit trail"), transaction.atomic():
        Decision.objects.update(**change)
    assert trail(picture) == [("reject", "space_mismatch", "floats")]


def test_the_trail_cannot_be_deleted(picture: Creative, reviewer: User) -> None:
    decide(reviewer, picture.pk, REJECT, uuid.uuid4())
    with pytest.raises(DatabaseError, match="audit trail"), transaction.atomic():
        Decision.objects.all().delete()
    assert len(trail(picture)) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"action": "reject", "reason": ""},
        {"action": "approve", "reason": "brand"},
        {"action": "undo"},
        {"action": "approve", "seconds": -1.0},
    ],
)
def test_the_database_refuses_lines_that_make_no_sense(
    picture: Creative, reviewer: User, wrong: dict[str, object]
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Decision.objects.create(creative=picture, merchant=picture.merchant, reviewer=reviewer, **wrong)
    assert trail(picture) == []


def test_the_digits_of_the_reasons_are_fixed() -> None:
    assert Reason.values == [
        "unsuitable_input",
        "space_mismatch",
        "size_mismatch",
        "indistinct",
        "shape_hallucination",
        "brand",
        "safety",
        "other",
    ]
