"""Which scenes are rendered without products, as examples of a setting's lines."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from training.scenes import ON_HANGERS, SceneSpec, sample_scene

WANTED, LAST = 9, 6000
"""Scenes of a kind that are rendered, and scenes of a series that are looked through for them."""
SIZE = (384, 256)
"""As wide as the widest bucket, in pixels, so that nothing need be repeated."""
PLAIN = frozenset({"wall", "paper", "none"})
"""Backdrops without lines."""
FAR_REACHING = frozenset({"window", "leaf shadow"})
"""Backdrops whose light draws lines on the ground too."""


def example_scenes(seed: int) -> list[SceneSpec]:
    """Those scenes of a series that show grounds and backdrops of which there are not enough before them, without props."""
    seen: Counter[tuple[str, str]] = Counter()
    chosen = []
    for index in range(LAST):
        spec = sample_scene(seed, index)
        parts = parts_of(spec.surface, spec.backdrop, spec.view)
        if any(seen[part] < WANTED for part in parts):
            product = (
                "jar" if spec.product in ON_HANGERS else spec.product
            )  # a rail is seen, its dress is not
            chosen.append(replace(spec, size=SIZE, prop="none", extra="none", product=product))
            seen.update(parts)
    return chosen


def parts_of(surface: str, backdrop: str, view: str) -> list[tuple[str, str]]:
    """What a scene is an example of: ("ground", "above" or "backdrop", its kind)."""
    if view == "top":
        return [("above", surface)] if surface != "paper" else []
    ground = [("ground", surface)] if surface != "paper" and backdrop not in FAR_REACHING else []
    return ground + ([("backdrop", backdrop)] if backdrop not in PLAIN else [])
