"""The painted product's rim beside the real one: how it stands out, as it is painted and as step 5 leaves it.

``python -m benchmarks rim [--paintings 31] [--out docs/images/pipeline-rim.jpg]``. Products of the demo in settings that the
shipped checkpoint paints. For each pixel within `RIM` of the product the ΔE*ab to the mean colour, around it, of what is
two to four times as far away; the same farther out, where nothing was done, is what the setting itself has.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.__main__ import Result
from benchmarks._painted import as_it_should_be
from creatives.pipeline.compose import compose
from creatives.pipeline.measures import lab
from creatives.pipeline.rim import RIM, SEEN, without_rim

U8 = NDArray[np.uint8]
SHOWN = 4


def run() -> list[Result]:
    options = _options()
    cases = as_it_should_be(options.paintings)
    painted, left, setting, took = [], [], [], []
    for case in cases:
        alpha = case.placed[..., 3]
        started = time.process_time()
        clean = without_rim(case.generated, alpha)
        took.append(time.process_time() - started)
        painted.append(stands_out(case.generated, alpha, (0, 1)))
        left.append(stands_out(clean, alpha, (0, 1)))
        setting.append(stands_out(case.generated, alpha, (4, 5)))
    if options.out:
        _sheet([(case.placed, case.generated) for case in cases[:SHOWN]]).save(
            options.out, quality=86, optimize=True
        )
    before = float(np.mean(painted))
    return [
        {"name": f"rim as painted, {len(cases)} products", "value": before, "unit": "ΔE"},
        {
            "name": "rim as step 5 leaves it", "value": float(np.mean(left)), "unit": "ΔE",
            "versus": "as painted", "ratio": float(np.mean(left)) / before,
        },
        {"name": "the setting further out", "value": float(np.mean(setting)), "unit": "ΔE"},
        {"name": "processor's time", "value": 1000 * float(np.median(took)), "unit": "ms/creative"},
    ]  # fmt: skip


def stands_out(picture: U8, alpha: U8, band: tuple[float, float]) -> float:
    """Mean ΔE*ab of a band around the product, in multiples of `RIM`, to the colours two to four times `RIM` away."""
    width = RIM * float(np.sqrt(alpha.size))
    away = cv2.distanceTransform((alpha < SEEN).astype(np.uint8), cv2.DIST_L2, 5) / width
    chosen = (away > band[0]) & (away <= band[1])
    share = ((away > 2) & (away <= 4)).astype(np.float32)
    told = cv2.GaussianBlur(share, (0, 0), 2 * width)
    chosen &= told > 0.02
    colours = lab(picture)
    around = cv2.GaussianBlur(colours * share[..., None], (0, 0), 2 * width)[chosen] / told[chosen][:, None]
    return float(np.linalg.norm(colours[chosen] - around, axis=1).mean())


def _sheet(shown: list[tuple[U8, U8]]) -> Image.Image:
    """As painted above, as step 5 leaves it below; the products pasted and shown at twice their size."""
    rows = [
        np.hstack(
            [compose(placed, treat(generated, placed[..., 3]), shadow=0.0) for placed, generated in shown]
        )
        for treat in (lambda generated, _: generated, without_rim)
    ]
    sheet = np.vstack(rows)
    return Image.fromarray(cv2.resize(sheet, None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks rim", description=__doc__)
    parser.add_argument("--paintings", type=int, default=12)
    parser.add_argument("--out", type=Path)
    first = next((k for k, argument in enumerate(sys.argv) if argument.startswith("-")), len(sys.argv))
    return parser.parse_known_args(sys.argv[first:])[0]
