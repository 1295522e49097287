"""Who names settings: our classifier and, where the fixed extractor is to be had, a probe on its features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from training.dataset import scene_names
from training.evaluate import classifier as ours
from training.evaluate.classifier import Classifier, train_classifier
from training.evaluate.inception import SIDE, Inception
from training.evaluate.labels import Answers, Labels, answers_from, judged
from training.evaluate.networks import kept_network
from training.evaluate.probe import Probe, train_probe
from training.evaluate.renders import for_testing, load_renders

U8 = NDArray[np.uint8]

STEPS = 2000


@dataclass
class Judge:
    """Averages the probabilities of its members."""

    answers: Answers
    classifier: Classifier
    probe: Probe | None = None
    inception: Inception | None = None

    @property
    def members(self) -> str:
        """What the judge is made of, in words."""
        probe = " and a linear probe on Inception features" if self.probe else ""
        return f"a classifier of our own{probe}"

    def name(self, pictures: Sequence[U8], alphas: Sequence[U8]) -> list[Labels]:
        """The labels of uint8 (H, W, 3) pictures, whose products (coverage uint8 (H, W)) are greyed out first."""
        votes = [self.classifier.logits(pictures, alphas)]
        if self.probe is not None and self.inception is not None:
            votes.append(self.probe.logits(self.inception, pictures, alphas))
        chosen = [
            torch.stack([logits.softmax(1) for logits in kind]).mean(0).argmax(1).tolist()
            for kind in zip(*votes, strict=True)
        ]
        return [
            Labels(self.answers.surfaces[s], self.answers.backdrops[b]) for s, b in zip(*chosen, strict=True)
        ]


def train_judge(scenes: Path, work: Path, inception: Inception | None, steps: int = STEPS) -> Judge:
    """The judge for a folder of renders: its members from ``work`` if they saw nearly all of them, else trained."""
    names = [name for name in scene_names(scenes) if not for_testing(name)]
    specs = load_renders(scenes, 8, names).specs
    chosen = [name for name, spec in zip(names, specs, strict=True) if judged(spec)]
    answers = answers_from([spec for spec in specs if judged(spec)])
    classifier = kept_network(
        work / "classifier.pt", chosen, (answers, steps), lambda: Classifier(answers),
        lambda: train_classifier(load_renders(scenes, ours.SIDE, chosen), answers, steps),
    )  # fmt: skip
    if inception is None:
        return Judge(answers, classifier)
    probe = kept_network(
        work / "probe.pt", chosen, (answers,), lambda: Probe(answers, 8320),
        lambda: train_probe(inception, load_renders(scenes, SIDE, chosen), answers),
    )  # fmt: skip
    return Judge(answers, classifier, probe, inception)
