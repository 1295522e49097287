"""Requests painted by a real diffusers ControlNet pipeline (random weights), in a batch, and left between two steps."""

from __future__ import annotations

import pytest

from creatives.models import Creative, CreativeRequest
from creatives.pipeline import MemoryCache, Painter, open_image
from creatives.pipeline.version import pipeline_version
from creatives.services.files import load
from creatives.services.generation import bucket_key
from creatives.services.painting import paint_bucket
from creatives.worker import StopPainting
from tests import factories, studio
from tests.unit.pipeline_models import tiny_pipeline, tiny_profile

pytestmark = pytest.mark.django_db


def test_a_batch_is_painted_and_a_stop_between_two_steps_gives_it_back() -> None:
    profile = tiny_profile()
    painter = Painter(profile, pipe=tiny_pipeline())
    merchant, version = factories.merchant(), studio.version("an oak table")
    key = bucket_key(pipeline_version(profile), "128x64")
    for colour in ((200, 40, 40), (40, 40, 200)):
        row = CreativeRequest.objects.create(
            merchant=merchant,
            image_sha256=studio.photo(merchant, colour).sha256,
            prompt_version=version,
            bucket="128x64",
            layout=studio.LAYOUT,
            pipeline_version=pipeline_version(profile),
            seed=7,
        )
        row.renditions.create(width=200, height=90)
    steps = 0

    def stop_at_the_second_step() -> None:
        nonlocal steps
        steps += 1
        if steps == 2:
            raise StopPainting

    with pytest.raises(StopPainting):
        paint_bucket(painter, key, on_step=stop_at_the_second_step)
    assert set(CreativeRequest.objects.values_list("status", "attempts", "fence")) == {("queued", 0, 1)}
    assert Creative.objects.count() == 0

    assert paint_bucket(painter, key, MemoryCache()) == 2
    assert set(CreativeRequest.objects.values_list("status", "attempts", "fence")) == {("done", 1, 2)}
    for creative in Creative.objects.all():
        assert open_image(load(str(creative.generated.name))).rgb.shape == (64, 128, 3)
        assert open_image(load(str(creative.renditions.get().file.name))).rgb.shape == (90, 200, 3)
        assert creative.record["profile"] == "tiny-random"
