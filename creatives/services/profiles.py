"""Checkpoint profiles as this installation has them, and painters of them. No torch until a painter paints."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from django.conf import settings

from creatives.pipeline import Painter, StageCache
from creatives.pipeline.profiles import CheckpointProfile, get_profile, profile_names
from creatives.pipeline.runtime import Runtime


def profile_in_use() -> CheckpointProfile:
    """The profile that new requests are painted with: ``CHECKPOINT_PROFILE``. Raises ProfileError."""
    return find_profile(settings.CHECKPOINT_PROFILE)


def find_profile(name: str) -> CheckpointProfile:
    """A profile by its name, with this installation's folder of checkpoints. Raises ProfileError."""
    return _read(name, settings.CHECKPOINTS_DIR)


def all_profiles() -> list[CheckpointProfile]:
    """Every profile that can be named here, the default first. Raises ProfileError for one whose file is unusable."""
    return [find_profile(name) for name in profile_names(settings.CHECKPOINTS_DIR)]


@lru_cache(maxsize=32)
def _read(name: str, folder: Path) -> CheckpointProfile:
    # A profile is read once per process: new weights are taken up when the processes are restarted.
    return get_profile(name, folder)


def painter_of(profile: CheckpointProfile, cache: StageCache | None = None) -> Painter:
    """A painter that runs the profile as the settings say: threads, device memory, offline."""
    runtime = Runtime(
        threads=settings.TORCH_THREADS,
        offline=settings.CHECKPOINT_OFFLINE,
        offload=settings.CHECKPOINT_OFFLOAD,
        compile=settings.CHECKPOINT_COMPILE,
    )
    return Painter(profile, cache=cache, runtime=runtime)
