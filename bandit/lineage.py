"""A pool's policy from version to version: loaded, published, adopted by another lineage, rebuilt, rolled back.

Everything that writes does so under the lock of all lineages of the pool, so versions are numbered without gaps or clashes
and no two learners teach one pool at the same time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np
from django.db import connection
from django.db.models import Max
from django.utils import timezone

from bandit import kinds, linucb
from bandit.features import CURRENT_VERSION
from bandit.history import thin
from bandit.lessons import ID_BYTES, Lessons, from_log
from bandit.linucb import LinearPolicy
from bandit.models import LearningStep, Policy, PolicySnapshot, PoolControl
from bandit.priors import Prior
from bandit.snapshot import from_bytes, to_bytes
from creatives.models import User

CHUNK = 5000
_CHAIN = """
WITH RECURSIVE chain AS (
    SELECT id, policy_id, version, parent_id, parent_version, 1 AS depth FROM bandit_learningstep
    WHERE policy_id = %s AND version = %s
    UNION ALL
    SELECT s.id, s.policy_id, s.version, s.parent_id, s.parent_version, depth + 1
    FROM chain c JOIN bandit_learningstep s ON s.policy_id = c.parent_id AND s.version = c.parent_version
)
SELECT id FROM chain ORDER BY depth DESC
"""


class NewerEncodingError(RuntimeError):
    """The pool's policy has an encoding that this code does not know: a newer release has taken over."""


def lock_pool(merchant_id: int, category_id: int) -> Policy:
    """Lock the lineages of a pool in the caller's transaction; returns the one to be taught, made or adopted if need be.

    That is the one of the current encoding, and of the kind and half-life of the pool's control. When it is not the one in
    use, it takes over with all that that one has learned, computed anew from the log. Raises NewerEncodingError.
    """
    control = PoolControl.objects.filter(merchant_id=merchant_id, category_id=category_id).first()
    control = control or PoolControl(merchant_id=merchant_id, category_id=category_id)
    wanted = {"encoding_version": CURRENT_VERSION, "kind": control.kind}
    pool = {"merchant_id": merchant_id, "category_id": category_id}
    Policy.objects.get_or_create(**pool, **wanted, defaults={"half_life_hours": control.half_life_hours})
    lineages = list(Policy.objects.select_for_update(of=("self",)).filter(**pool).order_by("pk"))
    active = next((policy for policy in lineages if policy.is_active), None)
    if active is not None and active.encoding_version > CURRENT_VERSION:
        raise NewerEncodingError(
            f"{active} has encoding {active.encoding_version}, newer than {CURRENT_VERSION}"
        )
    target = next(
        policy
        for policy in lineages
        if (policy.encoding_version, policy.kind) == (CURRENT_VERSION, control.kind)
    )
    if active is None:
        Policy.objects.filter(pk=target.pk).update(is_active=True, half_life_hours=control.half_life_hours)
        target.is_active, target.half_life_hours = True, control.half_life_hours
    elif active.pk != target.pk or active.half_life_hours != control.half_life_hours:
        _adopt(target, active, control.half_life_hours)
    return target


def load(policy: Policy) -> LinearPolicy:
    """The current state of ``policy``; one that knows nothing if it has none."""
    if policy.current_version == 0:
        return kinds.blank(policy)
    snapshot = policy.snapshots.get(version=policy.current_version)
    return linucb.load(from_bytes(bytes(snapshot.state)))


def publish(
    policy: Policy,
    model: LinearPolicy,
    kind: str,
    now: datetime,
    *,
    lessons: Lessons | None = None,
    parent: Policy | None = None,
    by: User | None = None,
) -> PolicySnapshot:
    """Write ``model`` as the next version of ``policy``, whose row the caller has locked, and make it the current one.

    ``lessons`` are what it has learned since ``parent`` (default: this policy, as it is). Versions are numbered on from the
    highest there ever was, also after a roll-back.
    """
    parent = parent or policy
    newest = policy.steps.aggregate(newest=Max("version"))["newest"] or 0
    version = max(newest, policy.current_version) + 1
    seen, clicked = _totals(parent)
    LearningStep.objects.create(
        policy=policy,
        version=version,
        parent=parent if parent.current_version else None,
        parent_version=parent.current_version,
        kind=kind,
        decision_ids=lessons.ids if lessons else b"",
        rewards=lessons.rewards.astype(np.uint8).tobytes() if lessons else b"",
        learned_at=now,
    )
    snapshot = PolicySnapshot.objects.create(
        policy=policy,
        version=version,
        state=to_bytes(model.state()),
        impressions=seen + (len(lessons) if lessons and kind == LearningStep.Kind.LESSONS else 0),
        clicks=clicked + (int(lessons.rewards.sum()) if lessons else 0),
        made_by=by,
    )
    policy.current_version = version
    policy.save(update_fields=["current_version"])
    thin(policy, version)
    return snapshot


