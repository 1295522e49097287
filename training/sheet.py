"""The sheets of the model card: what a checkpoint paints, with and without each of its conditions."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from creatives.pipeline import (
    BUCKETS,
    MemoryCache,
    Prepared,
    Size,
    bucket_for,
    make_creative,
    prepare,
    render,
)
from creatives.pipeline.cutout import cut_out
from creatives.pipeline.segment import DOUBTFUL
from creatives.pipeline.segmenter import AUTO, Segmenter
from training.catalogue import PROMPTS
from training.evaluate.painting import (
    BLANK,
    NAIVE,
    OURS,
    PLAIN,
    SWAPPED,
    Shot,
    Studio,
    open_studio,
    pasted,
    reseeded,
)
from training.evaluate.shots import OPEN_PROMPTS, Product, demo_products, folder_products
from training.grid import grid, save_jpeg, shelves, stacked

U8 = NDArray[np.uint8]

CELL = (236, 190)
SHOWN_SIZES: tuple[tuple[tuple[str, float], ...], ...] = (
    (("1200x628", 1.0),),
    (("1080x1080", 1 / 3), ("1080x1350", 4 / 15), ("1080x1920", 3 / 16), ("300x250", 1.0), ("160x600", 0.6)),
    (("728x90", 1.0), ("320x50", 1.0)),
)
SIZES_PROMPT = "on an oak wood table in front of a sage green wall, soft daylight"
MORE_PROMPTS = (
    "on green grass under a blue sky", "on a glossy black surface, bokeh lights at night",
    "flat lay on white marble, seen from above",
)  # fmt: skip
STEPS = ("1 mask", "2 placed", "3 edges", "4 painted", "5 product cut back in")


@dataclasses.dataclass
class Sheets:
    """Draws the sheets of one checkpoint around some products."""

    studio: Studio
    products: Sequence[Product]
    seed: int = 1

    def __post_init__(self) -> None:
        self._cache = MemoryCache(256 * 1024 * 1024)

    def shot(self, product: Product, prompt: str, size: tuple[int, int] = (320, 256)) -> Shot:
        """The product placed in the bucket of a size."""
        ready = self._prepared(product, Size(*size))
        return Shot(prompt, ready.placed, ready.edges, self.seed, product.name)

    def prompts(self) -> Image.Image:
        """Every prompt of the catalogue and a few more, around five products each."""
        texts = [*(text for pool in PROMPTS.values() for _, text in pool), *MORE_PROMPTS]
        rows = []
        for number, text in enumerate(texts):
            chosen = [self.products[(number + 3 * k) % len(self.products)] for k in range(5)]
            shots = [reseeded(self.shot(p, text), self.seed + number * 5 + k) for k, p in enumerate(chosen)]
            rows.append((text, self._final(shots)))
        return grid(rows, (), CELL)

    def seeds(self) -> Image.Image:
        """Five prompts, six seeds each, the product in its place."""
        texts = [pool[0][1] for pool in PROMPTS.values()] + [OPEN_PROMPTS[1]]
        rows = []
        for number, text in enumerate(texts):
            shot = self.shot(self.products[number % len(self.products)], text)
            shots = [reseeded(shot, self.seed + k) for k in range(6)]
            rows.append((text, self._final(shots)))
        return grid(rows, [f"seed {self.seed + k}" for k in range(6)], (196, 157))

    def sizes(self) -> Image.Image:
        """One product and prompt at common sizes; the first is shown at its full size."""
        product = self.products[0]
        rows = []
        for row in SHOWN_SIZES:
            line = []
            for text, factor in row:
                note = "" if factor == 1 else f", shown at {factor:.0%}".replace("%", " %")
                line.append(
                    (f"{text}{note}", self._creative(product, SIZES_PROMPT, Size.parse(text)), factor)
                )
            rows.append(line)
        return shelves(rows)

    def structure(self) -> Image.Image:
        """Raw paintings with edges, without, and by naive inpainting; then ours with the product cut back in."""
        rows = []
        texts = [text for pool in PROMPTS.values() for _, text in pool]
        for number, product in enumerate(self.products[:6]):
            shot = reseeded(self.shot(product, texts[3 * number % len(texts)]), self.seed + number)
            ways = [self.studio.paint([shot], way)[0] for way in (NAIVE, BLANK, OURS)]
            rows.append((shot.prompt, [self.studio.control(shot), *ways, pasted(shot, ways[-1])]))
        heads = (
            "edges",
            "naive inpainting",
            "without edges, raw",
            "with edges, raw",
            "with edges, product pasted",
        )
        return grid(rows, heads, CELL)

    def conditioning(self) -> Image.Image:
        """Pictures with the product's image, without it, and with another product's, colours left open."""
        if not self.studio.has_adapter:
            raise ValueError("this checkpoint has no IP-Adapter, so there is no conditioning to show")
        shots = [
            reseeded(self.shot(product, OPEN_PROMPTS[number % len(OPEN_PROMPTS)]), self.seed + number)
            for number, product in enumerate(self.products[:6])
        ]
        ways = [self.studio.paint(shots, way) for way in (PLAIN, OURS, SWAPPED)]
        rows = [
            (shot.prompt, [shot.placed, *(pasted(shot, pictures[place]) for pictures in ways)])
            for place, shot in enumerate(shots)
        ]
        return grid(
            rows, ("product", "without its picture", "with its picture", "with the next product's"), CELL
        )

    def creatives(self) -> Image.Image:
        """The five steps of one creative, and products in the settings of their pools, as the product makes them.

        Products whose masks are doubtful are left out: the product, too, has a person look at these first.
        """
        segmenter = Segmenter(AUTO)
        sure = (
            product
            for product in self.products
            if cut_out(product.photo, segmenter=segmenter).confidence >= DOUBTFUL
        )
        rows: list[tuple[str, list[U8]]] = []
        steps: list[U8] = []
        for product in itertools.islice(sure, 4):
            cells = []
            for column in range(5):
                text = product.prompts[column % len(product.prompts)]
                made = make_creative(
                    product.photo, text, (600, 500), seed=self.seed + column, painter=self.studio.painter,
                    segmenter=segmenter,
                )  # fmt: skip
                cells.append(made.final)
                steps = steps or list(made.steps.values())
            rows.append(("  ·  ".join(product.prompts), cells))
        return stacked([grid([("", steps)], STEPS, CELL), grid(rows, (), CELL)])

    def _final(self, shots: Sequence[Shot]) -> list[U8]:
        return [pasted(shot, picture) for shot, picture in zip(shots, self.studio.paint(shots), strict=True)]

    def _creative(self, product: Product, prompt: str, size: Size) -> U8:
        ready = self._prepared(product, size)
        shot = Shot(prompt, ready.placed, ready.edges, self.seed, product.name)
        return render(ready, self.studio.paint([shot])[0], size).final

    def _prepared(self, product: Product, size: Size) -> Prepared:
        buckets = self.studio.profile.buckets
        bucket = bucket_for(*size, buckets)
        return prepare(product.photo, bucket, cache=self._cache, buckets=buckets, segmenter=Segmenter(AUTO))


SHEETS: dict[str, Callable[[Sheets], Image.Image]] = {
    "prompts": Sheets.prompts,
    "seeds": Sheets.seeds,
    "sizes": Sheets.sizes,
    "structure": Sheets.structure,
    "conditioning": Sheets.conditioning,
    "creatives": Sheets.creatives,
}


def draw_sheets(
    checkpoint: Path, out: Path, names: Sequence[str] = (), products: Path | None = None, seed: int = 1
) -> list[Path]:
    """Draw the named sheets (default: all that the checkpoint can) into ``out`` as ``studio-tiny-NAME.jpg``.

    Raises ValueError for a name that does not exist.
    """
    unknown = set(names) - set(SHEETS)
    if unknown:
        raise ValueError(f"no sheet {', '.join(sorted(unknown))}; there are {', '.join(SHEETS)}")
    sheets = Sheets(
        open_studio(checkpoint, BUCKETS), folder_products(products) if products else demo_products(), seed
    )
    possible = [name for name in SHEETS if name != "conditioning" or sheets.studio.has_adapter]
    written = []
    for name in names or possible:
        path = out / ("creatives.jpg" if name == "creatives" else f"studio-tiny-{name}.jpg")
        size = save_jpeg(SHEETS[name](sheets), path)
        print(f"{path}: {size // 1000} kB", flush=True)
        written.append(path)
    return written
