"""The trail of changes, and taking one back.

What has a trail of its own (decisions of reviewers, experiments, policies, rules) keeps it; this one is for the rest:
prompts, placements, people, keys, merchants, recommenders, feeds, and what operators start again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django import forms
from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction

from creatives.models import AuditEntry, Membership, Merchant, User

EDITABLE: Final = ("creatives.merchant", "creatives.recommender", "creatives.placement", "creatives.user")
ROLE: Final = "creatives.membership"
LONGEST: Final = 300


class UndoError(ValueError):
    """A change that cannot be taken back (any more); the message says why."""


def note(
    by: User | None,
    area: str,
    action: str,
    subject: object,
    *,
    url: str = "",
    merchant: Merchant | None = None,
    target: str = "",
    changes: Mapping[str, Sequence[Any]] | None = None,
    undoes: AuditEntry | None = None,
) -> AuditEntry:
    """Add an entry; for the transaction of the change itself. ``action`` is a verb in the past: "retired"."""
    return AuditEntry.objects.create(
        by=by, merchant=merchant, area=area, action=action, subject=str(subject)[:LONGEST], url=url[:LONGEST],
        target=target, changes=dict(changes or {}), undoes=undoes,
    )  # fmt: skip


@transaction.atomic
def save_form(
    form: forms.ModelForm, by: User, area: str, *, url: str = "", merchant: Merchant | None = None
) -> Any:
    """Save a valid form of a model and note what it changed; returns the row. Nothing changed: nothing noted."""
    model = form._meta.model
    pk = form.instance.pk
    before = facts(model._default_manager.select_for_update().get(pk=pk), form) if pk else None
    saved = _save(form) if pk else form.save()
    after = facts(saved, form)
    changes = {name: [(before or {}).get(name), after[name]] for name in after}
    changes = {name: pair for name, pair in changes.items() if before is None or pair[0] != pair[1]}
    if changes:
        target = f"{model._meta.label_lower}:{saved.pk}" if before is not None else ""
        action = "added" if before is None else "changed"
        note(by, area, action, saved, url=url, merchant=merchant, target=target, changes=changes)
    return saved


def _save(form: forms.ModelForm) -> Any:
    """Write the form's own columns: what else of the row has changed since it was read (a secret, say) stays."""
    row: Any = form.save(commit=False)
    columns = [name for name in form._meta.fields or () if not row._meta.get_field(name).many_to_many]
    if isinstance(row, User):
        row.is_superuser = row.is_staff
        columns.append("is_superuser")
    row.save(update_fields=columns)
    form.save_m2m()
    return row


def facts(row: models.Model, form: forms.ModelForm) -> dict[str, Any]:
    """The values of the form's fields as plain values; rows that are referred to by their ids."""
    return {name: _value(row, name) for name in form._meta.fields or ()}


def _value(row: models.Model, name: str) -> Any:
    field = row._meta.get_field(name)
    if field.many_to_many:
        return sorted(getattr(row, name).values_list("pk", flat=True))
    return plain(getattr(row, name))


def plain(value: Any) -> Any:
    """A value as an entry keeps it: one that JSON has, or its text."""
    return value if isinstance(value, bool | int | float | str | None) else str(value)


def can_undo(entry: AuditEntry) -> bool:
    """Whether the change is of a kind that can be taken back and was not yet."""
    if hasattr(entry, "undone_by") or not entry.target:
        return False
    return entry.target.partition(":")[0] in (*EDITABLE, ROLE)


@transaction.atomic
def undo(entry_id: int, by: User) -> AuditEntry:
    """Put back what an entry changed, if nothing has changed it since. Raises UndoError; AuditEntry.DoesNotExist."""
    entry = AuditEntry.objects.select_related("merchant").get(pk=entry_id)
    if not can_undo(entry):
        raise UndoError("This change cannot be taken back here, or has been.")
    label, _, pk = entry.target.partition(":")
    if label == ROLE:
        _undo_role(entry)
    else:
        _put_back(apps.get_model(label), int(pk), entry, by)
    swapped = {name: [after, before] for name, (before, after) in entry.changes.items()}
    try:
        with transaction.atomic():
            return note(
                by, entry.area, "took back", f"{entry.action}: {entry.subject}", url=entry.url,
                merchant=entry.merchant, changes=swapped, undoes=entry,
            )  # fmt: skip
    except IntegrityError as error:
        raise UndoError("Somebody else has just taken this back.") from error


def _put_back(model: type[models.Model], pk: int, entry: AuditEntry, by: User) -> None:
    row: Any = model._default_manager.select_for_update().filter(pk=pk).first()
    if row is None:
        raise UndoError(f"{entry.subject} does not exist any more.")
    if isinstance(row, User) and row.pk == by.pk:
        raise UndoError("Another administrator has to change this for you.")
    for name, (before, after) in entry.changes.items():
        if _value(row, name) != after:
            raise UndoError(f"{name} has been changed again since; change it on its own page.")
        if model._meta.get_field(name).many_to_many:
            getattr(row, name).set(before)
        else:
            setattr(row, name, before)
    if isinstance(row, User):
        row.is_superuser = row.is_staff
    try:
        row.full_clean()
    except ValidationError as error:
        raise UndoError(" ".join(error.messages)) from error
    row.save()


def _undo_role(entry: AuditEntry) -> None:
    facts = entry.changes["role"]
    given = facts[1] is not None
    role: dict[str, Any] = facts[1] if given else facts[0]
    if given:
        Membership.objects.filter(user=role["user"], merchant=role["merchant"], role=role["role"]).delete()
        return
    if not User.objects.filter(pk=role["user"]).exists():
        raise UndoError("That person does not exist any more.")
    Membership.objects.get_or_create(user_id=role["user"], merchant_id=role["merchant"], role=role["role"])
