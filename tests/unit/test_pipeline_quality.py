"""The quality gate's scores on pictures whose fault is known, and the verdicts that come of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from creatives.pipeline.edges import draw_edges
from creatives.pipeline.expansion import expansion, object_region, overlap
from creatives.pipeline.gate import LIMITS, Limit, limits_with
from creatives.pipeline.grounding import floating
from creatives.pipeline.leaks import leakage, seam
from creatives.pipeline.profiles import CheckpointProfile, ProfileError
from creatives.pipeline.quality import REASONS, assess, decide
from creatives.pipeline.support import confidence_of, outline_support

U8 = np.ndarray
SIDE = 160
GROUND, WALL, BLUE = (120, 90, 60), (200, 205, 190), (30, 60, 200)
PRODUCT = (slice(60, 130), slice(55, 105))


def setting(horizon: int = 100) -> U8:
    """A wall above the horizon and ground below it, with a grain."""
    picture = np.empty((SIDE, SIDE, 3), np.int64)
    picture[:horizon], picture[horizon:] = WALL, GROUND
    grain = np.random.default_rng(5).integers(-9, 10, (SIDE, SIDE, 1))
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def product(at: tuple[slice, slice] = PRODUCT) -> U8:
    region = np.zeros((SIDE, SIDE), np.bool_)
    region[at] = True
    return region


def painted(at: tuple[slice, slice] = PRODUCT, **of: Any) -> U8:
    picture = setting(**of)
    picture[at] = BLUE
    return picture


def scored(generated: U8, **options: Any) -> Any:
    placed = np.zeros((SIDE, SIDE, 4), np.uint8)
    placed[PRODUCT] = (*BLUE, 255)
    composed = np.where(placed[..., 3:] > 0, placed[..., :3], generated)
    edges = draw_edges(np.ascontiguousarray(placed[..., :3]), np.ascontiguousarray(placed[..., 3]))
    return assess(generated, edges, placed, composed, **{"mask_confidence": 1.0, **options})


def test_a_faithful_painting_passes_with_every_score_as_usual() -> None:
    quality = scored(painted())
    assert (quality.verdict, quality.reasons) == ("pass", ())
    assert set(quality.scores) == set(LIMITS) == set(REASONS)
    assert quality.scores["structure"] == 1.0
    assert quality.scores["agreement"] > 0.9
    assert quality.scores["expansion"] < 0.03
    assert quality.risk <= 1.0
    assert quality.facts == {"risk": quality.risk, **quality.scores}


def test_expansion_is_the_area_that_an_object_adds_and_never_less_than_nothing() -> None:
    wide = (slice(60, 130), slice(55, 115))  # a fifth wider than the product, and nothing of it is lost
    found = object_region(painted(wide), product())
    assert expansion(found, product()) == pytest.approx(0.2, abs=0.03)
    shorter = product((slice(60, 95), slice(55, 105)))
    assert expansion(shorter, product()) == 0.0
    assert overlap(shorter, product()) == 0.5
    grown_and_lost = product(
        (slice(60, 130), slice(80, 130))
    )  # the union form: loss does not make up for growth
    assert expansion(grown_and_lost, product()) == pytest.approx(0.5)
    assert expansion(product(), np.zeros((SIDE, SIDE), np.bool_)) == 0.0


def _second_outline(picture: U8) -> None:
    cv2.rectangle(picture, (49, 54), (110, 135), (20, 20, 20), 1)


def _seam(picture: U8) -> None:
    picture[:, 130:] = np.clip(picture[:, 130:].astype(int) - 120, 0, 255)


def _extension(picture: U8) -> None:
    picture[50:140, 45:115] = BLUE


@pytest.mark.parametrize(
    ("spoil", "score"), [(_second_outline, "leakage"), (_seam, "seam"), (_extension, "expansion")]
)
def test_a_fault_is_named_first_among_the_reasons(spoil: Callable[[U8], None], score: str) -> None:
    picture = painted()
    spoil(picture)
    quality = scored(picture)
    assert quality.verdict != "pass"
    assert REASONS[score].format(quality.scores[score]) in quality.reasons
    assert quality.risk > 1.0


def test_a_seam_is_found_where_it_is_and_a_horizon_is_none() -> None:
    picture = painted()
    usual = seam(picture, product()).strength
    _seam(picture)
    strength, column = seam(picture, product())
    assert column == 129
    assert strength > 3 * usual


def test_a_second_outline_counts_by_the_share_of_the_outline_that_it_follows() -> None:
    picture = painted()
    cv2.line(picture, (49, 54), (49, 135), (20, 20, 20), 1)  # beside the left of four sides: 70 of 240 pixels
    assert leakage(picture, product()) == pytest.approx(0.29, abs=0.1)
    assert leakage(painted(), product()) < 0.05


def test_a_product_above_its_ground_floats_and_one_on_it_does_not() -> None:
    high = (slice(10, 80), slice(55, 105))
    assert floating(painted(high, horizon=120), product(high)) > 0.9
    assert floating(painted(), product()) < 0.1
    plain = np.full((SIDE, SIDE, 3), 200, np.uint8)  # a sweep of paper has no ground to miss
    plain[high] = BLUE
    assert floating(plain, product(high)) == 0.0


def test_a_wrong_mask_is_not_supported_by_its_photo() -> None:
    photo = np.full((SIDE, SIDE, 3), 255, np.uint8)
    photo[PRODUCT] = BLUE
    true = (product() * 255).astype(np.uint8)
    kernel = np.ones((13, 13), np.uint8)
    half = true.copy()
    half[:95] = 0
    blob = true.copy()
    cv2.circle(blob, (120, 80), 20, 255, -1)
    assert outline_support(photo, true) == 1.0
    assert outline_support(photo, cv2.erode(true, kernel)) < 0.1
    assert outline_support(photo, cv2.dilate(true, kernel)) < 0.1
    assert outline_support(photo, half) < 0.8
    assert outline_support(photo, blob) < 0.8
    assert (confidence_of(1.0), confidence_of(0.0)) == (1.0, 0.1)


GOOD = {name: limit.usual for name, limit in LIMITS.items()}


@pytest.mark.parametrize("name", LIMITS)
def test_each_score_passes_up_to_its_limit_and_fails_from_its_last(name: str) -> None:
    limit = LIMITS[name]
    step = (limit.doubtful - limit.usual) * 0.01
    assert decide(GOOD).verdict == "pass"
    assert decide(GOOD | {name: limit.doubtful}).verdict == "pass"
    doubtful = decide(GOOD | {name: limit.doubtful + step})
    assert (doubtful.verdict, len(doubtful.reasons)) == ("doubtful", 1)
    assert doubtful.risk == pytest.approx(1.01, abs=1e-3)
    if limit.fail is not None:
        assert decide(GOOD | {name: limit.fail + step}).verdict == "fail"
    else:
        assert decide(GOOD | {name: limit.doubtful + 500 * step}).verdict == "doubtful"


def test_the_worst_reason_comes_first() -> None:
    bad = GOOD | {"sharpness": 0.0, "mask": LIMITS["mask"].doubtful - 0.01}
    assert decide(bad).reasons == (REASONS["sharpness"].format(0.0), REASONS["mask"].format(bad["mask"]))


def test_a_profile_moves_limits_and_switches_scores_off() -> None:
    limits = limits_with({"structure": [0.2, None], "seam": None})
    assert limits["structure"] == Limit(LIMITS["structure"].usual, 0.2, None)
    assert "seam" not in limits
    assert limits["mask"] == LIMITS["mask"]
    scores = GOOD | {"structure": 0.21, "seam": 900.0}
    assert decide(scores).verdict == "fail"
    assert decide(scores, limits).verdict == "pass"
    assert decide(scores, limits).scores == scores  # measured all the same


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ({"beauty": [1, 2]}, "gate has no score 'beauty'; there are structure"),
        ({"structure": 0.4}, r"structure is 0.4; it must be \[doubtful, fail\] or null"),
        ({"structure": [0.4]}, "must be"),
        ({"structure": ["low", None]}, r"structure is \['low', None\]; it must be \[doubtful, fail\]"),
        ({"structure": [float("nan"), None]}, r"structure is \[nan, None\]; it must be"),
        ({"structure": [None, 0.2]}, r"structure is \[None, 0.2\]; it must be"),
        (["structure"], r"gate is \['structure'\]; it must be an object of scores"),
        ({"structure": [2.0, None]}, "it must be below what is usual"),
        ({"seam": [-1.0, None]}, "it must be above what is usual"),
        ({"structure": [0.4, 0.5]}, "fails at 0.5, before it is doubtful at 0.4"),
    ],
)
def test_unusable_limits_of_a_profile_are_refused(gate: Any, message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        CheckpointProfile("p", "P", "", gate=gate)


def test_limits_do_not_make_other_pictures() -> None:
    plain = CheckpointProfile("p", "P", "")
    strict = CheckpointProfile("p", "P", "", gate={"structure": [0.6, 0.5]})
    assert plain.fingerprint == strict.fingerprint
    assert (plain.limits["structure"], strict.limits["structure"].doubtful) == (LIMITS["structure"], 0.6)
