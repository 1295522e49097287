"""The latent space: principal components of 8 × 8 patches, and two channels that say which cell is odd.

Product scenes are smooth: twelve components of a patch's 192 numbers keep 35 dB, more than a learned encoder of the
same size reached in a quarter of an hour. A linear space also needs no training, cannot drift, and its channels are
known by their effect on the picture, so they can be scaled for the denoiser: large where errors show.

``AutoencoderTiny`` upsamples by repetition, after which convolutions cannot tell the left half of a cell from its right
half wherever neighbours are alike. The two last channels alternate from cell to cell, and give that away.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.dataset import load_scene, scene_names

SIDE, COMPONENTS, CODES = 8, 12, 2
CHANNELS = COMPONENTS + CODES
EVENNESS = 0.6
"""Latent deviation ∝ (deviation of the component) ** EVENNESS: 1 is pixel space, 0 is white."""

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class PatchBasis:
    """mean (3,) colour in -1..1; vectors (COMPONENTS, 3, 8, 8) orthonormal; gains (COMPONENTS,) latent per unit."""

    mean: F64
    vectors: F64
    gains: F64

    @classmethod
    def fit(cls, folder: Path, sample: int = 400, seed: int = 0) -> PatchBasis:
        """Principal components over ``sample`` scenes and their mirror images."""
        names = scene_names(folder)
        random.Random(seed).shuffle(names)
        second, total, mean = np.zeros((192, 192)), 0, np.zeros(3)
        chosen = names[:sample]
        pictures = [load_scene(folder, name).rgb.astype(np.float64) / 127.5 - 1 for name in chosen]
        mean = np.mean([p.mean((0, 1)) for p in pictures], axis=0)
        for picture in pictures:
            for turned in (picture, picture[:, ::-1]):
                rows = _patches(turned - mean)
                second += rows.T @ rows
                total += len(rows)
        values, vectors = np.linalg.eigh(second / total)
        deviations = np.sqrt(values[::-1][:COMPONENTS])
        wanted = deviations**EVENNESS
        wanted /= np.sqrt(np.mean(wanted**2))
        return cls(mean, vectors[:, ::-1][:, :COMPONENTS].T.reshape(-1, 3, SIDE, SIDE), wanted / deviations)

    def save(self, path: Path) -> None:
        """Write as .npz."""
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, mean=self.mean, vectors=self.vectors, gains=self.gains)

    @classmethod
    def load(cls, path: Path) -> PatchBasis:
        """Read what `save` wrote."""
        with np.load(path) as stored:
            return cls(stored["mean"], stored["vectors"], stored["gains"])

    def encode(self, pictures: Tensor) -> Tensor:
        """Latents (N, CHANNELS, H/8, W/8) of pictures (N, 3, H, W) in -1..1; sides are multiples of 8."""
        kernel = torch.from_numpy(self.vectors * self.gains[:, None, None, None]).float()
        centred = pictures.float() - torch.from_numpy(self.mean).float().view(1, 3, 1, 1)
        data = torch.nn.functional.conv2d(centred, kernel, stride=SIDE)
        return torch.cat([data, codes(data.shape[2], data.shape[3]).expand(len(data), -1, -1, -1)], 1)

    def decode(self, latents: Tensor) -> Tensor:
        """Pictures (N, 3, 8h, 8w) by the transposed map, without any learned part."""
        kernel = torch.from_numpy(self.vectors / self.gains[:, None, None, None]).float()
        flat = torch.nn.functional.conv_transpose2d(latents[:, :COMPONENTS].float(), kernel, stride=SIDE)
        return flat + torch.from_numpy(self.mean).float().view(1, 3, 1, 1)


def load_basis(work: Path, scenes: Path) -> PatchBasis:
    """The latent space of a training folder, fitted to the scenes first if need be."""
    if not (work / "basis.npz").exists():
        PatchBasis.fit(scenes).save(work / "basis.npz")
    return PatchBasis.load(work / "basis.npz")


def codes(height: int, width: int) -> Tensor:
    """(1, CODES, height, width): +1 in even columns and -1 in odd ones, then the same for rows."""
    across = 1 - 2 * (torch.arange(width) % 2).float()
    down = 1 - 2 * (torch.arange(height) % 2).float()
    return torch.stack([across.expand(height, width), down[:, None].expand(height, width)])[None]


def _patches(picture: F64) -> F64:
    """(patches, 192) rows, channel first, of a picture (H, W, 3)."""
    height, width = (side // SIDE for side in picture.shape[:2])
    cut = picture[: height * SIDE, : width * SIDE].reshape(height, SIDE, width, SIDE, 3)
    return cut.transpose(0, 2, 4, 1, 3).reshape(-1, 192)
