"""Inserting rows of a log that may be there already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection, models

_PER_STATEMENT = 500


def insert_new(rows: Sequence[models.Model]) -> list[Any]:
    """Insert rows of one model in one transaction of the caller's; returns the primary keys of those that were new.

    A row that conflicts with a unique constraint is left out (``ON CONFLICT DO NOTHING``), whoever inserted the other one
    and when. ``bulk_create(ignore_conflicts=True)`` would not say which.
    """
    new: list[Any] = []
    for start in range(0, len(rows), _PER_STATEMENT):
        new.extend(_insert(rows[start : start + _PER_STATEMENT]))
    return new


def _insert(rows: Sequence[models.Model]) -> list[Any]:
    meta = rows[0]._meta
    assert meta.pk is not None
    # What the database fills in (serial keys, Now() defaults) is left to it.
    fields = [
        field for field in meta.concrete_fields if not field.generated and not _is_left_to_database(field)
    ]
    quote = connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    values = ", ".join(["(" + ", ".join(["%s"] * len(fields)) + ")"] * len(rows))
    sql = (
        f"INSERT INTO {quote(meta.db_table)} ({columns}) VALUES {values} "  # noqa: S608
        f"ON CONFLICT DO NOTHING RETURNING {quote(str(meta.pk.column))}"
    )
    parameters = [
        field.get_db_prep_save(field.pre_save(row, True), connection) for row in rows for field in fields
    ]
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return [key for (key,) in cursor.fetchall()]


def _is_left_to_database(field: models.Field[Any, Any]) -> bool:
    return isinstance(field, models.AutoField) or field.has_db_default()