def rebuild(policy: Policy, into: Policy | None = None) -> LinearPolicy:
    """What the log says that the current version of ``policy`` has learned: the same sums as online, to rounding.

    Contexts are encoded anew from the raw features, and arms start from the priors they started from. With ``into``, a
    lineage of another encoding, kind or half-life (or this one, which has just been given another half-life), it is that
    one's state, and arms start from what the others had taught by then.
    """
    model = kinds.blank(into) if into else load(policy).without_rewards()
    for kind, lessons in _learned(policy, (into or policy).encoding_version):
        if kind == LearningStep.Kind.LATE:
            model.reward(lessons.contexts, lessons.arms, lessons.rewards, lessons.times)
        elif len(lessons):
            kinds.introduce(model, lessons.arms.tolist())
            model.partial_fit(lessons.contexts, lessons.arms, lessons.rewards, lessons.times)
    return model


def difference(left: LinearPolicy, right: LinearPolicy) -> float:
    """The largest difference between two policies' sums, relative to the largest entry of each where that is above 1."""
    ours, theirs = left.state(), right.state()
    order = [theirs["arms"].index(arm) for arm in ours["arms"]]
    found = 0.0
    for name in ("A", "b", "B", "Z", "c"):
        if name in ours:
            mine = np.asarray(ours[name])
            other = np.asarray(theirs[name]) if name in ("Z", "c") else np.asarray(theirs[name])[order]
            found = max(
                found,
                float(np.abs(mine - other).max(initial=0.0)) / max(1.0, float(np.abs(mine).max(initial=0.0))),
            )
    return found


def parents_prior(policy: Policy) -> Prior | None:
    """What the merchant's policy of the nearest category above has to say about a new prompt; None without one."""
    above = policy.category.lineage()[1:]
    rows = Policy.objects.filter(
        merchant_id=policy.merchant_id,
        category__path__in=above,
        encoding_version=policy.encoding_version,
        is_active=True,
        current_version__gt=0,
    ).select_related("category")
    nearest = min(rows, key=lambda row: above.index(row.category.path), default=None)
    return load(nearest).prior(strength=kinds.PRIOR_STRENGTH) if nearest else None


def _adopt(target: Policy, active: Policy, half_life_hours: float | None) -> None:
    """Have ``target`` take over from ``active``, with what that has learned, computed anew from the log."""
    target.half_life_hours = half_life_hours
    target.save(update_fields=["half_life_hours"])
    if active.current_version:
        model = rebuild(active, target)
        publish(target, model, LearningStep.Kind.REBUILD, timezone.now(), parent=active)
    if target.pk != active.pk:
        Policy.objects.filter(pk=active.pk).update(is_active=False)
        Policy.objects.filter(pk=target.pk).update(is_active=True)
        target.is_active = True


def chain(policy: Policy) -> list[int]:
    """Ids of the steps that led to the current version of ``policy``, oldest first, through other lineages too."""
    with connection.cursor() as cursor:
        cursor.execute(_CHAIN, [policy.pk, policy.current_version])
        return [key for (key,) in cursor.fetchall()]


def _learned(policy: Policy, encoding_version: int) -> Iterator[tuple[str, Lessons]]:
    """What led to the current version of ``policy``, oldest step first, in chunks."""
    for key in chain(policy):
        step = LearningStep.objects.get(pk=key)
        ids = bytes(step.decision_ids)
        rewards = np.frombuffer(bytes(step.rewards), dtype=np.uint8).astype(np.float64)
        for start in range(0, len(rewards), CHUNK):
            part = ids[start * ID_BYTES : (start + CHUNK) * ID_BYTES]
            yield step.kind, from_log(part, rewards[start : start + CHUNK], encoding_version)


def _totals(parent: Policy) -> tuple[int, int]:
    if not parent.current_version:
        return 0, 0
    row = parent.snapshots.filter(version=parent.current_version).values_list("impressions", "clicks").get()
    return int(row[0]), int(row[1])
