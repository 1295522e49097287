"""Builders for the review desk: creatives with or without pictures drawn for them."""

from __future__ import annotations

import io
import itertools
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image, ImageDraw

from creatives.models import (
    Creative,
    CreativeRequest,
    Merchant,
    Product,
    ProductImage,
    PromptVersion,
    Recommender,
    Rendition,
)
from tests import factories

_count = itertools.count(1)
STEPS = ("mask", "placed", "edges", "generated", "final")
GROUNDS = ("#c9b28f", "#9db6a5", "#a9b7cd", "#d6b3ad", "#bcb7a6")


def creative(
    of: Merchant,
    *,
    product: Product | None = None,
    prompt: PromptVersion | None = None,
    sizes: int = 1,
    drawn: bool = False,
    image: ProductImage | None = None,
    **fields: Any,
) -> Creative:
    """A creative in review of a product of its own, wanted in ``sizes`` sizes; ``drawn`` stores pictures for it."""
    number = next(_count)
    product = product or factories.product(of, category=factories.category())
    image = image or product.images.first() or factories.image(product, sha256=f"{number:064x}")
    prompt = prompt or factories.prompt_version(factories.category())
    request = CreativeRequest.objects.create(
        merchant=of,
        image_sha256=image.sha256,
        prompt_version=prompt,
        bucket="320x256",
        layout="s72-s-m8",
        pipeline_version="test",
        seed=number,
        status="done",
    )
    names = {step: f"review-test/{number}/{step}.png" for step in STEPS}
    if drawn:
        for step, name in names.items():
            names[step] = default_storage.save(name, _drawing(number, step))
        image.file = default_storage.save(f"review-test/{number}/original.png", _drawing(number, "original"))
        image.save()
    record = fields.pop("record", {"verdict": "pass", "quality": {"structure": 0.91, "sharpness": 0.4}})
    made = Creative.objects.create(
        merchant=of, request=request, seed=number, record=record, **(names | fields)
    )
    for index in range(sizes):
        Rendition.objects.create(request=request, creative=made, width=300 + index, height=250)
    return made


def recommender(of: Merchant) -> Recommender:
    """A recommender with an endpoint, so that decisions write webhook messages."""
    made = Recommender.objects.create(
        name=f"recommender {next(_count)}",
        webhook_url="https://hook.example/",
        webhook_secret="whsec_" + "A" * 32,
    )
    made.merchants.add(of)
    return made


def _drawing(number: int, step: str) -> ContentFile[bytes]:
    """A vase before a wall: enough to tell original, steps and result apart."""
    size = (400, 400) if step == "original" else (640, 512)
    width, height = size
    ground = {"mask": "black", "edges": "black", "original": "white", "placed": (0, 0, 0, 0)}.get(
        step, GROUNDS[number % len(GROUNDS)]
    )
    picture = Image.new("RGBA", size, ground)
    draw = ImageDraw.Draw(picture)
    if step in ("generated", "final"):
        draw.rectangle((0, height * 0.72, width, height), fill="#7b5b3e")
        draw.ellipse((width * 0.34, height * 0.82, width * 0.66, height * 0.9), fill="#5f4630")
    outline = "white" if step in ("mask", "edges") else "#24405e"
    fill = {"mask": "white", "edges": None, "generated": "#3a6a8a"}.get(step, "#2f6db0")
    box = (width * 0.38, height * 0.3, width * 0.62, height * 0.86)
    draw.rounded_rectangle(box, radius=40, fill=fill, outline=outline, width=4)
    draw.rectangle(
        (width * 0.45, height * 0.2, width * 0.55, height * 0.33), fill=fill, outline=outline, width=4
    )
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return ContentFile(stream.getvalue())
