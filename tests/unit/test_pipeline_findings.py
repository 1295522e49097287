"""Where the quality gate sees trouble: edges that the painting ignores, and ground in the product's colours."""

from __future__ import annotations

import numpy as np
import pytest

from creatives.pipeline.edges import draw_edges
from creatives.pipeline.findings import CONTINUED, MISSED, draw_findings
from creatives.pipeline.horizon import with_horizon
from creatives.pipeline.measures import grown
from creatives.pipeline.setting_lines import BESIDE

SIZE = (96, 96)
BLUE, GREY = (30, 60, 200), (200, 200, 200)


def scene(painted: tuple[slice, slice]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A blue square product in the middle; ``painted`` is what the painting makes blue."""
    placed = np.zeros((*SIZE, 4), np.uint8)
    placed[32:64, 32:64] = (*BLUE, 255)
    generated = np.full((*SIZE, 3), GREY, np.uint8)
    generated[painted] = BLUE
    edges = draw_edges(np.ascontiguousarray(placed[..., :3]), np.ascontiguousarray(placed[..., 3]))
    return generated, edges, placed


def coloured(picture: np.ndarray, colour: tuple[int, ...]) -> np.ndarray:
    return np.asarray((picture == colour).all(axis=2))


def test_a_painting_that_keeps_to_the_product_has_no_findings() -> None:
    picture = draw_findings(*scene((slice(32, 64), slice(32, 64))))
    assert not picture.any()


def test_ignored_edges_are_marked_along_the_product() -> None:
    missed = coloured(draw_findings(*scene((slice(0, 0), slice(0, 0)))), MISSED)
    rows, columns = np.nonzero(missed)
    assert missed.sum() >= 4 * 30
    assert (rows.min(), columns.min()) >= (30, 30)
    assert (rows.max(), columns.max()) <= (65, 65)


def test_lines_of_the_setting_that_the_painting_ignores_are_no_finding() -> None:
    generated, edges, placed = scene((slice(32, 64), slice(32, 64)))
    product = placed[..., 3] >= 128
    sketched = with_horizon(edges, product, 48)
    sketched[20:26, 4:90] = np.where(grown(product, BESIDE)[20:26, 4:90], edges[20:26, 4:90], 255)
    assert (sketched != edges).sum() > 40
    assert not draw_findings(generated, sketched, placed).any()


def test_what_continues_the_product_is_marked_outside_of_it() -> None:
    picture = draw_findings(*scene((slice(32, 64), slice(32, 80))))
    continued = coloured(picture, CONTINUED)
    assert continued[40:60, 66].all()
    assert not continued[40:60, 40].any()
    assert not continued[:, :28].any()


def test_pictures_of_different_sizes_are_refused() -> None:
    generated, edges, placed = scene((slice(0, 0), slice(0, 0)))
    with pytest.raises(ValueError, match="differ in size"):
        draw_findings(generated, edges[:-1], placed)
