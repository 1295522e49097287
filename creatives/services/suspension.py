"""Creatives that retire for a reason that may pass, and come back as what they were when it has.

Three reasons: the product retired (``product_status``), the merchant said that a prompt is not for it (``vetoes``), or no
product shows the photo any more (``photo_changes``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Case, F, Q, QuerySet, When
from django.db.models.functions import Now

from creatives.models import Creative, CreativeRequest, Merchant
from creatives.outbox import wake
from creatives.services.delivery import announce_all
from creatives.services.generation import bucket_key
from creatives.services.retries import fail

BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Suspension:
    """Why creatives of a merchant lie low: of all prompts, or of one."""

    merchant_id: int
    reason: str
    prompt_id: int | None = None

    @property
    def given_up(self) -> str:
        """The error of requests that were not painted because of it."""
        return f"given up: {self.reason}"

    @property
    def of_prompt(self) -> Q:
        """Requests for the prompt, in whatever version."""
        return Q() if self.prompt_id is None else Q(prompt_version__prompt=self.prompt_id)


def lock_catalogue(merchant_id: int) -> None:
    """Wait for whoever else changes the merchant's products in bulk or retires some; for the caller's transaction."""
    Merchant.objects.select_for_update(no_key=True).get(pk=merchant_id)


def suspend(why: Suspension, photos: Sequence[str]) -> int:
    """Retire the living creatives of the photos and give up what is still to be painted; how many retired.

    The caller's transaction holds ``lock_catalogue``.
    """
    count = 0
    for start in range(0, len(photos), BATCH):
        some = photos[start : start + BATCH]
        _give_up(why, some)
        count += _retire(why, some)
    return count


def revive(why: Suspension, photos: Sequence[str]) -> int:
    """Bring back what ``suspend`` retired for the same reason, and ask again for what was given up; how many live again.

    Of each request the latest creative returns, unless its prompt has retired or another one has taken its place. The
    caller's transaction holds ``lock_catalogue``.
    """
    count = 0
    for start in range(0, len(photos), BATCH):
        some = photos[start : start + BATCH]
        count += _revive(why, some)
        _ask_again(why, some)
    return count


def _requests(why: Suspension, photos: Sequence[str]) -> QuerySet[CreativeRequest]:
    rows: QuerySet[CreativeRequest] = CreativeRequest.objects.filter(
        why.of_prompt, merchant=why.merchant_id, image_sha256__in=photos
    )
    return rows


def _give_up(why: Suspension, photos: Sequence[str]) -> None:
    waiting = _requests(why, photos).filter(status=CreativeRequest.Status.QUEUED)
    rows = waiting.select_for_update(of=("self",)).select_related("merchant", "prompt_version")
    for request in rows.order_by("pk"):
        fail(request, why.given_up, told=why.reason)


def _retire(why: Suspension, photos: Sequence[str]) -> int:
    living = _creatives(why, photos).filter(status__in=Creative.ALIVE)
    ids = list(living.select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True))
    Creative.objects.filter(pk__in=ids).update(
        retired_from=F("status"), status=Creative.Status.RETIRED, reason=why.reason, decided_at=Now()
    )
    _announce(ids, "retired")
    return len(ids)


def _revive(why: Suspension, photos: Sequence[str]) -> int:
    asleep = (
        _creatives(why, photos)
        .filter(status=Creative.Status.RETIRED, reason=why.reason, request__prompt_version__retired_at=None)
        .exclude(retired_from="")
    )
    requests = CreativeRequest.objects.filter(pk__in=asleep.values("request"))
    locked = list(requests.select_for_update().order_by("pk").values_list("pk", flat=True))
    taken = Creative.objects.filter(request__in=locked, status__in=Creative.ALIVE).values("request")
    latest = asleep.filter(request__in=locked).exclude(request__in=taken)
    ids = list(latest.order_by("request_id", "-pk").distinct("request_id").values_list("pk", flat=True))
    rows = Creative.objects.filter(pk__in=ids)
    undecided = Q(retired_from=Creative.Status.IN_REVIEW)
    rows.update(
        decided_at=Case(When(undecided, then=None), default=Now()),
        status=F("retired_from"),
        retired_from="",
        reason="",
    )
    _announce(list(rows.filter(status=Creative.Status.APPROVED).values_list("pk", flat=True)), "approved")
    return len(ids)


def _ask_again(why: Suspension, photos: Sequence[str]) -> None:
    given_up = _requests(why, photos).filter(
        status=CreativeRequest.Status.FAILED, error=why.given_up, prompt_version__retired_at=None
    )
    rows = list(given_up.select_for_update(of=("self",)).order_by("pk"))
    CreativeRequest.objects.filter(pk__in=[row.pk for row in rows]).update(
        status=CreativeRequest.Status.QUEUED, attempts=0, due_at=Now(), error="", finished_at=None
    )
    wake("generate", {bucket_key(row.pipeline_version, row.bucket) for row in rows})


def _creatives(why: Suspension, photos: Sequence[str]) -> QuerySet[Creative]:
    rows: QuerySet[Creative] = Creative.objects.filter(merchant=why.merchant_id)
    return rows.filter(request__in=_requests(why, photos).values("pk"))


def _announce(ids: Sequence[int], event: str) -> None:
    rows = Creative.objects.select_related("request__merchant", "request__prompt_version")
    announce_all(list(rows.filter(pk__in=ids).prefetch_related("renditions").order_by("pk")), event)
