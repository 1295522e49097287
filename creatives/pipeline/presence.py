"""Where a profile's weights are, without asking the hub: in a folder, in its local cache, or nowhere yet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .profile import CheckpointProfile, Source

HERE, CACHED, TO_FETCH, MISSING = "here", "cached", "to fetch", "missing"


@dataclass(frozen=True)
class Part:
    """One part of a checkpoint. state: HERE (a folder), CACHED (of the hub), TO_FETCH at the first use, or MISSING.

    size: bytes of its weight files where they lie in a folder, else None.
    """

    name: str
    place: str
    licence: str
    state: str
    size: int | None = None


def parts_of(profile: CheckpointProfile) -> list[Part]:
    """The parts of a checkpoint, the base first."""
    return [_part(profile, name, source) for name, source in profile.sources.items()]


def _part(profile: CheckpointProfile, name: str, source: Source) -> Part:
    licence = source.licence or profile.licence
    file = _telling_file(profile, name, source)
    if source.path is not None:
        found = source.path.is_dir() and (not file or any(source.path.glob(file)))
        return Part(name, str(source), licence, HERE if found else MISSING, _size(source.path))
    below = f"{source.subfolder}/" if source.subfolder else ""
    return Part(name, str(source), licence, CACHED if _is_cached(source, below + file) else TO_FETCH)


def _telling_file(profile: CheckpointProfile, name: str, source: Source) -> str:
    """One file without which the part cannot be loaded."""
    variant = f".{source.variant}" if source.variant else ""
    if name == "IP-Adapter" and profile.ip_adapter is not None:
        adapter = profile.ip_adapter
        return f"{adapter.subfolder}/{adapter.weight_name}".removeprefix("/")
    return {
        "base": f"unet/diffusion_pytorch_model{variant}.safetensors",
        "ControlNet": f"diffusion_pytorch_model{variant}.safetensors",
        "LoRA": "pytorch_lora_weights.safetensors" if source.path is None else "*.safetensors",
        "safety checker": f"model{variant}.safetensors",
    }[name]


def _is_cached(source: Source, file: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(source.repo, file, revision=source.revision), str)


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*.safetensors"))
