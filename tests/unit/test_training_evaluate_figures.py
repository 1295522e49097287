"""Estimates, distances and palettes against values that can be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from creatives.pipeline.expansion import expansion, overlap
from training.evaluate.adherence import accuracy
from training.evaluate.conditioning import circular_distance, hue_histogram, mean_distance
from training.evaluate.distance import kernel_distance, mmd
from training.evaluate.estimates import mean, paired, share
from training.evaluate.labels import Labels
from training.evaluate.variety import background, perceptual_distance, spread


def test_wilson_interval():
    estimate = share(1150, 50_000)
    assert estimate["value"] == 0.023
    assert math.isclose(estimate["low"], 0.0217222480, abs_tol=1e-10)
    assert math.isclose(estimate["high"], 0.0243510414, abs_tol=1e-10)
    assert share(0, 100)["low"] == 0 == 1 - share(100, 100)["high"]
    assert math.isclose(share(0, 100)["high"], 0.0369934982, abs_tol=1e-10)


def test_students_interval():
    estimate = mean([1.0, 2.0, 3.0, 4.0])
    half = 3.182446305284263 * math.sqrt(5 / 3) / 2
    assert estimate["value"] == 2.5
    assert math.isclose(estimate["high"] - 2.5, half, rel_tol=1e-12)
    assert math.isclose(2.5 - estimate["low"], half, rel_tol=1e-12)


def test_paired_differences_do_not_see_what_pairs_have_in_common():
    estimate = paired([11.0, 21.0, 31.0], [10.0, 20.0, 30.0])
    assert (estimate["low"], estimate["value"], estimate["high"]) == (1.0, 1.0, 1.0)


def test_nothing_has_no_estimate():
    with pytest.raises(ValueError, match="count is 0"):
        share(0, 0)
    for values in ([], [7.0]):
        with pytest.raises(ValueError, match=f"{len(values)} values has no interval"):
            mean(values)


def test_accuracy_counts_only_what_the_prompt_names():
    wanted = [Labels("oak", "wall"), Labels("oak", ""), Labels("sand", "sea"), Labels("", "wall")]
    named = [Labels("oak", "wall"), Labels("sand", "sea"), Labels("sand", "wall"), Labels("oak", "wall")]
    found = accuracy(named, wanted)
    assert found["surface"]["per_label"] == {"oak": (1, 2), "sand": (1, 1)}
    assert found["surface"]["confused"] == [("oak", "sand", 1)]
    assert found["backdrop"]["per_label"] == {"sea": (0, 1), "wall": (2, 2)}
    assert found["backdrop"]["overall"]["count"] == 3
    assert accuracy([Labels("oak", "sea")], [Labels("", "sea")])["surface"] is None


def test_kernel_distance_by_hand():
    # Kernel (x·y / 1 + 1)³: within {0, 1} k(0, 1) = 1; within {2, 3} k(2, 3) = 343; across 1, 1, 27, 64.
    first, second = np.array([[0.0], [1.0]]), np.array([[2.0], [3.0]])
    assert mmd(first, second) == 1 + 343 - 2 * (1 + 1 + 27 + 64) / 4


def test_kernel_distance_is_unbiased_and_grows_with_a_shift():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(400, 16)), rng.normal(size=(400, 16))
    same = kernel_distance(first, second)
    apart = kernel_distance(first, second + 0.5)
    assert abs(same["mean"]) < 3 * same["deviation"] / 10
    assert apart["mean"] > 10 * same["deviation"]
    assert (same["size"], same["counts"]) == (50, (400, 400))


def test_too_few_pictures_for_a_kernel_distance():
    with pytest.raises(ValueError, match="at least 8"):
        kernel_distance(np.zeros((7, 4)), np.zeros((20, 4)))


def disc(radius: int, side: int = 40) -> np.ndarray:
    y, x = np.mgrid[0:side, 0:side] - side // 2
    return np.asarray(np.hypot(x, y) <= radius)


def test_overlap_and_expansion():
    small, large = disc(8), disc(12)
    assert overlap(small, small) == 1
    assert overlap(small, ~small) == 0
    assert overlap(np.zeros((2, 2), bool), np.zeros((2, 2), bool)) == 1
    assert expansion(small, large) == 0  # what is lost does not make up for what is gained
    assert expansion(large, small) == large.sum() / small.sum() - 1


def flat_lab(colour: tuple[float, float, float]) -> np.ndarray:
    lab = np.zeros((4, 8, 3), np.float32)
    lab[:, :4] = colour
    return lab


def test_palette_distances():
    left = np.zeros((4, 8), bool)
    left[:, :4] = True
    lab = flat_lab((50, 30, 40))
    assert math.isclose(mean_distance(lab, left, ~left), math.sqrt(50**2 + 30**2 + 40**2), rel_tol=1e-6)
    red, green = hue_histogram(flat_lab((50, 60, 0)), left), hue_histogram(flat_lab((50, -60, 0)), left)
    assert circular_distance(red, red) == 0
    assert math.isclose(circular_distance(red, green), 180, rel_tol=1e-3)


def test_hue_distance_goes_the_short_way_round():
    bins = np.eye(24)
    assert circular_distance(bins[0], bins[23]) == 15
    assert circular_distance(bins[2], bins[8]) == 90


def test_grey_has_no_hue_and_is_as_near_to_any():
    grey = hue_histogram(flat_lab((50, 0, 0)), np.ones((4, 8), bool))
    assert np.allclose(grey, 1 / 24)


def test_perceptual_distance_sees_only_the_background():
    torch.manual_seed(0)
    first, second = torch.randn(3, 6, 6), torch.randn(3, 6, 6)
    everything, left = torch.ones(6, 6), torch.zeros(6, 6)
    left[:, :3] = 1
    half_changed = first.clone()
    half_changed[:, :, 3:] = second[:, :, 3:]
    assert perceptual_distance([first], [first], everything) == 0
    assert perceptual_distance([first], [half_changed], left) == 0
    assert perceptual_distance([first], [-first], everything) == pytest.approx(4)  # opposite unit vectors
    assert perceptual_distance([first], [2 * first], everything) == pytest.approx(0, abs=1e-6)


def test_spread_has_a_value_for_each_pair():
    torch.manual_seed(0)
    pictures = [[torch.randn(3, 6, 6)] for _ in range(4)]
    assert len(spread(pictures, [torch.ones(6, 6)] * 4)) == 6


def test_the_product_and_its_surroundings_are_no_background():
    alpha = np.zeros((60, 60), np.uint8)
    alpha[30, 30] = 255
    visible = background(alpha, 60, grow=2)
    assert visible.sum() == 60 * 60 - 25
