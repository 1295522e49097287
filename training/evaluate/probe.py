"""Names surface and backdrop from the fixed extractor's features: two linear layers trained on renders."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from training.evaluate.augment import photographed
from training.evaluate.inception import SIDE, Inception
from training.evaluate.labels import Answers, labels_of, showing_chances
from training.evaluate.networks import naming_loss
from training.evaluate.renders import Renders, without_product

U8 = NDArray[np.uint8]

LAYERS = ("mixed0", "mixed2", "mixed5", "mixed7")
STEPS, BATCH, PEAK, DECAY = 400, 128, 1e-3, 1.0
GROW = 6


class Probe(nn.Module):
    """Linear layers on standardised means and deviations of four layers, upper and lower half apart."""

    def __init__(self, answers: Answers, width: int) -> None:
        super().__init__()
        self.answers = answers
        self.middle: Tensor
        self.scale: Tensor
        self.register_buffer("middle", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))
        self.heads = nn.ModuleList(nn.Linear(width, len(names)) for names in answers)

    def forward(self, features: Tensor) -> list[Tensor]:
        """Logits of surfaces and of backdrops from features (N, width)."""
        x = F.dropout((features - self.middle) / self.scale, 0.5, self.training)
        return [head(x) for head in self.heads]

    @torch.inference_mode()
    def logits(self, inception: Inception, pictures: Sequence[U8], alphas: Sequence[U8]) -> list[Tensor]:
        """Logits for uint8 (H, W, 3) pictures whose products' coverage is uint8 (H, W)."""
        self.eval()
        return self(describe(inception, [greyed(p, a) for p, a in zip(pictures, alphas, strict=True)]))


def greyed(picture: U8, alpha: U8) -> U8:
    """The picture at the extractor's size, mid-grey where the product is."""
    small, cover = (cv2.resize(x, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for x in (picture, alpha))
    return without_product(np.asarray(small, np.uint8), np.asarray(cover, np.uint8), GROW)


def describe(inception: Inception, pictures: Sequence[U8]) -> Tensor:
    """Features (N, 8320) of pictures."""
    rows = []
    for start in range(0, len(pictures), 16):
        for layers in inception.activations(pictures[start : start + 16], LAYERS):
            halves = [half for layer in layers for half in layer.chunk(2, dim=1)]
            rows.append(
                torch.cat([x for half in halves for x in (half.mean((1, 2)), half.flatten(1).std(1))])
            )
    return torch.stack(rows)


def train_probe(inception: Inception, renders: Renders, answers: Answers, seed: int = 1) -> Probe:
    """Train on renders, each as it is and once augmented; they should be judged ones and none of them for testing."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    views = [greyed(p, a) for p, a in zip(renders.rgb, renders.alpha, strict=True)]
    features = describe(inception, [*views, *(photographed(view, rng) for view in views)])
    labels = [labels_of(spec) for spec in renders.specs]
    wanted = torch.tensor([answers.numbers(x) for x in labels]).repeat(2, 1)
    chances = torch.from_numpy(showing_chances(labels)).repeat(2)
    probe = Probe(answers, features.shape[1])
    probe.middle, probe.scale = features.mean(0), features.std(0) + 1e-4
    optimiser = torch.optim.AdamW(probe.heads.parameters(), lr=PEAK, weight_decay=DECAY)
    probe.train()
    for step in range(STEPS):
        chosen = torch.multinomial(chances, BATCH)
        loss = naming_loss(probe(features[chosen]), wanted[chosen])
        for group in optimiser.param_groups:
            group["lr"] = PEAK * (1 - step / STEPS)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    return probe.eval()
