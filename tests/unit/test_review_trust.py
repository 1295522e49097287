"""Trust: earned by approvals in a row, lost by rejections, followed by the gate with a line in the trail each time."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from creatives.models import Creative, Merchant, PromptVersion, User
from review.errors import NotOpenError
from review.models import Decision, PromptTrust, ReviewRules, TrustEvent
from review.services import trust
from review.services.decisions import decide
from review.services.gate import admit
from review.services.undo import undo
from review.services.verdicts import Verdict
from tests import factories
from tests.review_rows import creative, recommender

pytestmark = pytest.mark.django_db
APPROVE, REJECT = Verdict("approve"), Verdict("reject", "brand")
AFTER = 10


@pytest.fixture
def merchant() -> Merchant:
    made = factories.merchant()
    recommender(made)
    ReviewRules.objects.create(merchant=made, trust=True, trust_after=AFTER, demote_after=2, check_share=0.05)
    return made


@pytest.fixture
def reviewer(merchant: Merchant) -> User:
    return factories.member(merchant, "reviewer")


@pytest.fixture
def prompt() -> PromptVersion:
    return factories.prompt_version(factories.category())


@pytest.fixture
def no_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("review.services.gate.drawn", lambda *_: False)


def judged(reviewer: User, merchant: Merchant, prompt: PromptVersion, *verdicts: Verdict) -> list[Creative]:
    made = []
    for verdict in verdicts:
        picture = painted(merchant, prompt)
        decide(reviewer, picture.pk, verdict, uuid.uuid4())
        made.append(picture)
    return made


def painted(merchant: Merchant, prompt: PromptVersion, **fields: Any) -> Creative:
    product = factories.product(merchant, category=factories.category())
    return creative(merchant, product=product, prompt=prompt, **fields)


def passed(merchant: Merchant, prompt: PromptVersion, **fields: Any) -> str:
    picture = painted(merchant, prompt, **fields)
    admit(picture)
    return Creative.objects.get(pk=picture.pk).status


def row() -> tuple[str, int, int]:
    one = PromptTrust.objects.get()
    return one.state, one.streak, one.rejections


def test_approvals_in_a_row_earn_trust(
    reviewer: User, merchant: Merchant, prompt: PromptVersion, no_checks: None
) -> None:
    judged(reviewer, merchant, prompt, *[APPROVE] * 3, REJECT, *[APPROVE] * (AFTER - 1))
    assert row() == ("earning", AFTER - 1, 0)
    assert passed(merchant, prompt) == "in_review"
    judged(reviewer, merchant, prompt, APPROVE)
    assert row() == ("trusted", AFTER, 0)
    assert passed(merchant, prompt) == "approved"
    line = Decision.objects.first()
    assert line is not None
    assert (line.action, line.purpose, line.reviewer, line.trust) == (
        "approve",
        "auto",
        None,
        PromptTrust.objects.get(),
    )
    assert line.note.endswith(f": trusted: {AFTER} approved in a row.")
    assert line.creative.reason == "approved automatically"


def test_another_category_prompt_or_merchant_earns_its_own(
    reviewer: User, merchant: Merchant, prompt: PromptVersion, no_checks: None
) -> None:
    judged(reviewer, merchant, prompt, *[APPROVE] * AFTER)
    elsewhere = factories.product(merchant, category=factories.category("Garden"))
    picture = creative(merchant, product=elsewhere, prompt=prompt)
    admit(picture)
    picture.refresh_from_db()
    assert picture.status == "in_review"
    assert passed(merchant, factories.prompt_version(factories.category())) == "in_review"
    assert passed(factories.merchant(), prompt) == "in_review"


def test_what_the_quality_gate_doubts_is_always_looked_at(
    reviewer: User, merchant: Merchant, prompt: PromptVersion, no_checks: None
) -> None:
    judged(reviewer, merchant, prompt, *[APPROVE] * AFTER)
    assert passed(merchant, prompt, record={"verdict": "doubtful"}) == "in_review"
    assert passed(merchant, prompt, record={}) == "in_review"


def test_a_share_is_still_checked(
    reviewer: User, merchant: Merchant, prompt: PromptVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged(reviewer, merchant, prompt, *[APPROVE] * AFTER)
    asked: list[float] = []
    monkeypatch.setattr("review.services.gate.drawn", lambda share, *_: asked.append(share) or True)
    assert passed(merchant, prompt) == "in_review"
    assert asked == [0.05]


def test_two_rejections_end_trust_and_it_starts_from_nothing(
    reviewer: User, merchant: Merchant, prompt: PromptVersion, no_checks: None
) -> None:
    judged(reviewer, merchant, prompt, *[APPROVE] * AFTER, REJECT, APPROVE)
    assert row() == ("trusted", 1, 1)
    judged(reviewer, merchant, prompt, REJECT)
    assert row() == ("earning", 0, 0)
    assert passed(merchant, prompt) == "in_review"
    assert [event.kind for event in TrustEvent.objects.order_by("pk")] == ["earned", "lost"]
    judged(reviewer, merchant, prompt, *[APPROVE] * AFTER)
    assert row() == ("trusted", AFTER, 0)


def test_a_reversal_counts_as_a_rejection(
    reviewer: User, merchant: Merchant, prompt: PromptVersion, no_checks: None
) -> None:
    judged(reviewer, merchant, prompt, *[APPROVE] * AFTER)
    pictures = [painted(merchant, prompt) for _ in range(2)]
    for picture in pictures:
        admit(picture)
        decide(reviewer, picture.pk, Verdict("retire", "safety"), uuid.uuid4())
    assert row()[0] == "earning"


def test_an_undone_approval_does_not_count(reviewer: User, merchant: Merchant, prompt: PromptVersion) -> None:
    judged(reviewer, merchant, prompt, *[APPROVE] * (AFTER - 1))
    undo(reviewer, uuid.uuid4())
    assert row() == ("earning", AFTER - 2, 0)


def test_switched_off_it_counts_and_approves_nothing(
    reviewer: User, merchant: Merchant, prompt: PromptVersion, no_checks: None
) -> None:
    ReviewRules.objects.create(merchant=merchant, trust=False, trust_after=AFTER)
    judged(reviewer, merchant, prompt, *[APPROVE] * (AFTER + 1))
    assert row() == ("earning", AFTER + 1, 0)
    assert passed(merchant, prompt) == "in_review"


def test_an_owner_stops_and_starts_it(
    reviewer: User, merchant: Merchant, prompt: PromptVersion, no_checks: None
) -> None:
    judged(reviewer, merchant, prompt, *[APPROVE] * AFTER)
    owner, key = factories.member(merchant, "owner"), PromptTrust.objects.get().pk
    for person in (reviewer, factories.member(factories.merchant(), "owner")):
        with pytest.raises(PromptTrust.DoesNotExist):
            trust.stop(person, key)
    trust.stop(owner, key)
    with pytest.raises(NotOpenError):
        trust.stop(owner, key)
    assert passed(merchant, prompt) == "in_review"
    trust.restart(owner, key)
    assert row() == ("earning", 0, 0)
    assert [(event.kind, event.by) for event in TrustEvent.objects.all()[:2]] == [
        ("restarted", owner),
        ("stopped", owner),
    ]


def test_the_merchants_switch_leaves_a_line_too(merchant: Merchant, prompt: PromptVersion) -> None:
    merchant.auto_approve = True
    merchant.save()
    assert passed(merchant, prompt, record={"verdict": "doubtful"}) == "approved"
    line = Decision.objects.get()
    assert (line.purpose, line.trust, line.by) == ("auto", None, "Automatic approval")
