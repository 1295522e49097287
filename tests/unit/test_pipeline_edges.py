"""Step 3: edges of the product, and of nothing else."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from creatives.pipeline.buckets import Size
from creatives.pipeline.edges import adaptive_thresholds, draw_edges
from creatives.pipeline.layout import Layout
from creatives.pipeline.stages import prepare


def square(colour: int, side: int = 64) -> tuple[np.ndarray, np.ndarray]:
    rgb = np.zeros((side, side, 3), np.uint8)
    alpha = np.zeros((side, side), np.uint8)
    alpha[16:48, 20:44] = 255
    rgb[16:48, 20:44] = colour
    return rgb, alpha


@pytest.mark.parametrize("colour", [0, 127, 255])
def test_the_outline_is_drawn_whatever_the_products_colour(colour: int) -> None:
    rgb, alpha = square(colour)
    edges = draw_edges(rgb, alpha)
    assert edges.dtype == np.uint8
    assert set(np.unique(edges)) == {0, 255}
    assert (edges[16:48, 20] == 255).all()
    assert (edges[16, 20:44] == 255).all()
    assert not edges[:15].any()
    assert not edges[:, :19].any()


def test_what_is_outside_the_mask_draws_nothing() -> None:
    rgb, alpha = square(90)
    rgb[:, ::7] = np.where(alpha[:, ::7, None] > 0, rgb[:, ::7], 255)
    assert np.array_equal(draw_edges(rgb, alpha), draw_edges(*square(90)))


def test_dark_detail_on_a_dark_product_is_found() -> None:
    rgb, alpha = square(20)
    rgb[30:34, 24:40] = 45
    inner = draw_edges(rgb, alpha, contour=False)[24:40, 24:40]
    assert inner.any()
    assert not draw_edges(rgb, alpha, contour=False, thresholds=(100.0, 200.0))[24:40, 24:40].any()


def test_without_contour_a_grey_product_has_no_edges() -> None:
    rgb, alpha = square(127)
    assert not draw_edges(rgb, alpha, contour=False).any()


@pytest.mark.parametrize("tone", [12, 246])
@pytest.mark.parametrize("contour", [True, False])
def test_a_faint_label_on_a_black_or_white_product_is_found(tone: int, contour: bool) -> None:
    rgb, alpha = square(tone)
    rgb[28:36, 26:38] = tone + (8 if tone < 128 else -8)
    label = draw_edges(rgb, alpha, contour=contour)[25:39, 23:41]
    assert (label > 0).sum() >= 30
    assert not draw_edges(rgb, alpha, contour=contour, thresholds=(100.0, 200.0))[25:39, 23:41].any()


def test_the_noise_of_a_plain_black_product_is_not_drawn() -> None:
    rgb, alpha = square(14)
    noise = np.random.default_rng(0).normal(0, 1.2, rgb.shape)
    noisy = np.clip(rgb + noise * (alpha[..., None] > 0), 0, 255).astype(np.uint8)
    assert not draw_edges(noisy, alpha)[20:44, 24:40].any()


def test_a_product_of_some_contrast_is_drawn_as_ever() -> None:
    """The thresholds that a shipped checkpoint was trained with: half of, and the 90th percentile of the gradient."""
    rgb, alpha = square(120)
    rgb[24:40, 26:38] = (200, 90, 40)
    low, high = adaptive_thresholds(
        np.where(alpha > 0, cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), 127).astype(np.uint8), alpha > 0
    )
    assert high == 2 * low
    assert np.array_equal(draw_edges(rgb, alpha), draw_edges(rgb, alpha, thresholds=(low, high)))


@pytest.mark.parametrize(("product", "backdrop"), [(8, 22), (252, 240)])
def test_black_on_black_and_white_on_white_keep_their_contour(product: int, backdrop: int) -> None:
    """From the photo on: the mask finds a product of nearly the backdrop's tone, and its outline is drawn whole."""
    photo = np.full((160, 160, 3), backdrop, np.uint8)
    ys, xs = np.mgrid[:160, :160]
    truth = ((ys - 80) / 50) ** 2 + ((xs - 80) / 38) ** 2 <= 1
    photo[truth] = product
    prepared = prepare(photo, Size(256, 256), Layout(70, "c", 4))
    assert abs((prepared.mask >= 128).sum() - truth.sum()) < 0.02 * truth.sum()
    outline = draw_edges(prepared.placed[..., :3].copy(), prepared.placed[..., 3].copy())
    solid = (prepared.placed[..., 3] >= 128).astype(np.uint8)
    rim = solid - cv2.erode(solid, np.ones((3, 3), np.uint8))
    assert (outline[rim > 0] == 255).all()


def test_an_empty_mask_has_no_edges() -> None:
    assert not draw_edges(np.full((32, 32, 3), 200, np.uint8), np.zeros((32, 32), np.uint8)).any()


def test_wrong_shapes_are_refused() -> None:
    rgb, alpha = square(9)
    with pytest.raises(ValueError, match="alpha must be uint8"):
        draw_edges(rgb, alpha[:-1])
    with pytest.raises(ValueError, match="rgb must be uint8"):
        draw_edges(rgb.astype(np.float32), alpha)
