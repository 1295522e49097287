"""A small network that finds the product in a picture, trained on the exact coverage of renders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F  # noqa: N812

from creatives.pipeline.masknet import MaskNet, answered, overlap_loss
from training.dataset import scene_names
from training.evaluate.augment import framed, retouched, warped
from training.evaluate.networks import Schedule, as_tensor, channels_last, kept_network
from training.evaluate.renders import Renders, for_testing, load_renders, squeezed
from training.precision import half_precision

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

SIDE = 192
LOOKS = (SIDE, 256)
"""Pictures are looked at twice, at these sides: the closer look sees what is small, the other what is large. On renders the
network has not seen, both together find more than either.
"""
BATCH, PEAK, STEPS = 16, 3e-3, 3000


class Finder(MaskNet):
    """A U-Net of our own that finds products in scenes."""

    def find(self, pictures: Sequence[U8]) -> list[Bool]:
        """Where the product is: bool (H, W) for each uint8 (H, W, 3) picture, at the picture's own size."""
        self.eval()
        found: list[Bool] = []
        for start in range(0, len(pictures), 32):
            group = pictures[start : start + 32]
            looks = zip(*(self._look(group, side) for side in LOOKS), strict=True)
            for picture, answers in zip(group, looks, strict=True):
                size = (picture.shape[1], picture.shape[0])
                sized = [cv2.resize(answer, size, interpolation=cv2.INTER_CUBIC) for answer in answers]
                found.append(np.asarray(np.sum(sized, axis=0) > 0, np.bool_))
        return found

    def _look(self, pictures: Sequence[U8], side: int) -> F32:
        """Logits (N, side / 2, side / 2)."""
        x = as_tensor(np.stack([squeezed(picture, side) for picture in pictures]))
        with half_precision():
            return np.asarray(answered(self, x)[:, 0].numpy(), np.float32)


def train_finder(renders: Renders, steps: int, seed: int = 1) -> Finder:
    """Train on renders of ``SIDE``, none of them for testing. One line of progress every 100 steps."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = channels_last(Finder())
    schedule = Schedule(network, PEAK, steps)
    network.train()
    for step in range(steps):
        chosen = rng.integers(len(renders), size=BATCH)
        pictures, covers = zip(*(_view(renders, int(k), rng) for k in chosen), strict=True)
        with half_precision():
            logits = network(as_tensor(np.stack(pictures)))
        wanted = F.avg_pool2d(torch.from_numpy(np.stack(covers)).float()[:, None] / 255, 2)
        loss = overlap_loss(logits.float(), wanted)
        schedule.learn(step, loss)
        if (step + 1) % 100 == 0:
            print(f"finder: step {step + 1} of {steps}, loss {loss.item():.3f}", flush=True)
    return network.eval()


def trained_finder(scenes: Path, work: Path, steps: int = STEPS) -> Finder:
    """The finder for a folder of renders: from ``work`` if it saw nearly all of them, else trained."""
    names = [name for name in scene_names(scenes) if not for_testing(name)]
    return kept_network(
        work / "finder.pt",
        names,
        (SIDE, steps),
        Finder,
        lambda: train_finder(load_renders(scenes, SIDE, names), steps),
    )


def _view(renders: Renders, place: int, rng: np.random.Generator) -> tuple[U8, U8]:
    """One augmented picture with its coverage; now and then the product has another exposure than its setting."""
    picture, alpha = renders.rgb[place], renders.alpha[place]
    if rng.random() < 0.5:
        weight = alpha[..., None].astype(np.float32) / 255
        tinted = np.clip(picture * rng.uniform(0.4, 1.6, 3), 0, 255)
        picture = (picture * (1 - weight) + tinted * weight + 0.5).astype(np.uint8)
    matrix = framed(rng, picture.shape[0])
    return retouched(warped(picture, matrix), rng), warped(alpha, matrix)
