"""The version that generation requests and caches are keyed by."""

from __future__ import annotations

from .profiles import CheckpointProfile, get_profile

PIPELINE_VERSION = "4"
"""Raise it when a change to any step alters pictures; requests of the old version stay what they were."""


def pipeline_version(profile: CheckpointProfile | str) -> str:
    """Version of the code and of everything in the profile that pictures depend on, e.g. "4-studio-tiny-3f9a1c20"."""
    chosen = get_profile(profile) if isinstance(profile, str) else profile
    return f"{PIPELINE_VERSION}-{chosen.name}-{chosen.fingerprint[:8]}"
