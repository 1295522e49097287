"""Scenes in memory: buckets, recolouring, loss weights, the learning rate."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from PIL import Image

from training.dataset import Scene, by_size, load_scene, load_scenes, recolour_product, turn_hue
from training.latents import PRODUCT_WEIGHT, loss_weight, shrink, training_size
from training.progress import learning_rate


def scene(width: int = 64, height: int = 32) -> Scene:
    random_ = np.random.default_rng(4)
    rgb = random_.integers(40, 200, (height, width, 3), dtype=np.uint8)
    alpha = np.zeros((height, width), np.uint8)
    alpha[8:24, 16:48] = 255
    return Scene("1-00000", {}, rgb, alpha)


def test_a_batch_never_mixes_sizes():
    assert by_size([(256, 256), (320, 256), (256, 256)]) == {(256, 256): [0, 2], (320, 256): [1]}


def test_scenes_are_read_once_and_only_when_complete(tmp_path):
    made = scene()
    Image.fromarray(made.rgb).save(tmp_path / "1-00000.jpg")
    rgba = np.dstack([made.rgb, made.alpha])
    Image.fromarray(rgba).save(tmp_path / "1-00000.png")
    assert load_scenes(tmp_path) == {}
    (tmp_path / "1-00000.json").write_text(json.dumps({"surface": "oak"}))
    found = load_scenes(tmp_path)
    assert found["1-00000"].spec == {"surface": "oak"}
    assert found["1-00000"].size == (64, 32)
    assert load_scenes(tmp_path, found)["1-00000"] is found["1-00000"]


def test_a_coverage_of_another_size_is_refused(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "1-00000.jpg")
    Image.new("RGBA", (8, 9)).save(tmp_path / "1-00000.png")
    (tmp_path / "1-00000.json").write_text("{}")
    with pytest.raises(ValueError, match=r"1-00000: picture is \(8, 8\), coverage is \(9, 8\)"):
        load_scene(tmp_path, "1-00000")


def test_turning_hue_keeps_luma_and_a_whole_turn_changes_nothing():
    rgb = scene().rgb
    luma = np.array([0.299, 0.587, 0.114])
    greyish = (rgb * 0.2 + 100).astype(np.uint8)
    assert np.abs(turn_hue(greyish, 0.37) @ luma - greyish @ luma).max() < 1.5
    assert np.abs(turn_hue(rgb, 1.0).astype(int) - rgb).max() <= 1


def test_recolouring_leaves_everything_outside_the_product_alone():
    made = scene()
    changed = recolour_product(made, random.Random(2))
    outside = made.alpha == 0
    assert np.array_equal(changed[outside], made.rgb[outside])
    assert not np.array_equal(changed[~outside], made.rgb[~outside])


def test_large_and_small_renders_meet_at_the_same_sizes():
    small = Scene(
        "1-00000", {"seed": 1}, *[np.zeros((192, 320, 3), np.uint8), np.zeros((192, 320), np.uint8)]
    )
    large = Scene(
        "2-00000", {"seed": 2}, *[np.zeros((288, 480, 3), np.uint8), np.zeros((288, 480), np.uint8)]
    )
    assert training_size(large, 1) == (480, 288)
    assert training_size(small, 1) == (320, 192)
    assert training_size(small, 2 / 3) == training_size(large, 2 / 3) == (320, 192)
    assert training_size(small, 1 / 3) == training_size(large, 1 / 3) == (160, 96)
    assert shrink(large, (160, 96)).alpha.shape == (96, 160)
    assert shrink(small, (320, 192)) is small


def test_the_loss_is_light_inside_the_product_and_whole_at_its_outline():
    alpha = np.zeros((64, 64), np.uint8)
    alpha[16:56, 16:56] = 255
    weight = loss_weight(alpha)[0]
    assert weight.shape == (8, 8)
    assert weight[4, 4] == pytest.approx(PRODUCT_WEIGHT)
    assert weight[0, 0] == weight[2, 2] == 1


def test_the_learning_rate_warms_up_and_falls_to_its_floor():
    assert learning_rate(1e-3, 0, 0.0, warmup=10) == pytest.approx(1e-4)
    assert learning_rate(1e-3, 500, 0.0) == learning_rate(1e-3, 500, 0.66) == pytest.approx(1e-3)
    assert learning_rate(1e-3, 500, 5 / 6, floor=0) == pytest.approx(5e-4)
    assert learning_rate(1e-3, 500, 1.0, floor=0.03) == pytest.approx(3e-5)
