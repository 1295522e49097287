"""Photos that bring their own alpha: shadows baked into it, colours stained by a careless cut-out."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from creatives.pipeline.alpha import haze, product_alpha, separate_shadow, stain
from creatives.pipeline.cutout import cut_out
from creatives.pipeline.image_io import from_array
from creatives.pipeline.segment import segment

from .pipeline_models import studio_photo

U8 = NDArray[np.uint8]


def cut_product(soft: float = 0.7) -> tuple[U8, U8]:
    """A mug with an antialiased outline: colours and alpha."""
    photo, truth = studio_photo(240, 200, (255, 255, 255), (170, 60, 40))
    alpha = cv2.GaussianBlur(truth.astype(np.float32), (0, 0), soft)
    return np.full_like(photo, (170, 60, 40)), np.rint(255 * alpha).astype(np.uint8)


def with_shadow(
    rgb: U8, alpha: U8, strength: float = 0.5, sigma: float = 9.0, shift: int = 14
) -> tuple[U8, U8]:
    """The product over a black shadow, both in one straight-alpha picture."""
    own = alpha.astype(np.float32) / 255
    shadow = cv2.GaussianBlur(np.roll(own, (shift, shift), (0, 1)), (0, 0), sigma) * strength
    both = own + shadow * (1 - own)
    colours = rgb * (own / np.maximum(both, 1e-6))[..., None]
    return np.rint(colours).astype(np.uint8), np.rint(255 * both).astype(np.uint8)


@pytest.mark.parametrize(("strength", "sigma"), [(0.3, 6.0), (0.5, 9.0), (0.7, 14.0)])
def test_a_soft_shadow_is_taken_out_and_the_outline_stays_soft(strength: float, sigma: float) -> None:
    rgb, alpha = cut_product()
    own, separated = separate_shadow(*with_shadow(rgb, alpha, strength, sigma))
    assert separated
    error = np.abs(own.astype(int) - alpha) / 255
    assert error.mean() < 0.002
    assert ((own >= 128) != (alpha >= 128)).mean() < 0.001


def test_a_shadow_in_a_handle_goes_with_the_one_around() -> None:
    rgb, alpha = cut_product()
    baked = with_shadow(rgb, alpha, 0.6, 14.0)
    hole = (slice(95, 105), slice(150, 156))
    assert baked[1][hole].max() > 40
    assert alpha[hole].max() <= 2
    assert separate_shadow(*baked)[0][hole].max() <= 2


def test_a_product_without_a_shadow_is_left_alone() -> None:
    rgb, alpha = cut_product()
    own, separated = separate_shadow(rgb, alpha)
    assert not separated
    assert own is alpha


def test_dark_glass_with_an_outline_is_no_shadow() -> None:
    rgb = np.full((160, 160, 3), 25, np.uint8)
    alpha = np.zeros((160, 160), np.uint8)
    alpha[30:130, 40:120] = 120
    alpha[30:38, 40:120] = 255  # its lid
    own, separated = separate_shadow(rgb, alpha)
    assert not separated
    assert np.array_equal(own, alpha)
    assert haze(own) > 0.5


def test_the_mask_says_what_was_done_and_what_is_doubtful() -> None:
    rgb, alpha = cut_product()
    mask = segment(from_array(np.dstack(with_shadow(rgb, alpha))))
    assert (mask.method, mask.confidence) == ("alpha", 1.0)
    assert mask.warnings == ("a shadow baked into the photo's alpha was taken out",)
    glass = np.full_like(rgb, 25)
    doubtful = segment(
        from_array(np.dstack([glass, np.where(alpha > 200, 120, alpha // 2).astype(np.uint8)]))
    )
    assert doubtful.confidence == 0.7
    assert "half-transparent" in doubtful.warnings[0]


def test_specks_go_and_pairs_stay() -> None:
    alpha = np.zeros((80, 80), np.uint8)
    alpha[10:40, 10:40] = alpha[45:75, 45:75] = 255
    alpha[2:4, 70:72] = 255
    own, _ = product_alpha(np.full((80, 80, 3), 90, np.uint8), alpha)
    assert (own[2:4, 70:72] == 0).all()
    assert own[20, 20] == own[60, 60] == 255


def test_clean_colours_keep_their_codes_out_to_the_rim() -> None:
    rgb, alpha = cut_product(1.2)
    rgb = np.where(alpha[..., None] > 0, rgb, 0).astype(np.uint8)
    assert stain(rgb, alpha) is None
    product = cut_out(np.dstack([rgb, alpha])).product
    seen = product[..., 3] > 0
    assert (product[seen][:, :3] == (170, 60, 40)).all()


@pytest.mark.parametrize("backdrop", [(255, 255, 255), (0, 0, 0), (90, 160, 90)])
def test_colours_stained_by_a_backdrop_are_cleaned(backdrop: tuple[int, int, int]) -> None:
    rgb, alpha = cut_product(1.2)
    share = alpha[..., None] / 255
    stained = np.rint(rgb * share + np.array(backdrop) * (1 - share)).astype(np.uint8)
    found = stain(stained, alpha)
    assert found is not None
    assert np.abs(found - backdrop).max() < 25
    product = cut_out(np.dstack([stained, alpha])).product
    rim = (product[..., 3] > 60) & (product[..., 3] < 200)
    off = np.abs(product[rim][:, :3].astype(int) - (170, 60, 40)).mean()
    before = np.abs(stained[(alpha > 60) & (alpha < 200)].astype(int) - (170, 60, 40)).mean()
    assert off < 0.4 * before
