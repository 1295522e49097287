"""The trail of changes, and taking one back."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from creatives.listing import Choice, Column, ListSpec, listing, of_merchant, wants_csv
from creatives.models import AuditEntry
from creatives.permissions import admin_required, signed_in
from creatives.services import audit as service

AREAS: Final = (
    ("prompts", "Prompts"),
    ("placements", "Placements"),
    ("products", "Products"),
    ("feeds", "Feeds"),
    ("people", "People"),
    ("merchants", "Merchants"),
    ("recommenders", "Recommenders"),
    ("keys", "Keys and secrets"),
    ("operations", "Operations"),
)


@admin_required
@require_safe
def audit(request: HttpRequest) -> HttpResponseBase:
    """Who changed what and when, the latest first."""
    rows = AuditEntry.objects.select_related("by", "merchant", "undoes", "undone_by")
    found = listing(request, rows, _spec())
    if wants_csv(request):
        return found.csv("changes")
    entries = [
        {"entry": row, "changes": _changes(row), "can_undo": service.can_undo(row)} for row in found.page
    ]
    return render(request, "operations/audit.html", {"list": found, "entries": entries})


@admin_required
@require_POST
def audit_undo(request: HttpRequest, entry_id: int) -> HttpResponseBase:
    """Put back what was there before a change."""
    try:
        entry = service.undo(entry_id, signed_in(request))
    except AuditEntry.DoesNotExist as error:
        raise Http404(f"no change {entry_id}") from error
    except service.UndoError as error:
        messages.error(request, f"Not taken back: {error}")
    else:
        messages.success(request, f"Taken back: {entry.undoes}.")
    return redirect("audit")


def _spec() -> ListSpec:
    return ListSpec(
        search=("subject", "action", "by__email", "by__name"),
        placeholder="What, or who",
        sorts={"latest": ("Latest first", ["-pk"]), "oldest": ("Oldest first", ["pk"])},
        choices=[
            Choice("area", "Area", AREAS, lambda rows, value: rows.filter(area=value)),
            of_merchant(),
        ],
        columns=[
            Column("at", lambda row: row.at),
            Column("by", lambda row: row.by.email if row.by else ""),
            Column("area", lambda row: row.area),
            Column("action", lambda row: row.action),
            Column("subject", lambda row: row.subject),
            Column("merchant", lambda row: row.merchant.slug if row.merchant else ""),
            Column("changes", _as_text),
        ],
    )


def _changes(row: AuditEntry) -> list[tuple[str, object, object]]:
    """Field, before and after; roles are told by their subject."""
    if row.target.startswith(service.ROLE) or (row.undoes and row.undoes.target.startswith(service.ROLE)):
        return []
    return [(name.replace("_", " "), before, after) for name, (before, after) in row.changes.items()]


def _as_text(row: AuditEntry) -> str:
    return "; ".join(f"{name}: {before!r} → {after!r}" for name, before, after in _changes(row))
