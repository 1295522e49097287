"""What the quality gate makes of a painting: served or shown to a person, doubted, made anew, left to a person."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from creatives.models import Creative, CreativeRequest, OutboxEntry, WebhookDelivery
from creatives.pipeline import Layout, encode_png, judge, open_image, paint_job, prepare, render
from creatives.pipeline.provenance import Provenance, SourceType, read_provenance
from creatives.pipeline.stages import UNSAFE
from creatives.services import attempts, painting
from creatives.services.creatives import reject
from creatives.services.files import load
from creatives.services.generation import MAX_SEED, requeue
from creatives.services.painting import paint_bucket
from creatives.services.renditions import render_missing
from creatives.services.sizes import size_of
from review.models import Decision
from tests import factories, studio

pytestmark = pytest.mark.django_db


def painted_by(painter: studio.FlatPainter, **merchant: Any) -> tuple[CreativeRequest, Creative]:
    owner = factories.merchant(**merchant)
    studio.recommender(owner)
    creative = studio.painted(owner, painter)
    return creative.request, creative


def test_what_passes_waits_for_a_person_and_was_painted_once() -> None:
    painter = studio.FlatPainter()
    request, creative = painted_by(painter)
    assert (creative.record["verdict"], creative.record["reasons"], creative.record["discarded"]) == (
        "pass",
        [],
        [],
    )
    assert (creative.status, creative.seed, painter.batches) == ("in_review", request.seed, [1])
    assert 0 <= creative.record["quality"]["risk"] <= 1
    assert (Decision.objects.count(), WebhookDelivery.objects.count()) == (0, 0)


def test_what_passes_is_approved_where_a_rule_says_so() -> None:
    _, creative = painted_by(studio.FlatPainter(), auto_approve=True)
    assert (creative.record["verdict"], creative.status) == ("pass", "approved")
    assert Decision.objects.get().purpose == Decision.Purpose.AUTO
    assert WebhookDelivery.objects.get().event_type == "creative.approved"


def test_what_is_doubtful_waits_for_a_person_with_the_reason_and_is_not_painted_again() -> None:
    owner, painter = factories.merchant(), studio.FlatPainter()
    image = studio.photo(owner, noise=90)  # clutter, and no network to see through it
    (request,) = studio.requested(owner, studio.want(image, studio.version()))
    assert paint_bucket(painter, studio.key()) == 1
    creative = Creative.objects.get()
    assert creative.record["verdict"] == "doubtful"
    assert any(reason.startswith("the mask is uncertain") for reason in creative.record["reasons"])
    assert (creative.status, creative.seed, painter.batches) == ("in_review", request.seed, [1])
    assert creative.record["quality"]["risk"] > 1
    assert (Decision.objects.count(), WebhookDelivery.objects.count()) == (0, 0)
    request.refresh_from_db()
    assert (request.status, request.attempts) == ("done", 1)


def test_what_fails_is_made_anew_with_the_next_seed_and_the_first_that_passes_is_kept() -> None:
    owner = factories.merchant()
    image, version = studio.photo(owner), studio.version()
    (request,) = studio.requested(owner, studio.want(image, version))
    painter = studio.FlatPainter(bad_seeds=(request.seed,))
    assert paint_bucket(painter, studio.key()) == 1
    creative = Creative.objects.get()
    assert (creative.seed, creative.record["seed"], creative.record["verdict"]) == (
        request.seed + 1, request.seed + 1, "pass",
    )  # fmt: skip
    (discarded,) = creative.record["discarded"]
    assert discarded["seed"] == request.seed
    assert discarded["risk"] > 1
    assert any("ignores the product's edges" in reason for reason in discarded["reasons"])
    assert painter.batches == [1, 1]
    request.refresh_from_db()
    assert (request.status, request.attempts, request.fence) == ("done", 1, 1)  # one attempt of the worker's


def test_the_next_seed_has_its_own_lines_of_the_setting_and_they_are_what_is_stored() -> None:
    painter = studio.FlatPainter()
    assert painter.profile.setting_lines
    owner = factories.merchant()
    image, version = (
        studio.photo(owner),
        studio.version(text="on white marble in front of a wall"),
    )  # no two seeds have the same veins
    (request,) = studio.requested(owner, studio.want(image, version))
    painter.bad_seeds = (request.seed,)
    assert paint_bucket(painter, studio.key()) == 1
    bucket, buckets = size_of(request.bucket), painter.profile.buckets
    prepared = prepare(load(image.file.name), bucket, Layout.parse(request.layout), buckets=buckets)
    first, second = (
        paint_job(prepared, painter.profile, version.text, seed=request.seed + more).edges for more in (0, 1)
    )
    assert not np.array_equal(first, second)
    stored = load(str(Creative.objects.get().edges.name))
    assert stored == encode_png(second)


def test_what_never_passes_goes_to_a_person_after_so_many_tries_whatever_the_merchant_approves(
    settings: Any,
) -> None:
    settings.GATE_REPAINTS = 2
    painter = studio.FlatPainter(spoils=("hopeless",))
    owner = factories.merchant(auto_approve=True)
    studio.recommender(owner)
    (request,) = studio.requested(owner, studio.want(studio.photo(owner), studio.version("hopeless")))
    OutboxEntry.objects.all().delete()
    assert paint_bucket(painter, studio.key()) == 1
    creative = Creative.objects.get()
    assert (creative.status, creative.record["verdict"], creative.decided_at) == ("in_review", "fail", None)
    tried = sorted([creative.seed, *(one["seed"] for one in creative.record["discarded"])])
    assert tried == [request.seed, request.seed + 1, request.seed + 2]
    assert painter.batches == [1, 1, 1]
    assert (Decision.objects.count(), WebhookDelivery.objects.count()) == (0, 0)
    assert OutboxEntry.objects.count() == 0  # nothing more is asked for


def test_without_repaints_a_failure_goes_to_a_person_at_once(settings: Any) -> None:
    settings.GATE_REPAINTS = 0
    painter = studio.FlatPainter(spoils=("",))
    request, creative = painted_by(painter)
    assert (creative.seed, creative.record["verdict"], creative.record["discarded"]) == (
        request.seed,
        "fail",
        [],
    )
    assert painter.batches == [1]


def test_an_unsafe_painting_is_made_anew_and_then_waits_for_a_person_whatever_the_merchant_approves() -> None:
    painter = studio.FlatPainter(is_unsafe=True)
    _, creative = painted_by(painter, auto_approve=True)
    assert (creative.status, creative.record["verdict"], creative.decided_at) == ("in_review", "fail", None)
    assert creative.record["reasons"][0] == UNSAFE
    assert [one["reasons"][0] for one in creative.record["discarded"]] == [UNSAFE] * 2
    assert painter.batches == [1, 1, 1]
    assert WebhookDelivery.objects.count() == 0


def test_only_the_failures_of_a_batch_are_made_anew_and_together() -> None:
    owner = factories.merchant()
    image = studio.photo(owner)
    texts = ("oak", "hopeless one", "marble", "hopeless two")
    studio.requested(owner, *(studio.want(image, studio.version(text)) for text in texts))
    painter = studio.FlatPainter(spoils=("hopeless",))
    assert paint_bucket(painter, studio.key()) == 4
    assert painter.batches == [4, 2, 2]
    verdicts = Creative.objects.values_list("request__prompt_version__text", "record__verdict")
    assert dict(verdicts) == {"oak": "pass", "hopeless one": "fail", "marble": "pass", "hopeless two": "fail"}


def test_an_error_while_painting_anew_leaves_the_earlier_picture_to_a_person() -> None:
    class Breaking(studio.FlatPainter):
        def paint(self, jobs: Any, on_step: Any = None) -> Any:
            if self.batches:
                raise RuntimeError("CUDA out of memory")
            return super().paint(jobs, on_step)

    painter = Breaking(spoils=("",))
    request, creative = painted_by(painter)
    assert (creative.seed, creative.record["verdict"], creative.status) == (request.seed, "fail", "in_review")
    assert request.status == "queued"  # as it was read; now it is done
    request.refresh_from_db()
    assert (request.status, request.error) == ("done", "")


def test_what_is_judged_is_what_is_stored_and_is_composed_once_an_attempt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judged: list[Any] = []

    def judge_and_keep(prepared: Any, generated: Any, composed: Any, **options: Any) -> Any:
        judged.append(composed)
        return judge(prepared, generated, composed, **options)

    sizes: list[Any] = []

    def render_and_count(prepared: Any, generated: Any, size: Any, light: Any, **options: Any) -> Any:
        sizes.append(tuple(size))
        return render(prepared, generated, size, light, **options)

    monkeypatch.setattr(attempts, "judge", judge_and_keep)
    monkeypatch.setattr(attempts, "render", render_and_count)
    monkeypatch.setattr(painting, "render", render_and_count)
    owner = factories.merchant()
    (request,) = studio.requested(owner, studio.want(studio.photo(owner), studio.version()))
    assert paint_bucket(studio.FlatPainter(bad_seeds=(request.seed,)), studio.key()) == 1
    assert sizes == [(320, 256), (320, 256), (300, 250)]  # a failure, what stands, its exact size
    final = open_image(load(str(Creative.objects.get().final.name))).rgb
    assert np.array_equal(final, judged[-1])
    assert not np.array_equal(final, judged[0])


def test_an_error_while_judging_anew_leaves_the_earlier_picture_to_a_person(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks: list[int] = []

    def judge_once(*given: Any, **options: Any) -> Any:
        looks.append(1)
        if len(looks) == 2:
            raise RuntimeError("no memory for the second look")
        return judge(*given, **options)

    monkeypatch.setattr(attempts, "judge", judge_once)
    owner = factories.merchant()
    (request,) = studio.requested(owner, studio.want(studio.photo(owner), studio.version()))
    assert paint_bucket(studio.FlatPainter(bad_seeds=(request.seed,)), studio.key()) == 1
    creative = Creative.objects.get()
    assert (creative.status, creative.seed, creative.record["verdict"]) == ("in_review", request.seed, "fail")
    assert len(looks) == 2


def test_after_a_rejection_no_seed_comes_twice_and_seeds_wrap_around() -> None:
    owner = factories.merchant()
    (request,) = studio.requested(owner, studio.want(studio.photo(owner), studio.version()))
    CreativeRequest.objects.update(seed=MAX_SEED)
    assert paint_bucket(studio.FlatPainter(bad_seeds=(MAX_SEED,)), studio.key()) == 1
    first = Creative.objects.get()
    assert first.seed == 0
    reject(first.pk, "not nice")
    assert requeue(request.pk)
    assert paint_bucket(studio.FlatPainter(), studio.key()) == 1
    assert Creative.objects.latest("pk").seed == 1


def test_every_size_says_how_it_was_made_also_those_that_are_rendered_later() -> None:
    owner = factories.merchant()
    image, version = studio.photo(owner), studio.version()
    (request,) = studio.requested(owner, studio.want(image, version))
    assert paint_bucket(studio.FlatPainter(), studio.key()) == 1
    studio.requested(owner, studio.want(image, version, 336, 280))
    assert render_missing(request.pk) == 1
    creative = Creative.objects.get()
    expected = Provenance(
        SourceType.COMPOSITE, "studio-tiny", request.pipeline_version,
        f"{version.prompt_id}/{version.version}", str(request.seed),
    )  # fmt: skip
    files = [creative.final, *(rendition.file for rendition in creative.renditions.order_by("width"))]
    assert [read_provenance(load(str(file.name))) for file in files] == [expected] * 3
    assert open_image(load(str(files[2].name))).width == 336
    painted = read_provenance(load(str(creative.generated.name)))
    assert painted == replace(expected, source_type=SourceType.PAINTED)
    assert read_provenance(load(str(creative.mask.name))) is None
