"""Asking for creatives writes one row per triplet, the exact sizes, and one wake-up per bucket."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from creatives.models import CreativeRequest, OutboxEntry, PositionedRendition, Rendition
from creatives.services.generation import RequestSummary, Triplet, Want, request_creatives, requeue, seed_for
from creatives.services.painting import paint_bucket
from creatives.services.sizes import current_pipeline_version
from tests import factories, studio

pytestmark = pytest.mark.django_db


def test_one_request_with_its_size_and_its_wake_up() -> None:
    merchant, version = factories.merchant(), studio.version()
    want = Want("a" * 64, version.pk, 300, 250, "s72-s-m8")
    assert request_creatives(merchant, [want]) == RequestSummary(generations=1, sizes=1)
    row = CreativeRequest.objects.get()
    assert (row.image_sha256, row.prompt_version_id, row.bucket, row.layout) == (
        "a" * 64,
        version.pk,
        "320x256",
        "s72-s-m8",
    )
    assert (row.status, row.attempts, row.fence, row.pipeline_version) == (
        "queued",
        0,
        0,
        current_pipeline_version(),
    )
    assert row.seed == seed_for(Triplet("a" * 64, version.pk, "320x256", "s72-s-m8"))
    assert list(row.renditions.values_list("width", "height", "file")) == [(300, 250, "")]
    assert list(OutboxEntry.objects.values_list("job", "key")) == [("generate", studio.key())]


def test_asking_again_changes_nothing() -> None:
    merchant, version = factories.merchant(), studio.version()
    want = Want("a" * 64, version.pk, 300, 250, "s72-s-m8")
    request_creatives(merchant, [want, want])
    assert request_creatives(merchant, [want]) == RequestSummary()
    assert (CreativeRequest.objects.count(), Rendition.objects.count(), OutboxEntry.objects.count()) == (
        1,
        1,
        1,
    )


def test_sizes_of_like_shape_share_a_generation() -> None:
    merchant, version = factories.merchant(), studio.version()
    sizes = [(300, 250), (336, 280), (600, 500), (250, 300)]
    wants = [Want("a" * 64, version.pk, width, height, "s72-s-m8") for width, height in sizes]
    assert request_creatives(merchant, wants) == RequestSummary(generations=2, sizes=4)
    assert sorted(CreativeRequest.objects.values_list("bucket", flat=True)) == ["256x320", "320x256"]
    assert OutboxEntry.objects.count() == 2


def test_another_merchant_layout_prompt_or_photo_is_another_request() -> None:
    one, other = factories.merchant(), factories.merchant()
    first, second = studio.version(), studio.version()
    base = Want("a" * 64, first.pk, 300, 250, "s72-s-m8")
    others = [
        base._replace(layout="s50-c-m8"),
        base._replace(prompt_version_id=second.pk),
        base._replace(image_sha256="b" * 64),
    ]
    assert request_creatives(one, [base, *others]).generations == 4
    assert request_creatives(other, [base]).generations == 1
    assert OutboxEntry.objects.count() == 1


def test_a_size_that_no_bucket_serves_is_counted_and_left_out() -> None:
    merchant, version = factories.merchant(), studio.version()
    wants = [
        Want("a" * 64, version.pk, 2000, 20, "s72-s-m8"),
        Want("a" * 64, version.pk, 300, 250, "s72-s-m8"),
    ]
    assert request_creatives(merchant, wants) == RequestSummary(generations=1, sizes=1, unpaintable=1)
    assert request_creatives(merchant, wants[:1]) == RequestSummary(unpaintable=1)


def test_a_new_size_of_a_painted_creative_wakes_the_renderer_only() -> None:
    merchant = factories.merchant()
    image, version = studio.photo(merchant), studio.version()
    (row,) = studio.requested(merchant, studio.want(image, version))
    assert paint_bucket(studio.FlatPainter(), studio.key()) == 1
    OutboxEntry.objects.all().delete()
    assert request_creatives(merchant, [studio.want(image, version, 336, 280)]) == RequestSummary(sizes=1)
    assert list(OutboxEntry.objects.values_list("job", "key")) == [("render", str(row.pk))]


def test_products_on_white_are_asked_for_where_the_merchant_falls_back_to_them() -> None:
    plain, positioned = factories.merchant(), factories.merchant(fallback="positioned")
    version = studio.version()
    wants = [
        Want("a" * 64, version.pk, 300, 250, "s72-s-m8"),
        Want("a" * 64, studio.version().pk, 300, 250, "s72-s-m8"),
    ]
    request_creatives(plain, wants)
    assert PositionedRendition.objects.count() == 0
    request_creatives(positioned, wants)
    request_creatives(positioned, wants)
    row = PositionedRendition.objects.get()
    assert (row.merchant, row.layout, row.width, row.height, row.file.name) == (
        positioned,
        "s72-s-m8",
        300,
        250,
        "",
    )
    assert OutboxEntry.objects.get(job="position").key == str(row.pk)


def test_the_number_of_queries_does_not_grow_with_the_wants() -> None:
    merchant, version = factories.merchant(), studio.version()

    def queries(count: int, letter: str) -> int:
        wants = [Want(f"{letter}{n:063x}", version.pk, 300, 250, "s72-s-m8") for n in range(count)]
        with CaptureQueriesContext(connection) as captured:
            request_creatives(merchant, wants)
        return len(captured)

    assert queries(1, "a") == queries(50, "b")


def test_seeds_depend_on_every_part_and_fit_the_column() -> None:
    base = Triplet("a" * 64, 1, "320x256", "s72-s-m8")
    others = [
        base._replace(image_sha256="b" * 64),
        base._replace(prompt_version_id=2),
        base._replace(bucket="256x256"),
    ]
    seeds = {seed_for(triplet) for triplet in [base, *others]}
    assert len(seeds) == 4
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert seed_for(base) == 5624247357019745089


def test_requeue_gives_a_failed_request_new_attempts_and_nothing_else() -> None:
    merchant = factories.merchant()
    (row,) = studio.requested(merchant, studio.want(studio.photo(merchant), studio.version()))
    OutboxEntry.objects.all().delete()
    assert requeue(row.pk) is False
    CreativeRequest.objects.update(status="failed", attempts=5, fence=7, error="no luck")
    assert requeue(row.pk) is True
    row.refresh_from_db()
    assert (row.status, row.attempts, row.fence, row.error) == ("queued", 0, 7, "")
    assert OutboxEntry.objects.get().key == studio.key()
    assert requeue(row.pk) is False
