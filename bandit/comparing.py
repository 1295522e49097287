"""What other policies would have earned on a merchant's own log: asked for on a page, computed in the background."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import structlog
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from bandit.estimators import Estimate
from bandit.exploration import UniformPolicy
from bandit.features import CURRENT_VERSION, FeatureError, encoding
from bandit.filters import CLICKED_SQL, COUNTED_SQL
from bandit.kinds import CLASSES
from bandit.lessons import TEACHES_SQL, loads
from bandit.models import PolicyComparison, PolicyKind
from bandit.offline import Evaluation, Policy, evaluate
from bandit.replay_log import ReplayLog
from creatives.models import Category, Merchant, User
from creatives.outbox import wake

log = structlog.get_logger("comparisons")

JOB = "bandit.jobs.compare_policies"
ALPHAS = (0.1, 0.5, 1.0)
MAX_CANDIDATES = 12
LEAST_ROWS = 200
LEASE = timedelta(minutes=10)
"""A run that has not finished a candidate for so long is taken to be dead, and may be taken over."""
RANDOM = "random"

_ROWS = f"""
SELECT * FROM (
    SELECT i.prompt_version_id, c.decision_id IS NOT NULL, i.propensity, i.features, i.occurred_at, i.decision_id
    FROM bandit_impression i LEFT JOIN bandit_click c ON {CLICKED_SQL}
    WHERE i.merchant_id = %(merchant)s AND i.category_id = %(category)s AND {COUNTED_SQL} AND {TEACHES_SQL}
        AND i.occurred_at >= %(since)s AND i.occurred_at <= %(until)s - make_interval(mins => %(window)s)
    ORDER BY i.occurred_at DESC, i.decision_id LIMIT %(limit)s
) latest ORDER BY occurred_at, decision_id
"""  # noqa: S608 - constants only


class ComparisonError(ValueError):
    """Why a comparison cannot be made, for the person who asked."""


class Candidate(NamedTuple):
    """A kind of policy and the width of its exploration bonus."""

    kind: str
    alpha: float


@transaction.atomic
def ask(
    merchant: Merchant, category: Category, by: User, days: int, candidates: Sequence[Candidate]
) -> PolicyComparison:
    """Queue a comparison. Raises ComparisonError while another one of this pool is under way."""
    if not 1 <= len(candidates) <= MAX_CANDIDATES:
        raise ComparisonError(f"1 to {MAX_CANDIDATES} policies can be compared, not {len(candidates)}.")
    try:
        with transaction.atomic():
            row = PolicyComparison.objects.create(
                merchant=merchant,
                category=category,
                asked_by=by,
                days=days,
                candidates=[candidate._asdict() for candidate in candidates],
                total=len(candidates) + 1,
            )
    except IntegrityError:
        raise ComparisonError("A comparison of this pool is under way: wait for it.") from None
    wake(JOB, [str(row.pk)])
    return row


def run(comparison_id: int) -> bool:
    """Run or go on with a comparison, a candidate at a time, each result stored as it is there; whether it is done now.

    Running it twice, or at once, changes nothing: what another process does is left to it until its lease is over.
    """
    row = _claim(comparison_id)
    if row is None:
        return False
    try:
        data = pool_log(row.merchant, row.category, timezone.now() - timedelta(days=row.days), row.max_rows)
        if len(data) < LEAST_ROWS:
            raise ComparisonError(
                f"{len(data)} impressions of the last {row.days} days can be used, and {LEAST_ROWS} are needed."
            )
        todo = [Candidate(RANDOM, 0.0), *(Candidate(**one) for one in row.candidates)]
        for place in range(row.done, row.total):
            if not _store(row, todo[place], evaluate(_fresh(todo[place], data), data), len(data)):
                return False
    except ComparisonError as error:
        _finish(row, PolicyComparison.Status.FAILED, str(error))
        return False
    except Exception:
        _finish(row, PolicyComparison.Status.FAILED, "Something went wrong; the server's log says more.")
        log.exception("comparison_failed", comparison=comparison_id)
        raise
    _finish(row, PolicyComparison.Status.DONE)
    return True


def pool_log(merchant: Merchant, category: Category, since: datetime, limit: int) -> ReplayLog:
    """The latest ``limit`` impressions of a pool that count and whose time to be clicked is over, in time order."""
    parameters: dict[str, Any] = {
        "merchant": merchant.pk,
        "category": category.pk,
        "window": merchant.attribution_minutes,
        "since": since,
        "until": timezone.now(),
        "limit": limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, parameters)
        rows = cursor.fetchall()
    encode = encoding(CURRENT_VERSION).encode
    arms, rewards, propensities, contexts = [], [], [], []
    for arm, clicked, propensity, text, *_ in rows:
        features = loads(text)
        try:
            contexts.append(encode(features.get("user"), features.get("item"), features.get("placement")))
        except FeatureError:
            continue
        arms.append(str(arm))
        rewards.append(float(clicked))
        propensities.append(propensity)
    names = tuple(dict.fromkeys(arms))
    places = {name: place for place, name in enumerate(names)}
    d = encoding(CURRENT_VERSION).n_features
    return ReplayLog(
        arms=names,
        actions=np.array([places[arm] for arm in arms], dtype=np.int64),
        rewards=np.array(rewards),
        propensities=np.array(propensities),
        contexts=np.array(contexts).reshape(-1, d),
    )


def _fresh(candidate: Candidate, data: ReplayLog) -> Policy:
    d = data.contexts.shape[1]
    if candidate.kind == RANDOM:
        return UniformPolicy(d)
    return CLASSES[PolicyKind(candidate.kind)](d, alpha=candidate.alpha)


@transaction.atomic
def _claim(comparison_id: int) -> PolicyComparison | None:
    rows = PolicyComparison.objects.select_for_update(of=("self",)).select_related("merchant", "category")
    row = rows.filter(pk=comparison_id).first()
    now, status = timezone.now(), PolicyComparison.Status
    if row is None or row.status in (status.DONE, status.FAILED):
        return None
    if row.status == status.RUNNING and row.started_at and row.started_at > now - LEASE:
        return None
    row.status, row.started_at = status.RUNNING, now
    row.save(update_fields=["status", "started_at"])
    return row


def _store(row: PolicyComparison, candidate: Candidate, found: Evaluation, rows: int) -> bool:
    """Add a result, unless somebody else has taken over; ``started_at`` moves on, as the lease does."""
    entry = {**candidate._asdict(), "logged": _plain(found.logged), "warnings": list(found.warnings)}
    entry |= {name: _plain(estimate) for name, estimate in found.estimates.items()}
    now = timezone.now()
    mine = PolicyComparison.objects.filter(pk=row.pk, status="running", started_at=row.started_at)
    changed = mine.update(done=row.done + 1, result=[*row.result, entry], rows=rows, started_at=now)
    row.done, row.result, row.started_at = row.done + 1, [*row.result, entry], now
    return bool(changed)


def _finish(row: PolicyComparison, status: str, error: str = "") -> None:
    PolicyComparison.objects.filter(pk=row.pk, status="running", started_at=row.started_at).update(
        status=status, error=error[:300], finished_at=timezone.now()
    )


def _plain(estimate: Estimate) -> dict[str, float | None]:
    """An estimate as JSON: what is not finite is null."""
    values = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
    values |= {"rows": float(estimate.rows), "effective_rows": estimate.effective_rows}
    return {name: value if math.isfinite(value) else None for name, value in values.items()}
