"""Claims: who gets what, for how long, and what comes back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from creatives.models import Creative, CreativeRequest, Merchant, User
from review.errors import AlreadyDecidedError, HeldByAnotherError
from review.filters import QueueFilters
from review.models import Claim
from review.services import claims
from tests import factories
from tests.review_rows import creative

pytestmark = pytest.mark.django_db
ALL = QueueFilters()


@pytest.fixture
def merchant() -> Merchant:
    return factories.merchant()


def reviewer(of: Merchant) -> User:
    return factories.member(of, "reviewer")


def aged(merchant: Merchant, *minutes: int) -> list[int]:
    """Creatives that have waited this many minutes."""
    made = [creative(merchant) for _ in minutes]
    for each, waited in zip(made, minutes, strict=True):
        Creative.objects.filter(pk=each.pk).update(created_at=timezone.now() - timedelta(minutes=waited))
    return [each.pk for each in made]


def lapse(creative_id: int) -> None:
    Claim.objects.filter(creative=creative_id).update(expires_at=timezone.now() - timedelta(seconds=1))


def test_the_oldest_comes_first(merchant: Merchant) -> None:
    young, old, middle = aged(merchant, 1, 60, 30)
    assert claims.claim(reviewer(merchant), ALL, count=3) == [old, middle, young]


def test_demand_weighs_in(merchant: Merchant) -> None:
    (plain,) = aged(merchant, 60)
    wanted = creative(merchant)
    CreativeRequest.objects.filter(pk=wanted.request_id).update(demand=8)
    Creative.objects.filter(pk=wanted.pk).update(created_at=timezone.now() - timedelta(minutes=30))
    assert claims.claim(reviewer(merchant), ALL, count=2) == [wanted.pk, plain]


def test_a_reload_shows_the_same_picture(merchant: Merchant) -> None:
    aged(merchant, 3, 2, 1)
    person = reviewer(merchant)
    assert claims.claim(person, ALL, count=2) == claims.claim(person, ALL, count=2)
    assert Claim.objects.count() == 2


def test_two_reviewers_get_different_pictures(merchant: Merchant) -> None:
    first, second, third = aged(merchant, 3, 2, 1)
    assert claims.claim(reviewer(merchant), ALL, count=2) == [first, second]
    assert claims.claim(reviewer(merchant), ALL, count=2) == [third]
    assert claims.claim(reviewer(merchant), ALL, count=2) == []


def test_a_lapsed_claim_goes_to_the_next(merchant: Merchant) -> None:
    (only,) = aged(merchant, 1)
    slow, quick = reviewer(merchant), reviewer(merchant)
    claims.claim(slow, ALL)
    lapse(only)
    assert claims.claim(quick, ALL) == [only]
    assert Claim.objects.get().reviewer == quick
    assert claims.claim(slow, ALL) == []
    assert claims.renew(slow, [only]) == set()


def test_a_heartbeat_keeps_even_a_lapsed_claim_that_nobody_took(merchant: Merchant) -> None:
    (only,) = aged(merchant, 1)
    person = reviewer(merchant)
    claims.claim(person, ALL)
    lapse(only)
    assert claims.renew(person, [only, 999]) == {only}
    assert claims.claim(reviewer(merchant), ALL) == []


def test_only_the_picture_on_screen_starts_its_clock(merchant: Merchant) -> None:
    shown, ahead = aged(merchant, 2, 1)
    claims.claim(reviewer(merchant), ALL, count=2, shown=1)
    clocks = dict(Claim.objects.values_list("creative", "shown_at"))
    assert clocks[shown] is not None
    assert clocks[ahead] is None


def test_a_skipped_picture_is_free_for_others_and_comes_back_last(merchant: Merchant) -> None:
    first, second = aged(merchant, 2, 1)
    person = reviewer(merchant)
    claims.claim(person, ALL)
    claims.skip(person, first)
    assert claims.claim(person, ALL, count=2) == [second, first]
    claims.skip(person, first)
    assert claims.claim(reviewer(merchant), ALL) == [first]


def test_only_what_waits_is_claimed(merchant: Merchant) -> None:
    for status in ("approved", "rejected", "retired"):
        creative(merchant, status=status)
    assert claims.claim(reviewer(merchant), ALL, count=9) == []


def test_other_merchants_pictures_do_not_exist(merchant: Merchant) -> None:
    foreign = creative(factories.merchant())
    person = reviewer(merchant)
    assert claims.claim(person, ALL) == []
    for act in (claims.claim_one, claims.skip):
        with pytest.raises(Creative.DoesNotExist):
            act(person, foreign.pk)
    assert Claim.objects.count() == 0


@pytest.mark.parametrize("role", ["owner", "editor"])
def test_owners_and_editors_claim_nothing(merchant: Merchant, role: str) -> None:
    creative(merchant)
    assert claims.claim(factories.member(merchant, role), ALL) == []


def test_admins_see_every_merchant(merchant: Merchant) -> None:
    ids = {creative(merchant).pk, creative(factories.merchant()).pk}
    assert set(claims.claim(factories.admin(), ALL, count=5)) == ids


def test_one_creative_can_be_asked_for(merchant: Merchant) -> None:
    _, wanted = aged(merchant, 9, 1)
    person = reviewer(merchant)
    assert claims.claim_one(person, wanted) == wanted
    with pytest.raises(HeldByAnotherError, match=str(person)):
        claims.claim_one(reviewer(merchant), wanted)


def test_what_is_decided_cannot_be_asked_for(merchant: Merchant) -> None:
    done = creative(merchant, status="approved")
    with pytest.raises(AlreadyDecidedError, match="approved"):
        claims.claim_one(reviewer(merchant), done.pk)
    assert Claim.objects.count() == 0


def test_filters_narrow_the_queue(merchant: Merchant) -> None:
    shoes = factories.category("Apparel > Shoes")
    shoe = creative(merchant, product=factories.product(merchant, category=shoes))
    doubtful = creative(merchant, record={"verdict": "doubtful"})
    other = factories.merchant()
    theirs = creative(other)
    admin = factories.admin()
    apparel = shoes.parent
    assert apparel is not None
    prompt = doubtful.request.prompt_version.prompt_id
    cases = {
        QueueFilters(merchant=other.slug): theirs,
        QueueFilters(category=shoes.pk): shoe,
        QueueFilters(category=apparel.pk): shoe,
        QueueFilters(prompt=prompt): doubtful,
        QueueFilters(verdict="doubtful"): doubtful,
    }
    for filters, expected in cases.items():
        Claim.objects.all().delete()
        assert claims.claim(admin, filters, count=9) == [expected.pk], filters
    assert claims.claim(admin, QueueFilters(category=10**9), count=9) == []
