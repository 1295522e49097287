"""Noise levels that training shows."""

from collections import Counter

import torch

from training.diffusion import SAMPLED, draw_steps
from training.models import LEVELS


def test_most_levels_are_the_samplers_own_in_equal_shares():
    torch.manual_seed(1)
    count, rounds = 80, 50
    found = Counter(level for _ in range(rounds) for level in draw_steps(count).tolist())
    assert sum(found[level] for level in LEVELS) >= SAMPLED * count * rounds
    for level in LEVELS:
        assert abs(found[level] / (count * rounds) - SAMPLED / len(LEVELS)) < 0.02


def test_levels_stay_in_range_and_a_batch_is_spread_over_them():
    torch.manual_seed(2)
    for _ in range(200):
        levels = draw_steps(12)
        assert levels.dtype == torch.int64
        assert 0 <= levels.min() <= levels.max() <= 999
        assert len(set(levels.tolist()) & set(LEVELS)) >= 7
