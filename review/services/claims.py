"""Claims: two reviewers never look at the same creative. The unique row per creative decides, not a look beforehand."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from creatives.models import Creative, User
from creatives.permissions import REVIEWERS
from review.errors import AlreadyDecidedError, HeldByAnotherError
from review.filters import QueueFilters
from review.models import Claim, Skip
from review.selectors.queue import ranked, waiting
from review.services import gold

# A lapsed claim is taken over in the same statement; RETURNING says which ones are really ours.
TAKE = """
INSERT INTO review_claim (creative_id, reviewer_id, claimed_at, expires_at)
SELECT id, %(reviewer)s, clock_timestamp(), %(until)s FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS wanted (id, place)
ORDER BY place
ON CONFLICT (creative_id) DO UPDATE
   SET reviewer_id = EXCLUDED.reviewer_id, claimed_at = EXCLUDED.claimed_at,
       shown_at = NULL, expires_at = EXCLUDED.expires_at
 WHERE review_claim.expires_at <= now() OR review_claim.reviewer_id = EXCLUDED.reviewer_id
RETURNING creative_id
"""


def claim(reviewer: User, filters: QueueFilters, count: int = 1, shown: int = 1) -> list[int]:
    """Up to ``count`` creatives for ``reviewer``: those held already, first come first, then the next of the queue.

    Gold items are mixed in at the merchants' rates. The first ``shown`` start their clock now, unless it runs already.
    Every returned claim is renewed.
    """
    with transaction.atomic():
        now = timezone.now()
        own = Claim.objects.filter(reviewer=reviewer)
        held = _held(reviewer, filters, now)
        own.filter(creative__in=[key for key, _ in held[:count]]).update(expires_at=_until(now))
        kept = set(own.filter(creative__in=[key for key, _ in held]).values_list("creative", flat=True))
        mine = [key for key, is_gold in held[:count] if is_gold or key in kept]
        if missing := count - len(mine):
            mine += gold.mix(reviewer, filters, _take_next(reviewer, filters, missing))
        mine = mine[:count]
        own.filter(creative__in=mine[:shown], shown_at=None).update(shown_at=now)
        gold.start_clock(reviewer, mine[:shown])
    return mine


def claim_one(reviewer: User, creative_id: int) -> int:
    """Claim this very creative.

    Raises Creative.DoesNotExist, AlreadyDecidedError when it waits for somebody else or for nobody, HeldByAnotherError.
    """
    with transaction.atomic():
        creative = locked(reviewer, creative_id)
        if not gold.is_before(reviewer, creative_id):
            if not waiting(reviewer).filter(pk=creative_id).exists():
                raise AlreadyDecidedError(_why_not(reviewer, creative))
            assert_free(reviewer, creative_id)
            held = Claim.objects.filter(creative=creative, reviewer=reviewer, expires_at__gt=timezone.now())
            if not held.exists():
                _take(reviewer, [creative_id])
        Claim.objects.filter(creative=creative, shown_at=None).update(shown_at=timezone.now())
        gold.start_clock(reviewer, [creative_id])
    return creative_id


def renew(reviewer: User, creative_ids: Iterable[int]) -> set[int]:
    """Heartbeat: lengthen the claims that are still ours, lapsed or not, and return their creatives."""
    with transaction.atomic():
        own = Claim.objects.select_for_update().filter(reviewer=reviewer, creative_id__in=list(creative_ids))
        kept = set(own.values_list("creative_id", flat=True))
        Claim.objects.filter(creative_id__in=kept).update(expires_at=_until(timezone.now()))
    return kept


def skip(reviewer: User, creative_id: int) -> None:
    """Put a creative aside: it is free for others and comes back to this reviewer last. Raises Creative.DoesNotExist."""
    with transaction.atomic():
        creative = locked(reviewer, creative_id)
        if gold.put_aside(reviewer, creative_id):
            return
        Claim.objects.filter(creative=creative, reviewer=reviewer).delete()
        Skip.objects.update_or_create(creative=creative, reviewer=reviewer, defaults={"at": timezone.now()})


def locked(reviewer: User, creative_id: int) -> Creative:
    """The creative, its row locked, if it is for ``reviewer`` to decide; raises Creative.DoesNotExist if not."""
    allowed = Creative.objects.for_member(reviewer, REVIEWERS).filter(pk=creative_id).values("pk")
    creative: Creative = Creative.objects.select_for_update(of=("self",)).get(pk__in=allowed)
    return creative


def assert_free(reviewer: User, creative_id: int) -> None:
    """Raise HeldByAnotherError if another reviewer's claim on the (locked) creative has not lapsed."""
    other = Claim.objects.filter(creative_id=creative_id, expires_at__gt=timezone.now()).exclude(
        reviewer=reviewer
    )
    holder = other.select_related("reviewer").first()
    if holder:
        raise HeldByAnotherError(f"{holder.reviewer} is looking at creative {creative_id} right now.")


def release(creative: Creative, reviewer: User | None = None) -> None:
    """Give up claims and skips of a creative, all of them or those of one reviewer."""
    for rows in (Claim.objects, Skip.objects):
        found = rows.filter(creative=creative)
        (found.filter(reviewer=reviewer) if reviewer else found).delete()


def _held(reviewer: User, filters: QueueFilters, now: datetime) -> list[tuple[int, bool]]:
    """Creatives before the reviewer and whether each is gold: those on screen first, then in the order of claiming."""
    claims = Claim.objects.filter(
        reviewer=reviewer, expires_at__gt=now, creative__in=waiting(reviewer, filters)
    )
    rows = [(row.shown_at is None, row.claimed_at, row.pk, row.creative_id, False) for row in claims]
    checks = gold.pending(reviewer, filters)
    rows += [(row.shown_at is None, row.claimed_at, row.pk, row.gold.creative_id, True) for row in checks]
    return [(creative_id, is_gold) for *_, creative_id, is_gold in sorted(rows)]


def _why_not(reviewer: User, creative: Creative) -> str:
    if creative.status != Creative.Status.IN_REVIEW:
        return f"Creative {creative.pk} is {creative.get_status_display().lower()}, not in review."
    return f"Creative {creative.pk} waits for somebody else: its second opinion or an owner’s word is due."


def _take_next(reviewer: User, filters: QueueFilters, count: int) -> list[int]:
    taken: list[int] = []
    candidates = ranked(reviewer, filters) if count > 0 else []
    for start in range(0, len(candidates), max(count, 1)):
        # The lock keeps a decision from slipping in between; whoever is locked out is being claimed or decided by another.
        chunk = candidates[start : start + count]
        free = Creative.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk__in=chunk)
        lockable = set(free.values_list("pk", flat=True))
        lockable &= set(waiting(reviewer, filters).filter(pk__in=chunk).values_list("pk", flat=True))
        taken += _take(reviewer, [key for key in chunk if key in lockable][: count - len(taken)])
        if len(taken) >= count:
            break
    return taken


def _take(reviewer: User, creative_ids: list[int]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(TAKE, {"reviewer": reviewer.pk, "until": _until(timezone.now()), "ids": creative_ids})
        ours = {row[0] for row in cursor.fetchall()}
    return [creative_id for creative_id in creative_ids if creative_id in ours]


def _until(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.REVIEW_CLAIM_SECONDS)
