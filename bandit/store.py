"""What a serving process knows of the policies: the newest snapshots, kept in memory and refreshed by version."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db.models import F

from bandit import kinds, linucb
from bandit.arms import Arm
from bandit.features import CURRENT_VERSION, ENCODINGS, encoding
from bandit.linucb import LinearPolicy, LinUCB
from bandit.models import Policy, PolicySnapshot
from bandit.snapshot import from_bytes

MAX_POOLS = 1000
PoolKey = tuple[int, int]
"""(merchant id, category id of the pool)."""


@dataclass
class ServedPolicy:
    """A version of a policy that decisions are made with; 0 knows nothing and treats its arms alike.

    ``model`` hands out a policy that is never changed afterwards, so that threads may score with it at the same time.
    ``encoding_version`` is how its contexts are encoded.
    """

    version: int
    encoding_version: int
    state: Mapping[str, Any]
    _model: LinearPolicy | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def model(self, arms: Sequence[Arm], alpha: float) -> LinearPolicy:
        """The policy with at least ``arms``, for an exploration bonus of width ``alpha``."""
        model = self._model
        if model is None or model.alpha != alpha or not set(arms) <= set(model.arms):
            with self._lock:
                model = self._model = self._built(arms, alpha)
        return model

    def _built(self, arms: Sequence[Arm], alpha: float) -> LinearPolicy:
        model = linucb.load(self.state, alpha=alpha)
        kinds.introduce(model, arms)
        return model


@dataclass
class _Entry:
    policy_id: int | None
    served: ServedPolicy
    checked_at: float


class SnapshotStore:
    """The policies of the pools that were asked for lately.

    A pool's version is looked up at most every ``SNAPSHOT_REFRESH_SECONDS`` (one query for all that are stale), and its
    state is read only when the version has moved (one more query for all that have).
    """

    def __init__(self, max_pools: int = MAX_POOLS) -> None:
        self._entries: OrderedDict[PoolKey, _Entry] = OrderedDict()
        self._lock = threading.Lock()
        self._max_pools = max_pools

    def policies(self, keys: Iterable[PoolKey]) -> dict[PoolKey, ServedPolicy]:
        """The policy of each pool: 0 to 2 queries."""
        wanted = set(keys)
        with self._lock:
            oldest = time.monotonic() - settings.SNAPSHOT_REFRESH_SECONDS
            stale = {
                key for key in wanted if key not in self._entries or self._entries[key].checked_at <= oldest
            }
            if stale:
                self._refresh(stale)
            found = {}
            for key in wanted:
                self._entries.move_to_end(key)
                found[key] = self._entries[key].served
            while len(self._entries) > self._max_pools:
                self._entries.popitem(last=False)
        return found

    def _refresh(self, stale: set[PoolKey]) -> None:
        now = time.monotonic()
        current = _current_versions(stale)
        moved = []
        for key in stale:
            policy_id, version = current.get(key, (None, 0))
            entry = self._entries.get(key)
            if entry is None or (entry.policy_id, entry.served.version) != (policy_id, version):
                if version and policy_id is not None:
                    moved.append((key, policy_id))
                else:
                    entry = self._entries[key] = _Entry(policy_id, _untaught(), now)
            if entry is not None:
                entry.checked_at = now
        states = _states([policy_id for _, policy_id in moved])
        for key, policy_id in moved:
            # One that was rolled back or replaced between the two queries is seen next time.
            self._entries[key] = _Entry(policy_id, states.get(policy_id) or _untaught(), now)


def _untaught() -> ServedPolicy:
    return ServedPolicy(0, CURRENT_VERSION, LinUCB(encoding(CURRENT_VERSION).n_features).state())


def _current_versions(keys: set[PoolKey]) -> dict[PoolKey, tuple[int, int]]:
    """Policy id and version of the lineage in use, where this code knows its encoding."""
    merchants, categories = ({key[side] for key in keys} for side in (0, 1))
    rows = Policy.objects.filter(
        merchant_id__in=merchants,
        category_id__in=categories,
        is_active=True,
        encoding_version__in=list(ENCODINGS),
    ).values_list("merchant_id", "category_id", "pk", "current_version")
    return {(merchant, category): (pk, version) for merchant, category, pk, version in rows}


def _states(policy_ids: list[int]) -> dict[int, ServedPolicy]:
    if not policy_ids:
        return {}
    rows = PolicySnapshot.objects.filter(policy_id__in=policy_ids, version=F("policy__current_version"))
    return {
        row.policy_id: ServedPolicy(row.version, row.policy.encoding_version, from_bytes(bytes(row.state)))
        for row in rows.select_related("policy")
    }
