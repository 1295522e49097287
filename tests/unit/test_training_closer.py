"""Closer views of scenes, and small modules trained for a few steps."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training.dataset import Scene
from training.latents import CLOSEST, closer
from training.models import new_vision_encoder
from training.products import teach_products
from training.progress import fit


def scene(width: int, height: int, box: tuple[int, int, int, int]) -> Scene:
    left, top, right, bottom = box
    alpha = np.zeros((height, width), np.uint8)
    alpha[top:bottom, left:right] = 255
    rgb = np.dstack([alpha, np.full_like(alpha, 9), 255 - alpha])
    return Scene("1-00000", {}, rgb, alpha)


@given(
    st.integers(0, 2**32), st.integers(0, 300), st.integers(0, 200), st.integers(1, 240), st.integers(1, 160)
)
def test_a_closer_view_has_all_of_the_product_and_is_not_enlarged(
    seed: int, left: int, top: int, width: int, height: int
) -> None:
    whole = scene(384, 288, (left, top, min(384, left + width), min(288, top + height)))
    view = closer(whole, random.Random(seed), (256, 192))
    assert view is not None
    assert view.size[0] >= 256
    assert view.size[1] >= 192
    assert view.size[0] >= CLOSEST * 384 - 1
    assert view.size[0] / view.size[1] == pytest.approx(4 / 3, abs=0.01)
    assert view.alpha.sum() == whole.alpha.sum()
    assert np.array_equal(view.rgb[..., 0], view.alpha)


@pytest.mark.parametrize(
    ("box", "smallest"),
    [((10, 2, 100, 286), (128, 96)), ((2, 10, 382, 100), (128, 96)), ((10, 10, 100, 100), (384, 288))],
)
def test_there_is_none_where_the_product_or_the_size_leaves_no_room(
    box: tuple[int, int, int, int], smallest: tuple[int, int]
) -> None:
    assert closer(scene(384, 288, box), random.Random(1), smallest) is None
    assert closer(scene(384, 288, (10, 10, 100, 100)), random.Random(1), (128, 96)) is not None


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that goes on by a second whenever it is read: what is boxed by time makes the same number of steps."""
    now = itertools.count()
    monkeypatch.setattr("training.progress.time.monotonic", lambda: float(next(now)))


@pytest.mark.usefixtures("seconds")
def test_a_module_is_fitted_to_its_losses(capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(1)
    line, x = torch.nn.Linear(1, 1), torch.linspace(-1, 1, 16)[:, None]
    fit(line, 20, lambda: {"error": (line(x) - 2 * x).square().mean()}, peak=0.05)
    assert line.weight.item() == pytest.approx(2.0, abs=0.02)
    assert "step 50  error" in capsys.readouterr().out


@pytest.mark.usefixtures("seconds")
def test_the_vision_encoder_learns_what_products_look_like() -> None:
    torch.manual_seed(1)
    pictures = torch.full((8, 3, 64, 64), 255, dtype=torch.uint8)
    pictures[:4, 0, 16:48, 16:48] = 0
    pictures[4:, 1:, 24:40] = 0
    seer = teach_products(new_vision_encoder(), pictures, ["bag"] * 4 + ["mug"] * 4, 1.5)
    with torch.no_grad():
        scores, _ = seer(pictures)
    assert scores.argmax(1).tolist() == [0] * 4 + [1] * 4
