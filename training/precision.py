"""Number formats for training on a processor."""

from __future__ import annotations

import torch

from creatives.pipeline.acceleration import computes_in_bfloat16


def half_precision() -> torch.autocast:
    """bfloat16 for what gains by it, where the processor has instructions for it: emulated it is slower than float32."""
    return torch.autocast("cpu", torch.bfloat16, enabled=computes_in_bfloat16())
