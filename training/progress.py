"""Time-boxed runs: the share that is done, the learning rate for it, and progress lines with what is left."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn


class Clock:
    """Minutes of training so far against a budget; ``spent`` is what earlier runs used."""

    def __init__(self, minutes: float, spent: float = 0.0) -> None:
        self.minutes = minutes
        self._before = spent
        self._started = time.monotonic()

    @property
    def spent(self) -> float:
        """Minutes used, earlier runs included."""
        return self._before + (time.monotonic() - self._started) / 60

    @property
    def share(self) -> float:
        """Share of the budget that is used, at most 1."""
        return min(1.0, self.spent / self.minutes)

    def line(self, step: int, **values: float) -> str:
        """One line of progress."""
        shown = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        return f"step {step}  {shown}  {self.spent:.1f} of {self.minutes:g} min, {self.minutes - self.spent:.1f} left"


def learning_rate(peak: float, step: int, share: float, warmup: int = 100, floor: float = 0.03) -> float:
    """Linear warm-up over ``warmup`` steps, then the peak, then over the last third of the budget down to ``floor``."""
    cooling = min(1.0, max(0.0, (1 - share) * 3))
    return peak * min(1.0, (step + 1) / warmup) * (floor + (1 - floor) * cooling)


def fit(
    module: nn.Module, minutes: float, losses: Callable[[], dict[str, Tensor]], peak: float = 1e-3
) -> None:
    """Train a small module in place by AdamW on the sum of the named ``losses`` of a batch; prints every 50th step."""
    clock, step = Clock(minutes), 0
    optimiser = torch.optim.AdamW(module.parameters(), lr=peak, betas=(0.9, 0.99), weight_decay=1e-3)
    while clock.share < 1:
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(peak, step, clock.share)
        found = losses()
        optimiser.zero_grad(set_to_none=True)
        torch.stack(list(found.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimiser.step()
        step += 1
        if step % 50 == 0:
            print(clock.line(step, **{name: loss.item() for name, loss in found.items()}), flush=True)
