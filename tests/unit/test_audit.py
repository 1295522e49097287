"""The trail of changes: what is noted, and taking a change back."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, transaction

from creatives.forms.accounts import MerchantForm, RecommenderForm
from creatives.forms.placements import PlacementForm
from creatives.models import AuditEntry, Membership, Merchant, User
from creatives.services import audit
from creatives.services.accounts import grant, issue_key, withdraw
from creatives.services.placements import switch
from creatives.services.prompts import add_prompt, new_version, retire
from tests import factories, studio

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> User:
    return factories.admin()


def edit(merchant: Merchant, by: User, **fields: Any) -> None:
    names = (
        "name",
        "slug",
        "fallback",
        "exploration",
        "alpha",
        "attribution_minutes",
        "is_active",
        "auto_approve",
    )
    data = {name: getattr(merchant, name) for name in names} | fields
    form = MerchantForm(
        {name: value for name, value in data.items() if value is not False}, instance=merchant
    )
    assert form.is_valid(), form.errors
    audit.save_form(form, by, "merchants", merchant=merchant)


def test_an_edit_is_noted_with_what_was_there_and_can_be_taken_back(admin: User) -> None:
    merchant = factories.merchant("shop")
    edit(merchant, admin, exploration=0.3)
    entry = AuditEntry.objects.get()
    assert (entry.by, entry.action, entry.changes) == (admin, "changed", {"exploration": [0.1, 0.3]})
    undone = audit.undo(entry.pk, admin)
    assert Merchant.objects.get().exploration == 0.1
    assert (undone.undoes, undone.changes) == (entry, {"exploration": [0.3, 0.1]})
    with pytest.raises(audit.UndoError, match="cannot be taken back"):
        audit.undo(entry.pk, admin)


def test_what_was_changed_again_since_is_left_alone(admin: User) -> None:
    merchant = factories.merchant("shop")
    edit(merchant, admin, exploration=0.3)
    edit(merchant, admin, exploration=0.5)
    with pytest.raises(audit.UndoError, match="changed again"):
        audit.undo(AuditEntry.objects.earliest("pk").pk, admin)
    assert (Merchant.objects.get().exploration, AuditEntry.objects.count()) == (0.5, 2)


def test_saving_without_a_change_notes_nothing(admin: User) -> None:
    edit(factories.merchant("shop"), admin)
    assert not AuditEntry.objects.exists()


def test_rows_that_a_form_refers_to_are_put_back_too(admin: User) -> None:
    one, two = factories.merchant(), factories.merchant()
    row = studio.recommender(one)
    data = {"name": row.name, "merchants": [two.pk], "webhook_url": row.webhook_url, "is_active": "on"}
    form = RecommenderForm(data, instance=row)
    assert form.is_valid(), form.errors
    audit.save_form(form, admin, "recommenders")
    assert AuditEntry.objects.get().changes == {"merchants": [[one.pk], [two.pk]]}
    audit.undo(AuditEntry.objects.get().pk, admin)
    assert list(row.merchants.all()) == [one]


def test_roles_are_given_back_and_taken_back(admin: User) -> None:
    merchant, person = factories.merchant(), factories.user()
    grant(person, merchant, "editor", by=admin)
    withdraw(Membership.objects.get(), by=admin)
    given, taken = AuditEntry.objects.order_by("pk")
    audit.undo(taken.pk, admin)
    assert Membership.objects.filter(user=person, merchant=merchant, role="editor").count() == 1
    audit.undo(given.pk, admin)
    assert not Membership.objects.exists()


def test_nobody_takes_back_a_change_of_themselves(admin: User) -> None:
    entry = audit.note(
        admin, "people", "changed", admin, target=f"creatives.user:{admin.pk}", changes={"name": ["A", ""]}
    )
    with pytest.raises(audit.UndoError, match="Another administrator"):
        audit.undo(entry.pk, admin)


def test_prompts_and_keys_leave_entries_without_secrets(admin: User) -> None:
    merchant = factories.merchant("shop")
    version = add_prompt(factories.category(), "Oak", "on an oak table", "", admin)
    new_version(version.prompt_id, 1, "on a pine table", "", admin)
    retire(version.prompt_id, 2, admin)
    key, secret = issue_key(admin, merchant=merchant)
    found = list(AuditEntry.objects.order_by("pk").values_list("action", "subject", "changes"))
    assert found == [
        ("added", "Home / Oak", {}),
        ("made version 2 of", "Home / Oak", {"text": ["on an oak table", "on a pine table"]}),
        ("retired version 2 of", "Home / Oak", {}),
        ("made a key", f"{key} of Shop", {}),
    ]
    assert secret not in str(found)


def test_the_database_refuses_to_change_an_entry(admin: User) -> None:
    entry = audit.note(admin, "people", "added", "somebody")
    with pytest.raises(DatabaseError, match="cannot be changed"), transaction.atomic():
        AuditEntry.objects.filter(pk=entry.pk).update(action="removed")
    admin.delete()
    entry.refresh_from_db()
    assert entry.by is None


def test_a_layout_that_fits_no_more_is_not_put_back(admin: User) -> None:
    placement = factories.placement("home", margin=40)
    form_fields = [field for field in PlacementForm._meta.fields or () if field != "is_active"]
    for change in ({"margin": 8}, {"safe_left": 45}):
        data = {name: getattr(placement, name) for name in form_fields} | change
        form = PlacementForm(data | {"is_active": "on"}, instance=placement)
        assert form.is_valid(), form.errors
        placement = audit.save_form(form, admin, "placements")
    entry = AuditEntry.objects.order_by("pk").first()
    assert entry is not None
    with pytest.raises(audit.UndoError, match="Margin and safe zone leave"):
        audit.undo(entry.pk, admin)
    placement.refresh_from_db()
    assert (placement.margin, AuditEntry.objects.count()) == (8, 2)


def test_switching_or_taking_away_twice_is_noted_once(admin: User) -> None:
    placement = factories.placement("home")
    for _ in range(2):
        assert switch("home", False, admin).is_active is False
    assert AuditEntry.objects.get().changes == {"is_active": [True, False]}
    grant(admin, factories.merchant("shop"), "owner", by=admin)
    one, same = Membership.objects.get(), Membership.objects.get()
    withdraw(one, by=admin)
    withdraw(same, by=admin)
    assert AuditEntry.objects.filter(action="took a role away").count() == 1
    assert placement.is_active
