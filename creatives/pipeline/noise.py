"""Initial noise whose wide blotches are damped: few-step samplers take these for shapes of the scene and keep them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from .buckets import Size

SIGMA = 1.0
"""Deviation of the Gaussian that tells wide from fine, in latent cells: what is wider than about six cells is damped."""


def calm_noise(noise: torch.Tensor, calm: float | torch.Tensor) -> torch.Tensor:
    """Noise (N, C, h, w) less ``calm`` × its own Gaussian blur, which wraps around; the same shape.

    calm: 0 leaves the noise white, 1 takes its mean and all wide blotches away; or one value per picture, (N, 1, 1, 1).
    The samplers' equations are linear in the noise, so they hold for it as for white noise; a denoiser that was trained
    on white noise reads what is missing as a plainer picture. Fine noise stays as it is, so its texture does.
    """
    import torch
    from torch.nn import functional as F  # noqa: N812

    channels, height, width = noise.shape[1:]
    radius = min(math.ceil(3 * SIGMA), height, width)
    places = torch.arange(-radius, radius + 1, dtype=noise.dtype, device=noise.device)
    bell = torch.exp(-0.5 * (places / SIGMA) ** 2)
    bell = (bell / bell.sum()).expand(channels, 1, -1)
    wide = F.pad(noise, (radius,) * 4, mode="circular")
    wide = F.conv2d(wide, bell[:, :, None, :], groups=channels)
    wide = F.conv2d(wide, bell[:, :, :, None], groups=channels)
    return noise - calm * wide


def initial_noise(pipe: Any, bucket: Size, seeds: Sequence[int], calm: float) -> torch.Tensor:
    """float32 (N, C, h, w) latents for a diffusers pipeline to begin with: each seed's own noise, calmed."""
    import torch

    factor = pipe.vae_scale_factor
    shape = (pipe.unet.config.in_channels, bucket.height // factor, bucket.width // factor)
    drawn = [torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed)) for seed in seeds]
    return calm_noise(torch.stack(drawn), calm)
