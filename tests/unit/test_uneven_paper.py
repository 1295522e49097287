"""Studio paper that bends from floor to wall, or is lit unevenly: no plane for a flood, and no part of the product.

The photos were rendered by this project (`python -m training studio --seed 2`), with their products' exact coverage.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from creatives.pipeline.expansion import overlap
from creatives.pipeline.image_io import SourceImage, open_image
from creatives.pipeline.measures import grown
from creatives.pipeline.opinion import Contested, adjoining, is_even, settle, settle_freely
from creatives.pipeline.segment import DOUBTFUL, PAPER, UNEVEN, Mask, segment
from creatives.pipeline.segmenter import Segmenter
from creatives.pipeline.studio_mask import studio_mask

PHOTOS = Path(__file__).parent / "studio_photos"
SIDE = 120
BOX = slice(40, 80), slice(40, 80)


def photo(name: str) -> tuple[SourceImage, np.ndarray]:
    truth = np.asarray(Image.open(PHOTOS / f"{name}.png").convert("L")) > 0
    return open_image((PHOTOS / f"{name}.jpg").read_bytes()), truth


def is_right(mask: Mask, truth: np.ndarray) -> float:
    return overlap(mask.alpha >= 128, truth)


@pytest.mark.parametrize("name", ["jar", "tube", "soap", "towels"])
def test_our_own_network_tells_the_product_from_the_paper(name: str, tmp_path: Path) -> None:
    image, truth = photo(name)
    with_it, without = (Segmenter(choice, tmp_path).segment(image) for choice in ("auto", "none"))
    assert is_right(without, truth) < 0.5
    assert without.confidence < DOUBTFUL
    assert is_right(with_it, truth) > 0.85


def test_where_light_changes_along_the_border_its_word_alone_is_taken_and_marked(tmp_path: Path) -> None:
    image, _ = photo("soap")
    with_it, without = (Segmenter(choice, tmp_path).segment(image) for choice in ("auto", "none"))
    assert (with_it.method, without.method) == ("studio-mask", "grabcut")
    assert UNEVEN in with_it.warnings
    assert with_it.confidence <= PAPER


class Seer:
    """A network that always sees the same."""

    name, fingerprint = "seer", "0"

    def __init__(self, look: np.ndarray) -> None:
        self.look = look

    def predict(self, rgb: np.ndarray) -> np.ndarray:
        return self.look


def test_another_network_takes_the_paper_out_too() -> None:
    for name in ("jar", "tube"):
        image, truth = photo(name)
        seer = Seer(truth.astype(np.float32))
        assert is_right(segment(image, lambda seer=seer: seer), truth) > 0.8  # type: ignore[misc]
        assert is_right(segment(image), truth) < 0.5


def test_beside_another_network_that_sees_badly_ours_has_a_word_too() -> None:
    for name in ("jar", "tube"):
        image, truth = photo(name)
        floor_too = (segment(image).alpha >= 128) & grown(truth, 12)
        seer = Seer(np.maximum(truth, 0.6 * floor_too).astype(np.float32))
        alone, beside = (
            is_right(segment(image, lambda seer=seer: seer, *ours), truth)  # type: ignore[misc]
            for ours in ((), (studio_mask,))
        )
        assert alone < 0.85 < beside


def grey(wall: float, floor: float) -> np.ndarray:
    """CIELAB (H, W, 3): lightness goes from wall to floor over the lower half, and a darker box stands before it."""
    lab = np.zeros((SIDE, SIDE, 3), np.float32)
    lab[..., 0] = np.interp(np.arange(SIDE), [0, SIDE // 2, SIDE - 1], [wall, wall, floor])[:, None]
    lab[BOX] = (40, 10, 10)
    return lab


def test_paper_is_even_and_an_outline_is_not() -> None:
    even = is_even(grey(90, 75))
    assert even[100, 20]
    assert even[60, 60]
    assert not even[60, 40]
    assert not even[40, 60]


def test_only_what_goes_over_into_the_backdrop_adjoins_it() -> None:
    product = np.zeros((SIDE, SIDE), np.bool_)
    product[BOX] = product[90:] = True  # the flood left the floor
    found = adjoining(is_even(grey(90, 75)), product)
    assert found[95:115, 5:115].all()
    assert not found[BOX].any()


def test_paper_goes_only_where_the_network_does_not_see_the_product() -> None:
    product, paper = np.zeros((2, SIDE, SIDE), np.bool_)
    product[BOX] = product[90:] = paper[90:] = True
    look = np.full((SIDE, SIDE), 0.02, np.float32)
    look[BOX] = 0.98
    nothing = np.zeros_like(product)
    settled = settle(product, Contested(nothing, nothing, paper), look)
    assert settled[BOX].all()
    assert settled.sum() == 40 * 40
    look[90:] = 0.5
    assert np.array_equal(settle(product, Contested(nothing, nothing, paper), look), product)


def test_what_the_network_sees_is_drawn_to_the_photos_outline_and_what_no_paper_is_stays() -> None:
    rgb = np.full((SIDE, SIDE, 3), 220, np.uint8)
    rgb[BOX] = (200, 60, 50)
    look = np.full((SIDE, SIDE), 0.05, np.float32)
    look[39:81, 41:79] = 0.95
    nothing = np.zeros((SIDE, SIDE), np.bool_)
    truth = nothing.copy()
    truth[BOX] = True
    assert overlap(settle_freely(nothing, ~nothing, look, rgb), truth) > 0.97
    handle = nothing.copy()
    handle[58:66, 90:110] = True  # left by the flood, of a colour that no paper has
    look[58:66, 90:110] = 0.3
    assert settle_freely(handle, nothing, look, rgb)[59:65, 91:109].all()
    assert not settle_freely(handle, ~nothing, look, rgb)[:, 85:].any(), "it could be paper"
    look[58:66, 90:110] = 0.1
    assert not settle_freely(handle, nothing, look, rgb)[:, 85:].any(), "the network is sure"
