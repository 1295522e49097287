"""The learner: folds finished impressions into LinUCB, each exactly once.

State, snapshot and marks are written in one transaction under the lock of the policy's row, so whatever dies when, an
impression is either learned from and marked or neither. ``learned_reward`` keeps what was learned, so the log rebuilds the
state even when a click arrived too late to count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import DateTimeField, DurationField, ExpressionWrapper, F, QuerySet, Value
from django.utils import timezone

from bandit.features import CURRENT_VERSION, FeatureError, encoding
from bandit.history import thin
from bandit.linucb import LinUCB
from bandit.models import Click, Impression, Policy, PolicySnapshot, Variant
from bandit.snapshot import from_bytes, to_bytes
from creatives.models import Merchant

log = structlog.get_logger("learner")

BATCH = 5000
UNENCODABLE = "unencodable"
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Lesson:
    """An impression to learn from, and its reward: 1.0 clicked in time, 0.0 not."""

    impression: Impression
    reward: float


def learnable() -> QuerySet[Impression]:
    """Impressions that say something about a prompt: its picture was shown, and nothing is the matter with them."""
    return Impression.objects.filter(
        variant=Variant.GENERATED,
        is_fallback=False,
        prompt_version__isnull=False,
        category__isnull=False,
        flags=[],
    )


def due(now: datetime) -> QuerySet[Impression]:
    """Those not learned from whose attribution window has passed at ``now``."""
    window = ExpressionWrapper(
        F("merchant__attribution_minutes") * Value(_MINUTE), output_field=DurationField()
    )
    latest = ExpressionWrapper(Value(now) - window, output_field=DateTimeField())
    return learnable().filter(learned_at__isnull=True, occurred_at__lte=latest)


def learn_once(now: datetime | None = None, *, is_stopped: Callable[[], bool] = bool) -> int:
    """Learn from all that is due; returns the number of impressions. Safe to run in several processes at once.

    ``is_stopped`` is asked before each batch. A pool that fails is logged and does not hold up the others; the last
    failure is raised in the end.
    """
    now = now or timezone.now()
    learned, failure = 0, None
    for merchant_id, category_id in due(now).order_by().values_list("merchant_id", "category_id").distinct():
        try:
            while not is_stopped() and (batch := learn_batch(merchant_id, category_id, now)):
                learned += batch
        except Exception as error:
            log.exception("pool_failed", merchant=merchant_id, category=category_id)
            failure = error
    if failure is not None:
        raise failure
    return learned


def learn_batch(merchant_id: int, category_id: int, now: datetime) -> int:
    """Learn from up to ``BATCH`` due impressions of a pool, oldest first, in one transaction; how many were read."""
    Policy.objects.get_or_create(
        merchant_id=merchant_id, category_id=category_id, encoding_version=CURRENT_VERSION
    )
    with transaction.atomic():
        policy = Policy.objects.select_for_update().get(
            merchant_id=merchant_id, category_id=category_id, encoding_version=CURRENT_VERSION
        )
        rows = (
            due(now)
            .filter(merchant_id=merchant_id, category_id=category_id)
            .order_by("occurred_at", "decision_id")
        )
        # Skipped rows are being changed by somebody, such as a filter that flags them: they are for the next round.
        impressions = list(rows.select_for_update(skip_locked=True, of=("self",))[:BATCH])
        if not impressions:
            return 0
        model = load(policy)
        lessons = teach(model, graded(impressions, policy.merchant))
        if lessons:
            snapshot = publish(policy, model, lessons)
            mark(lessons, snapshot)
    log.info("learned", policy=policy.pk, version=policy.current_version, impressions=len(lessons))
    return len(impressions)


def graded(impressions: Sequence[Impression], merchant: Merchant) -> list[Lesson]:
    """Each impression with its reward. A click counts if it came within the attribution window, whenever it was reported.

    A window of 0 minutes (for demos) takes the clicks that are known by now.
    """
    window = merchant.attribution_minutes * _MINUTE
    clicks: dict[UUID, datetime] = dict(
        Click.objects.filter(pk__in=[row.pk for row in impressions]).values_list("decision_id", "occurred_at")
    )

    def is_in_time(row: Impression) -> bool:
        clicked_at = clicks.get(row.pk)
        return clicked_at is not None and (not window or clicked_at <= row.occurred_at + window)

    return [Lesson(row, float(is_in_time(row))) for row in impressions]


def load(policy: Policy) -> LinUCB:
    """The current state of ``policy``; a lineage that has none is brought up from the log."""
    if policy.current_version == 0:
        return rebuild(policy)
    snapshot = policy.snapshots.get(version=policy.current_version)
    return LinUCB.from_state(from_bytes(bytes(snapshot.state)))


def rebuild(policy: Policy) -> LinUCB:
    """What the log says that ``policy`` has learned: the same sums as online, to rounding, for its encoding."""
    model = LinUCB(encoding(policy.encoding_version).n_features, ridge=policy.ridge)
    rows = Impression.objects.filter(
        merchant_id=policy.merchant_id, category_id=policy.category_id, learned_at__isnull=False
    ).order_by("learned_at", "occurred_at", "decision_id")
    batch: list[Lesson] = []
    for row in rows.iterator(chunk_size=BATCH):
        assert row.learned_reward is not None
        batch.append(Lesson(row, row.learned_reward))
        if len(batch) == BATCH:
            _fit(model, batch, policy.encoding_version)
            batch = []
    _fit(model, batch, policy.encoding_version)
    return model


def teach(model: LinUCB, lessons: Sequence[Lesson]) -> list[Lesson]:
    """Fold lessons into ``model``; returns those it could learn from. The others are flagged, and so never tried again."""
    learned, bad = _fit(model, lessons, CURRENT_VERSION)
    for lesson in bad:
        lesson.impression.flags = [*lesson.impression.flags, UNENCODABLE]
    Impression.objects.bulk_update([lesson.impression for lesson in bad], ["flags"])
    return learned


def publish(policy: Policy, model: LinUCB, lessons: Sequence[Lesson]) -> PolicySnapshot:
    """Write ``model`` as the next version of ``policy``, whose row the caller has locked."""
    before = (
        policy.snapshots.filter(version=policy.current_version).values_list("impressions", "clicks").first()
    )
    seen, clicked = before or _totals(policy)
    snapshot = PolicySnapshot.objects.create(
        policy=policy,
        version=policy.current_version + 1,
        state=to_bytes(model.state()),
        impressions=seen + len(lessons),
        clicks=clicked + sum(lesson.reward > 0 for lesson in lessons),
    )
    policy.current_version = snapshot.version
    policy.save(update_fields=["current_version"])
    thin(policy)
    return snapshot


def mark(lessons: Sequence[Lesson], snapshot: PolicySnapshot) -> None:
    """Note in the log what was learned, and by which version."""
    for reward in {lesson.reward for lesson in lessons}:
        keys = [lesson.impression.pk for lesson in lessons if lesson.reward == reward]
        Impression.objects.filter(pk__in=keys).update(
            learned_at=snapshot.created_at, learned_version=snapshot.version, learned_reward=reward
        )


def _totals(policy: Policy) -> tuple[int, int]:
    """Impressions and clicks that the log brought into a new lineage."""
    rows = Impression.objects.filter(
        merchant_id=policy.merchant_id, category_id=policy.category_id, learned_at__isnull=False
    )
    return rows.count(), rows.filter(learned_reward__gt=0).count()


def _fit(model: LinUCB, lessons: Iterable[Lesson], version: int) -> tuple[list[Lesson], list[Lesson]]:
    encode = encoding(version).encode
    contexts, learned, bad = [], [], []
    for lesson in lessons:
        features = lesson.impression.features
        try:
            contexts.append(encode(features.get("user"), features.get("item"), features.get("placement")))
        except FeatureError:
            bad.append(lesson)
        else:
            learned.append(lesson)
    if learned:
        arms = [int(lesson.impression.prompt_version_id or 0) for lesson in learned]
        for arm in dict.fromkeys(arms):
            model.add_arm(arm)
        model.partial_fit(contexts, arms, [lesson.reward for lesson in learned])
    return learned, bad
