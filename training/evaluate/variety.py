"""Do seeds differ? Distances between backgrounds that share a prompt, against renders that share a description."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

U8 = NDArray[np.uint8]


def perceptual_distance(first: Sequence[Tensor], second: Sequence[Tensor], visible: Tensor) -> float:
    """Distance of two pictures from their activations (C, h, w) at several layers, as in LPIPS with even weights.

    Channels are scaled to unit length at each place, squared differences averaged over the places where ``visible``
    (H, W), 0..1, says that both pictures show background, and over layers (Zhang et al. 2018, equation 1).
    """
    total = 0.0
    for a, b in zip(first, second, strict=True):
        apart = (F.normalize(a, dim=0) - F.normalize(b, dim=0)).square().sum(0)
        weight = F.adaptive_avg_pool2d(visible[None, None], (apart.shape[0], apart.shape[1]))[0, 0]
        total += float((apart * weight).sum() / weight.sum().clamp(min=1e-6))
    return total / len(first)


def background(alpha: U8, side: int, grow: int = 9) -> Tensor:
    """float32 (side, side): 1 where the picture shows no product, nor anything within ``grow`` pixels of it."""
    small = cv2.resize(alpha, (side, side), interpolation=cv2.INTER_AREA)
    covered = cv2.dilate((small >= 64).astype(np.uint8), np.ones((2 * grow + 1,) * 2, np.uint8))
    return torch.from_numpy(1 - covered.astype(np.float32))


def spread(layers: Sequence[Sequence[Tensor]], backgrounds: Sequence[Tensor]) -> list[float]:
    """The distances of all pairs of a group of pictures: activations and background of each."""
    return [
        perceptual_distance(layers[i], layers[j], backgrounds[i] * backgrounds[j])
        for i, j in combinations(range(len(layers)), 2)
    ]
