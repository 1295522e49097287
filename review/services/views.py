"""Saved views: a reviewer's names for filters of the desk."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Lower

from creatives.models import User
from review.errors import InvalidDecisionError
from review.models import SavedView

LIMIT = 30
NAME_LENGTH = 40


def save_view(user: User, name: str, query: str) -> SavedView:
    """Keep ``query`` (of the desk, without the question mark) under ``name``; one of that name is overwritten.

    Raises InvalidDecisionError for a missing or long name, filters that are too long, or too many views.
    """
    name = " ".join(name.replace("\x00", "").split())
    if not 1 <= len(name) <= NAME_LENGTH:
        raise InvalidDecisionError(
            f"A view’s name has 1 to {NAME_LENGTH} characters; this one has {len(name)}."
        )
    if not query:
        raise InvalidDecisionError("Choose filters first: a view without any is the whole queue.")
    if len(query) > 400:
        raise InvalidDecisionError(f"These filters have {len(query)} characters; at most 400 can be kept.")
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        own = SavedView.objects.filter(user=user).annotate(lower=Lower("name"))
        known = own.filter(lower=name.lower()).first()
        if known is None and own.count() >= LIMIT:
            raise InvalidDecisionError(f"You have {LIMIT} views; forget one first.")
        view = known or SavedView(user=user)
        view.name, view.query = name, query
        view.save()
    return view


def forget_view(user: User, view_id: int) -> None:
    """Delete one's own view. Raises SavedView.DoesNotExist."""
    SavedView.objects.get(user=user, pk=view_id).delete()
