"""Labels of scenes and labels that prompts name."""

from __future__ import annotations

import random

import numpy as np
import pytest

from training.captions import caption
from training.catalogue import PROMPTS
from training.evaluate.labels import (
    FROM_ABOVE,
    UNKNOWN,
    Answers,
    Labels,
    answers_from,
    judged,
    labels_named,
    labels_of,
    showing_chances,
)
from training.evaluate.shots import OPEN_PROMPTS
from training.scenes import sample_scene


def test_captions_never_name_another_setting_than_the_scene_has():
    rng = random.Random(3)
    silent = 0
    for index in range(1500):
        spec = sample_scene(41, index).as_dict()
        if not judged(spec):
            continue
        wanted, named = labels_of(spec), labels_named(caption(spec, rng))
        assert named.surface in ("", wanted.surface), spec
        assert named.backdrop in ("", wanted.backdrop), spec
        silent += named == Labels("", "")
    assert silent == 0  # parts are left out, never all of them


@pytest.mark.parametrize(
    ("prompt", "labels"),
    [
        ("on an oak wood table in front of a sage green wall, soft daylight", ("oak", "wall")),
        ("on an oak table in front of an olive wall", ("oak", "wall")),
        ("on a dark walnut table, window light falling on a cream wall", ("walnut", "window")),
        ("on a sandy beach with the sea and a blue sky behind, bright sunlight", ("sand", "sea")),
        ("on seamless terracotta paper, studio shot, soft light", ("paper", "paper")),
        ("flat lay on white marble, seen from above", ("marble", FROM_ABOVE)),
        ("On Green Moss with leafy foliage behind", ("moss", "foliage")),
        ("a mug, soft light", ("", "")),
    ],
)
def test_a_prompt_names_its_longest_phrases(prompt, labels):
    assert labels_named(prompt) == labels


def test_every_prompt_that_is_measured_names_both():
    for text in [*(text for pool in PROMPTS.values() for _, text in pool), *OPEN_PROMPTS]:
        assert all(labels_named(text)), text


def test_paper_seen_from_above_is_paper_and_podiums_are_not_judged():
    spec = {"surface": "paper", "backdrop": "none", "view": "top", "prop": "none"}
    assert labels_of(spec) == ("paper", "paper")
    assert labels_of(spec | {"surface": "oak"}) == ("oak", FROM_ABOVE)
    assert judged(spec)
    assert not judged(spec | {"prop": "podium"})


def scene(surface: str, backdrop: str) -> dict[str, str]:
    return {"surface": surface, "backdrop": backdrop, "view": "front", "prop": "none"}


def test_only_labels_with_enough_scenes_are_answers():
    specs = [scene("oak", "wall")] * 12 + [scene("sand", "sea")] * 11
    assert answers_from(specs) == Answers(("oak",), ("wall",))


def test_numbers_and_unknown_labels():
    answers = Answers(("moss", "oak"), ("wall",))
    assert answers.numbers(Labels("oak", "sea")) == (1, UNKNOWN)
    assert answers.knows(Labels("oak", "sea")) == ("oak", "")


def test_rare_labels_are_shown_oftener_than_their_share():
    labels = [Labels("oak", "wall")] * 16 + [Labels("sand", "sea")]
    chances = showing_chances(labels)
    assert np.isclose(chances.sum(), 1)
    assert np.isclose(chances[16] / chances[0], 4)  # (16 · 16) ** 0.25
