"""The trail of changes: what is noted, and taking a change back."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, transaction

from creatives.forms.accounts import MerchantForm, RecommenderForm
from creatives.forms.placements import PlacementForm
from creatives.models import AuditEntry, Membership, Merchant, User
from creatives.services import audit
from creatives.services.accounts import grant, issue_key, rotate_secret, withdraw
from creatives.services.catalog import add_image, add_product, make_primary, remove_image
from creatives.services.placements import reset_layout, set_layout, switch
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


def test_a_secret_that_was_renewed_meanwhile_survives_the_form(admin: User) -> None:
    merchant = factories.merchant()
    recommender = studio.recommender(merchant)
    url = recommender.webhook_url
    data = {"name": "Renamed", "webhook_url": url, "merchants": [merchant.pk], "is_active": "on"}
    form = RecommenderForm(data, instance=type(recommender).objects.get(pk=recommender.pk))
    assert form.is_valid(), form.errors
    secret = rotate_secret(recommender.pk, admin)
    audit.save_form(form, admin, "recommenders")
    recommender.refresh_from_db()
    assert (recommender.name, recommender.webhook_secret) == ("Renamed", secret)


def test_photos_and_layouts_by_hand_are_noted_once(admin: User) -> None:
    merchant, placement = factories.merchant(), factories.placement()
    values = {"title": "Mug", "external_id": "M1", "link": "https://shop.example/m"}
    product = add_product(merchant, values, image_url="https://shop.example/1.png", by=admin)
    added = add_image(product.pk, image_url="https://shop.example/2.png", by=admin)
    make_primary(added.pk, product.pk, admin)
    make_primary(added.pk, product.pk, admin)
    remove_image(added.pk, product.pk, admin)
    remove_image(added.pk, product.pk, admin)
    set_layout(merchant, placement, {"scale": 50, "margin": placement.margin}, admin)
    set_layout(merchant, placement, {"scale": 50, "margin": placement.margin}, admin)
    reset_layout(merchant, placement, admin)
    reset_layout(merchant, placement, admin)
    told = AuditEntry.objects.order_by("pk").values_list("action", "by", "changes")
    assert list(told) == [
        ("added", admin.pk, {}),
        ("added a photo to", admin.pk, {}),
        ("chose another photo for", admin.pk, {}),
        ("removed a photo of", admin.pk, {}),
        ("laid out", admin.pk, {"scale": [placement.scale, 50]}),
        ("laid out as for everybody", admin.pk, {}),
    ]
