"""What decisions are made with and seldom changes (keys, pools, experiments, placements, controls), kept in memory.

Every change of it leaves a row (``ConfigChange``, by triggers of the database), which becomes visible when the change
does. One query a request tells whether any has; if so, all that is kept is read again when next needed. So nothing here is
ever older than the request.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from typing import Any, TypeVar

from django.db import connection

MAX_ENTRIES = 20_000
# Changes may become visible out of their order, hence all three.
_STAMP = "SELECT max(id), count(*), sum(id) FROM bandit_configchange"
_FORGET = """
DELETE FROM bandit_configchange
WHERE at < now() - interval '10 minutes' AND id < (SELECT max(id) FROM bandit_configchange)
"""

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class ConfigView:
    """What was read since the configuration last changed."""

    def __init__(self, stamp: tuple[Any, ...]) -> None:
        self.stamp = stamp
        self._known: dict[tuple[str, Hashable], Any] = {}

    def many(
        self, kind: str, keys: Collection[Key], read: Callable[[set[Key]], Mapping[Key, Value]]
    ) -> dict[Key, Value]:
        """The values of ``keys``; ``read`` is asked for those not known yet. What it leaves out does not exist."""
        unknown = {key for key in keys if (kind, key) not in self._known}
        if unknown:
            found = read(unknown)
            if len(self._known) + len(unknown) > MAX_ENTRIES:
                self._known.clear()
            fresh: dict[tuple[str, Hashable], Any] = {(kind, key): found.get(key) for key in unknown}
            self._known.update(fresh)
        else:
            fresh = {}
        values = ((key, fresh.get((kind, key), self._known.get((kind, key)))) for key in keys)
        return {key: value for key, value in values if value is not None}


class ConfigCache:
    """The view of this process; a new one whenever the configuration has changed."""

    def __init__(self) -> None:
        self._view = ConfigView(())

    def view(self) -> ConfigView:
        """What is known and still true (1 query)."""
        with connection.cursor() as cursor:
            cursor.execute(_STAMP)
            stamp = cursor.fetchone()
        view = self._view
        if view.stamp != stamp:
            # Read after the stamp, so never older; threads that are still at work with the old one keep it.
            view = self._view = ConfigView(stamp)
        return view


def forget_old_changes() -> None:
    """Delete old rows but the newest. Processes that notice read everything again, which is all it costs."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET)
