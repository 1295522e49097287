"""What a checkpoint profile is: where its weights are, and every setting of step 4. No torch, no diffusers."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from .buckets import BUCKETS, Size
from .gate import Limit, limits_with
from .light import HARMONY

_COMMIT = re.compile(r"[0-9a-f]{40}")
_REPOSITORY = re.compile(r"([\w.-]+/[\w.-]+)(?:@([\w./-]+))?")
_UNSEEN = {"title", "licence", "folder", "max_batch", "gate"}
"""Facts that pictures do not depend on, wherever in a profile they stand."""


class ProfileError(ValueError):
    """An unknown profile, or one whose file says something unusable."""


class CheckpointError(RuntimeError):
    """A checkpoint that is not here or cannot be loaded."""


@dataclass(frozen=True)
class Source:
    """Where weights are: a repository of the Hugging Face hub at a revision, or a `folder` of this machine.

    subfolder: below either of them. variant: "fp16" takes the files in half precision. licence: of these weights.
    """

    repo: str = ""
    revision: str = "main"
    folder: Path | None = None
    subfolder: str = ""
    variant: str = ""
    licence: str = ""

    @classmethod
    def parse(cls, text: str, relative_to: Path) -> Source:
        """Read "owner/name@revision", or a folder that begins with "/", "./" or "../". Raises ProfileError."""
        if text.startswith(("/", "./", "../")):
            return cls(folder=(relative_to / text).resolve())
        found = _REPOSITORY.fullmatch(text)
        if found is None:
            raise ProfileError(
                f"{text!r} is neither owner/name@revision nor a folder that begins with / or ./"
            )
        return cls(repo=found[1], revision=found[2] or "main")

    def __str__(self) -> str:
        where = f"{self.folder.name}/" if self.folder else f"{self.repo}@{self.revision[:12]}"
        return f"{where} {self.subfolder}".rstrip()

    @property
    def path(self) -> Path | None:
        """The folder that holds the files, or None for the hub's."""
        return self.folder / self.subfolder if self.folder else None

    @property
    def is_pinned(self) -> bool:
        """Whether it names one commit, so that the same files come tomorrow."""
        return bool(_COMMIT.fullmatch(self.revision))


@dataclass(frozen=True)
class IPAdapter:
    """Conditioning on the product's picture (Ye et al. 2023, "IP-Adapter").

    weight_name: the adapter's file, below `subfolder` of `source`. image_encoder: its encoder's folder, below `subfolder`
    too, unless it has a slash of its own. scale: 0 switches it off, 1 is its full strength. image_size: side in pixels of
    the square picture that the encoder reads.
    """

    source: Source
    weight_name: str
    subfolder: str = ""
    image_encoder: str = "image_encoder"
    scale: float = 1.0
    image_size: int = 224

    @property
    def encoder_folder(self) -> str:
        """The encoder's folder below the source."""
        if "/" in self.image_encoder or not self.subfolder:
            return self.image_encoder
        return f"{self.subfolder}/{self.image_encoder}"


