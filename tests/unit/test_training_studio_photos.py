"""Studio photos to learn masks from: put together of rendered products, or taken anew."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.masks import Sources, train_masks
from training.studio_photos import retaken, studio_photo

SIDE = 96


def product() -> tuple[np.ndarray, np.ndarray]:
    rgb, alpha = np.full((120, 80, 3), (30, 90, 200), np.uint8), np.zeros((120, 80), np.uint8)
    cv2.ellipse(alpha, (40, 60), (25, 50), 0, 0, 360, 255, -1)
    rgb[::8] = (250, 240, 230)
    return rgb, alpha


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1), remade=st.booleans())
def test_a_photo_and_its_coverage_are_of_the_size_wanted_and_the_same_for_the_same_seed(
    seed: int, remade: bool
) -> None:
    rgb, alpha = product()
    if remade:
        rgb, alpha = (cv2.resize(x, (100, 100)) for x in (rgb, alpha))
    make = retaken if remade else studio_photo
    photo, cover = make(rgb, alpha, SIDE, np.random.default_rng(seed))
    assert (photo.shape, photo.dtype, cover.shape, cover.dtype) == (
        (SIDE, SIDE, 3),
        "uint8",
        (SIDE, SIDE),
        "uint8",
    )
    assert 0.02 < (cover >= 128).mean() < 0.9
    again = make(rgb, alpha, SIDE, np.random.default_rng(seed))
    assert np.array_equal(again[0], photo)
    assert np.array_equal(again[1], cover)


def test_paper_is_smooth_shadows_are_not_covered_and_half_of_the_products_are_hard_to_tell() -> None:
    rgb, alpha = product()
    shadows, faint = [], 0
    for seed in range(60):
        photo, cover = studio_photo(rgb, alpha, SIDE, np.random.default_rng(seed))
        light = photo.astype(np.float32).mean(2)
        paper = float(np.median(light[cover == 0]))
        shadows.append(float(paper - light[cover == 0].min()))
        faint += abs(float(light[cover >= 250].mean()) - paper) < 50
    assert sum(depth > 15 for depth in shadows) > 30
    assert 15 < faint < 55


def test_folders_without_scenes_or_photos_are_named(tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "a").mkdir()
    with pytest.raises(ValueError, match=r"no scenes in .*a or no studio photos in .*b: render some first"):
        train_masks(tmp_path / "a", tmp_path / "b", tmp_path / "out", 1)
    assert not (tmp_path / "out").exists()


def test_a_network_trained_for_two_steps_is_one_that_the_pipeline_reads(monkeypatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    import training.masks
    from creatives.pipeline.studio_mask import StudioMask

    rgb, alpha = product()
    square = tuple(cv2.resize(x, (100, 100)) for x in (rgb, alpha))
    monkeypatch.setattr(training.masks, "_sources", lambda *_, testing: Sources([(rgb, alpha)], [square]))
    path = tmp_path / "net" / "studio-mask.safetensors"
    train_masks(tmp_path, tmp_path, path, 2)
    network = StudioMask(path)
    look = network.predict(np.full((50, 70, 3), 200, np.uint8))
    assert (look.shape, look.dtype) == ((50, 70), "float32")
    assert 0 <= look.min() <= look.max() <= 1
    assert len(network.fingerprint) == 16
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_training_goes_on_from_weights_that_are_there(monkeypatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    import training.masks
    from creatives.pipeline.studio_mask import WEIGHTS, load_masknet
    from creatives.pipeline.weights import WeightsError

    rgb, alpha = product()
    square = tuple(cv2.resize(x, (100, 100)) for x in (rgb, alpha))
    monkeypatch.setattr(training.masks, "_sources", lambda *_, testing: Sources([(rgb, alpha)], [square]))
    monkeypatch.setattr(training.masks, "PEAK", 0.0)
    path = tmp_path / "studio-mask.safetensors"
    train_masks(tmp_path, tmp_path, path, 1, start=WEIGHTS)
    ours, given = (load_masknet(file).answer.weight for file in (path, WEIGHTS))
    assert ours.shape == given.shape
    assert float((ours - given).abs().max()) < 1e-3
    with pytest.raises(WeightsError, match=r"none\.safetensors cannot be loaded"):
        train_masks(tmp_path, tmp_path, path, 1, start=tmp_path / "none.safetensors")
