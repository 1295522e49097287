"""Asking for creatives: one row per triplet (image, prompt, size), however many ask, and its wake-up with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from creatives.models import Creative, CreativeRequest, Merchant
from creatives.outbox import wake
from creatives.services.sizes import SizeError, bucket_of, current_pipeline_version, is_paintable

MAX_SEED = 2**63 - 1


class Want(NamedTuple):
    """A picture that is wanted: photo (hex SHA-256), prompt version, exact size in pixels, layout key ("s72-s-m8")."""

    image_sha256: str
    prompt_version_id: int
    width: int
    height: int
    layout: str


@dataclass(frozen=True)
class RequestSummary:
    """What one call changed: new generations, new sizes (of new or known generations), wants no bucket can serve."""

    generations: int = 0
    sizes: int = 0
    unpaintable: int = 0


class Triplet(NamedTuple):
    """What one generation answers."""

    image_sha256: str
    prompt_version_id: int
    bucket: str
    layout: str


def seed_for(triplet: Triplet) -> int:
    """The seed of a triplet, 0..2^63 - 1, from its SHA-256: the same request paints the same picture."""
    digest = hashlib.sha256("/".join(map(str, triplet)).encode()).digest()
    return int.from_bytes(digest[:8], "big") & MAX_SEED


def bucket_key(pipeline_version: str, bucket: str) -> str:
    """Key of the job ``generate``: "1-studio-tiny-3f9a1c20:320x256"."""
    return f"{pipeline_version}:{bucket}"


def request_creatives(merchant: Merchant, wants: Sequence[Want]) -> RequestSummary:
    """Make sure that every want is asked for, once; idempotent, in one transaction and a constant number of queries.

    A new size of a painted creative asks for a rendition only. Where the merchant's fallback is the positioned product,
    that is asked for too. Wants whose size no bucket serves are counted and left out.
    """
    by_triplet: dict[Triplet, set[tuple[int, int]]] = {}
    unpaintable = 0
    for want in set(wants):
        try:
            bucket = bucket_of(want.width, want.height)
        except SizeError:
            unpaintable += 1
            continue
        triplet = Triplet(want.image_sha256, want.prompt_version_id, bucket, want.layout)
        by_triplet.setdefault(triplet, set()).add((want.width, want.height))
    if not by_triplet:
        return RequestSummary(unpaintable=unpaintable)
    version = current_pipeline_version()
    triplets = sorted(by_triplet)  # one order for all writers: no deadlock between overlapping calls
    with transaction.atomic():
        new_buckets = _insert_requests(merchant.pk, version, triplets)
        ids = _request_ids(merchant.pk, version, triplets)
        sizes = sorted((ids[triplet], *size) for triplet in triplets for size in by_triplet[triplet])
        sized = _insert_renditions(sizes)
        wake("render", map(str, _painted(sized)))
        if merchant.fallback == Merchant.Fallback.POSITIONED:
            wake("position", map(str, _insert_positioned(merchant.pk, by_triplet)))
        wake("generate", (bucket_key(version, bucket) for bucket in new_buckets))
    return RequestSummary(len(new_buckets), len(sized), unpaintable)


def request_positioned(merchant: Merchant, wants: Sequence[Want]) -> int:
    """Make sure that the products on white of ``wants`` are asked for, once (prompts do not matter); how many were new.

    Those that were asked for already and wait are woken: somebody would look at them now.
    """
    by_triplet: dict[Triplet, set[tuple[int, int]]] = {}
    for want in wants:
        if is_paintable(want.width, want.height):
            triplet = Triplet(want.image_sha256, 0, "", want.layout)
            by_triplet.setdefault(triplet, set()).add((want.width, want.height))
    if not by_triplet:
        return 0
    with transaction.atomic():
        new = _insert_positioned(merchant.pk, by_triplet)
        wake("position", map(str, _waiting_on_white(merchant.pk, by_triplet)))
    return len(new)


def requeue(request_id: int) -> bool:
    """Give a failed request a fresh set of attempts, or paint one again whose creative was rejected or retired.

    False, and nothing changed, when it is neither (any more). Painted again it gets another seed.
    """
    with transaction.atomic():
        request = CreativeRequest.objects.select_for_update().filter(pk=request_id).first()
        if request is None or request.status not in (
            CreativeRequest.Status.FAILED,
            CreativeRequest.Status.DONE,
        ):
            return False
        if request.creatives.filter(status__in=Creative.ALIVE).exists():
            return False
        CreativeRequest.objects.filter(pk=request_id).update(
            status=CreativeRequest.Status.QUEUED, attempts=0, due_at=Now(), error="", finished_at=None
        )
        wake("generate", [bucket_key(request.pipeline_version, request.bucket)])
    return True


def _insert_requests(merchant_id: int, version: str, triplets: Sequence[Triplet]) -> list[str]:
    """Insert those that are new; the buckets of the new ones."""
    images, prompts, buckets, layouts = (list(column) for column in zip(*triplets, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO creatives_creativerequest (merchant_id, pipeline_version, status, attempts, fence, error,
                                                   image_sha256, prompt_version_id, bucket, layout, seed)
            SELECT %s, %s, 'queued', 0, 0, '', w.*
            FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::text[], %s::bigint[]) AS w
            ON CONFLICT DO NOTHING RETURNING bucket
            """,
            [
                merchant_id,
                version,
                images,
                prompts,
                buckets,
                layouts,
                [seed_for(triplet) for triplet in triplets],
            ],
        )
        return [bucket for (bucket,) in cursor.fetchall()]


