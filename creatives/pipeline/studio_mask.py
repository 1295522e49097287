"""Our own small network for studio photos: which of what is darker than the backdrop is product, and which is shadow."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from .backdrop import fit_backdrop
from .measures import Window
from .network import file_fingerprint
from .weights import WeightsError

if TYPE_CHECKING:
    from .masknet import MaskNet

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

SIDE = 256
"""Pictures are looked at as squares of this side, in pixels."""
MARGIN, CLOSE = 0.08, 0.9
"""Around what a first look sees a second one is taken, with so much of its longer side on all sides; not where that is
more of the photo's shorter side than the latter.
"""
CHANNELS = 6
"""What the network sees: colours, and how they differ from the backdrop's, in CIELAB."""
WEIGHTS = Path(__file__).resolve().parent.parent / "checkpoints" / "studio-mask" / "studio-mask.safetensors"


class StudioMask:
    """A network for photos before a plain backdrop, trained on this project's own renders; no use for any other photo."""

    name = "studio-mask"

    def __init__(self, path: Path = WEIGHTS) -> None:
        try:
            self.fingerprint = file_fingerprint(path)
        except OSError as error:
            raise WeightsError(f"{path.name} cannot be read: {error.strerror or error}") from error
        self._network = load_masknet(path)

    def predict(self, rgb: U8) -> F32:
        """float32 (H, W), 0..1, of uint8 (H, W, 3): how sure the network is that a pixel is the product's.

        A second look, closer at what the first one saw, shows more of its outline.
        """
        look = self._look(rgb)
        window = _around(look >= 0.5)
        if window is not None:
            look[window] = self._look(np.ascontiguousarray(rgb[window]))
        return look

    def _look(self, rgb: U8) -> F32:
        import torch

        from .masknet import answered

        height, width = rgb.shape[:2]
        seen = torch.from_numpy(seen_by_network(rgb).transpose(2, 0, 1)[None].copy())
        logits = answered(self._network, seen)[0, 0].numpy()
        sized = cv2.resize(logits, (width, height), interpolation=cv2.INTER_LINEAR)
        return np.asarray(1.0 / (1.0 + np.exp(-sized)), np.float32)


def _around(product: Bool) -> Window | None:
    """A square window around the product (H, W); None where there is none or it would hold most of the photo."""
    left, top, width, height = cv2.boundingRect(product.astype(np.uint8))
    side = round(max(width, height) * (1 + 2 * MARGIN))
    if side == 0 or side > CLOSE * min(product.shape):
        return None
    y, x = (
        int(np.clip(start + (length - side) / 2, 0, most - side))
        for start, length, most in zip((top, left), (height, width), product.shape, strict=True)
    )
    return slice(y, y + side), slice(x, x + side)


def seen_by_network(rgb: U8) -> F32:
    """float32 (SIDE, SIDE, CHANNELS), about -1..1, of uint8 (H, W, 3)."""
    smaller = max(rgb.shape[:2]) > SIDE
    square = cv2.resize(rgb, (SIDE, SIDE), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
    backdrop = fit_backdrop(np.asarray(square, np.uint8))
    away = (backdrop.lab - backdrop.surface) / 30.0
    return np.dstack([square.astype(np.float32) / 127.5 - 1, np.clip(away, -3, 3)]).astype(np.float32)


@lru_cache(maxsize=1)
def studio_mask() -> StudioMask:
    """The network that ships. Raises WeightsError when its file is missing or damaged."""
    return StudioMask()


def load_masknet(path: Path) -> MaskNet:
    """The network with the weights of a file. Raises WeightsError with its name when it cannot be loaded."""
    from safetensors.torch import load_file

    from .masknet import MaskNet

    network = MaskNet(CHANNELS)
    try:
        network.load_state_dict({name: tensor.float() for name, tensor in load_file(path).items()})
    except Exception as error:  # safetensors and torch raise families of their own
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise WeightsError(f"{path.name} cannot be loaded: {first[:200]}") from error
    return network.eval()
