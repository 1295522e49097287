"""The autoencoder: `training.patches` written into diffusers' AutoencoderTiny, and a decoder trained on from there.

The encoder is linear, so its weights are the components themselves. The decoder has to turn a cell of coefficients into
8 × 8 pixels with convolutions after upsampling by repetition. Three times a cell is split into quarters: the alternating
codes tell a pixel in which quarter it lies, and rectified units that are shut in the other three quarters pass on what
belongs there. All of that is set by hand; training adds what a linear map cannot know, deblocking and noise removal.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderTiny
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from training.dataset import Scene, held_out, load_scenes, to_tensor
from training.patches import CHANNELS, COMPONENTS, SIDE, PatchBasis
from training.precision import half_precision
from training.progress import Clock, learning_rate

WIDTH, SCALING = 48, 30.0
"""Channels of every stage, and latents per unit of AutoencoderTiny's input, which it squashes beyond about ±0.5."""
ENCODER_BLOCKS, DECODER_BLOCKS = (0, 0, 0, 0), (4, 4, 3, 0)
QUARTER, PIXEL = 6, 3
"""Numbers that describe 4 × 4 and 2 × 2 pixels inside the decoder."""
SHUT = 60.0
CODE, SIDE_OF, OUT = 24, 26, 28
"""Channels of the codes or their differences, of the two indicators, and of what a split yields."""
CROP, BATCH, PEAK = 96, 10, 3e-4

F64 = NDArray[np.float64]


def new_vae(basis: PatchBasis) -> Any:
    """The autoencoder as computed: `encode` is exact (codes left 0), `decode` linear to about half resolution."""
    vae: Any = AutoencoderTiny(
        encoder_block_out_channels=(WIDTH,) * 4,
        decoder_block_out_channels=(WIDTH,) * 4,
        num_encoder_blocks=ENCODER_BLOCKS,
        num_decoder_blocks=DECODER_BLOCKS,
        latent_channels=CHANNELS,
        scaling_factor=SCALING,
    )
    with torch.no_grad():
        _write_encoder(list(vae.encoder.layers), basis)
        _write_decoder(list(vae.decoder.layers), basis)
    return vae


def _clear(conv: Any) -> None:
    conv.weight.zero_()
    if conv.bias is not None:
        conv.bias.zero_()


