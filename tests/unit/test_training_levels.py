"""Noise levels that training shows, and what follows from a velocity."""

from collections import Counter

import torch
from diffusers import DDPMScheduler

from training.diffusion import SAMPLED, clean_latents, draw_steps
from training.models import LEVELS, SCHEDULE


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


def test_clean_latents_are_those_that_were_noised():
    torch.manual_seed(3)
    schedule = DDPMScheduler(**SCHEDULE)
    real, noise, steps = torch.randn(8, 3, 4, 4), torch.randn(8, 3, 4, 4), torch.tensor(LEVELS)
    noisy = schedule.add_noise(real, noise, steps)
    velocity = schedule.get_velocity(real, noise, steps)
    assert torch.allclose(clean_latents(schedule, noisy, velocity, steps), real, atol=1e-5)
