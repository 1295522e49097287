"""A small U-Net that finds things in pictures. It needs torch: import it where it is used."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

WIDTHS = (24, 48, 96, 128)


class Block(nn.Module):
    """Two 3 × 3 convolutions with a short cut (He et al. 2016); the first halves the sides."""

    def __init__(self, before: int, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, width, 3, 2, 1, bias=False)
        self.second = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.cut = nn.Conv2d(before, width, 1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """Half the sides of x, ``width`` channels."""
        short = self.cut(F.avg_pool2d(x, 2))
        x = F.relu(self.norms[0](self.first(F.relu(x))))
        result: Tensor = self.norms[1](self.second(x)) + short
        return result


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


class MaskNet(nn.Module):
    """A U-Net (Ronneberger et al. 2015) of four levels, 1.0 M parameters; answers at half the sides."""

    def __init__(self, channels: int = 3) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(channels, WIDTHS[0], 5, 2, 2, bias=False), nn.BatchNorm2d(WIDTHS[0])
        )
        self.down = nn.ModuleList(Block(a, b) for a, b in itertools.pairwise(WIDTHS))
        self.deepest = Block(WIDTHS[-1], WIDTHS[-1])
        self.up = nn.ModuleList(
            Merge(a, b) for a, b in zip((WIDTHS[-1], *WIDTHS[:0:-1]), WIDTHS[::-1], strict=True)
        )
        self.answer = nn.Conv2d(WIDTHS[0], 1, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits (N, 1, S/2, S/2) of pictures (N, C, S, S)."""
        levels = [self.stem(pictures)]
        for block in self.down:
            levels.append(block(levels[-1]))
        x = self.deepest(levels[-1])
        for merge, level in zip(self.up, reversed(levels), strict=True):
            x = merge(x, level)
        logits: Tensor = self.answer(F.relu(x))
        return logits


def overlap_loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """Cross-entropy plus one minus the soft Dice coefficient, per picture; ``wanted`` is coverage in 0..1."""
    entropy = F.binary_cross_entropy_with_logits(logits, wanted)
    share = logits.sigmoid()
    common = (share * wanted).sum((1, 2, 3))
    dice = (2 * common + 1) / (share.sum((1, 2, 3)) + wanted.sum((1, 2, 3)) + 1)
    return entropy + (1 - dice).mean()


def answered(network: MaskNet, pictures: Tensor) -> Tensor:
    """Mean logits of pictures and their mirror images, float32, at half the sides."""
    with torch.inference_mode():
        both: Tensor = (network(pictures).float() + network(pictures.flip(3)).float().flip(3)) / 2
    return both
