"""What both small networks share: a residual block, batches from pictures, a learning-rate schedule, files."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from training.evaluate.labels import UNKNOWN

WARMUP, FLOOR, DECAY = 100, 0.01, 0.05
ENOUGH = 0.9
"""A network is trained again when its scenes are less than this share of those there are now."""

Network = TypeVar("Network", bound=nn.Module)


class Schedule:
    """AdamW with weight decay on matrices only; the rate rises for 100 steps and falls along half a cosine."""

    def __init__(self, network: nn.Module, peak: float, steps: int) -> None:
        self.peak, self.steps = peak, steps
        matrices = [p for p in network.parameters() if p.ndim > 1]
        vectors = [p for p in network.parameters() if p.ndim == 1]
        self.optimiser = torch.optim.AdamW(
            [{"params": matrices, "weight_decay": DECAY}, {"params": vectors, "weight_decay": 0.0}]
        )

    def rate(self, step: int) -> float:
        """The learning rate of a step."""
        fall = 0.5 * (1 + math.cos(math.pi * step / self.steps))
        return self.peak * min(1.0, (step + 1) / WARMUP) * (FLOOR + (1 - FLOOR) * fall)

    def learn(self, step: int, loss: Tensor) -> None:
        """One step down the gradient of ``loss``."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate(step)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()


def channels_last(network: Network) -> Network:
    """The network with its weights laid out for channels-last convolutions."""
    laid: Any = network
    laid.to(memory_format=torch.channels_last)
    return network


def as_tensor(batch: NDArray[np.uint8]) -> Tensor:
    """uint8 (N, S, S, 3) as float32 (N, 3, S, S) in -1..1, channels last in memory."""
    return torch.from_numpy(batch).permute(0, 3, 1, 2).float().div(127.5).sub(1)


def naming_loss(logits: Sequence[Tensor], wanted: Tensor) -> Tensor:
    """Cross-entropy of both answers, softened; ``wanted`` (N, 2) holds their numbers, ``UNKNOWN`` counts for nothing."""
    losses = [
        F.cross_entropy(
            each.float(), wanted[:, column], label_smoothing=0.1, ignore_index=UNKNOWN, reduction="sum"
        )
        for column, each in enumerate(logits)
    ]
    return torch.stack(losses).sum() / len(wanted)


def kept_network(
    path: Path, names: Sequence[str], settings: object, new: Callable[[], Network], train: Callable[[], Network]
) -> Network:  # fmt: skip
    """The network of ``path`` when it learnt with these settings from nearly all of these scenes, else a trained one.

    ``train`` makes the latter, which is then kept in ``path``; ``new`` makes one to load weights into.
    """
    if path.exists():
        found: dict[str, Any] = torch.load(path)
        common = len(set(found["names"]) & set(names))
        if found["settings"] == repr(settings) and common == len(found["names"]) >= ENOUGH * len(names):
            network = new()
            network.load_state_dict(found["state"])
            return network.eval()
    network = train()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    torch.save({"names": list(names), "settings": repr(settings), "state": network.state_dict()}, part)
    part.replace(path)
    return network
