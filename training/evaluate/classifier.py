"""A small network of our own that names surface and backdrop, trained on renders with the product greyed out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from creatives.pipeline.masknet import Block
from training.evaluate.augment import photographed
from training.evaluate.labels import Answers, labels_of, showing_chances
from training.evaluate.networks import Schedule, as_tensor, channels_last, naming_loss
from training.evaluate.renders import Renders, squeezed, without_product
from training.precision import half_precision

U8 = NDArray[np.uint8]

SIDE = 128
WIDTHS = (32, 64, 128, 192)
BATCH, PEAK = 32, 3e-3


class Classifier(nn.Module):
    """Residual convolutions; the upper and the lower half of the picture are pooled apart, for each of two answers."""

    def __init__(self, answers: Answers) -> None:
        super().__init__()
        self.answers = answers
        layers: list[nn.Module] = [nn.Conv2d(3, WIDTHS[0], 5, 2, 2, bias=False), nn.BatchNorm2d(WIDTHS[0])]
        layers += [
            Block(before, width) for before, width in zip((WIDTHS[0], *WIDTHS[:-1]), WIDTHS, strict=True)
        ]
        self.body = nn.Sequential(*layers)
        self.heads = nn.ModuleList(nn.Linear(2 * WIDTHS[-1], len(names)) for names in answers)

    def features(self, pictures: Tensor) -> Tensor:
        """(N, 384) of pictures (N, 3, S, S) in -1..1."""
        return F.adaptive_avg_pool2d(self.body(pictures), (2, 1)).flatten(1)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Logits of surfaces and of backdrops."""
        pooled = F.dropout(self.features(pictures), 0.2, self.training)
        return [head(pooled) for head in self.heads]

    @torch.inference_mode()
    def logits(self, pictures: Sequence[U8], alphas: Sequence[U8]) -> list[Tensor]:
        """Logits for uint8 (H, W, 3) pictures whose products' coverage is uint8 (H, W), each also seen mirrored."""
        self.eval()
        batches = []
        for start in range(0, len(pictures), 64):
            pairs = zip(pictures[start : start + 64], alphas[start : start + 64], strict=True)
            x = as_tensor(np.stack([without_product(squeezed(p, SIDE), squeezed(a, SIDE)) for p, a in pairs]))
            with half_precision():
                both = zip(self(x), self(x.flip(3)), strict=True)
                batches.append([(a.float() + b.float()) / 2 for a, b in both])
        return [torch.cat(parts) for parts in zip(*batches, strict=True)]

    @torch.inference_mode()
    def describe(self, pictures: Sequence[U8]) -> NDArray[np.float32]:
        """Features (N, 384) of whole pictures, for distances where no better extractor is to be had."""
        self.eval()
        groups = [pictures[start : start + 64] for start in range(0, len(pictures), 64)]
        with half_precision():
            found = [
                self.features(as_tensor(np.stack([squeezed(p, SIDE) for p in group]))) for group in groups
            ]
        return torch.cat(found).float().numpy()


def train_classifier(renders: Renders, answers: Answers, steps: int, seed: int = 1) -> Classifier:
    """Train on renders of ``SIDE``; they should all be judged ones and none of them for testing."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = channels_last(Classifier(answers))
    labels = [labels_of(spec) for spec in renders.specs]
    wanted = torch.tensor([answers.numbers(x) for x in labels])
    chances = showing_chances(labels)
    schedule = Schedule(network, PEAK, steps)
    network.train()
    for step in range(steps):
        chosen = rng.choice(len(renders), BATCH, p=chances)
        batch = [
            photographed(without_product(renders.rgb[k], renders.alpha[k], int(rng.integers(2, 6))), rng)
            for k in chosen
        ]
        with half_precision():
            logits = network(as_tensor(np.stack(batch)))
        loss = naming_loss(logits, wanted[chosen])
        schedule.learn(step, loss)
        if (step + 1) % 100 == 0:
            print(f"classifier: step {step + 1} of {steps}, loss {loss.item():.3f}", flush=True)
    return network.eval()
