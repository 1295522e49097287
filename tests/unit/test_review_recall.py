"""What a lost trust has let through goes back to review, once, and only what nobody has looked at since."""

from __future__ import annotations

import uuid

import pytest
from django.db.models import QuerySet

from creatives.models import Creative, Merchant, PromptVersion, WebhookDelivery
from review.errors import NotOpenError
from review.models import Decision, PromptTrust, ReviewRules
from review.selectors.trust import let_through, trusts
from review.services import trust
from review.services.decisions import decide
from review.services.gate import admit
from review.services.recall import recall
from review.services.verdicts import Verdict
from tests import factories
from tests.review_rows import creative, recommender

pytestmark = pytest.mark.django_db


@pytest.fixture
def merchant(monkeypatch: pytest.MonkeyPatch) -> Merchant:
    monkeypatch.setattr("review.services.gate.drawn", lambda *_: False)
    made = factories.merchant()
    recommender(made)
    ReviewRules.objects.create(merchant=made, trust=True, trust_after=10, demote_after=2, second_share=0.0)
    return made


@pytest.fixture
def prompt() -> PromptVersion:
    return factories.prompt_version(factories.category())


def painted(merchant: Merchant, prompt: PromptVersion) -> Creative:
    product = factories.product(merchant, category=factories.category())
    return creative(merchant, product=product, prompt=prompt)


def trusted(merchant: Merchant, prompt: PromptVersion, count: int) -> list[Creative]:
    """Pictures that the trust lets through."""
    first = painted(merchant, prompt)
    row = trust.trust_of(first)
    assert row is not None
    PromptTrust.objects.filter(pk=row.pk).update(state="trusted", streak=10)
    made = [painted(merchant, prompt) for _ in range(count)]
    for picture in made:
        admit(picture)
    return made


def statuses(pictures: list[Creative]) -> list[str]:
    found = Creative.objects.in_bulk([picture.pk for picture in pictures])
    return [found[picture.pk].status for picture in pictures]


def test_what_was_let_through_goes_back_to_review(merchant: Merchant, prompt: PromptVersion) -> None:
    owner, reviewer = factories.member(merchant, "owner"), factories.member(merchant, "reviewer")
    pictures = trusted(merchant, prompt, 4)
    row = PromptTrust.objects.get()
    with pytest.raises(NotOpenError, match="stop the trust first"):
        recall(owner, row.pk)
    assert statuses(pictures) == ["approved"] * 4
    trust.stop(owner, row.pk)
    decide(reviewer, pictures[0].pk, Verdict("reopen", note="again"), uuid.uuid4())
    decide(reviewer, pictures[0].pk, Verdict("approve"), uuid.uuid4())
    decide(reviewer, pictures[1].pk, Verdict("retire", "brand"), uuid.uuid4())
    assert [found.unseen for found in trusts(merchant)] == [2]  # type: ignore[attr-defined]
    WebhookDelivery.objects.update(status="delivered")
    assert recall(owner, row.pk) == 2
    assert statuses(pictures) == ["approved", "retired", "in_review", "in_review"]
    lines = Decision.objects.filter(action="reopen", reviewer=owner)
    assert {line.creative_id for line in lines} == {pictures[2].pk, pictures[3].pk}
    assert len({line.batch for line in lines}) == 1
    told = WebhookDelivery.objects.filter(status="pending").values_list("event_type", flat=True)
    assert list(told) == ["creative.retired"] * 2
    assert recall(owner, row.pk) == 0


def test_a_trust_that_is_earned_again_meanwhile_keeps_its_pictures(
    merchant: Merchant, prompt: PromptVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = trusted(merchant, prompt, 2)
    owner, row = factories.member(merchant, "owner"), PromptTrust.objects.get()
    trust.stop(owner, row.pk)

    def earned_again(of: Merchant) -> QuerySet[Decision]:
        PromptTrust.objects.update(state="trusted")
        return let_through(of)

    monkeypatch.setattr("review.services.recall.let_through", earned_again)
    assert recall(owner, row.pk) == 0
    assert statuses(pictures) == ["approved"] * 2
    assert not Decision.objects.filter(action="reopen").exists()


def test_it_is_for_owners(merchant: Merchant, prompt: PromptVersion) -> None:
    pictures = trusted(merchant, prompt, 1)
    row = PromptTrust.objects.get()
    trust.stop(factories.member(merchant, "owner"), row.pk)
    for person in (factories.member(merchant, "reviewer"), factories.member(factories.merchant(), "owner")):
        with pytest.raises(PromptTrust.DoesNotExist):
            recall(person, row.pk)
    assert statuses(pictures) == ["approved"]
