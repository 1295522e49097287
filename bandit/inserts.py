"""Inserting rows of a log that may be there already, many at a time."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.db import connection, models


def insert_new(model: type[models.Model], rows: Sequence[dict[str, Any]]) -> list[Any]:
    """Insert rows of one model in a transaction of the caller's; returns the primary keys of those that were new, as text.

    ``rows`` have the same columns each (column names, not field names), with values that JSON can hold or ``str`` can
    spell; what is left out is the database's default. A row that conflicts with a unique constraint is left out
    (``ON CONFLICT DO NOTHING``), whoever inserted the other one and when. One statement, whatever the number of rows.
    """
    if not rows:
        return []
    columns = tuple(rows[0])
    record = record_of(model, columns)
    names = ", ".join(columns)
    assert model._meta.pk is not None
    sql = (
        f"INSERT INTO {model._meta.db_table} ({names}) SELECT {names} FROM {record} "  # noqa: S608 - names of the model
        f"ON CONFLICT DO NOTHING RETURNING {model._meta.pk.column}::text"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, {"rows": as_json(rows)})
        return [key for (key,) in cursor.fetchall()]


def as_json(rows: Sequence[dict[str, Any]]) -> str:
    """The parameter ``rows`` of ``record_of``. One JSON text is read faster than any number of parameters is bound."""
    return json.dumps(rows, default=str, ensure_ascii=False)


@lru_cache(maxsize=64)
def record_of(model: type[models.Model], columns: tuple[str, ...], extra: str = "") -> str:
    """``json_to_recordset(%(rows)s) AS r (…)`` with the types of the model's columns; ``extra`` adds "name type"s."""
    types = {field.column: field.db_type(connection) for field in model._meta.concrete_fields}
    typed = ", ".join([f"{name} {types[name]}" for name in columns] + ([extra] if extra else []))
    return f"json_to_recordset(%(rows)s::json) AS r ({typed})"
