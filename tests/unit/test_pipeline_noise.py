"""The initial noise of small checkpoints: wide blotches damped, fine grain kept."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DPMSolverMultistepScheduler
from hypothesis import given, settings
from hypothesis import strategies as st

from creatives.pipeline.buckets import Size
from creatives.pipeline.noise import SIGMA, calm_noise, initial_noise
from creatives.pipeline.painter import Painter, PaintJob
from creatives.pipeline.profiles import CheckpointError, ProfileError, profile_from_folder

from .pipeline_models import save_tiny_checkpoint, tiny_pipeline, tiny_profile

calms = st.floats(0, 1)
sides = st.integers(2, 40)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def wave(period: int, side: int) -> torch.Tensor:
    row = torch.cos(2 * math.pi * torch.arange(side, dtype=torch.float64) / period)
    return row.expand(1, 1, side, side).contiguous()


def test_calm_nothing_changes_nothing() -> None:
    white = noise(2, 3, 8, 12)
    assert torch.equal(calm_noise(white, 0.0), white)


@settings(deadline=None)
@given(calm=calms, height=sides, width=sides)
def test_the_mean_is_damped_by_calm_at_any_size(calm: float, height: int, width: int) -> None:
    white = noise(2, 3, height, width)
    calmed = calm_noise(white, calm)
    assert calmed.shape == white.shape
    torch.testing.assert_close(calmed.mean((2, 3)), (1 - calm) * white.mean((2, 3)))


@settings(deadline=None)
@given(first=st.integers(0, 99), second=st.integers(0, 99), weight=st.floats(-3, 3), calm=calms)
def test_it_is_linear(first: int, second: int, weight: float, calm: float) -> None:
    a, b = noise(1, 2, 9, 16, seed=first), noise(1, 2, 9, 16, seed=second)
    torch.testing.assert_close(
        calm_noise(a + weight * b, calm), calm_noise(a, calm) + weight * calm_noise(b, calm)
    )


@pytest.mark.parametrize("period", [2, 4, 8, 16, 32])
def test_waves_are_damped_as_the_gaussian_says(period: int) -> None:
    kept = 1 - math.exp(-2 * (math.pi * SIGMA / period) ** 2)
    torch.testing.assert_close(calm_noise(wave(period, 32), 1.0), kept * wave(period, 32), atol=0.01, rtol=0)


def test_each_picture_has_its_own_calm() -> None:
    white = noise(3, 2, 8, 8)
    calmed = calm_noise(white, torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)[:, None, None, None])
    for place, calm in enumerate((0.0, 0.5, 1.0)):
        torch.testing.assert_close(calmed[place : place + 1], calm_noise(white[place : place + 1], calm))


@pytest.fixture(scope="module")
def pipe() -> Any:
    return tiny_pipeline()


def test_a_picture_s_noise_depends_on_its_own_seed_alone(pipe: Any) -> None:
    several = initial_noise(pipe, Size(64, 128), [5, 6], 0.5)
    assert several.shape == (
        2,
        pipe.unet.config.in_channels,
        128 // pipe.vae_scale_factor,
        64 // pipe.vae_scale_factor,
    )
    assert torch.equal(several[1:], initial_noise(pipe, Size(64, 128), [6], 0.5))


def test_the_painter_paints_as_the_stock_pipeline_does_from_that_noise(pipe: Any) -> None:
    edges = np.zeros((64, 64), np.uint8)
    edges[10:50, 20] = 255
    profile = tiny_profile(calm=0.7)
    painted = Painter(profile, pipe=pipe).paint([PaintJob(edges, "a mug", seed=9)])[0]
    wanted = pipe(
        "a mug",
        image=torch.from_numpy(edges).float()[None, None].expand(-1, 3, -1, -1) / 255,
        width=64,
        height=64,
        num_inference_steps=profile.steps,
        guidance_scale=profile.guidance_scale,
        latents=initial_noise(pipe, Size(64, 64), [9], 0.7),
        output_type="np",
    ).images[0]
    white = Painter(tiny_profile(), pipe=pipe).paint([PaintJob(edges, "a mug", seed=9)])[0]
    assert np.abs(painted - np.rint(np.clip(wanted, 0, 1) * 255)).max() <= 1
    assert not np.array_equal(painted, white)


def test_a_profile_s_file_says_how_calm_and_refuses_what_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "profile.json").write_text(json.dumps({"calm": 0.6}))
    assert profile_from_folder(tmp_path).calm == 0.6
    (tmp_path / "profile.json").write_text(json.dumps({"calm": 1.5}))
    with pytest.raises(ProfileError, match=r"calm is 1\.5"):
        profile_from_folder(tmp_path)


def test_a_profile_s_own_noise_levels_are_sampled_at(tmp_path: Path) -> None:
    pipe = tiny_pipeline()
    pipe.scheduler = DPMSolverMultistepScheduler.from_config(pipe.scheduler.config)
    (tmp_path / "profile.json").write_text(json.dumps({"steps": 3, "timesteps": [999, 900, 300]}))
    levels = profile_from_folder(tmp_path).timesteps
    seen: list[int] = []
    painter = Painter(tiny_profile(steps=3, timesteps=levels), pipe=pipe)
    edges = np.zeros((64, 64), np.uint8)
    edges[10:50, 20] = 255
    painter.paint([PaintJob(edges, "a mug")], on_step=lambda: seen.append(len(seen)))
    assert pipe.scheduler.timesteps.tolist() == [999, 900, 300]
    assert len(seen) == 3


def test_a_scheduler_that_takes_no_levels_is_named_when_the_checkpoint_is_loaded(tmp_path: Path) -> None:
    folder = save_tiny_checkpoint(tmp_path / "tiny")
    profile = replace(profile_from_folder(folder), scheduler="ddim", timesteps=(999, 300))
    with pytest.raises(CheckpointError, match="DDIMScheduler takes no timesteps"):
        Painter(profile).warm()


@pytest.mark.parametrize(
    "levels", [[999, 900], [999, 999, 300], [300, 900, 999], [1000, 900, 300], [999.5, 9, 3], 5]
)
def test_noise_levels_that_do_not_fall_once_per_step_are_refused(tmp_path: Path, levels: object) -> None:
    (tmp_path / "profile.json").write_text(json.dumps({"steps": 3, "timesteps": levels}))
    with pytest.raises(ProfileError, match=r"timesteps is .* a list of 3 falling whole numbers"):
        profile_from_folder(tmp_path)
