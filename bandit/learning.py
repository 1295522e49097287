"""The learner: folds finished impressions into the policies, each exactly once.

An impression waits in a queue that is written with it. Taking it off the queue, the new state, and the step that says what
was learned are one transaction under the lock of the pool's policies, so whatever dies when, it is either learned from and
off the queue or neither. The steps and the log rebuild any state (``bandit.lineage``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

import structlog
from django.db import transaction
from django.utils import timezone

from bandit import kinds
from bandit.late import pools_with_late_clicks, take_late
from bandit.lessons import Lessons, due_pools, take
from bandit.lineage import (
    NewerEncodingError,
    load,
    lock_pool,
    parents_prior,
    publish,
    rebuild,
)
from bandit.linucb import LinearPolicy
from bandit.models import LearningStep, Policy, PoolControl
from bandit.originals import is_time, sums_of_originals
from bandit.safety import Harm, pause_harmful
from bandit.sifting import sift
from creatives.models import Merchant

log = structlog.get_logger("learner")

BATCH = 10_000
__all__ = ["learn_batch", "learn_late", "learn_once", "load", "rebuild"]


def learn_once(
    now: datetime | None = None,
    *,
    is_mine: Callable[[int, int], bool] = lambda merchant_id, category_id: True,
    is_stopped: Callable[[], bool] = bool,
    is_thorough: bool = True,
) -> int:
    """Learn from all that is due; returns the number of impressions. Safe to run in several processes at once.

    ``is_mine(merchant_id, category_id)`` leaves pools to other learners; ``is_stopped`` is asked before each batch. Rounds
    that are thorough first flag traffic that does not count, and look for late clicks in the end. A pool that fails is
    logged and does not hold up the others; the last failure is raised in the end.
    """
    now = now or timezone.now()
    if is_thorough:
        sift(now)
    learned, failure = 0, None
    due = [pool for pool in due_pools(now) if is_mine(*pool)]
    for merchant_id, category_id in due:
        try:
            while not is_stopped() and (batch := learn_batch(merchant_id, category_id, now)):
                learned += batch
            if is_thorough:
                _compare_with_originals(merchant_id, category_id, now)
        except NewerEncodingError as error:
            log.warning("left_alone", reason=str(error))
        except Exception as error:
            log.exception("pool_failed", merchant=merchant_id, category=category_id)
            failure = error
    for merchant_id, category_id in pools_with_late_clicks(now) if is_thorough else []:
        if is_mine(merchant_id, category_id) and not is_stopped():
            learn_late(merchant_id, category_id, now)
    if failure is not None:
        raise failure
    return learned


def learn_batch(merchant_id: int, category_id: int, now: datetime) -> int:
    """Learn from up to ``BATCH`` due impressions of a pool, oldest first, in one transaction; how many were taken."""
    if _is_frozen(merchant_id, category_id):
        return 0
    window = Merchant.objects.values_list("attribution_minutes", flat=True).get(pk=merchant_id)
    with transaction.atomic():
        policy = lock_pool(merchant_id, category_id)
        lessons = take(merchant_id, category_id, window, now, policy.encoding_version, BATCH)
        if not len(lessons):
            return 0
        model = teach(policy, load(policy), lessons)
        snapshot = publish(policy, model, LearningStep.Kind.LESSONS, now, lessons=lessons)
    log.info("learned", policy=policy.pk, version=snapshot.version, impressions=len(lessons))
    _tell(merchant_id, pause_harmful(merchant_id, category_id, model))
    return len(lessons)


def teach(policy: Policy, model: LinearPolicy, lessons: Lessons) -> LinearPolicy:
    """Fold lessons into ``model``; a prompt that it sees for the first time starts from what is known of others."""
    arms = lessons.arms.tolist()
    parent = None if model.counts else parents_prior(policy)
    kinds.introduce(model, dict.fromkeys(arms), parent)
    return model.partial_fit(lessons.contexts, arms, lessons.rewards, lessons.times)


def learn_late(merchant_id: int, category_id: int, now: datetime) -> int:
    """Give impressions their reward whose click was reported after they had been learned from without; how many."""
    if _is_frozen(merchant_id, category_id):
        return 0
    with transaction.atomic():
        policy = lock_pool(merchant_id, category_id)
        lessons = take_late(policy, now)
        if not len(lessons):
            return 0
        arms = lessons.arms.tolist()
        model = load(policy).reward(lessons.contexts, arms, lessons.rewards, lessons.times)
        publish(policy, model, LearningStep.Kind.LATE, now, lessons=lessons)
    log.info("learned_late", policy=policy.pk, version=policy.current_version, clicks=len(lessons))
    return len(lessons)


def _compare_with_originals(merchant_id: int, category_id: int, now: datetime) -> None:
    """Pause what does worse than the original photo, where shoppers are shown that; once an hour."""
    policy = Policy.objects.filter(merchant_id=merchant_id, category_id=category_id, is_active=True).first()
    if policy is None or not is_time(merchant_id, category_id, now):
        return
    original = sums_of_originals(merchant_id, category_id, policy.encoding_version, now)
    _tell(merchant_id, pause_harmful(merchant_id, category_id, load(policy), original))


def _tell(merchant_id: int, paused: Iterable[Harm]) -> None:
    for harm in paused:
        log.warning(
            "paused",
            merchant=merchant_id,
            prompt_version=harm.arm,
            upper=harm.upper,
            expected=harm.expected,
            beside=harm.beside,
        )


def _is_frozen(merchant_id: int, category_id: int) -> bool:
    return PoolControl.objects.filter(
        merchant_id=merchant_id, category_id=category_id, is_frozen=True
    ).exists()
