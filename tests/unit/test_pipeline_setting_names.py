"""What a prompt calls its ground and its backdrop."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from creatives.pipeline.setting_names import setting_named
from training.captions import caption
from training.evaluate.labels import labels_named
from training.scenes import sample_scene

DEMO = Path(__file__).resolve().parents[2] / "creatives" / "demo"


@pytest.mark.parametrize(
    ("prompt", "ground", "backdrop"),
    [
        ("on a dark walnut table, window light falling on a cream wall", "walnut", "window"),
        ("on Dark, rich wood with a grey wall", "walnut", ""),
        ("on an oak wood table in front of a sage green wall", "oak", ""),
        ("sunlight through a window on a pink wall", "", "window"),
        ("grey wall with the shadow of a window", "", "window"),
        ("in front of a window", "", ""),
        ("on beige linen, leaf shadows on a cream wall, sunlight", "linen", "leaf shadow"),
        ("Palm shadows on a wall", "", "leaf shadow"),
        ("on a concrete surface at night with glowing city lights behind", "concrete", "bokeh"),
        ("on a glossy black surface, bokeh lights at night", "glossy black", "bokeh"),
        ("on black marble", "black marble", ""),
        ("on a marbled cake", "", ""),
        ("on a sandy beach with the sea and a blue sky behind", "sand", "sea"),
        ("on a sandy beach", "sand", "sea"),
        ("on the beach at sunset over the ocean", "sand", "sea sunset"),
        ("on green grass under a blue sky", "grass", "blue sky"),
        ("on moss green velvet before a sea blue wall", "velvet", ""),
        ("on a sand-coloured cloth", "linen", ""),
        ("on an oak table with a folded cloth", "oak", ""),
        ("on sky blue paper beside leafy twigs", "", ""),
        ("on snow with snowy trees behind", "snow", "winter trees"),
        ("snowy trees behind", "", "winter trees"),
        ("under a lamp", "", ""),
    ],
)
def test_the_setting_that_a_prompt_names(prompt: str, ground: str, backdrop: str) -> None:
    assert setting_named(prompt) == (ground, backdrop, False)


@pytest.mark.parametrize("words", ["sunlight from above", "lighting from above", "overhead lamps"])
def test_light_from_above_is_no_view_from_above(words: str) -> None:
    assert not setting_named(f"on an oak table, {words}").from_above


@pytest.mark.parametrize("words", ["flat lay", "Flat-lay", "top view", "seen from above", "overhead shot"])
def test_what_is_seen_from_above(words: str) -> None:
    assert setting_named(f"{words} on white marble") == ("marble", "", True)


def test_captions_of_rendered_scenes_are_read_as_the_evaluation_reads_them() -> None:
    """Where the evaluation's phrases find no wall, paper or nothing, both name the same in nearly all captions."""
    same = 0
    for index in range(400):
        text = caption(sample_scene(9, index).as_dict(), random.Random(index))
        wanted, found = labels_named(text), setting_named(text)
        ground = "" if wanted.surface == "paper" else wanted.surface
        backdrop = "" if wanted.backdrop in ("paper", "wall", "from above") else wanted.backdrop
        same += (found.ground, found.backdrop) == (ground, backdrop)
    assert same >= 0.97 * 400


def test_the_demos_prompts_name_a_ground_or_paper() -> None:
    pools = json.loads((DEMO / "prompts.json").read_text())
    prompts = [prompt["text"] for pool in pools.values() for prompt in pool]
    assert len(prompts) == 12
    assert all(setting_named(text).ground or "paper" in text for text in prompts)