def _write_encoder(layers: list[Any], basis: PatchBasis) -> None:
    for conv in layers:
        _clear(conv)
    first, halve, quarter, eighth, last = layers
    for c in range(3):
        first.weight[c, c, 1, 1] = 2
        first.bias[c] = -1 - basis.mean[c]
    for y in range(2):
        for x in range(2):
            for c in range(3):
                halve.weight[4 * c + 2 * y + x, c, 1 + y, 1 + x] = 1
            for c in range(12):
                quarter.weight[4 * c + 2 * y + x, c, 1 + y, 1 + x] = 1
    vectors = torch.from_numpy(basis.vectors * basis.gains[:, None, None, None]).float()
    for c in range(3):
        for y in range(SIDE):
            for x in range(SIDE):
                inner = 4 * c + 2 * (y % 2) + x % 2
                middle = 4 * inner + 2 * (y // 2 % 2) + x // 2 % 2
                eighth.weight[:COMPONENTS, middle, 1 + y // 4, 1 + x // 4] = vectors[:, c, y, x]
    for k in range(COMPONENTS):
        last.weight[k, k, 1, 1] = 1 / SCALING


def _split_maps(basis: PatchBasis) -> tuple[F64, F64, F64]:
    """Maps (4, QUARTER, COMPONENTS) and (4, PIXEL, QUARTER), quarters in reading order, and the mean colour."""
    cell = (basis.vectors / basis.gains[:, None, None, None]).transpose(1, 2, 3, 0)
    quarters = [cell[:, y : y + 4, x : x + 4].reshape(48, COMPONENTS) for y in (0, 4) for x in (0, 4)]
    deviations = (1 / basis.gains) ** (0.6 / 0.4)
    spread = np.concatenate([q * deviations for q in quarters], axis=1)
    axes = np.linalg.svd(spread)[0][:, :QUARTER]
    first = np.stack([axes.T @ q for q in quarters])
    patch = axes.reshape(3, 4, 4, QUARTER)
    second = np.stack([patch[:, y : y + 2, x : x + 2].mean((1, 2)) for y in (0, 2) for x in (0, 2)])
    return first, second, basis.mean


def _write_decoder(layers: list[Any], basis: PatchBasis) -> None:
    first, second, mean = _split_maps(basis)
    blocks: list[Any] = [layer for layer in layers if hasattr(layer, "fuse")]
    convs: list[Any] = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
    for block in blocks:
        block.conv[-1].weight.mul_(0.1)
        block.conv[-1].weight[: OUT + 2 * QUARTER] = 0
        block.conv[-1].bias.zero_()
    for conv in convs:
        conv.weight[: OUT + 2 * QUARTER] = 0
        if conv.bias is not None:
            conv.bias[: OUT + 2 * QUARTER] = 0
    start, up1, up2, up3, end = convs
    for k in range(CHANNELS):
        start.weight[2 * k, k, 1, 1], start.weight[2 * k + 1, k, 1, 1] = SCALING, -SCALING
    _pass_on(up1, 0, 2 * COMPONENTS)
    for axis, (y, x) in enumerate(((1, 0), (0, 1))):
        for sign, channel in ((1, CODE + 2 * axis), (-1, CODE + 2 * axis + 1)):
            up1.weight[CODE + axis, channel, 1, 1] = sign
            up1.weight[CODE + axis, channel, y, x] = -sign
    stage1, stage2 = DECODER_BLOCKS[0], DECODER_BLOCKS[0] + DECODER_BLOCKS[1]
    _write_indicators(blocks[stage1].conv)
    _write_split(blocks[stage1 + 1].conv, first)
    _pass_on(up2, OUT, 2 * QUARTER)
    for axis, (y, x) in enumerate(((1, 0), (0, 1))):
        up2.weight[CODE + axis, SIDE_OF + axis, 1, 1] = 2
        up2.weight[CODE + axis, SIDE_OF + axis, y, x] = -2
    _write_indicators(blocks[stage2].conv)
    _write_split(blocks[stage2 + 1].conv, second)
    _pass_on(up3, OUT, 2 * PIXEL)
    end.weight.zero_()
    tent = torch.tensor([0.25, 0.5, 0.25])
    for c in range(3):
        end.weight[c, 2 * c] = torch.outer(tent, tent) / 2
        end.weight[c, 2 * c + 1] = -torch.outer(tent, tent) / 2
        end.bias[c] = (mean[c] + 1) / 2


def _pass_on(conv: Any, source: int, count: int) -> None:
    """Channels ``source``… move to 0…, unchanged."""
    for k in range(count):
        conv.weight[k, source + k, 1, 1] = 1


def _write_indicators(conv: Any) -> None:
    """A block that turns code differences into 1 in the left and in the upper half of a cell, else 0.

    Within a cell they are exactly 0, and about ±1 or ±2 at its left and upper side: anything from 0.25 counts as 1. The
    unit is 1 within and 0 at the side, both exact in bfloat16 whatever noise the codes carry; SHUT would amplify a rounding.
    """
    for layer in (conv[0], conv[2], conv[4]):
        _clear(layer)
    for axis in range(2):
        conv[0].weight[2 * axis, CODE + axis, 1, 1] = 1
        conv[0].weight[2 * axis + 1, CODE + axis, 1, 1] = -1
        conv[2].weight[axis, 2 * axis : 2 * axis + 2, 1, 1] = -4
        conv[2].bias[axis] = 1
        conv[4].weight[SIDE_OF + axis, axis, 1, 1] = -1
        conv[4].bias[SIDE_OF + axis] = 1


def _write_split(conv: Any, maps: F64) -> None:
    """A block that gives each quarter its own linear map of the channels in pairs (positive part, negative part)."""
    for layer in (conv[0], conv[2], conv[4]):
        _clear(layer)
    outputs = maps.shape[1]
    for quarter, linear in enumerate(torch.from_numpy(maps).float()):
        low, right = divmod(quarter, 2)
        for j in range(outputs):
            for k, sign in enumerate((1.0, -1.0)):
                unit = 2 * (quarter * outputs + j) + k
                conv[0].weight[unit, 0 : 2 * linear.shape[1] : 2, 1, 1] = sign * linear[j]
                conv[0].weight[unit, 1 : 2 * linear.shape[1] : 2, 1, 1] = -sign * linear[j]
                for axis, far in enumerate((right, low)):
                    conv[0].weight[unit, SIDE_OF + axis, 1, 1] = -SHUT if far else SHUT
                    conv[0].bias[unit] -= 0 if far else SHUT
                conv[2].weight[2 * j, unit, 1, 1], conv[2].weight[2 * j + 1, unit, 1, 1] = sign, -sign
    for j in range(2 * outputs):
        conv[4].weight[OUT + j, j, 1, 1] = 1


def hold_structure(vae: Any) -> None:
    """Let training leave the gates alone: codes, indicators and splits keep their weights, all else may learn.

    A gate off by a hundredth lets SHUT times as much through; with all weights free the PSNR fell by 4 dB in 200 steps.
    """
    layers = list(vae.decoder.layers)
    blocks: list[Any] = [layer for layer in layers if hasattr(layer, "fuse")]
    convs: list[Any] = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
    stage1, stage2 = DECODER_BLOCKS[0], DECODER_BLOCKS[0] + DECODER_BLOCKS[1]
    for gate in (stage1, stage1 + 1, stage2, stage2 + 1):
        blocks[gate].requires_grad_(False)
    for conv in (*convs[:3], *(block.conv[-1] for block in blocks)):
        for parameter in conv.parameters():
            if parameter.requires_grad:
                parameter.register_hook(_without_gates)


def _without_gates(gradient: Tensor) -> Tensor:
    """The gradient of a layer's weights or bias, 0 for the channels that carry codes and indicators."""
    gradient = gradient.clone()
    gradient[CODE:OUT] = 0
    return gradient


def decode(vae: Any, latents: Tensor) -> Tensor:
    """Pictures (N, 3, 8h, 8w), about -1..1, of latents of `PatchBasis.encode`."""
    made: Tensor = vae.decoder(latents / SCALING)
    return made


def crop(scene: Scene, rng: random.Random, side: int = CROP) -> NDArray[np.uint8]:
    """A random crop, on the grid of cells or off it, flipped half the time: uint8 (side, side, 3)."""
    height, width = scene.rgb.shape[:2]
    y, x = rng.randint(0, height - side), rng.randint(0, width - side)
    piece = scene.rgb[y : y + side, x : x + side]
    return np.ascontiguousarray(piece[:, ::-1] if rng.random() < 0.5 else piece)


def picture_loss(made: Tensor, wanted: Tensor) -> Tensor:
    """L1 on pixels, on first differences and on 4- and 8-pixel means, so neither detail nor colour drifts."""
    difference = made - wanted
    loss = difference.abs().mean()
    loss = loss + 0.7 * (difference.diff(dim=2).abs().mean() + difference.diff(dim=3).abs().mean())
    for side in (4, 8):
        loss = loss + 0.5 * F.avg_pool2d(difference, side).abs().mean()
    return loss


def disturbed(latents: Tensor, rng: torch.Generator) -> Tensor:
    """Latents with noise of deviation 0 to 0.12, even per picture, as a sampler leaves it; codes keep their signs."""
    level = 0.12 * torch.rand(len(latents), 1, 1, 1, generator=rng)
    return latents + level * torch.randn(latents.shape, generator=rng)


def psnr(made: Tensor, wanted: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of batches in -1..1 (peak 2)."""
    error = (made.clamp(-1, 1) - wanted).square().mean()
    return float(10 * torch.log10(4 / error))


@torch.no_grad()
def held_out_psnr(vae: Any, basis: PatchBasis, scenes: list[Scene], noise: float = 0.0) -> float:
    """Mean PSNR of whole pictures through encoder and decoder, with noise of that deviation on the latents."""
    values, generator = [], torch.Generator().manual_seed(1)
    for scene in scenes:
        wanted = to_tensor([scene.rgb])
        latents = basis.encode(wanted)
        latents = latents + noise * torch.randn(latents.shape, generator=generator)
        with half_precision():
            made = decode(vae, latents)
        values.append(psnr(made.float(), wanted))
    return float(np.mean(values))


def load_vae(path: Path, basis: PatchBasis) -> Any:
    """The autoencoder with the decoder trained so far, frozen; as computed when there is none yet."""
    vae = new_vae(basis)
    if path.exists():
        vae.load_state_dict(torch.load(path)["model"])
    return vae.eval().requires_grad_(False)


def train_vae(
    scenes_at: Path, out: Path, basis: PatchBasis, minutes: float, seed: int = 1, refresh: int = 200
) -> None:
    """Train the decoder for ``minutes`` in all, picking up new scenes and writing ``out`` every ``refresh`` steps."""
    vae = new_vae(basis).to(memory_format=torch.channels_last)
    hold_structure(vae)
    parameters = [p for p in vae.decoder.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=PEAK, betas=(0.9, 0.98), weight_decay=0.0)
    step, spent = 0, 0.0
    if out.exists():
        state = torch.load(out)
        vae.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        step, spent = state["step"], state["spent"]
    clock, rng = Clock(minutes, spent), random.Random(f"{seed}:{step}")
    generator = torch.Generator().manual_seed(seed + step)
    scenes: dict[str, Scene] = {}
    while clock.share < 1:
        if step % refresh == 0 or not scenes:
            scenes = load_scenes(scenes_at, scenes)
            pool = [s for n, s in scenes.items() if not held_out(n)]
            kept = [s for n, s in scenes.items() if held_out(n)][:12]
            _report(vae, basis, kept)
        wanted = to_tensor([crop(rng.choice(pool), rng) for _ in range(BATCH)])
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(PEAK, step, clock.share)
        latents = disturbed(basis.encode(wanted), generator)
        with half_precision():
            made = decode(vae, latents.contiguous(memory_format=torch.channels_last))
        loss = picture_loss(made.float(), wanted)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        step += 1
        if step % 50 == 0:
            crop_psnr = psnr(made.detach().float(), wanted)
            print(clock.line(step, loss=loss.item(), crop_psnr=crop_psnr, scenes=len(pool)), flush=True)
        if step % refresh == 0 or clock.share >= 1:
            _save(out, vae, optimiser, step, clock.spent)
    _report(vae, basis, kept)


def _report(vae: Any, basis: PatchBasis, kept: list[Scene]) -> None:
    clean, noisy = (held_out_psnr(vae, basis, kept, noise) for noise in (0.0, 0.1))
    print(f"held-out PSNR {clean:.2f} dB, {noisy:.2f} dB with noise of 0.1", flush=True)


def _save(out: Path, vae: Any, optimiser: Any, step: int, spent: float) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_suffix(".part")
    torch.save(
        {"model": vae.state_dict(), "optimiser": optimiser.state_dict(), "step": step, "spent": spent}, part
    )
    part.replace(out)
