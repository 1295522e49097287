"""Draw the sheets of docs/pipeline.md: layouts, edges, and light and ground. No model is needed; a minute on one core.

    python docs/pipeline_sheets.py [--out docs/images] [--products FILE …] [--scenes FILE …]
    python docs/pipeline_sheets.py --time     # what shadow and compositing take at 1080×1080

The products are the demo catalogue's; without --scenes their backgrounds are a drawn wall and table.
"""

from __future__ import annotations

import argparse
import sys
import time
import timeit
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from creatives.pipeline.buckets import Size, bucket_for  # noqa: E402
from creatives.pipeline.compose import compose, crop_painting, place  # noqa: E402
from creatives.pipeline.cutout import Cutout, cut_out  # noqa: E402
from creatives.pipeline.edges import draw_edges  # noqa: E402
from creatives.pipeline.layout import Insets, Layout, TextArea  # noqa: E402
from creatives.pipeline.light import HARMONY, SHADOW_STRENGTH, Light  # noqa: E402
from creatives.pipeline.shading import contact_shadow  # noqa: E402
from creatives.pipeline.stages import prepare, render  # noqa: E402
from creatives.pipeline.standing import stand  # noqa: E402

U8 = NDArray[np.uint8]
PRODUCTS = [
    ROOT / "creatives/demo/images" / name
    for name in ("mug-blu.jpg", "lamp-mus.jpg", "snk-red.jpg", "bot-grn.jpg")
]
PAPER, INK = (250, 249, 246), (40, 44, 52)
WARM, COOL = ((226, 200, 168), (214, 188, 154)), ((188, 206, 216), (206, 208, 206))
LAYOUTS = (
    ((300, 250), Layout(), "plain"),
    ((300, 250), Layout(72, "s", 6, Insets(0, 0, 22, 0)), "safe zone below"),
    ((600, 314), Layout(80, "s", 5, text=TextArea(0, 0, 48, 100)), "text at the left"),
    ((600, 314), Layout(80, "c", 5, text=TextArea(25, 70, 75, 30)), "text in a corner"),
    ((728, 90), Layout(90, "e", 6, text=TextArea(0, 0, 70, 100)), "banner with text"),
    ((180, 320), Layout(80, "s", 6, Insets(14, 0, 20, 0)), "story: badges above and below"),
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=ROOT / "docs/images")
    parser.add_argument("--products", type=Path, nargs="+", default=PRODUCTS)
    parser.add_argument("--scenes", type=Path, nargs="+", default=[])
    parser.add_argument("--time", action="store_true")
    options = parser.parse_args()
    if options.time:
        measure(cut_out(options.products[0]))
        return
    cutouts = [cut_out(path) for path in options.products]
    scenes = [np.asarray(Image.open(path).convert("RGB"), np.uint8) for path in options.scenes]
    for name, sheet in (
        ("layouts", layouts(options.products)),
        ("edges", edges(cutouts)),
        ("light", light(cutouts, scenes or [drawn_scene(*colours) for colours in (WARM, COOL)])),
    ):
        path = options.out / f"pipeline-{name}.jpg"
        sheet.save(path, quality=86, optimize=True)
        print(f"{path}: {sheet.width}×{sheet.height}, {path.stat().st_size // 1024} KB")


def measure(cutout: Cutout, side: int = 1080) -> None:
    """Print milliseconds of processor time of one thread, the fastest of seven."""
    cv2.setNumThreads(1)
    frame = Size(side, side)
    placed, scene = placed_in(cutout, frame), drawn_scene(*WARM, side=side)
    for name, work in {
        "contact_shadow": lambda: contact_shadow(placed[..., 3]),
        "compose, no shadow, no harmony": lambda: compose(placed, scene, shadow=0.0),
        "compose": lambda: compose(placed, scene, harmony=HARMONY),
    }.items():
        print(
            f"{name}: {min(timeit.repeat(work, timer=time.process_time, number=1, repeat=7)) * 1000:.1f} ms"
        )


def drawn_scene(wall: tuple[int, int, int], table: tuple[int, int, int], side: int = 512) -> U8:
    """A wall lit from the left over a table with some grain."""
    rows, columns = np.mgrid[:side, :side] / side
    horizon = 0.62
    fall = (1.08 - 0.3 * columns - 0.1 * rows)[..., None]
    noise = np.random.default_rng(3).normal(0, 1, (side, side)).astype(np.float32)
    grain = cv2.GaussianBlur(noise, (0, 0), sigmaX=14, sigmaY=0.8)[..., None] * 60
    picture = np.where((rows > horizon)[..., None], np.array(table) * fall + grain, np.array(wall) * fall)
    return np.clip(cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 0.8), 0, 255).astype(np.uint8)


def layouts(products: list[Path]) -> Image.Image:
    """Placements with their safe zone and text area drawn in, for a few products."""
    rows = []
    for path in products[:3]:
        cells = []
        for size, layout, title in LAYOUTS:
            bucket = bucket_for(*size)
            prepared = prepare(path, bucket, layout)
            painting = fitted_to(drawn_scene(*COOL), bucket)
            picture = Image.fromarray(render(prepared, painting, size).final)
            _draw_zones(picture, layout)
            cells.append((picture, title))
        rows.append(cells)
    return grid(rows, width=220, height=180)


