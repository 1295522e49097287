"""Trains the autoencoder: diffusers' AutoencoderTiny, factor 8, 8 channels, on crops of the scenes."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderTiny
from diffusers.models.autoencoders.vae import AutoencoderTinyBlock  # type: ignore[attr-defined]
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from training.dataset import Scene, load_scenes, recolour_product, turn_hue
from training.progress import Clock, learning_rate

CROP, BATCH, PEAK = 128, 8, 1e-3
LATENT_CHANNELS, FACTOR = 8, 8


def new_vae() -> Any:
    """An untrained autoencoder; most of its work is done at 1/8 and 1/4 of the resolution."""
    return AutoencoderTiny(
        encoder_block_out_channels=(48,) * 4,
        decoder_block_out_channels=(48,) * 4,
        num_encoder_blocks=(0, 1, 2, 2),
        num_decoder_blocks=(6, 4, 2, 0),
        latent_channels=LATENT_CHANNELS,
    )


@torch.no_grad()
def start_from_means(vae: Any) -> None:
    """Initial weights with which the model already maps 8 × 8 means to three latents and back.

    A deep ReLU stack without normalisation takes thousands of steps to find chroma. Here channels 0..2 carry red,
    green and blue untouched along the skip connections, latents 0..2 are scaled luma and chroma, and training adds
    the detail with all other channels.
    """
    colour = torch.tensor([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
    colour = colour * torch.tensor([[3.0], [5.0], [6.0]])
    for part in (vae.encoder, vae.decoder):
        convs: list[Any] = [layer for layer in part.layers if isinstance(layer, nn.Conv2d)]
        for layer in part.layers:
            if isinstance(layer, AutoencoderTinyBlock):
                final: Any = layer.conv[-1]
                final.weight.mul_(0.2)
                final.weight[:3], final.bias[:3] = 0, 0
        for conv in convs:
            conv.weight[:3] = 0
            if conv.bias is not None:
                conv.bias[:3] = 0
            for k in range(3):
                if conv.stride == (2, 2):
                    conv.weight[k, k, 1:, 1:] = 0.25
                else:
                    conv.weight[k, k, 1, 1] = 1
        first, last = convs[0], convs[-1]
        if part is vae.encoder:
            last.weight[:3, :3, 1, 1] = colour
            last.bias[:3] = -colour.sum(1) / 2
        else:
            first.weight[:3, :3, 1, 1] = torch.linalg.inv(colour)
            first.bias[:3] = 0.5
            last.weight[:, 3:] *= 0.2


def crop(scene: Scene, rng: random.Random, side: int = CROP) -> np.ndarray:
    """A random crop, flipped, often recoloured: uint8 (side, side, 3)."""
    rgb = recolour_product(scene, rng) if rng.random() < 0.4 else scene.rgb
    height, width = rgb.shape[:2]
    y, x = rng.randint(0, height - side), rng.randint(0, width - side)
    piece = rgb[y : y + side, x : x + side]
    if rng.random() < 0.3:
        piece = turn_hue(piece, rng.random(), rng.uniform(0.5, 1.3))
    if rng.random() < 0.5:
        piece = piece[:, ::-1]
    return np.ascontiguousarray(piece)


def to_tensor(pictures: list[np.ndarray]) -> Tensor:
    """uint8 (H, W, 3) pictures as one float32 batch (N, 3, H, W) in -1..1, channels last in memory."""
    batch = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1
    return batch.contiguous(memory_format=torch.channels_last)


def picture_loss(made: Tensor, wanted: Tensor) -> Tensor:
    """L1 on pixels, on edges (first differences) and on 4- and 8-pixel means, so neither detail nor colour drifts."""
    difference = made - wanted
    loss = difference.abs().mean()
    loss = loss + 0.7 * (difference.diff(dim=2).abs().mean() + difference.diff(dim=3).abs().mean())
    for side in (4, 8):
        loss = loss + 0.5 * F.avg_pool2d(difference, side).abs().mean()
    return loss


def spread_loss(latents: Tensor) -> Tensor:
    """Holds each latent channel near mean 0 and deviation 1, as diffusion wants it."""
    flat = latents.float().transpose(0, 1).flatten(1)
    return flat.mean(1).square().mean() + (flat.std(1) - 1).square().mean()


def psnr(made: Tensor, wanted: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of batches in -1..1 (peak 2)."""
    error = (made.clamp(-1, 1) - wanted).square().mean()
    return float(10 * torch.log10(4 / error))


@torch.no_grad()
def held_out_psnr(vae: Any, scenes: list[Scene]) -> float:
    """Mean PSNR of whole pictures through encoder and decoder."""
    values = []
    for scene in scenes:
        wanted = to_tensor([scene.rgb])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            made = vae.decoder(vae.encoder(wanted))
        values.append(psnr(made.float(), wanted))
    return float(np.mean(values))


def held_out(name: str) -> bool:
    """Every 40th scene is kept for measurement."""
    return int(name.rsplit("-", 1)[-1]) % 40 == 7


def train_vae(scenes_at: Path, out: Path, minutes: float, seed: int = 1, refresh: int = 200) -> None:
    """Train for ``minutes`` in all, picking up new scenes and writing ``out`` every ``refresh`` steps."""
    vae = new_vae().to(memory_format=torch.channels_last)
    start_from_means(vae)
    optimiser = torch.optim.AdamW(vae.parameters(), lr=PEAK, betas=(0.9, 0.98), weight_decay=1e-4)
    step, spent = 0, 0.0
    if out.exists():
        state = torch.load(out)
        vae.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        step, spent = state["step"], state["spent"]
    clock = Clock(minutes, spent)
    rng = random.Random(seed * 7919 + step)
    torch.manual_seed(seed + step)
    scenes: dict[str, Scene] = {}
    while clock.share < 1:
        if step % refresh == 0 or not scenes:
            scenes = load_scenes(scenes_at, scenes)
            pool = [s for n, s in scenes.items() if not held_out(n)]
        wanted = to_tensor([crop(rng.choice(pool), rng) for _ in range(BATCH)])
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(PEAK, step, clock.share)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            latents = vae.encoder(wanted)
            made = vae.decoder(latents + 0.05 * torch.randn_like(latents))
        loss = picture_loss(made.float(), wanted)
        total = loss + 0.02 * spread_loss(latents)
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimiser.step()
        step += 1
        if step % 50 == 0:
            print(
                clock.line(
                    step, loss=loss.item(), crop_psnr=psnr(made.detach().float(), wanted), scenes=len(pool)
                ),
                flush=True,
            )
        if step % refresh == 0 or clock.share >= 1:
            measured = held_out_psnr(vae, [s for n, s in scenes.items() if held_out(n)][:12])
            print(f"held-out PSNR {measured:.2f} dB", flush=True)
            _save(out, vae, optimiser, step, clock.spent)


def _save(out: Path, vae: Any, optimiser: Any, step: int, spent: float) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_suffix(".part")
    torch.save(
        {"model": vae.state_dict(), "optimiser": optimiser.state_dict(), "step": step, "spent": spent}, part
    )
    part.replace(out)
