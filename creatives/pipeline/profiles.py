"""Checkpoint profiles by name: the one that ships, the hub's, and those of a folder of this machine."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from .buckets import BUCKETS, Size, scaled_buckets
from .hub_profiles import HUB_PROFILES
from .profile import CheckpointError, CheckpointProfile, IPAdapter, ProfileError, Source
from .profile_files import profile_from_folder

__all__ = [
    "CHECKPOINTS",
    "DEFAULT_PROFILE",
    "CheckpointError",
    "CheckpointProfile",
    "IPAdapter",
    "ProfileError",
    "Source",
    "get_profile",
    "profile_from_folder",
    "profile_names",
]

CHECKPOINTS = Path(__file__).resolve().parent.parent / "checkpoints"
DEFAULT_PROFILE = "studio-tiny"
STUDIO_TINY_GATE = {
    "structure": (0.46, 0.3),
    "agreement": (0.45, 0.3),
    "expansion": (0.6, 0.8),
    "leakage": (0.23, 0.3),
}
"""It paints more roughly than the scenes that the gate's limits come from: set on fifteen of its own paintings and tested on
sixteen others (docs/figures.md).
"""

LARGER = 1.5
"""studio-tiny's larger class: the same aspects with sides half as long again."""


def profile_names(folder: Path | None = None) -> tuple[str, ...]:
    """Names that `get_profile` knows, the default first, those that only `folder` has last."""
    own = sorted(path.parent.name for path in folder.glob("*/profile.json")) if folder else []
    return tuple(dict.fromkeys((DEFAULT_PROFILE, *HUB_PROFILES, *own)))


def get_profile(name: str, folder: Path | None = None) -> CheckpointProfile:
    """The profile of that name. Raises ProfileError naming those that exist.

    folder: holds a folder per profile. One that is named like a known profile takes its place and keeps what it does not
    say itself; any other is a profile of its own (see `profile_from_folder`).
    """
    if name not in profile_names(folder):
        raise ProfileError(f"no checkpoint profile {name!r}; there are {', '.join(profile_names(folder))}")
    known = HUB_PROFILES.get(name)
    own = folder / name if folder else None
    if own is not None and (own / "profile.json").is_file():
        if name == DEFAULT_PROFILE:
            return _studio_tiny(own)
        return profile_from_folder(own, **(_facts(known) if known else {}))
    return known or _studio_tiny(CHECKPOINTS / DEFAULT_PROFILE)


def _facts(profile: CheckpointProfile) -> dict[str, object]:
    return {field.name: getattr(profile, field.name) for field in dataclasses.fields(profile)}


def _studio_tiny(folder: Path) -> CheckpointProfile:
    """The shipped profile. It names the buckets it was trained on; its convolutions also serve the thin ones, in the larger
    class too once it was trained on that.
    """
    trained = profile_from_folder(
        folder,
        title="Studio tiny (ships with the project)",
        licence="BSD-3-Clause",
        guidance_scale=2.2,
        dtype="float32",
        cpu_dtype="bfloat16",
        gate=STUDIO_TINY_GATE,
    )
    larger = scaled_buckets(LARGER) if any(_is_larger(bucket) for bucket in trained.buckets) else ()
    return dataclasses.replace(trained, buckets=tuple(dict.fromkeys((*trained.buckets, *BUCKETS, *larger))))


def _is_larger(bucket: Size) -> bool:
    return bucket.width * bucket.height >= (LARGER * 256) ** 2