def _draw_zones(picture: Image.Image, layout: Layout) -> None:
    pen = ImageDraw.Draw(picture, "RGBA")
    width, height = picture.size
    top, right, bottom, left = layout.safe
    if any(layout.safe):
        box = (
            left * width // 100,
            top * height // 100,
            width - 1 - right * width // 100,
            height - 1 - bottom * height // 100,
        )
        pen.rectangle(box, outline=(255, 255, 255, 230), width=2)
    if layout.text:
        x, y = layout.text.left * width // 100, layout.text.top * height // 100
        ends = x + layout.text.width * width // 100 - 1, y + layout.text.height * height // 100 - 1
        pen.rectangle((x, y, *ends), fill=(20, 30, 60, 90))


def edges(cutouts: list[Cutout]) -> Image.Image:
    """Products, their control picture with and without the mask's contour; the last two are black and white by drawing."""
    shown = [fitted_product(cutout.product) for cutout in cutouts[:4]] + [
        drawn_product(18),
        drawn_product(244),
    ]
    rows: list[list[tuple[Image.Image, str]]] = [[], [], []]
    for rgba in shown:
        rgb, alpha = np.ascontiguousarray(rgba[..., :3]), np.ascontiguousarray(rgba[..., 3])
        rows[0].append(
            (Image.fromarray(compose(rgba, np.full((256, 256, 3), 255, np.uint8), shadow=0)), "product")
        )
        rows[1].append((Image.fromarray(draw_edges(rgb, alpha)), "with contour"))
        rows[2].append((Image.fromarray(draw_edges(rgb, alpha, contour=False)), "without"))
    return grid(rows, width=200, height=200)


def fitted_product(product: U8, side: int = 256) -> U8:
    """The product in a square of `side` pixels, with some room around it."""
    picture = Image.fromarray(product)
    picture.thumbnail((side - 40, side - 40), Image.Resampling.LANCZOS)
    square = Image.new("RGBA", (side, side))
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return np.asarray(square, np.uint8)


def drawn_product(tone: int, side: int = 256) -> U8:
    """A box of nearly one tone with a faint lid and label: black on black, or white on white."""
    rgba = np.zeros((side, side, 4), np.uint8)
    rgba[60:210, 70:186] = (tone, tone, tone, 255)
    step = 9 if tone < 128 else -9
    rgba[60:84, 70:186, :3] = tone + step
    rgba[130:170, 96:160, :3] = tone + step
    return rgba


def light(cutouts: list[Cutout], scenes: list[U8]) -> Image.Image:
    """Each product on a scene: pasted alone, with a contact shadow, and with the scene's cast moved as well."""
    rows = []
    for index, cutout in enumerate([cutouts[0], *cutouts[2:4]]):
        cells = []
        scene = scenes[index % len(scenes)]
        bucket = Size(512, 384)
        placed = placed_in(cutout, bucket)
        painting = fitted_to(scene, bucket)
        for title, lit in (
            ("pasted", Light(0.0, 0.0)),
            ("contact shadow", Light(SHADOW_STRENGTH, 0.0)),
            ("and harmony", Light(SHADOW_STRENGTH, HARMONY)),
        ):
            cells.append(
                (
                    Image.fromarray(compose(placed, painting, shadow=lit.shadow, harmony=lit.harmony)),
                    title,
                )
            )
        rows.append(cells)
    return grid(rows, width=400, height=300)


def placed_in(cutout: Cutout, frame: Size) -> U8:
    """The product as the plain layout has it in a frame of its own bucket."""
    height, width = cutout.product.shape[:2]
    standing = stand(Size(width, height), frame, Layout(), buckets=[frame])
    return place(cutout.product, standing.box, frame)


def fitted_to(scene: U8, bucket: Size) -> U8:
    """The scene cropped and resampled to the bucket's size."""
    return crop_painting(scene, bucket)


def grid(rows: list[list[tuple[Image.Image, str]]], width: int, height: int) -> Image.Image:
    """Pictures fitted into cells of this size, each with its title below."""
    font: Any = ImageFont.load_default(13)
    gap, line = 10, 20
    columns = max(len(row) for row in rows)
    sheet = Image.new("RGB", (gap + columns * (width + gap), gap + len(rows) * (height + line + gap)), PAPER)
    pen = ImageDraw.Draw(sheet)
    for row, cells in enumerate(rows):
        for column, (picture, title) in enumerate(cells):
            factor = min(width / picture.width, height / picture.height)
            shown = picture.convert("RGB").resize(
                (max(1, round(picture.width * factor)), max(1, round(picture.height * factor))),
                Image.Resampling.LANCZOS,
            )
            x, y = gap + column * (width + gap), gap + row * (height + line + gap)
            sheet.paste(shown, (x + (width - shown.width) // 2, y + height - shown.height))
            pen.text((x + width / 2, y + height + 3), title, INK, font, anchor="ma")
    return sheet


if __name__ == "__main__":
    main()
