"""Rules in versions, and saved views."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction

from creatives.models import Merchant
from review.errors import InvalidDecisionError, NotOpenError
from review.models import ReviewRules, SavedView
from review.services.rules import FIELDS, change_rules, rules_of
from review.services.views import LIMIT, forget_view, save_view
from tests import factories

pytestmark = pytest.mark.django_db


def values(**changed: Any) -> dict[str, Any]:
    defaults = ReviewRules()
    return {name: getattr(defaults, name) for name in FIELDS} | changed


def test_a_change_is_a_new_version_and_the_old_one_stays() -> None:
    merchant = factories.merchant()
    owner = factories.member(merchant, "owner")
    assert rules_of(merchant.pk).pk is None
    first = change_rules(owner, merchant.pk, values(trust=True), None, "trial")
    assert change_rules(owner, merchant.pk, values(trust=True), first.pk) == first
    second = change_rules(owner, merchant.pk, values(sla_hours=8), first.pk)
    assert rules_of(merchant.pk) == second
    assert list(ReviewRules.objects.values_list("trust", "sla_hours", "by", "note")) == [
        (False, 8, owner.pk, ""),
        (True, 24, owner.pk, "trial"),
    ]
    with pytest.raises(DatabaseError, match="history"), transaction.atomic():
        ReviewRules.objects.update(sla_hours=1)


def test_what_somebody_else_changed_meanwhile_is_not_overwritten() -> None:
    merchant = factories.merchant()
    change_rules(factories.admin(), merchant.pk, values(sla_hours=8), None)
    with pytest.raises(NotOpenError, match="meanwhile"):
        change_rules(factories.member(merchant, "owner"), merchant.pk, values(trust=True), None)
    assert ReviewRules.objects.count() == 1


@pytest.mark.parametrize(
    "wrong", [{"gold_share": 0.6}, {"second_share": -0.1}, {"trust_after": 9}, {"check_share": 0.0}]
)
def test_values_have_limits(wrong: dict[str, Any]) -> None:
    merchant = factories.merchant()
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        change_rules(factories.member(merchant, "owner"), merchant.pk, values(**wrong), None)
    assert ReviewRules.objects.count() == 0


def test_only_owners_and_administrators_change_them() -> None:
    merchant = factories.merchant()
    for person in (factories.member(merchant, "reviewer"), factories.member(factories.merchant(), "owner")):
        with pytest.raises(Merchant.DoesNotExist):
            change_rules(person, merchant.pk, values(trust=True), None)
    assert ReviewRules.objects.count() == 0


def test_a_view_is_saved_under_a_name_of_ones_own() -> None:
    one, other = factories.user(), factories.user()
    save_view(one, "  Late   mugs ", "waited=24&q=mug")
    save_view(one, "late mugs", "waited=8&q=mug")
    mine = save_view(other, "Late mugs", "waited=1")
    assert list(SavedView.objects.filter(user=one).values_list("name", "query")) == [
        ("late mugs", "waited=8&q=mug")
    ]
    with pytest.raises(SavedView.DoesNotExist):
        forget_view(one, mine.pk)
    forget_view(other, mine.pk)
    assert SavedView.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "query", "message"),
    [("", "q=x", "has 0"), ("x" * 41, "q=x", "has 41"), ("all", "", "whole queue"), ("a", "q" * 401, "401")],
)
def test_a_view_without_name_or_filters_is_refused(name: str, query: str, message: str) -> None:
    with pytest.raises(InvalidDecisionError, match=message):
        save_view(factories.user(), name, query)
    assert SavedView.objects.count() == 0


def test_views_are_limited() -> None:
    user = factories.user()
    SavedView.objects.bulk_create(SavedView(user=user, name=str(n), query="q=x") for n in range(LIMIT))
    with pytest.raises(InvalidDecisionError, match="forget one"):
        save_view(user, "one more", "q=y")
    save_view(user, "7", "q=z")
    assert SavedView.objects.count() == LIMIT
