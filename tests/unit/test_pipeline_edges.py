"""Step 3: edges of the product, and of nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from creatives.pipeline.edges import draw_edges


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


def test_an_empty_mask_has_no_edges() -> None:
    assert not draw_edges(np.full((32, 32, 3), 200, np.uint8), np.zeros((32, 32), np.uint8)).any()


def test_wrong_shapes_are_refused() -> None:
    rgb, alpha = square(9)
    with pytest.raises(ValueError, match="alpha must be uint8"):
        draw_edges(rgb, alpha[:-1])
    with pytest.raises(ValueError, match="rgb must be uint8"):
        draw_edges(rgb.astype(np.float32), alpha)
