"""Learned segmentation: IS-Net by itself, and every local model of rembg's session registry.

Only predictions are used: post-processing of masks, which thresholds soft alpha away, is not."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .weights import PACKAGED, WeightsError

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

ISNET_SIDE = 1024

REFUSED = {
    "sam": "it needs points or boxes",
    "u2net_cloth_seg": "it finds garments of three kinds, not products",
}
"""Sessions of rembg that do not answer "which pixels are the product?"."""

LICENCES = {
    "isnet": "MIT",
    "isnet-fp16": "MIT",
    "isnet-general-use": "Apache-2.0",
    "birefnet": "MIT",
    "u2net": "Apache-2.0",
    "silueta": "Apache-2.0",
    "bria-rmbg": "CC BY-NC 4.0: not for commercial use",
}
"""By name, or by its beginning."""


class Network(Protocol):
    """A salient-object network. fingerprint names its weights in cache keys."""

    name: str
    fingerprint: str

    def predict(self, rgb: U8) -> F32:
        """float32 (H, W), 0..1, of uint8 (H, W, 3): how sure the network is that a pixel is the object's."""
        ...


class Remembering:
    """A network that is not asked twice in a row about the same picture."""

    def __init__(self, network: Network) -> None:
        self.name, self.fingerprint = network.name, network.fingerprint
        self._network = network
        self._seen: tuple[U8, F32] | None = None

    def predict(self, rgb: U8) -> F32:
        if self._seen is None or self._seen[0] is not rgb:
            self._seen = rgb, self._network.predict(rgb)
        return self._seen[1]


def licence_of(name: str) -> str:
    return next(
        (LICENCES[known] for known in sorted(LICENCES, reverse=True) if name.startswith(known)), "unknown"
    )


def file_fingerprint(path: Path) -> str:
    """The first 16 digits of the file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


class IsNet:
    """IS-Net (Qin et al. 2022, "Highly Accurate Dichotomous Image Segmentation") in onnxruntime."""

    def __init__(self, path: Path, name: str = "isnet") -> None:
        self.name = name
        self.fingerprint = file_fingerprint(path)
        self._session: Any = _runtime().InferenceSession(
            str(path), _session_options(), providers=_runtime().get_available_providers()
        )

    def predict(self, rgb: U8) -> F32:
        height, width = rgb.shape[:2]
        shrinks = max(height, width) > ISNET_SIDE
        square = cv2.resize(
            rgb, (ISNET_SIDE, ISNET_SIDE), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        )
        values = (square.astype(np.float32) - 128.0) / 256.0
        (name,) = (wanted.name for wanted in self._session.get_inputs())
        output = self._session.get_outputs()[0].name
        answer = self._session.run([output], {name: np.ascontiguousarray(values.transpose(2, 0, 1)[None])})[
            0
        ][0, 0]
        sized = cv2.resize(np.asarray(answer, np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
        return np.asarray(np.clip(sized, 0.0, 1.0), np.float32)


class RembgNetwork:
    """A model of rembg's registry, by its own session class; only the session's prediction is used."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.fingerprint = file_fingerprint(path)
        local = type(
            f"Local{rembg_session(name).__name__}",
            (rembg_session(name),),
            {"download_models": classmethod(lambda cls, *args, **kwargs: str(path))},
        )
        self._session: Any = local(name, _session_options(), model_path=str(path))

    def predict(self, rgb: U8) -> F32:
        mask = self._session.predict(Image.fromarray(rgb))[0]
        return np.asarray(np.asarray(mask.convert("L"), np.float32) / 255.0, np.float32)


def load_network(name: str, path: Path) -> Network:
    """The network `name` with the weights at `path`. Raises WeightsError when they cannot be loaded."""
    try:
        return IsNet(path, name) if name in PACKAGED else RembgNetwork(name, path)
    except WeightsError:
        raise
    except Exception as error:  # onnxruntime raises a family of its own
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise WeightsError(f"the weights {path.name} cannot be loaded as {name}: {first[:200]}") from error


def rembg_session(name: str) -> Any:
    """rembg's session class of that name. Raises WeightsError when there is none for local use on products."""
    try:
        from rembg.sessions import sessions
    except ImportError as error:
        raise WeightsError(f"{name} needs rembg: pip install 'product-studio[segmentation]'") from error
    session = sessions.get(name)
    if session is None or not session.is_local() or name in REFUSED:
        usable = sorted({n for n, s in sessions.items() if s.is_local()} - set(REFUSED) | set(PACKAGED))
        why = REFUSED.get(name, "it is not a local model of rembg")
        raise WeightsError(f"{name} cannot be used here: {why}; there are {', '.join(usable)}")
    return session


def rembg_weights(name: str, folder: Path, *, fetch: bool = False) -> Path | None:
    """Where rembg keeps the weights of `name` below `folder`; None when they are not there.

    fetch: have rembg download them there, from where its session class says and checked as that does.
    """
    homed: Any = type(
        "Homed", (rembg_session(name),), {"rembg_home": classmethod(lambda cls, *args, **kwargs: str(folder))}
    )
    if fetch:
        return Path(homed.download_models())
    found = homed.resolve_existing(f"{name}.onnx")
    return Path(found) if found else None


def _runtime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise WeightsError(
            "onnxruntime is not installed: pip install 'product-studio[segmentation]'"
        ) from error
    return onnxruntime


def _session_options() -> Any:
    options = _runtime().SessionOptions()
    # Waiting threads that spin take the processor from the painter beside them.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options
