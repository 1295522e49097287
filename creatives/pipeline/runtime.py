"""How this machine runs checkpoints, as opposed to what they paint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Runtime:
    """Pictures depend on none of this beyond rounding.

    device: "cuda:1", "cpu", …; None takes a GPU where there is one. offline: weights come from folders and the hub's local
    cache only. offload keeps weights in main memory: "model" moves one model at a time to the GPU, "sequential" one layer
    at a time (slow, for the smallest GPUs). compile: torch.compile for the networks that run at every step.
    threads: of the processor, for this process; 0 leaves the number to torch.
    """

    device: str | None = None
    offline: bool = False
    offload: Literal["none", "model", "sequential"] = "none"
    compile: bool = False
    threads: int = 0

    def __post_init__(self) -> None:
        if self.offload not in ("none", "model", "sequential"):
            raise ValueError(f"offload is {self.offload!r}; it must be none, model or sequential")
        if self.threads < 0:
            raise ValueError(f"threads is {self.threads}; it must be 0 or more")