@dataclass(frozen=True)
class CheckpointProfile:
    """A named checkpoint with its settings.

    base: a pipeline in diffusers layout; controlnet, lora, ip_adapter and safety_checker are added to it.
    scheduler: "own" keeps the checkpoint's. dtype applies on a GPU, cpu_dtype on a CPU.
    timesteps: noise levels to sample at, falling, one per step, where the scheduler's own spacing will not do
    (schedulers of the DPM-Solver and LCM kind take them).
    calm: 0..1, how far wide blotches of the initial noise are damped (see `calm_noise`); 0 for all but small models.
    contour: the product's outline is drawn into the control picture. setting_lines: and lines of the setting around it (see
    `control_edges`) after the examples in this file of the base's folder, for checkpoints trained so.
    harmony: 0..1, see `Light`.
    gate: its own limits of the quality gate, see `limits_with`.
    weights: identifies the trained weights of a folder, so that new weights make new pictures.
    """

    name: str
    title: str
    licence: str
    base: Source = Source()
    controlnet: Source = Source()
    lora: Source | None = None
    ip_adapter: IPAdapter | None = None
    safety_checker: Source | None = None
    family: Literal["sd", "sdxl"] = "sd"
    scheduler: Literal["own", "ddim", "dpm++", "lcm"] = "own"
    steps: int = 20
    guidance_scale: float = 7.5
    conditioning_scale: float = 1.0
    timesteps: tuple[int, ...] = ()
    calm: float = 0.0
    dtype: str = "float16"
    cpu_dtype: str = "float32"
    contour: bool = True
    setting_lines: str = ""
    harmony: float = HARMONY
    negative_prompt: str = ""
    max_batch: int = 4
    buckets: tuple[Size, ...] = BUCKETS
    gate: Mapping[str, Any] = field(default_factory=dict, hash=False)
    weights: str = ""

    def __post_init__(self) -> None:
        formats = ("float32", "float16", "bfloat16")
        checks = {
            "family": (self.family in ("sd", "sdxl"), "sd or sdxl"),
            "scheduler": (self.scheduler in ("own", "ddim", "dpm++", "lcm"), "own, ddim, dpm++ or lcm"),
            "steps": (1 <= self.steps <= 200, "1 to 200"),
            "guidance_scale": (0.0 <= self.guidance_scale <= 50.0, "0 to 50"),
            "conditioning_scale": (0.0 <= self.conditioning_scale <= 4.0, "0 to 4"),
            "timesteps": (
                not self.timesteps or _falls(self.timesteps, self.steps),
                f"a list of {self.steps} falling whole numbers of 999 to 0, one per step",
            ),
            "calm": (0.0 <= self.calm <= 1.0, "0 to 1"),
            "setting_lines": (
                isinstance(self.setting_lines, str)
                and (not self.setting_lines or self.base.path is not None),
                "the name of a file in the folder of its base",
            ),
            "ip_adapter": (self.ip_adapter is None or 0.0 <= self.ip_adapter.scale <= 2.0, "of scale 0 to 2"),
            "dtype": (self.dtype in formats, "float32, float16 or bfloat16"),
            "cpu_dtype": (self.cpu_dtype in ("float32", "bfloat16"), "float32 or bfloat16"),
            "harmony": (0.0 <= self.harmony <= 1.0, "0 to 1"),
            "max_batch": (1 <= self.max_batch <= 64, "1 to 64"),
            "buckets": (
                bool(self.buckets) and all(side % 8 == 0 for bucket in self.buckets for side in bucket),
                "at least one, of sides that 8 divides",
            ),
        }
        for fact, (good, rule) in checks.items():
            if not good:
                raise ProfileError(
                    f"profile {self.name}: {fact} is {getattr(self, fact)!r}; it must be {rule}"
                )
        try:
            limits_with(self.gate)
        except (TypeError, ValueError) as error:
            raise ProfileError(f"profile {self.name}: {error}") from error

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all that pictures depend on; folders' places, titles and licences are left out."""
        facts = _seen(dataclasses.asdict(self))
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    @property
    def limits(self) -> dict[str, Limit]:
        """The quality gate's limits for its paintings."""
        return limits_with(self.gate)

    @property
    def folder(self) -> Path | None:
        """The base's folder on this machine, or None when it comes from the hub."""
        return self.base.folder

    @property
    def setting_lines_path(self) -> Path | None:
        """The file with examples of lines, or None where no lines of the setting are drawn."""
        folder = self.base.path
        return folder / self.setting_lines if folder is not None and self.setting_lines else None

    @property
    def product_side(self) -> int | None:
        """Side in pixels of the product's picture that jobs should bring; None when the profile has no use for one."""
        return self.ip_adapter.image_size if self.ip_adapter and self.ip_adapter.scale else None

    @property
    def sources(self) -> dict[str, Source]:
        """The places of its weights by what they are: base, ControlNet, …"""
        found = {
            "base": self.base,
            "ControlNet": self.controlnet,
            "LoRA": self.lora,
            "IP-Adapter": self.ip_adapter.source if self.ip_adapter else None,
            "safety checker": self.safety_checker,
        }
        return {part: source for part, source in found.items() if source is not None}

    @property
    def missing(self) -> str | None:
        """What this machine lacks to run the profile, or None; what the hub would have to give is not looked at."""
        for part, file in _needed(self):
            if not file.is_file():
                where = f"{file.parent.name}/"
                return f"profile {self.name}: no {part} in {where} ({file.name} is missing)"
        if self.lora is not None and importlib.util.find_spec("peft") is None:
            return f"profile {self.name}: its LoRA needs the package peft: pip install 'product-studio[lora]'"
        return None


def _falls(timesteps: object, steps: int) -> bool:
    """Whether they are whole numbers of 999..0, one per step, each below the one before."""
    if not isinstance(timesteps, tuple):
        return False
    whole = all(type(level) is int and 0 <= level <= 999 for level in timesteps)
    return whole and len(timesteps) == steps and list(timesteps) == sorted(set(timesteps), reverse=True)


def _needed(profile: CheckpointProfile) -> list[tuple[str, Path]]:
    """One telling file of every part that is a folder of this machine."""
    files = {"base": "model_index.json", "ControlNet": "config.json", "safety checker": "config.json"}
    found = [
        ("checkpoint" if part == "base" else part, source.path / files[part])
        for part, source in profile.sources.items()
        if part in files and source.path is not None
    ]
    if profile.setting_lines_path is not None:
        found.append(("lines of settings", profile.setting_lines_path))
    adapter = profile.ip_adapter
    if adapter is not None and adapter.source.path is not None:
        root = adapter.source.path
        found.append(("IP-Adapter", root / adapter.subfolder / adapter.weight_name))
        found.append(("image encoder", root / adapter.encoder_folder / "config.json"))
    return found


def _seen(facts: Any) -> Any:
    if isinstance(facts, dict):
        return {name: _seen(value) for name, value in facts.items() if name not in _UNSEEN}
    return [_seen(value) for value in facts] if isinstance(facts, list | tuple) else facts
