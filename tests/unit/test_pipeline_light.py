"""When a product throws a contact shadow, where that lies, and how far the background's colours go with the product."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creatives.pipeline.colour import to_linear, to_srgb
from creatives.pipeline.compose import compose
from creatives.pipeline.layout import Layout
from creatives.pipeline.light import HARMONY, SHADOW_STRENGTH, Light, has_ground, light_for
from creatives.pipeline.profiles import get_profile, profile_from_folder
from creatives.pipeline.shading import LARGEST_GAIN, contact_shadow, harmonised


@pytest.mark.parametrize(
    ("prompt", "stands"),
    [
        ("on an oak wood table in front of a sage green wall", True),
        ("hanging on a white brick wall", False),
        ("floating in mid-air above clouds", False),
        ("flat lay on white marble, seen from above", False),
        ("Flat-lay with eucalyptus leaves", False),
        ("top-down on linen", False),
        ("bird's eye view of a picnic blanket", False),
        ("on a table below hanging lamps", True),
        ("in a garden, plants hanging behind", True),
        ("on grass, bright sunlight from above", True),
        ("on a shelf above a fireplace", True),
        ("", True),
    ],
)
def test_the_prompt_tells_whether_the_product_stands(prompt: str, stands: bool) -> None:
    assert has_ground(prompt, Layout()) is stands


def test_the_placements_word_counts_before_the_prompts_and_both_before_the_text() -> None:
    hanging = "hanging on a wall"
    assert has_ground(hanging, Layout(), "contact")
    assert not has_ground("on a table", Layout(), "none")
    assert has_ground(hanging, Layout(ground="contact"), "none")
    assert not has_ground("on a table", Layout(ground="none"), "contact")
    assert not has_ground("on a table", Layout(anchor="ne"))
    assert has_ground("on a table", Layout(anchor="n"), "contact")


def test_the_light_of_a_creative() -> None:
    profile = get_profile("sd15")
    assert light_for(profile, "on a table", Layout()) == Light(SHADOW_STRENGTH, HARMONY)
    assert light_for(profile, "flat lay", Layout()) == Light(0.0, HARMONY)


def block(frame: tuple[int, int] = (80, 80), bottom: int = 60) -> np.ndarray:
    alpha = np.zeros(frame, np.uint8)
    alpha[20:bottom, 25:55] = 255
    return alpha


def shadow_of(alpha: np.ndarray) -> np.ndarray:
    whole = np.zeros(alpha.shape, np.float32)
    if (thrown := contact_shadow(alpha)) is not None:
        window, depth = thrown
        whole[window] = depth
    return whole


def test_the_shadow_lies_under_the_product_and_only_there() -> None:
    shadow = shadow_of(block())
    assert shadow[60, 40] > 0.5
    assert shadow[60, 40] > shadow[62, 40] > shadow[66, 40]
    assert shadow[30, 10] == 0
    assert shadow[78, 40] < 0.05
    assert shadow.max() <= 1.0


def test_a_product_at_the_frames_foot_throws_none() -> None:
    assert contact_shadow(block(bottom=79)) is None
    assert contact_shadow(np.zeros((40, 40), np.uint8)) is None


def test_the_shadow_follows_a_round_foot() -> None:
    alpha = np.zeros((120, 120), np.uint8)
    ys, xs = np.mgrid[:120, :120]
    alpha[(ys < 90) & (ys > 30) & (xs > 30) & (xs < 90)] = 255
    alpha[((ys - 90) / 6) ** 2 + ((xs - 60) / 30) ** 2 <= 1] = 255
    shadow = shadow_of(alpha)
    assert shadow[97, 60] > shadow[97, 34]
    assert shadow[93, 34] > 0.05


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(4, 40), st.integers(4, 40))
def test_the_window_holds_the_whole_shadow(width: int, height: int, x: int, y: int) -> None:
    """What a shadow does beyond its window is nothing: the same product in a larger frame has the same shadow."""
    alpha = np.zeros((120, 120), np.uint8)
    alpha[y : y + height, x : x + width] = 255
    padded = np.pad(alpha, 40)
    assert np.allclose(shadow_of(padded)[40:-40, 40:-40], shadow_of(alpha), atol=0.02)


def test_compose_darkens_the_ground_and_nothing_else() -> None:
    placed = np.dstack([np.full((80, 80, 3), 200, np.uint8), block()])
    ground = np.full((80, 80, 3), 180, np.uint8)
    plain, shaded = (compose(placed, ground, shadow=depth) for depth in (0.0, SHADOW_STRENGTH))
    assert np.array_equal(plain[placed[..., 3] == 0], ground[placed[..., 3] == 0])
    assert (shaded[..., 0] <= plain[..., 0]).all()
    assert shaded[60, 40, 0] < 160
    assert np.array_equal(shaded[:20], ground[:20])
    assert (shaded[placed[..., 3] == 255] == 200).all()


def scene(colour: tuple[int, int, int]) -> np.ndarray:
    return np.broadcast_to(np.array(colour, np.uint8), (80, 80, 3)).copy()


def product(colour: tuple[int, int, int]) -> np.ndarray:
    return np.dstack([scene(colour), block()])


def test_a_neutral_scene_with_a_neutral_product_stays_as_it_is() -> None:
    assert np.array_equal(
        harmonised(scene((140, 140, 140)), product((200, 30, 30)), 1.0), scene((140, 140, 140))
    )


def test_a_warm_scene_moves_towards_the_neutral_light_of_the_product() -> None:
    warm = scene((190, 160, 120))
    assert harmonised(warm, product((200, 30, 30)), 0.3)[0, 0].tolist() == [185, 160, 123]


def test_a_product_in_the_same_warm_light_leaves_the_scene_alone() -> None:
    warm = scene((150, 140, 128))
    assert np.abs(harmonised(warm, product((150, 140, 128)), 1.0).astype(int) - warm).max() <= 1


def test_the_scenes_cast_is_the_sixth_norm_of_its_linear_light_around_the_product() -> None:
    scenery = np.random.default_rng(6).integers(0, 256, (80, 80, 3), np.uint8) // np.array(
        [1, 2, 3], np.uint8
    )
    placed = product((200, 30, 30))
    around = to_linear(scenery[placed[..., 3] < 128]).astype(np.float64)
    norm = (around**6).mean(axis=0) ** (1 / 6) + 1e-4
    gains = np.clip(1.0 + 0.2 * (norm.mean() / norm - 1.0), 1.0 - LARGEST_GAIN, 1.0 + LARGEST_GAIN)
    assert np.array_equal(harmonised(scenery, placed, 0.2), to_srgb(to_linear(scenery) * gains))


@settings(max_examples=30, deadline=None)
@given(st.tuples(*[st.integers(0, 255)] * 3), st.tuples(*[st.integers(0, 255)] * 3), st.floats(0, 1))
def test_no_channel_changes_by_more_than_the_limit_and_the_product_not_at_all(
    ground: tuple[int, int, int], colour: tuple[int, int, int], amount: float
) -> None:
    placed = product(colour)
    final = compose(placed, scene(ground), shadow=0.0, harmony=amount)
    assert (final[placed[..., 3] == 255] == colour).all()
    before, after = to_linear(scene(ground))[0, 0], to_linear(final)[0, 0]
    code = 2.3 / 255  # half a code of rounding, in linear light, is at most this
    assert (np.abs(after - before) <= LARGEST_GAIN * before + code).all()


def test_a_profiles_file_switches_contour_and_harmony(tmp_path: Path) -> None:
    (tmp_path / "profile.json").write_text('{"contour": false, "harmony": 0.1}')
    profile = profile_from_folder(tmp_path)
    assert (profile.contour, profile.harmony) == (False, 0.1)
    assert get_profile("sd15").contour is True


def test_harmony_is_a_field_of_profiles_that_pictures_depend_on() -> None:
    profile = get_profile("sd15")
    assert dataclasses.replace(profile, harmony=0.0).fingerprint != profile.fingerprint
    with pytest.raises(ValueError, match=r"harmony is 1\.5"):
        dataclasses.replace(profile, harmony=1.5)
