"""Writes the trained parts as one diffusers folder, float16 safetensors, with its profile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from training.diffusion import Trio, latent_scale, load_tokenizer, load_vae
from training.models import assemble
from training.scenes import SIZES

LIMIT_MB = 40
PROFILE: dict[str, Any] = {
    "name": "studio-tiny",
    "title": "Studio tiny",
    "steps": 10,
    "guidance_scale": 3.0,
    "conditioning_scale": 1.0,
    "dtype": "float16",
    "cpu_dtype": "bfloat16",
    "negative_prompt_default": "",
    "licence": "BSD-3-Clause",
    "buckets": [f"{width}x{height}" for (width, height), _ in SIZES],
}


def averaged_pipeline(work: Path, path: Path | None = None) -> Any:
    """The stock pipeline with the averaged weights of a training folder, float32."""
    tokenizer = load_tokenizer(work / "tokenizer")
    trio = Trio(tokenizer)
    trio.load_state_dict(torch.load(path or work / "diffusion.pt")["average"])
    trio.eval()
    vae = load_vae(work / "vae.pt").to(memory_format=torch.contiguous_format)
    vae.register_to_config(scaling_factor=latent_scale(work))
    pipe = assemble(vae, trio.text, tokenizer, trio.unet, trio.control)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def folder_megabytes(folder: Path) -> float:
    """Size of all files below a folder in MB (10^6 bytes)."""
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6


def export(work: Path, out: Path) -> float:
    """Write ``out`` and return its size in MB; ValueError when it is larger than the repository allows."""
    pipe = averaged_pipeline(work)
    pipe.to(dtype=torch.float16)
    pipe.save_pretrained(out, safe_serialization=True)
    for loose in out.glob("*/*.msgpack"):
        loose.unlink()
    (out / "profile.json").write_text(json.dumps(PROFILE, indent=2) + "\n")
    size = folder_megabytes(out)
    if size > LIMIT_MB:
        raise ValueError(f"{out} has {size:.1f} MB, more than {LIMIT_MB} MB")
    return size
