"""Trains the small network that tells products from their shadows in studio photos."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch.nn import functional as F  # noqa: N812

from creatives.pipeline.masknet import MaskNet, overlap_loss
from creatives.pipeline.studio_mask import CHANNELS, SIDE, load_masknet, seen_by_network
from training.dataset import load_scene, scene_names
from training.evaluate.networks import Schedule, channels_last
from training.evaluate.renders import for_testing
from training.precision import half_precision
from training.progress import Clock
from training.studio_photos import retaken, studio_photo

U8 = NDArray[np.uint8]

BATCH, PEAK, SMALLEST = 8, 2e-3, 0.02
"""Photos of a step, the highest learning rate, and the share of its scene that a product covers at least."""


def train_masks(
    scenes: Path, photos: Path, out: Path, steps: int, seed: int = 1, start: Path | None = None
) -> None:
    """Train for ``steps`` and write the weights, float16; prints the loss and, of products kept apart, the overlap.

    Half of what is learnt from are studio photos that were rendered as such (``photos``), with shadows as light throws them,
    half are put together of the products of scenes. start: weights to begin with.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    learnt, unseen = (_sources(scenes, photos, testing=testing) for testing in (False, True))
    network = channels_last(load_masknet(start) if start else MaskNet(CHANNELS)).train()
    schedule, clock = Schedule(network, PEAK, steps), Clock(1e9)
    for step in range(steps):
        seen, covers = _batch(learnt, rng)
        with half_precision():
            logits = network(seen)
        loss = overlap_loss(logits.float(), covers)
        schedule.learn(step, loss)
        if (step + 1) % 100 == 0:
            print(f"step {step + 1} of {steps}, loss {loss.item():.3f}, {clock.spent:.1f} min", flush=True)
        if (step + 1) % 500 == 0 or step + 1 == steps:
            print(f"overlap with products kept apart: {_overlap(network, unseen):.3f}", flush=True)
            _write(network, out)


@dataclass(frozen=True)
class Sources:
    """Pictures with their coverage: products cut out of scenes, and studio photos."""

    products: list[tuple[U8, U8]]
    photos: list[tuple[U8, U8]]


def _sources(scenes: Path, photos: Path, *, testing: bool) -> Sources:
    """What is learnt from, or what is kept apart. Raises ValueError for folders without any."""
    chosen = [
        [name for name in scene_names(folder) if for_testing(name) == testing] for folder in (scenes, photos)
    ]
    if not all(chosen):
        raise ValueError(f"no scenes in {scenes} or no studio photos in {photos}: render some first")
    taken = [load_scene(photos, name) for name in chosen[1]]
    return Sources(
        _products(scenes, chosen[0][: 120 if testing else None]), [(one.rgb, one.alpha) for one in taken]
    )


def _products(scenes: Path, names: list[str]) -> list[tuple[U8, U8]]:
    """Picture and coverage around each product that is large enough."""
    found = []
    for name in names:
        scene = load_scene(scenes, name)
        if (scene.alpha >= 128).mean() < SMALLEST:
            continue
        x, y, width, height = cv2.boundingRect((scene.alpha > 8).astype(np.uint8))
        part = (slice(max(0, y - 2), y + height + 2), slice(max(0, x - 2), x + width + 2))
        found.append((scene.rgb[part].copy(), scene.alpha[part].copy()))
    return found


def _batch(sources: Sources, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    shown = [
        (studio_photo if place % 2 else retaken)(
            *_drawn(sources.products if place % 2 else sources.photos, rng), SIDE, rng
        )
        for place in range(BATCH)
    ]
    seen = np.stack([seen_by_network(photo) for photo, _ in shown]).transpose(0, 3, 1, 2)
    covers = torch.from_numpy(np.stack([cover for _, cover in shown])).float()[:, None] / 255
    pictures = torch.from_numpy(np.ascontiguousarray(seen)).contiguous(memory_format=torch.channels_last)
    return pictures, F.avg_pool2d(covers, 2)


def _drawn(pairs: list[tuple[U8, U8]], rng: np.random.Generator) -> tuple[U8, U8]:
    return pairs[int(rng.integers(len(pairs)))]


@torch.inference_mode()
def _overlap(network: MaskNet, sources: Sources) -> float:
    """Mean intersection over union on photos of these, always the same."""
    network.eval()
    rng, shares = np.random.default_rng(9), []
    for _ in range(8):
        seen, covers = _batch(sources, rng)
        found, wanted = network(seen) > 0, covers >= 0.5
        common, either = (found & wanted).sum((1, 2, 3)), (found | wanted).sum((1, 2, 3))
        shares += (common / either.clamp(min=1)).tolist()
    network.train()
    return float(np.mean(shares))


def _write(network: MaskNet, out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    half = out.with_suffix(".part")
    weights = {
        name: value.half().contiguous() if value.is_floating_point() else value.contiguous()
        for name, value in network.state_dict().items()
    }
    save_file(weights, half, metadata={"format": "pt"})
    half.replace(out)
