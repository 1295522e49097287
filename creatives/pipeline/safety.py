"""Unsafe content in paintings, by the classifier that Stable Diffusion 1.5 was published with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import CLIPImageProcessor

U8 = NDArray[np.uint8]


class SafetyChecker:
    """`checker` is a StableDiffusionSafetyChecker; the device it is on is where it runs."""

    def __init__(self, checker: Any) -> None:
        self.network = checker.eval()
        self._processor: Any = CLIPImageProcessor()

    def flags(self, pictures: Sequence[U8]) -> list[bool]:
        """For each uint8 (H, W, 3) picture whether any of its square views is taken for unsafe."""
        parameter = next(self.network.parameters())
        found = []
        for picture in pictures:
            views = squares(picture)
            pixels = self._processor(images=views, return_tensors="pt").pixel_values
            clip_input = pixels.to(device=parameter.device, dtype=parameter.dtype)
            with torch.inference_mode():
                # It blacks out what it flags in `images`; a picture of ours stays what it is, for people to judge.
                _, unsafe = self.network(images=[np.zeros((1, 1, 3))] * len(views), clip_input=clip_input)
            found.append(any(unsafe))
        return found


def squares(picture: U8) -> list[U8]:
    """Square views that cover a picture of any shape: the classifier looks at squares."""
    height, width = picture.shape[:2]
    side, longest = min(height, width), max(height, width)
    count = -(-longest // side)
    starts = [round((longest - side) * index / max(1, count - 1)) for index in range(count)]
    views = [picture[:, at : at + side] if width >= height else picture[at : at + side, :] for at in starts]
    return [np.ascontiguousarray(view) for view in views]
