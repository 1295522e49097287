"""Long lists as one parameter: ``IN`` with thousands of them costs more to write down than to run."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models.expressions import RawSQL


def any_id(ids: Iterable[int]) -> RawSQL:
    """``filter(pk__in=any_id(ids))``: the rows with one of many ids."""
    return RawSQL("SELECT unnest(%s::bigint[])", [list(ids)])


def any_text(texts: Iterable[str]) -> RawSQL:
    """``filter(name__in=any_text(texts))``: the rows with one of many texts."""
    return RawSQL("SELECT unnest(%s::text[])", [list(texts)])
