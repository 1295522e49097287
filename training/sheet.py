"""Contact sheets: what the present weights paint for a set of prompts and product outlines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageDraw

from creatives.pipeline.edges import draw_edges
from training.catalogue import PROMPTS
from training.dataset import load_scene, scene_names
from training.vae import held_out

LABEL = 18
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


def labelled(text: str, pictures: list[Image.Image]) -> Image.Image:
    """Pictures side by side under their prompt."""
    width, height = pictures[0].size
    strip = Image.new("RGB", (width * len(pictures), height + LABEL), "white")
    ImageDraw.Draw(strip).text((4, 3), text, fill="black")
    for k, picture in enumerate(pictures):
        strip.paste(picture, (k * width, LABEL))
    return strip


def sheet(
    pipe: Any,
    scenes: Path,
    out: Path,
    *,
    columns: int = 2,
    steps: int = 10,
    guidance: float = 3.0,
    conditioning: float = 1.0,
    across: int = 2,
) -> None:
    """One strip of ``columns`` products per prompt, ``across`` strips side by side, the outlines in the last strip."""
    edges = outlines(scenes, columns)
    strips = [
        labelled(
            text,
            paint(pipe, text, edges, steps=steps, guidance=guidance, conditioning=conditioning, seed=100 + k),
        )
        for k, text in enumerate(prompts())
    ]
    strips.append(labelled("outlines given to the ControlNet", edges))
    width, height = strips[0].size
    grid = Image.new("RGB", (width * across, height * -(-len(strips) // across)), "white")
    for k, strip in enumerate(strips):
        grid.paste(strip, (k % across * width, k // across * height))
    out.parent.mkdir(parents=True, exist_ok=True)
    grid.save(out, quality=82)
