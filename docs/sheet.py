"""Draw docs/images/creatives.jpg: the five steps of one creative, and products of the demo in the settings of their pools.

    .venv/bin/python docs/sheet.py

Takes a minute or two on two cores.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from creatives.pipeline import Painter, get_profile, make_creative

ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "creatives" / "demo"
CELL, GAP = (300, 250), 8
STEPS = ("1 mask", "2 placed", "3 edges", "4 painted", "5 product cut back in")
ROWS = (
    ("Apparel & Accessories", ("snk-blu", "tote-tan", "watch-brn")),
    ("Home & Garden", ("mug-blu", "vase-wht", "lamp-mus")),
    ("Health & Beauty", ("bot-grn", "jar-pnk", "soap-tan")),
    ("Electronics", ("head-blk", "spk-nvy", "phone-blk")),
)


def fit(picture: np.ndarray) -> Image.Image:
    """The picture as a cell of the sheet, transparent parts on grey."""
    image = Image.fromarray(picture)
    if image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, (214, 214, 214, 255)), image)
    image = image.convert("RGB")
    image.thumbnail(CELL, Image.Resampling.LANCZOS)
    return image


def main() -> None:
    painter = Painter(get_profile("studio-tiny"))
    pools = json.loads((DEMO / "prompts.json").read_text())
    width = 5 * (CELL[0] + GAP) + GAP
    sheet = Image.new("RGB", (width, (len(ROWS) + 1) * (CELL[1] + GAP + 20) + GAP), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    top = GAP
    for row, (category, products) in enumerate(ROWS):
        cells = []
        for column, product in enumerate((*products, *products)[:5]):
            prompt = pools[category][column % 3]
            photo = (DEMO / "images" / f"{product}.jpg").read_bytes()
            made = make_creative(
                photo,
                prompt["text"],
                (600, 500),
                seed=column,
                negative_prompt=prompt["negative_text"],
                painter=painter,
            )
            cells.append((fit(made.final), prompt["name"]))
            if row == 0 and column == 0:
                for place, (label, picture) in enumerate(zip(STEPS, made.steps.values(), strict=True)):
                    left = GAP + place * (CELL[0] + GAP)
                    sheet.paste(fit(picture), (left, top))
                    pen.text((left, top + CELL[1] + 2), label, "black", font)
                top += CELL[1] + GAP + 20
        for place, (image, label) in enumerate(cells):
            left = GAP + place * (CELL[0] + GAP)
            sheet.paste(image, (left, top))
            pen.text((left, top + CELL[1] + 2), label, "black", font)
        top += CELL[1] + GAP + 20
    target = ROOT / "docs" / "images" / "creatives.jpg"
    sheet.crop((0, 0, width, top)).save(target, quality=86, optimize=True)
    print(f"{target.relative_to(ROOT)}: {target.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
