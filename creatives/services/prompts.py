"""Prompts of a pool: a new text is a new version, and of two edits at once only the first one lands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from creatives.models import Category, Prompt, PromptVersion, User
from creatives.services import audit
from creatives.services.creatives import retire_for_prompt

AUTO = PromptVersion.Ground.AUTO


class PromptError(ValueError):
    """A change that the rules refuse."""


class StaleEditError(PromptError):
    """Somebody else changed the prompt after this edit was begun. ``current`` is the newest version."""

    def __init__(self, current: PromptVersion) -> None:
        super().__init__(
            f"Version {current.version} was saved meanwhile, by {current.created_by or 'somebody'}."
        )
        self.current = current


@transaction.atomic
def add_prompt(
    category: Category, name: str, text: str, negative_text: str, by: User, ground: str = AUTO
) -> PromptVersion:
    """A new prompt with its version 1. Raises PromptError when the pool has a prompt of that name (retired or not)."""
    try:
        with transaction.atomic():
            prompt = Prompt.objects.create(category=category, name=name)
    except IntegrityError as error:
        raise PromptError(f"The pool of {category} has a prompt named “{name}” already.") from error
    _note(by, "added", prompt)
    return PromptVersion.objects.create(
        prompt=prompt, version=1, text=text, negative_text=negative_text, ground=ground, created_by=by
    )


@transaction.atomic
def new_version(
    prompt_id: int, base: int, text: str, negative_text: str, by: User, ground: str | None = None
) -> PromptVersion:
    """Version ``base`` + 1, in use from now on; the one that was in use retires. ``ground`` stays as it was if not given.

    Raises StaleEditError unless ``base`` is the newest version, and PromptError when nothing would change.
    """
    newest = _locked_newest(prompt_id, base)
    ground = newest.ground if ground is None else ground
    same = (newest.text, newest.negative_text, newest.ground) == (text, negative_text, ground)
    if newest.retired_at is None and same:
        raise PromptError("Nothing was changed.")
    _retire(newest, by)
    changes = {"text": [newest.text, text], "negative_text": [newest.negative_text, negative_text]}
    _note(by, f"made version {base + 1} of", newest.prompt, changes)
    return PromptVersion.objects.create(
        prompt_id=prompt_id,
        version=base + 1,
        text=text,
        negative_text=negative_text,
        ground=ground,
        created_by=by,
    )


@transaction.atomic
def retire(prompt_id: int, base: int, by: User) -> PromptVersion:
    """Take the prompt out of its pool; its pictures retire with it. Its statistics stay; a new version brings it back.

    Raises StaleEditError unless ``base`` is the newest version, and PromptError when it is retired already.
    """
    newest = _locked_newest(prompt_id, base)
    if newest.retired_at is not None:
        raise PromptError("This prompt is retired already.")
    _retire(newest, by)
    _note(by, f"retired version {newest.version} of", newest.prompt)
    return newest


def _locked_newest(prompt_id: int, base: int) -> PromptVersion:
    prompt = Prompt.objects.select_for_update().get(pk=prompt_id)
    newest: PromptVersion = prompt.versions.order_by("-version")[:1].get()
    if newest.version != base:
        raise StaleEditError(newest)
    return newest


def _retire(version: PromptVersion, by: User) -> None:
    if version.retired_at is None:
        version.retired_at, version.retired_by = timezone.now(), by
        version.save(update_fields=["retired_at", "retired_by"])
        retire_for_prompt(version)


def _note(by: User, action: str, prompt: Prompt, changes: Mapping[str, Sequence[Any]] | None = None) -> None:
    pairs = {name: pair for name, pair in (changes or {}).items() if pair[0] != pair[1]}
    url = reverse("prompt", args=[prompt.pk])
    audit.note(by, "prompts", action, f"{prompt.category} / {prompt}", url=url, changes=pairs)
