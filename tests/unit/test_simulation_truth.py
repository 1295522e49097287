"""The shoppers of a simulation: known rates, seeded, read from a file with clear errors."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from bandit.simulation.truth import DEFAULT, Segment, Truth, TruthError, load, shoppers

PAIR = Truth(0.1, (Segment("a", 3, {"age": 30}), Segment("b", 1, {"age": 50}, {7: 0.5})), generated=2.0)


def test_rates_are_base_times_variant_times_taste() -> None:
    first, second = PAIR.segments
    pool = [7, 9]
    assert PAIR.rate(first, "original", None, pool) == 0.1
    assert PAIR.rate(first, "positioned", None, pool) == pytest.approx(0.105)
    assert PAIR.rate(first, "generated", 7, pool) == pytest.approx(0.1 * 2 * 1.6)  # its place in the pool
    assert PAIR.rate(first, "generated", 9, pool) == pytest.approx(0.1 * 2 * 0.85)
    assert PAIR.rate(second, "generated", 7, pool) == pytest.approx(0.1 * 2 * 0.5)  # named
    assert PAIR.rate(second, "generated", 9, pool) == pytest.approx(0.1 * 2 * 1.6)


def test_a_rate_is_a_probability() -> None:
    assert Truth(0.9, PAIR.segments).rate(PAIR.segments[0], "generated", 7, [7]) == 1.0


def test_the_oracle_weighs_segments_by_share() -> None:
    best = (3 * 1.6 + 1 * 1.6) / 4
    mean = (3 * (1.6 + 0.85) / 2 + 1 * (0.5 + 1.6) / 2) / 4
    assert PAIR.oracle_gain([7, 9]) == pytest.approx(best / mean - 1)


def test_the_same_seed_gives_the_same_people() -> None:
    first = shoppers(DEFAULT, 50, random.Random(3), "s")
    assert first == shoppers(DEFAULT, 50, random.Random(3), "s")
    assert first != shoppers(DEFAULT, 50, random.Random(4), "s")
    assert len({person.id for person in first}) == 50
    for person in first:
        age, centre = person.features["age"], person.segment.features["age"]
        assert isinstance(age, int)
        assert isinstance(centre, int)
        assert abs(age - centre) <= 6


def write(tmp_path: Path, data: object) -> Path:
    path = tmp_path / "truth.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


def test_a_truth_file(tmp_path: Path) -> None:
    segment = {
        "name": "night owls",
        "share": 2,
        "features": {"device": "mobile"},
        "prompts": {"7": 1.3},
        "other": 1,
    }
    truth = load(write(tmp_path, {"base_rate": 0.02, "generated": 1.2, "segments": [segment]}))
    assert truth == Truth(
        0.02, (Segment("night owls", 2, {"device": "mobile"}, {7: 1.3}, 1.6, 1.0),), 1.05, 1.2
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("{", "not JSON"),
        ([], "an object is expected"),
        ({"base_rate": 2, "segments": [{"share": 1}]}, "base_rate: a number from 0 to 1 is expected, not 2"),
        ({"base_rate": 0.1, "segments": []}, "segments: a list of at least one"),
        ({"base_rate": 0.1, "segments": [{"share": -1}]}, r"segments\[0\].share: a number from 1e-09"),
        ({"base_rate": 0.1, "segments": [{"share": 1, "prompts": {"x": 1}}]}, r"segments\[0\].prompts"),
        ({"base_rate": True, "segments": [{"share": 1}]}, "base_rate: a number"),
    ],
)
def test_a_wrong_file_names_file_field_and_limit(tmp_path: Path, data: object, message: str) -> None:
    path = write(tmp_path, data)
    with pytest.raises(TruthError, match=message) as error:
        load(path)
    assert str(path) in str(error.value)
