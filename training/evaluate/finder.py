"""A small network that finds the product in a picture, trained on the exact coverage of renders."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from training.dataset import scene_names
from training.evaluate.augment import framed, retouched, warped
from training.evaluate.networks import Block, Schedule, as_tensor, channels_last, kept_network
from training.evaluate.renders import Renders, for_testing, load_renders, squeezed

U8 = NDArray[np.uint8]
Bool = NDArray[np.bool_]

SIDE = 160
WIDTHS = (24, 48, 96, 128)
BATCH, PEAK, STEPS = 16, 3e-3, 900


class Finder(nn.Module):
    """A U-Net (Ronneberger et al. 2015) of four levels; answers at half the sides."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, WIDTHS[0], 5, 2, 2, bias=False), nn.BatchNorm2d(WIDTHS[0]))
        self.down = nn.ModuleList(Block(a, b) for a, b in itertools.pairwise(WIDTHS))
        self.deepest = Block(WIDTHS[-1], WIDTHS[-1])
        self.up = nn.ModuleList(
            Merge(a, b) for a, b in zip((WIDTHS[-1], *WIDTHS[:0:-1]), WIDTHS[::-1], strict=True)
        )
        self.answer = nn.Conv2d(WIDTHS[0], 1, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits (N, 1, S/2, S/2) of pictures (N, 3, S, S) in -1..1."""
        levels = [self.stem(pictures)]
        for block in self.down:
            levels.append(block(levels[-1]))
        x = self.deepest(levels[-1])
        for merge, level in zip(self.up, reversed(levels), strict=True):
            x = merge(x, level)
        logits: Tensor = self.answer(F.relu(x))
        return logits

    @torch.inference_mode()
    def find(self, pictures: Sequence[U8]) -> list[Bool]:
        """Where the product is: bool (H, W) for each uint8 (H, W, 3) picture, at the picture's own size."""
        self.eval()
        found: list[Bool] = []
        for start in range(0, len(pictures), 32):
            group = pictures[start : start + 32]
            x = as_tensor(np.stack([squeezed(picture, SIDE) for picture in group]))
            with torch.autocast("cpu", torch.bfloat16):
                logits = self(x).float() + self(x.flip(3)).float().flip(3)
            for picture, answer in zip(group, logits[:, 0].numpy(), strict=True):
                size = (picture.shape[1], picture.shape[0])
                found.append(
                    np.asarray(cv2.resize(answer, size, interpolation=cv2.INTER_CUBIC) > 0, np.bool_)
                )
        return found


class Merge(nn.Module):
    """Brings a coarse level to a finer one's size and width, and adds it."""

    def __init__(self, before: int, width: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(before, width, 1, bias=False)
        self.mix = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """The finer level with what the coarse one knows."""
        x = F.interpolate(self.narrow(coarse), size=fine.shape[2:], mode="bilinear") + fine
        mixed: Tensor = x + self.norm(self.mix(F.relu(x)))
        return mixed


def overlap_loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """Cross-entropy plus one minus the soft Dice coefficient, per picture; ``wanted`` is coverage in 0..1."""
    entropy = F.binary_cross_entropy_with_logits(logits, wanted)
    share = logits.sigmoid()
    common = (share * wanted).sum((1, 2, 3))
    dice = (2 * common + 1) / (share.sum((1, 2, 3)) + wanted.sum((1, 2, 3)) + 1)
    return entropy + (1 - dice).mean()


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
        with torch.autocast("cpu", torch.bfloat16):
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
