"""All measurements of a checkpoint, as values that JSON can hold."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creatives.pipeline import Size
from creatives.pipeline.expansion import overlap
from creatives.pipeline.segmenter import Segmenter
from training.dataset import Scene, held_out, load_scene, scene_names
from training.evaluate import conditioning, structure, variety
from training.evaluate.adherence import accuracy
from training.evaluate.distance import Distance, kernel_distance
from training.evaluate.estimates import mean
from training.evaluate.finder import Finder
from training.evaluate.gallery import Gallery
from training.evaluate.inception import NAME, SIDE, STAGES, Inception
from training.evaluate.judge import Judge
from training.evaluate.labels import judged, labels_of
from training.evaluate.painting import (
    BLANK,
    NAIVE,
    OURS,
    PLAIN,
    SWAPPED,
    Shot,
    Studio,
    Way,
    pasted,
    reseeded,
)
from training.evaluate.renders import for_testing
from training.evaluate.shots import (
    OPEN_PROMPTS,
    Product,
    at_bucket,
    held_out_scenes,
    held_out_shots,
    product_shots,
)

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

SEEDS = 6
WAYS: dict[str, Way] = {"with edges": OURS, "without edges": BLANK, "naive inpainting": NAIVE}
CHECKED = 40
"""Renders on which the segmenters themselves are measured, and that go through the autoencoder."""


@dataclass
class Measurement:
    """What the figures are taken with. count: pictures per set (the held-out set has twice as many)."""

    studio: Studio
    gallery: Gallery
    judge: Judge
    finder: Finder
    segmenter: Segmenter
    inception: Inception | None
    scenes: Path
    products: Sequence[Product]
    buckets: Sequence[Size]
    count: int
    seed: int

    def run(self) -> dict[str, Any]:
        """Every section of the report."""
        held = held_out_scenes(self.scenes, self.buckets)
        held_shots = held_out_shots(held, 2 * self.count, self.seed)
        held_pictures = self.gallery.paint(held_shots, title="held-out captions")
        shots = product_shots(self.products, self.buckets, self.count, self.seed + 10_000)
        painted = {name: self.gallery.paint(shots, way, name) for name, way in WAYS.items()}
        ours = painted["with edges"]
        return {
            "instruments": self.instruments(),
            "adherence": {
                "catalogue prompts": self.adherence(shots, ours),
                "held-out captions": self.adherence(held_shots, held_pictures),
            },
            "structure": {name: self.structure(shots, pictures) for name, pictures in painted.items()},
            "structure_renders": self.structure(held_shots[: self.count], held_pictures[: self.count]),
            "conditioning": self.conditioning(shots, ours),
            "distance": self.distance(held, held_shots, held_pictures),
            "variety": self.variety(),
        }

    def structure(self, shots: Sequence[Shot], pictures: Sequence[U8]) -> dict[str, Any]:
        """What both segmenters find in the pictures."""
        return dict(structure.measure(self.finder, self.segmenter, shots, pictures))

    def adherence(self, shots: Sequence[Shot], pictures: Sequence[U8]) -> dict[str, Any]:
        """Accuracy by kind of label, of the labels that the judge knows."""
        named = self.judge.name(pictures, [shot.alpha for shot in shots])
        return dict(accuracy(named, [self.judge.answers.knows(shot.labels) for shot in shots]))

    def instruments(self) -> dict[str, Any]:
        """How good the judges are, on renders that neither they nor the checkpoint have seen (or only the latter)."""
        names = [name for name in scene_names(self.scenes) if for_testing(name)]
        scenes = [at_bucket(load_scene(self.scenes, name), self.buckets) for name in names]
        named = [scene for scene in scenes if judged(scene.spec)]
        few = named[:: max(1, len(named) // CHECKED)]
        masks = [scene.alpha >= 128 for scene in few]
        found = self.finder.find([scene.rgb for scene in few])
        return {
            "judge": self.judge.members,
            "answers": {"surface": self.judge.answers.surfaces, "backdrop": self.judge.answers.backdrops},
            "on renders": self._judged(named, [scene.rgb for scene in named]),
            "through the autoencoder": self._judged(
                few, self.studio.through_autoencoder([scene.rgb for scene in few])
            ),
            "finder": mean([overlap(f, m) for f, m in zip(found, masks, strict=True)]),
            "network": self.segmenter.standing().network or "GrabCut",
            "step 1": mean(
                [
                    overlap(structure.pipeline_mask(self.segmenter, scene.rgb), mask)
                    for scene, mask in zip(few, masks, strict=True)
                ]
            ),
        }

    def _judged(self, scenes: Sequence[Scene], pictures: Sequence[U8]) -> dict[str, Any]:
        named = self.judge.name(pictures, [scene.alpha for scene in scenes])
        return dict(accuracy(named, [self.judge.answers.knows(labels_of(scene.spec)) for scene in scenes]))

    def conditioning(self, shots: Sequence[Shot], ours: Sequence[U8]) -> dict[str, Any] | None:
        """Palette figures with the product's picture, without it, and with another's; None without an adapter."""
        if not self.studio.has_adapter:
            return None
        free = product_shots(self.products, self.buckets, self.count, self.seed + 20_000, OPEN_PROMPTS)
        sets = {"colours named": (shots, ours), "colours left open": (free, self.gallery.paint(free))}
        result: dict[str, Any] = {}
        for name, (group, own) in sets.items():
            none = self.gallery.paint(group, PLAIN, f"{name}, without the product")
            other = self.gallery.paint(group, SWAPPED, f"{name}, another product")
            result[name] = {
                "without": conditioning.measure(group, none),
                "with": conditioning.measure(group, own),
                "another": conditioning.measure(group, other),
                "change": conditioning.change(group, own, none),
                "own against another": conditioning.change(group, own, other),
            }
        return result

    def distance(
        self, held: Sequence[Scene], shots: Sequence[Shot], pictures: Sequence[U8]
    ) -> dict[str, Any]:  # fmt: skip
        """Kernel distances to the held-out renders: of paintings, and of other renders for comparison."""
        others = [name for name in scene_names(self.scenes) if not held_out(name)]
        chosen = others[:: max(1, len(others) // len(shots))][: len(shots)]
        seen = [at_bucket(load_scene(self.scenes, name), self.buckets).rgb for name in chosen]
        truth = self.features([scene.rgb for scene in held])

        def to_truth(compared: Sequence[U8]) -> Distance:
            return kernel_distance(self.features(compared), truth)

        return {
            "features": NAME if self.inception else "our classifier's (384)",
            "painted, product pasted": to_truth([pasted(s, p) for s, p in zip(shots, pictures, strict=True)]),
            "painted, raw": to_truth(pictures),
            "other renders": to_truth(seen),
            "other renders through the autoencoder": to_truth(self.studio.through_autoencoder(seen)),
        }

    def features(self, pictures: Sequence[U8]) -> F32:
        """(N, d) features of whole pictures, by the extractor or, without it, by our classifier."""
        return (self.inception or self.judge.classifier).describe(pictures)

    def variety(self) -> dict[str, Any] | None:
        """Mean distance between seeds of a prompt, and between renders of the same surface and backdrop."""
        if self.inception is None:
            return None
        few = product_shots(self.products, self.buckets, max(2, self.count // SEEDS), self.seed + 30_000)
        painted, rendered = [], []
        for shot in few:
            shots = [reseeded(shot, shot.seed + 1000 * turn) for turn in range(SEEDS)]
            painted.append(self._spread(self.gallery.paint(shots), [shot.alpha for shot in shots]))
            rendered.append(self._alike(shot))
        of_renders = [float(np.mean(values)) for values in rendered if values]
        return {
            "seeds": mean([float(np.mean(values)) for values in painted]),
            "renders": mean(of_renders) if len(of_renders) > 1 else None,
            "closest seeds": min(itertools.chain.from_iterable(painted)),
        }

    def _alike(self, shot: Shot) -> list[float]:
        """Distances between up to ``SEEDS`` renders that show what the shot's prompt names."""
        found: list[Scene] = []
        for name in scene_names(self.scenes):
            spec = json.loads((self.scenes / f"{name}.json").read_text())
            if judged(spec) and labels_of(spec) == shot.labels:
                found.append(at_bucket(load_scene(self.scenes, name), self.buckets))
            if len(found) == SEEDS:
                break
        return self._spread([scene.rgb for scene in found], [scene.alpha for scene in found])

    def _spread(self, pictures: Sequence[U8], alphas: Sequence[U8]) -> list[float]:
        if self.inception is None or len(pictures) < 2:
            return []
        layers = self.inception.activations(pictures, STAGES)
        return variety.spread(layers, [variety.background(alpha, SIDE) for alpha in alphas])