def _request_ids(merchant_id: int, version: str, triplets: Sequence[Triplet]) -> dict[Triplet, int]:
    images, prompts, buckets, layouts = (set(column) for column in zip(*triplets, strict=True))
    rows = CreativeRequest.objects.filter(
        merchant_id=merchant_id,
        pipeline_version=version,
        image_sha256__in=images,
        prompt_version_id__in=prompts,
        bucket__in=buckets,
        layout__in=layouts,
    ).values_list("image_sha256", "prompt_version_id", "bucket", "layout", "pk")
    return {Triplet(*row[:4]): row[4] for row in rows}


def _insert_renditions(sizes: Sequence[tuple[int, int, int]]) -> list[int]:
    """Insert (request, width, height) where new; the request ids of the new ones."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO creatives_rendition (request_id, width, height, file, attempts, error)
            SELECT w.*, '', 0, '' FROM unnest(%s::bigint[], %s::int[], %s::int[]) AS w
            ON CONFLICT DO NOTHING RETURNING request_id
            """,
            [list(column) for column in zip(*sizes, strict=True)],
        )
        return [request_id for (request_id,) in cursor.fetchall()]


def _painted(request_ids: Iterable[int]) -> Iterable[int]:
    return Creative.objects.filter(request_id__in=set(request_ids), status__in=Creative.ALIVE).values_list(
        "request_id", flat=True
    )


def _insert_positioned(merchant_id: int, by_triplet: dict[Triplet, set[tuple[int, int]]]) -> list[int]:
    """Insert the products on white where new; their ids."""
    wanted = sorted({(t.image_sha256, t.layout, *size) for t, sizes in by_triplet.items() for size in sizes})
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO creatives_positionedrendition
                (merchant_id, file, attempts, error, image_sha256, layout, width, height)
            SELECT %s, '', 0, '', w.* FROM unnest(%s::text[], %s::text[], %s::int[], %s::int[]) AS w
            ON CONFLICT DO NOTHING RETURNING id
            """,
            [merchant_id, *(list(column) for column in zip(*wanted, strict=True))],
        )
        return [pk for (pk,) in cursor.fetchall()]


def _waiting_on_white(merchant_id: int, by_triplet: dict[Triplet, set[tuple[int, int]]]) -> list[int]:
    """The products on white that are due to be rendered; their ids."""
    wanted = [(t.image_sha256, t.layout, *size) for t, sizes in by_triplet.items() for size in sizes]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT r.id FROM creatives_positionedrendition r
            JOIN unnest(%s::text[], %s::text[], %s::int[], %s::int[]) AS w (image_sha256, layout, width, height)
                ON w.image_sha256 = r.image_sha256 AND w.layout = r.layout AND w.width = r.width AND w.height = r.height
            WHERE r.merchant_id = %s AND r.file = '' AND r.due_at <= statement_timestamp() AND r.attempts < %s
            """,
            [
                *(list(column) for column in zip(*wanted, strict=True)),
                merchant_id,
                settings.GENERATION_MAX_ATTEMPTS,
            ],
        )
        return [pk for (pk,) in cursor.fetchall()]
