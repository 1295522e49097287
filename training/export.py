"""Writes the trained parts as one diffusers folder, float16 safetensors, with its IP-Adapter and its profile."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from training.diffusion import Studio
from training.lines import FILE as LINES
from training.models import LEVELS, adapter_state, assemble, without_adapter
from training.patches import load_basis
from training.scenes import SIZES
from training.text import load_tokenizer
from training.vae import load_vae

LIMIT_MB = 60
ADAPTER = "ip_adapter.safetensors"
PROFILE: dict[str, Any] = {
    "name": "studio-tiny",
    "title": "Studio tiny",
    "steps": 8,
    "timesteps": list(LEVELS),
    "calm": 0.95,
    "guidance_scale": 2.2,
    "conditioning_scale": 1.0,
    "setting_lines": LINES,
    "dtype": "float16",
    "cpu_dtype": "bfloat16",
    "negative_prompt_default": "",
    "licence": "BSD-3-Clause",
    "ip_adapter": {"weight_name": ADAPTER, "scale": 1.0},
    "buckets": [f"{width}x{height}" for (width, height), _ in SIZES],
}


def averaged_studio(work: Path, path: Path | None = None) -> Studio:
    """The models with the averaged weights of a training folder, float32, for the vocabulary they learnt."""
    state = torch.load(path or work / "diffusion.pt")
    tokenizer = load_tokenizer(work / "tokenizer")
    if state["vocabulary"] != tokenizer.get_vocab():
        raise ValueError(f"{work}: the weights were trained with another vocabulary than tokenizer/ holds")
    studio = Studio(tokenizer)
    studio.load_state_dict(state["average"])
    return studio.eval()


def averaged_pipeline(work: Path, path: Path | None = None) -> tuple[Any, Studio]:
    """The stock pipeline without its adapter, and the models it was made of."""
    studio = averaged_studio(work, path)
    basis = load_basis(work, Path("var/scenes"))
    vae = load_vae(work / "vae.pt", basis).to(memory_format=torch.contiguous_format)
    tokenizer = load_tokenizer(work / "tokenizer")
    pipe = assemble(vae, studio.text, tokenizer, without_adapter(studio.unet), studio.control)
    pipe.set_progress_bar_config(disable=True)
    return pipe, studio


def folder_megabytes(folder: Path) -> float:
    """Size of all files below a folder in MB (10^6 bytes)."""
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6


def export(work: Path, out: Path) -> float:
    """Write ``out`` and return its size in MB; ValueError when it is larger than the repository allows."""
    pipe, studio = averaged_pipeline(work)
    pipe.to(dtype=torch.float16)
    pipe.save_pretrained(out, safe_serialization=True)
    studio.vision.half().save_pretrained(out / "image_encoder", safe_serialization=True)
    adapter = {name: tensor.half().contiguous() for name, tensor in adapter_state(studio.unet).items()}
    save_file(adapter, out / ADAPTER, metadata={"format": "pt"})
    shutil.copyfile(work / LINES, out / LINES)
    (out / "profile.json").write_text(json.dumps(PROFILE, indent=2) + "\n")
    size = folder_megabytes(out)
    if size > LIMIT_MB:
        raise ValueError(f"{out} has {size:.1f} MB, more than {LIMIT_MB} MB")
    return size
