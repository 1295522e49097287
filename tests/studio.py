"""A merchant with a stored photo, and a painter without a network's weights, for tests of generation."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from numpy.typing import NDArray

from creatives.models import Creative, CreativeRequest, Merchant, ProductImage, PromptVersion, Recommender
from creatives.outbox import dispatch_once
from creatives.pipeline import PaintJob, encode_png, get_profile
from creatives.pipeline.profiles import CheckpointProfile
from creatives.services.generation import Want, bucket_key, request_creatives
from creatives.services.sizes import current_pipeline_version
from tests import factories

U8 = NDArray[np.uint8]
LAYOUT = "s72-s-m8"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


@dataclass
class FlatPainter:
    """Paints one colour per seed: the pipeline's own steps around it are the real ones.

    ``steps`` pauses of ``pause`` seconds stand for the sampler's; jobs whose prompt contains a key of ``faults`` raise;
    those with a word of ``spoils`` or one of ``bad_seeds`` ignore the product, which the quality gate fails.
    """

    profile: CheckpointProfile = field(default_factory=lambda: get_profile(settings.CHECKPOINT_PROFILE))
    steps: int = 1
    pause: float = 0.0
    faults: dict[str, Exception] = field(default_factory=dict)
    batches: list[int] = field(default_factory=list)
    is_unsafe: bool = False
    spoils: tuple[str, ...] = ()
    bad_seeds: tuple[int, ...] = ()

    def paint(self, jobs: Sequence[PaintJob], on_step: Callable[[], None] | None = None) -> list[U8]:
        self.batches.append(len(jobs))
        for text, error in self.faults.items():
            if any(text in job.prompt for job in jobs):
                raise error
        for _ in range(self.steps):
            time.sleep(self.pause)
            if on_step:
                on_step()
        return [self.picture(job) for job in jobs]

    def unsafe(self, pictures: Sequence[U8]) -> list[bool]:
        return [self.is_unsafe] * len(pictures)

    def picture(self, job: PaintJob) -> U8:
        """A grained ground in a colour of the seed, and a shape of another colour where the product will be."""
        if any(text in job.prompt for text in self.spoils) or job.seed in self.bad_seeds:
            return np.full(
                (*job.edges.shape, 3), 128, np.uint8
            )  # nothing of the product: the quality gate fails it
        digest = hashlib.sha256(str(job.seed).encode()).digest()
        grain = np.random.default_rng(job.seed).integers(-9, 10, (*job.edges.shape, 1))
        picture = np.array([digest[0] // 4, 180 + digest[1] // 4, 180 + digest[2] // 4]) + grain
        outlines = cv2.findContours(job.edges, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
        shape = cv2.drawContours(np.zeros_like(job.edges), outlines, -1, 255, -1)
        return np.where(shape[..., None] > 0, (200, 40, 40), np.clip(picture, 0, 255)).astype(np.uint8)

    def of_other_weights(self) -> FlatPainter:
        return replace(self, profile=replace(self.profile, weights="other"))


def photo(of: Merchant, colour: tuple[int, int, int] = (200, 40, 40), noise: int = 0) -> ProductImage:
    """A ready image row whose file is in the storage: a coloured block on white, or on noise of so many grey levels."""
    pixels = np.full((120, 100, 3), 255, np.uint8)
    pixels -= np.random.default_rng(1).integers(0, noise + 1, pixels.shape, np.uint8)
    pixels[30:100, 20:80] = colour
    data = encode_png(pixels)
    digest = hashlib.sha256(data).hexdigest()
    name = default_storage.save(f"images/{digest}.png", ContentFile(data))
    return factories.image(factories.product(of), sha256=digest, file=name, width=100, height=120)


def want(image: ProductImage, version: PromptVersion, width: int = 300, height: int = 250) -> Want:
    return Want(image.sha256, version.pk, width, height, LAYOUT)


def version(text: str = "") -> PromptVersion:
    return factories.prompt_version(factories.category(), text=text)


def requested(of: Merchant, *wants: Want) -> list[CreativeRequest]:
    request_creatives(of, wants)
    return list(CreativeRequest.objects.filter(merchant=of).order_by("pk"))


def key(bucket: str = "320x256") -> str:
    return bucket_key(current_pipeline_version(), bucket)


def recommender(*merchants: Merchant, url: str = "http://127.0.0.1:9/hook", **fields: Any) -> Recommender:
    number = Recommender.objects.count() + 1
    defaults = {"name": f"recommender {number}", "webhook_url": url, "webhook_secret": SECRET}
    row = Recommender.objects.create(**(defaults | fields))
    row.merchants.set(merchants)
    return row


def painted(of: Merchant, painter: FlatPainter | None = None, **wants: Any) -> Creative:
    """One creative of a new photo and prompt, through request and painting."""
    from creatives.services.painting import paint_bucket

    row = requested(of, want(photo(of), version(), **wants))[-1]
    assert paint_bucket(painter or FlatPainter(), bucket_key(row.pipeline_version, row.bucket)) == 1
    return row.creatives.get()


def drain() -> None:
    """Carry everything that is due to the queue."""
    while dispatch_once():
        pass
