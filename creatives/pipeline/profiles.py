"""Checkpoint profiles: everything that one run of step 4 needs, as data. Imports neither torch nor diffusers."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from .buckets import BUCKETS, Size, scaled_buckets

CHECKPOINTS = Path(__file__).resolve().parent.parent / "checkpoints"
DEFAULT_PROFILE = "studio-tiny"


class ProfileError(ValueError):
    """An unknown profile, or one whose file says something unusable."""


class CheckpointError(RuntimeError):
    """A checkpoint that is not here or cannot be loaded."""


@dataclass(frozen=True)
class CheckpointProfile:
    """A named checkpoint with its settings.

    base, controlnet, lora: hub ids; a `folder` (diffusers layout, ControlNet inside) takes their place.
    scheduler: "own" keeps the checkpoint's. dtype applies on a GPU, cpu_dtype on a CPU.
    weights: identifies the trained weights of a folder, so that new weights make new pictures.
    """

    name: str
    title: str
    licence: str
    folder: Path | None = None
    base: str = ""
    revision: str = "main"
    controlnet: str = ""
    lora: str = ""
    family: Literal["sd", "sdxl"] = "sd"
    scheduler: Literal["own", "ddim", "dpm++", "lcm"] = "own"
    steps: int = 20
    guidance_scale: float = 7.5
    conditioning_scale: float = 1.0
    dtype: str = "float16"
    cpu_dtype: str = "float32"
    contour: bool = True
    negative_prompt: str = ""
    max_batch: int = 4
    buckets: tuple[Size, ...] = BUCKETS
    weights: str = ""

    def __post_init__(self) -> None:
        checks = {
            "steps": 1 <= self.steps <= 200,
            "guidance_scale": 0.0 <= self.guidance_scale <= 50.0,
            "conditioning_scale": 0.0 <= self.conditioning_scale <= 4.0,
            "dtype": self.dtype in ("float32", "float16", "bfloat16"),
            "cpu_dtype": self.cpu_dtype in ("float32", "bfloat16"),
            "buckets": bool(self.buckets)
            and all(side % 8 == 0 for bucket in self.buckets for side in bucket),
        }
        for field, good in checks.items():
            if not good:
                raise ProfileError(
                    f"profile {self.name}: {field} is {getattr(self, field)!r}, which cannot be used"
                )

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all that pictures depend on; the folder's place and the title are left out."""
        facts = dataclasses.asdict(self)
        for field in ("title", "licence", "folder", "max_batch"):
            facts.pop(field)
        return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()

    @property
    def is_local(self) -> bool:
        return self.folder is not None

    @property
    def missing(self) -> str | None:
        """What this installation lacks to run the profile, or None; hub profiles are only known when loaded."""
        if self.folder is None or (self.folder / "model_index.json").is_file():
            return None
        return f"profile {self.name}: no checkpoint in {self.folder.name}/ (model_index.json is missing)"


_FILE_FIELDS = {
    "title", "licence", "scheduler", "steps", "guidance_scale", "conditioning_scale", "dtype", "cpu_dtype",
    "contour", "negative_prompt", "max_batch", "weights",
}  # fmt: skip


def profile_from_folder(folder: Path, **defaults: Any) -> CheckpointProfile:
    """A profile from a diffusers folder and the `profile.json` in it, whose fields override `defaults`.

    Buckets are written "320x256". Fields that the profile does not know are left to whoever wrote them.
    Raises ProfileError when the file is not JSON or a value is unusable.
    """
    facts: dict[str, Any] = {
        "name": folder.name,
        "title": folder.name,
        "licence": "",
        **defaults,
        "folder": folder,
    }
    path = folder / "profile.json"
    if path.is_file():
        try:
            written = json.loads(path.read_text("utf-8"))
            facts.update({field: written[field] for field in _FILE_FIELDS & written.keys()})
            if written.get("buckets"):
                facts["buckets"] = tuple(_bucket(text) for text in written["buckets"])
        except (json.JSONDecodeError, TypeError, ValueError, AttributeError) as error:
            raise ProfileError(f"profile {folder.name}: profile.json cannot be read: {error}") from error
    facts["weights"] = facts.get("weights") or _weights_digest(folder)
    return CheckpointProfile(**facts)


def _weights_digest(folder: Path) -> str:
    """SHA-256 over the weight files below a folder; read again only when one of them has changed."""
    files = sorted(folder.rglob("*.safetensors"))
    return _digest(tuple((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files))


@lru_cache(maxsize=8)
def _digest(files: tuple[tuple[str, int, int], ...]) -> str:
    digest = hashlib.sha256()
    for path, _, _ in files:
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def _bucket(value: str | list[int]) -> Size:
    return Size.parse(value) if isinstance(value, str) else Size(*(int(side) for side in value))


def _studio_tiny() -> CheckpointProfile:
    """The shipped profile. It names the buckets it was trained on; its convolutions also serve the thin ones."""
    trained = profile_from_folder(
        CHECKPOINTS / DEFAULT_PROFILE,
        title="Studio tiny (ships with the project)",
        licence="BSD-3-Clause",
        guidance_scale=3.0,
        dtype="float32",
        cpu_dtype="bfloat16",
    )
    return dataclasses.replace(trained, buckets=tuple(dict.fromkeys((*trained.buckets, *BUCKETS))))


_SD15 = CheckpointProfile(
    name="sd15",
    title="Stable Diffusion 1.5 with Canny ControlNet",
    licence="CreativeML OpenRAIL-M; ControlNet openrail",
    base="Comfy-Org/stable-diffusion-v1-5-archive",
    controlnet="lllyasviel/control_v11p_sd15_canny",
    scheduler="dpm++",
    steps=25,
    cpu_dtype="bfloat16",
    negative_prompt="text, watermark, low quality, blurry",
    buckets=scaled_buckets(2),
)
_SD15_LCM = dataclasses.replace(
    _SD15,
    name="sd15-lcm",
    title="Stable Diffusion 1.5, latent consistency (fast)",
    licence="CreativeML OpenRAIL-M; ControlNet openrail; LoRA openrail++",
    lora="latent-consistency/lcm-lora-sdv1-5",
    scheduler="lcm",
    steps=6,
    guidance_scale=1.5,
)
_SDXL = CheckpointProfile(
    name="sdxl",
    title="Stable Diffusion XL with Canny ControlNet",
    licence="CreativeML OpenRAIL++-M; ControlNet Apache-2.0",
    base="stabilityai/stable-diffusion-xl-base-1.0",
    controlnet="xinsir/controlnet-canny-sdxl-1.0",
    family="sdxl",
    scheduler="dpm++",
    steps=30,
    guidance_scale=6.0,
    conditioning_scale=0.8,
    cpu_dtype="bfloat16",
    negative_prompt="text, watermark, low quality, blurry",
    max_batch=2,
    buckets=scaled_buckets(4),
)
_HUB = {profile.name: profile for profile in (_SD15, _SD15_LCM, _SDXL)}


def profile_names() -> tuple[str, ...]:
    """Names that `get_profile` knows, the default first."""
    return (DEFAULT_PROFILE, *_HUB)


def get_profile(name: str) -> CheckpointProfile:
    """The profile of that name. Raises ProfileError naming those that exist."""
    if name == DEFAULT_PROFILE:
        return _studio_tiny()
    if name in _HUB:
        return _HUB[name]
    raise ProfileError(f"no checkpoint profile {name!r}; there are {', '.join(profile_names())}")
