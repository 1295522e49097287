"""Pools in and out: what a file would change, and changing it, all or nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from django.db import transaction

from creatives.models import Category, Prompt, PromptVersion, User
from creatives.models.catalog import PATH_SEPARATOR
from creatives.pool_files import Entry, cells
from creatives.services import audit
from creatives.services.categories import ensure_category
from creatives.services.prompts import PromptError, add_prompt, new_version, retire
from creatives.text_diff import Segment, word_diff

Kind = Literal["new", "changed", "back", "retired", "unchanged"]


class StalePlanError(PromptError):
    """The pools have changed since the plan was shown."""


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of one entry: a new prompt, a new version, one brought back, one retired, or nothing."""

    entry: Entry
    kind: Kind
    newest: PromptVersion | None
    is_new_category: bool = False

    @property
    def difference(self) -> list[Segment]:
        """The new text against the newest one, word by word."""
        return word_diff(self.newest.text if self.newest else "", self.entry.text)


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in the order of the file; ``digest`` stands for them and for what they were compared with."""

    steps: tuple[Step, ...]
    digest: str

    @property
    def changes(self) -> int:
        """Steps that change something."""
        return sum(step.kind != "unchanged" for step in self.steps)

    def count(self, kind: Kind) -> int:
        """Steps of a kind."""
        return sum(step.kind == kind for step in self.steps)


def entries_of(category: Category | None = None) -> list[Entry]:
    """Every prompt in its newest version, of all pools or of a category and what is below it (1 query)."""
    rows = PromptVersion.objects.select_related("prompt__category").order_by("prompt_id", "-version")
    found = [
        version
        for version in rows.distinct("prompt_id")
        if category is None
        or f"{version.prompt.category.path}{PATH_SEPARATOR}".startswith(f"{category.path}{PATH_SEPARATOR}")
    ]
    found.sort(key=lambda version: (version.prompt.category.path, version.prompt.name))
    return [
        Entry(
            number, version.prompt.category.path, version.prompt.name, version.text, version.negative_text,
            version.ground, "retired" if version.retired_at else "in use",
        )
        for number, version in enumerate(found, start=1)
    ]  # fmt: skip


def plan_pools(entries: Sequence[Entry]) -> Plan:
    """Compare entries with the pools (2 queries). Prompts that the file does not name are left alone."""
    paths = {entry.category for entry in entries}
    categories = set(Category.objects.filter(path__in=paths).values_list("path", flat=True))
    rows = PromptVersion.objects.filter(prompt__category__path__in=paths).select_related("prompt__category")
    newest = {
        (version.prompt.category.path, version.prompt.name): version
        for version in rows.order_by("prompt_id", "-version").distinct("prompt_id")
    }
    steps = []
    for entry in entries:
        known = newest.get((entry.category, entry.name))
        steps.append(Step(entry, _kind(entry, known), known, entry.category not in categories))
    seen = [
        (
            cells(step.entry),
            step.kind,
            step.newest and step.newest.version,
            bool(step.newest and step.newest.retired_at),
        )
        for step in steps
    ]
    return Plan(tuple(steps), hashlib.sha256(repr(seen).encode()).hexdigest())


@transaction.atomic
def apply_pools(entries: Sequence[Entry], digest: str, by: User) -> Plan:
    """Do what the plan with ``digest`` says, in one transaction.

    Raises StalePlanError when the pools have changed since; PromptError when a step is refused. Nothing is changed then.
    """
    paths = {entry.category for entry in entries}
    ids = Prompt.objects.filter(category__path__in=paths).order_by("pk").values_list("pk", flat=True)
    list(Prompt.objects.select_for_update().filter(pk__in=list(ids)).order_by("pk"))
    plan = plan_pools(entries)
    if plan.digest != digest:
        raise StalePlanError("The pools have changed since; look at what would change now.")
    for step in plan.steps:
        _apply(step, by)
    audit.note(by, "prompts", "imported", f"{plan.changes} changes of {len(plan.steps)} prompts from a file")
    return plan


def _kind(entry: Entry, newest: PromptVersion | None) -> Kind:
    if newest is None:
        return "unchanged" if entry.status == "retired" else "new"
    if entry.status == "retired":
        return "unchanged" if newest.retired_at else "retired"
    if newest.retired_at:
        return "back"
    same = (newest.text, newest.negative_text, newest.ground) == (
        entry.text,
        entry.negative_text,
        entry.ground,
    )
    return "unchanged" if same else "changed"


def _apply(step: Step, by: User) -> None:
    entry, newest = step.entry, step.newest
    if step.kind == "new":
        category = ensure_category(entry.category)
        add_prompt(category, entry.name, entry.text, entry.negative_text, by, entry.ground)
    elif step.kind in ("changed", "back") and newest:
        new_version(newest.prompt_id, newest.version, entry.text, entry.negative_text, by, entry.ground)
    elif step.kind == "retired" and newest:
        retire(newest.prompt_id, newest.version, by)
