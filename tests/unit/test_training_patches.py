"""The latent space of patches, and the same maps written into AutoencoderTiny."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from training.dataset import to_tensor
from training.patches import CHANNELS, COMPONENTS, PatchBasis, codes
from training.vae import SCALING, decode, new_vae, psnr

NOISE = np.random.default_rng(3).standard_normal((1, 2, 8, 12)).astype(np.float32)


def picture(seed: int, width: int = 96, height: int = 64) -> np.ndarray:
    """A smooth picture with one edge, as product scenes are: uint8 (height, width, 3)."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(30, 226, (4, 6, 3), dtype=np.uint8)
    made = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    made[: height // 3] = rng.integers(60, 200, 3)
    return cv2.GaussianBlur(made, (0, 0), 1.5)


@pytest.fixture(scope="module")
def basis(tmp_path_factory: pytest.TempPathFactory) -> PatchBasis:
    folder: Path = tmp_path_factory.mktemp("scenes")
    for number in range(12):
        made = picture(number)
        Image.fromarray(made).save(folder / f"1-{number:05}.jpg", quality=98)
        alpha = np.dstack([made, np.zeros(made.shape[:2], np.uint8)])
        Image.fromarray(alpha).save(folder / f"1-{number:05}.png")
        (folder / f"1-{number:05}.json").write_text(json.dumps({"seed": 1}))
    return PatchBasis.fit(folder)


def test_components_are_orthonormal_and_survive_a_file(basis: PatchBasis, tmp_path: Path):
    flat = basis.vectors.reshape(COMPONENTS, -1)
    assert np.allclose(flat @ flat.T, np.eye(COMPONENTS), atol=1e-9)
    basis.save(tmp_path / "basis.npz")
    again = PatchBasis.load(tmp_path / "basis.npz")
    assert np.array_equal(again.vectors, basis.vectors)
    assert np.array_equal(again.gains, basis.gains)
    assert np.array_equal(again.mean, basis.mean)


def test_codes_alternate_across_and_down():
    assert codes(2, 3).tolist() == [[[[1, -1, 1], [1, -1, 1]], [[1, 1, 1], [-1, -1, -1]]]]


def test_encoding_is_the_projection_on_the_components(basis: PatchBasis):
    wanted = to_tensor([picture(40)])
    latents = basis.encode(wanted)
    assert latents.shape == (1, CHANNELS, 8, 12)
    again = basis.encode(basis.decode(latents))
    assert torch.allclose(again, latents, atol=1e-4)
    assert psnr(basis.decode(latents), wanted) > 33


def test_the_stock_encoder_computes_the_same_latents_without_codes(basis: PatchBasis):
    wanted = to_tensor([picture(41)])
    with torch.no_grad():
        made = new_vae(basis).encode(wanted).latents * SCALING
    assert torch.allclose(made[:, :COMPONENTS], basis.encode(wanted)[:, :COMPONENTS], atol=1e-3)
    assert not made[:, COMPONENTS:].any()


def test_the_decoder_finds_each_pixels_quarter_before_any_training(basis: PatchBasis):
    wanted = to_tensor([picture(42)])
    latents = basis.encode(wanted)
    vae = new_vae(basis)
    with torch.no_grad():
        right = psnr(decode(vae, latents), wanted)
        shaky = latents.clone()
        shaky[:, COMPONENTS:] += 0.1 * torch.from_numpy(NOISE)
        without = latents.clone()
        without[:, COMPONENTS:] = 0
        assert right > 30
        assert psnr(decode(vae, shaky), wanted) == pytest.approx(right, abs=0.01)
        assert psnr(decode(vae, without), wanted) < right - 3
