"""The fixed extractor: reading the package's files, and running their layers as Keras would."""

from __future__ import annotations

import base64
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from creatives.pipeline.weights import WeightsError
from training.evaluate import inception
from training.evaluate.inception import Inception, as_input, dequantise, fetch, parse_module

SOURCE = """!function(a){module.exports=a()}({1:[function(r,n,x){n.exports={layers:[{name:"conv_1/kernel",
scale:.5,min:-.25,deep:{on:!0,off:!1,nothing:null}}],sides:[.5,-.5,2]}},{}]})"""


def test_javascript_notation_is_read():
    assert parse_module(SOURCE.replace("\n", "")) == {
        "layers": [
            {"name": "conv_1/kernel", "scale": 0.5, "min": -0.25, "deep": {"on": True, "off": False, "nothing": None}}
        ],
        "sides": [0.5, -0.5, 2],
    }  # fmt: skip


def test_eight_bit_weights():
    manifest = [
        {"name": "a", "shape": [2], "quantization": {"min": -1.0, "scale": 0.5}},
        {"name": "b", "shape": [1, 2], "quantization": {"min": 0.0, "scale": 2.0}},
    ]
    weights = dequantise(bytes([0, 4, 1, 255]), manifest)
    assert weights["a"].tolist() == [-1, 1]
    assert weights["b"].tolist() == [[2, 510]]
    with pytest.raises(WeightsError, match="5 bytes"):
        dequantise(bytes(5), manifest)


def layer(name: str, kind: str, before: list[str], **config: object) -> dict[str, object]:
    nodes = [[[source, 0, 0, {}] for source in before]] if before else []
    return {"name": name, "class_name": kind, "config": config, "inbound_nodes": nodes}


LAYERS = [
    layer("input_1", "InputLayer", []),
    layer("conv2d_1", "Conv2D", ["input_1"], padding="same", strides=[2, 2]),
    layer("bn_1", "BatchNormalization", ["conv2d_1"], epsilon=0.001),
    layer("act_1", "Activation", ["bn_1"]),
    layer("pool_1", "MaxPooling2D", ["act_1"], padding="valid", pool_size=[3, 3], strides=[2, 2]),
    layer("pool_2", "AveragePooling2D", ["pool_1"], padding="same", pool_size=[3, 3], strides=[1, 1]),
    layer("mixed7", "Concatenate", ["pool_1", "pool_2"]),
    layer("flatten_1", "Flatten", ["mixed7"]),
]


def javascript(value: object) -> str:
    """``value`` as a minifier would write it."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{javascript(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(javascript(inner) for inner in value) + "]"
    if isinstance(value, float) and abs(value) < 1:
        return repr(value).replace("0.", ".", 1)
    return f'"{value}"' if isinstance(value, str) else repr(value)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A package of one convolution of eight channels, in the real one's layout."""
    shapes = {
        "conv2d_1/kernel": [5, 5, 3, 8], "bn_1/beta": [8], "bn_1/moving_mean": [8], "bn_1/moving_variance": [8],
    }  # fmt: skip
    data = np.random.default_rng(0).integers(1, 256, 5 * 5 * 3 * 8 + 24).astype(np.uint8).tobytes()
    data += bytes(1000)  # so that the block is as long as real ones are
    entries = [
        {"name": name, "shape": shape, "quantization": {"min": 0.0 if "variance" in name else -0.5, "scale": 0.00390625}}
        for name, shape in [*shapes.items(), ("unused", [1000])]
    ]  # fmt: skip
    model = {
        "modelTopology": {"model_config": {"config": {"layers": LAYERS}}},
        "weightsManifest": [{"paths": ["group1-shard1of1"], "weights": entries}],
    }
    path = tmp_path / "package.tgz"
    with tarfile.open(path, "w:gz") as tar:
        for name, text in (
            ("model", "module.exports=" + javascript(model)),
            ("group1-shard1of1", f'module.exports="{base64.b64encode(data).decode()}"'),
        ):
            content = text.encode()
            member = tarfile.TarInfo(f"package/dist/models/inception_v3/{name}.min.js")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def test_layers_run_as_torchs_own(archive, monkeypatch):
    model = Inception(archive)
    pictures = torch.rand(2, 3, 33, 33, generator=torch.Generator().manual_seed(1)) * 2 - 1
    data = np.random.default_rng(0).integers(1, 256, 624).astype(np.float32) / 256
    kernel = torch.from_numpy(data[:600].reshape(5, 5, 3, 8) - 0.5).permute(3, 2, 0, 1)
    conv, norm = nn.Conv2d(3, 8, 5, 2, 2, bias=False), nn.BatchNorm2d(8, eps=0.001, affine=False)
    conv.weight.data = kernel
    norm.running_mean = torch.from_numpy(data[608:616] - 0.5)
    norm.running_var = torch.from_numpy(data[616:624])
    beta = torch.from_numpy(data[600:608] - 0.5)[:, None, None]
    expected = torch.relu(norm.eval()(conv(pictures)) + beta)
    expected = torch.max_pool2d(expected, 3, 2)
    averaged = torch.nn.functional.avg_pool2d(expected, 3, 1, 1, count_include_pad=False)
    features, kept = model.run(pictures, ("mixed7",))
    assert torch.allclose(kept["mixed7"], torch.cat([expected, averaged], 1), atol=1e-4)
    assert torch.allclose(features, kept["mixed7"].mean((2, 3)), atol=1e-5)


def test_features_come_in_the_pictures_order(archive):
    model = Inception(archive)
    pictures = [np.full((20, 30, 3), level, np.uint8) for level in range(0, 180, 10)]
    together, alone = model.describe(pictures), model.describe(pictures[17:])
    assert together.shape == (18, 16)
    assert np.allclose(together[17], alone[0], atol=1e-2)
    assert [layer[0].shape for layer in model.activations(pictures[:2], ("mixed7",))] == [(16, 74, 74)] * 2


def test_pictures_are_stretched_and_scaled():
    batch = as_input([np.zeros((10, 20, 3), np.uint8), np.full((40, 5, 3), 255, np.uint8)])
    assert batch.shape == (2, 3, 299, 299)
    assert (batch[0] == -1).all()
    assert (batch[1] == 1).all()


def test_another_file_under_the_packages_name_is_refused(tmp_path):
    (tmp_path / "nsfwjs-4.4.0.tgz").write_bytes(b"something else")
    with pytest.raises(WeightsError, match="SHA-256"):
        fetch(tmp_path)


def test_without_npm_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(inception.shutil, "which", lambda name: None)
    with pytest.raises(WeightsError, match="npm is not installed"):
        fetch(tmp_path)
    assert not list(tmp_path.iterdir())
