"""People, roles, keys and secrets: the rules, each in one transaction."""

from __future__ import annotations

import base64
import secrets

from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from creatives.models import ApiKey, Membership, Merchant, Recommender, User
from creatives.services import audit


@transaction.atomic
def add_person(email: str, name: str, is_staff: bool, by: User | None = None) -> User:
    """A person who cannot sign in until they have set a password through a welcome link."""
    person = User.objects.create_user(email, None, name=name, is_staff=is_staff, is_superuser=is_staff)
    audit.note(by, "people", "added", person.email, url=reverse("person", args=[person.pk]))
    return person


def welcome_key(person: User) -> tuple[str, str]:
    """The parts (uid, token) of a link through which ``person`` sets a password; it works once and expires."""
    return urlsafe_base64_encode(force_bytes(person.pk)), default_token_generator.make_token(person)


@transaction.atomic
def grant(person: User, merchant: Merchant, role: str, by: User | None = None) -> bool:
    """Give ``person`` a role; False when they held it already."""
    membership, created = Membership.objects.get_or_create(user=person, merchant=merchant, role=role)
    if created:
        _note_role(membership, by, is_given=True)
    return created


@transaction.atomic
def withdraw(membership: Membership, by: User | None = None) -> None:
    """Take a role away; nothing is noted when somebody else just has."""
    if Membership.objects.filter(pk=membership.pk).delete()[0]:
        _note_role(membership, by, is_given=False)


def _note_role(membership: Membership, by: User | None, *, is_given: bool) -> None:
    facts = {"user": membership.user_id, "merchant": membership.merchant_id, "role": membership.role}
    audit.note(
        by,
        "people",
        "gave a role" if is_given else "took a role away",
        f"{membership.user.email}: {membership.role} of {membership.merchant}",
        url=reverse("person", args=[membership.user_id]),
        merchant=membership.merchant,
        target=f"{audit.ROLE}:{membership.pk}",
        changes={"role": [None, facts] if is_given else [facts, None]},
    )


@transaction.atomic
def issue_key(
    by: User, *, merchant: Merchant | None = None, recommender: Recommender | None = None
) -> tuple[ApiKey, str]:
    """A new key and its secret, which cannot be had again."""
    key, secret = ApiKey.issue(merchant=merchant, recommender=recommender)
    audit.note(by, "keys", "made a key", f"{key} of {merchant or recommender}", merchant=merchant)
    return key, secret


@transaction.atomic
def revoke_key(key: ApiKey, by: User | None = None) -> bool:
    """Switch a key off for good; False when it was off already."""
    was_on = ApiKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(revoked_at=timezone.now())
    if was_on:
        audit.note(
            by, "keys", "revoked a key", f"{key} of {key.merchant or key.recommender}", merchant=key.merchant
        )
    return bool(was_on)


@transaction.atomic
def rotate_secret(recommender_id: int, by: User | None = None) -> str:
    """A new webhook secret (Standard Webhooks: ``whsec_`` and 32 random bytes); the old one signs as well until dropped."""
    recommender = Recommender.objects.select_for_update().get(pk=recommender_id)
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    recommender.webhook_secret_previous = recommender.webhook_secret
    recommender.webhook_secret = secret
    recommender.save(update_fields=["webhook_secret", "webhook_secret_previous"])
    _note_secret(recommender, "made a new webhook secret", by)
    return secret


@transaction.atomic
def drop_previous_secret(recommender_id: int, by: User | None = None) -> None:
    """End a rotation: only the new secret signs from now on."""
    recommender = Recommender.objects.select_for_update().get(pk=recommender_id)
    recommender.webhook_secret_previous = ""
    recommender.save(update_fields=["webhook_secret_previous"])
    _note_secret(recommender, "ended a rotation of webhook secrets", by)


def _note_secret(recommender: Recommender, action: str, by: User | None) -> None:
    audit.note(by, "keys", action, recommender, url=reverse("recommender", args=[recommender.pk]))
