"""Profiles of this machine: a folder in diffusers layout, and the `profile.json` in it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from .buckets import Size
from .profile import CheckpointProfile, IPAdapter, ProfileError, Source

_FILE_FIELDS = {
    "title", "licence", "family", "scheduler", "steps", "guidance_scale", "conditioning_scale", "calm", "dtype",
    "cpu_dtype", "contour", "setting_lines", "harmony", "negative_prompt", "max_batch", "gate", "weights",
}  # fmt: skip
_ADAPTER_FIELDS = {"weight_name", "subfolder", "image_encoder", "scale", "image_size"}
WHOLE_FILE = 256 * 2**20
"""Weight files up to this size are identified by all of their bytes, larger ones by samples."""
SAMPLES, SAMPLE = 16, 2**20


def profile_from_folder(folder: Path, **defaults: Any) -> CheckpointProfile:
    """A profile from a folder and the `profile.json` in it, whose fields override `defaults`.

    What the folder holds is found by name: `model_index.json` (the base), `controlnet/`, `lora/`, `safety_checker/`. The
    file may instead name places: "base": "owner/name@commit" or "./sd15". "ip_adapter" is an object with the fields of
    `IPAdapter`; "ip_adapter", "lora" and "safety_checker" may be null. Buckets are written "320x256". Fields that the
    profile does not know are left to whoever wrote them. Raises ProfileError when a value is unusable.
    """
    facts: dict[str, Any] = {"name": folder.name, "title": folder.name, "licence": "", **defaults}
    try:
        written = _written(folder)
        facts.update({field: written[field] for field in _FILE_FIELDS & written.keys()})
        facts.update(_sources(folder, written, facts))
        if "ip_adapter" in written:
            facts["ip_adapter"] = _adapter(folder, written["ip_adapter"], facts.get("ip_adapter"))
        if written.get("timesteps"):
            levels = written["timesteps"]
            facts["timesteps"] = tuple(levels) if isinstance(levels, list) else levels
        if written.get("buckets"):
            facts["buckets"] = tuple(_bucket(value) for value in written["buckets"])
        facts["weights"] = facts.get("weights") or _weights_digest(folder)
        return CheckpointProfile(**facts)
    except (json.JSONDecodeError, TypeError, ValueError, AttributeError, KeyError) as error:
        told = str(error).removeprefix(f"profile {facts['name']}: ")
        raise ProfileError(f"profile {facts['name']}: {told}") from error


def _written(folder: Path) -> dict[str, Any]:
    path = folder / "profile.json"
    if not path.is_file():
        return {}
    try:
        written = json.loads(path.read_text("utf-8"))
    except json.JSONDecodeError as error:
        raise ProfileError(f"profile.json is not JSON: {error}") from error
    if not isinstance(written, dict):
        raise ProfileError(f"profile.json holds a {type(written).__name__}; it must be an object")
    return written


def _sources(folder: Path, written: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    """base, controlnet, lora, safety_checker: as the file says, else as the folder holds them, else as they were."""
    index = folder / "model_index.json"
    here = {
        "base": Source(folder=folder) if index.is_file() or "base" not in defaults else None,
        **{
            part: Source(folder=folder, subfolder=part) if (folder / part).is_dir() else None
            for part in ("controlnet", "lora", "safety_checker")
        },
    }
    if here["controlnet"] is None and "controlnet" not in defaults:
        here["controlnet"] = Source(folder=folder, subfolder="controlnet")
    found: dict[str, Any] = {part: source for part, source in here.items() if source is not None}
    for part in here.keys() & written.keys():
        found[part] = None if written[part] is None else Source.parse(written[part], folder)
    if "family" not in written and index.is_file() and here["base"] is not None:
        found["family"] = (
            "sdxl" if "XL" in json.loads(index.read_text("utf-8")).get("_class_name", "") else "sd"
        )
    return found


def _adapter(folder: Path, written: dict[str, Any] | None, default: IPAdapter | None) -> IPAdapter | None:
    if written is None:
        return None
    facts = {field: written[field] for field in _ADAPTER_FIELDS & written.keys()}
    if "source" in written:
        facts["source"] = Source.parse(written["source"], folder)
    elif default is None or (folder / facts.get("subfolder", "") / facts.get("weight_name", "?")).is_file():
        facts["source"] = Source(folder=folder)
    adapter = dataclasses.replace(default, **facts) if default else IPAdapter(**facts)
    if "image_size" not in facts and adapter.source.path is not None:
        config = adapter.source.path / adapter.encoder_folder / "config.json"
        if config.is_file():
            size = json.loads(config.read_text("utf-8")).get("image_size", adapter.image_size)
            adapter = dataclasses.replace(adapter, image_size=int(size))
    return adapter


def _bucket(value: str | list[int]) -> Size:
    return Size.parse(value) if isinstance(value, str) else Size(*(int(side) for side in value))


def _weights_digest(folder: Path) -> str:
    """SHA-256 over the weight files below a folder; read again only when one of them has changed."""
    files = sorted(folder.rglob("*.safetensors"))
    return _digest(tuple((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files))


@lru_cache(maxsize=32)
def _digest(files: tuple[tuple[str, int, int], ...]) -> str:
    digest = hashlib.sha256()
    for path, size, _ in files:
        with open(path, "rb") as file:
            if size <= WHOLE_FILE:
                digest.update(hashlib.file_digest(file, "sha256").digest())
                continue
            digest.update(str(size).encode())
            for number in range(SAMPLES):  # the first holds the names and shapes of all tensors
                file.seek((size - SAMPLE) * number // (SAMPLES - 1))
                digest.update(file.read(SAMPLE))
    return digest.hexdigest()
