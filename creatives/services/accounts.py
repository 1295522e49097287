"""People, roles, keys and secrets: the rules, each in one transaction."""

from __future__ import annotations

import base64
import secrets

from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from creatives.models import ApiKey, Membership, Merchant, Recommender, User


def add_person(email: str, name: str, is_staff: bool) -> User:
    """A person who cannot sign in until they have set a password through a welcome link."""
    return User.objects.create_user(email, None, name=name, is_staff=is_staff, is_superuser=is_staff)


def welcome_key(person: User) -> tuple[str, str]:
    """The parts (uid, token) of a link through which ``person`` sets a password; it works once and expires."""
    return urlsafe_base64_encode(force_bytes(person.pk)), default_token_generator.make_token(person)


def grant(person: User, merchant: Merchant, role: str) -> bool:
    """Give ``person`` a role; False when they held it already."""
    _, created = Membership.objects.get_or_create(user=person, merchant=merchant, role=role)
    return created


def revoke_key(key: ApiKey) -> bool:
    """Switch a key off for good; False when it was off already."""
    return bool(ApiKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(revoked_at=timezone.now()))


@transaction.atomic
def rotate_secret(recommender_id: int) -> str:
    """A new webhook secret (Standard Webhooks: ``whsec_`` and 32 random bytes); the old one signs as well until dropped."""
    recommender = Recommender.objects.select_for_update().get(pk=recommender_id)
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    recommender.webhook_secret_previous = recommender.webhook_secret
    recommender.webhook_secret = secret
    recommender.save(update_fields=["webhook_secret", "webhook_secret_previous"])
    return secret


def drop_previous_secret(recommender_id: int) -> None:
    """End a rotation: only the new secret signs from now on."""
    Recommender.objects.filter(pk=recommender_id).update(webhook_secret_previous="")
