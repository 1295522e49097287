"""Contact sheets: what the present weights paint for a set of prompts and product outlines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from creatives.pipeline.edges import draw_edges
from training.catalogue import PROMPTS
from training.dataset import load_scene, scene_names
from training.vae import held_out

EXTRA = (
    "on green grass under a blue sky", "on seamless mustard paper", "on a glossy black surface, bokeh lights at night",
    "flat lay on white marble, seen from above",
)  # fmt: skip


def prompts() -> list[str]:
    """The catalogue's prompts and a few more."""
    return [text for pool in PROMPTS.values() for _, text in pool] + list(EXTRA)


def outlines(scenes: Path, count: int, size: tuple[int, int] = (256, 256)) -> list[Image.Image]:
    """Edges of held-out products of one size, as RGB control images."""
    found = []
    for name in scene_names(scenes):
        if held_out(name):
            scene = load_scene(scenes, name)
            if scene.size == size and scene.spec["view"] == "front":
                found.append(Image.fromarray(draw_edges(scene.rgb, scene.alpha)).convert("RGB"))
    return found[:count]


def paint(
    pipe: Any,
    prompt: str,
    edges: list[Image.Image],
    *,
    steps: int,
    guidance: float,
    conditioning: float,
    seed: int,
) -> list[Image.Image]:
    """One picture for each control image; the same seed gives the same pictures."""
    generators = [torch.Generator().manual_seed(seed + k) for k in range(len(edges))]
    width, height = edges[0].size
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return pipe(
            prompt=[prompt] * len(edges), image=edges, width=width, height=height, num_inference_steps=steps,
            guidance_scale=guidance, controlnet_conditioning_scale=conditioning, generator=generators,
        ).images  # fmt: skip


def sheet(
    pipe: Any,
    scenes: Path,
    out: Path,
    *,
    columns: int = 4,
    steps: int = 10,
    guidance: float = 3.0,
    conditioning: float = 1.0,
    texts: list[str] | None = None,
) -> None:
    """Rows are prompts, columns are products; the outlines come last."""
    edges = outlines(scenes, columns)
    rows = [
        paint(pipe, text, edges, steps=steps, guidance=guidance, conditioning=conditioning, seed=100 + k)
        for k, text in enumerate(texts or prompts())
    ]
    grid = np.concatenate([np.concatenate([np.asarray(p) for p in row], 1) for row in [*rows, edges]], 0)
    out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(grid).save(out)
