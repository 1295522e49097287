"""The declared encoding: exact values, safe with the unknown, the same everywhere and for ever."""

import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandit.features import CURRENT_VERSION, ENCODINGS, Encoding, FeatureError, encoding
from bandit.fields import Categorical, Cyclic, Numeric

SMALL = Encoding(
    version=7,
    fields=(
        Numeric("user", "age", centre=40, scale=20),
        Categorical("user", "device", ("mobile", "desktop", "tablet")),
        Cyclic("placement", "hour", period=24),
        Numeric("item", "price", centre=0, scale=math.log(10), log=True),
    ),
    buckets=4,
)
AGE, DESKTOP, TABLET, OTHER, SINE, COSINE, PRICE = range(7)


def raw(user=None, item=None, placement=None):
    """The columns before scaling to unit length, as multiples of the largest declared one."""
    return SMALL.encode({"device": "mobile", **(user or {})}, item, placement)[:-1] * math.sqrt(2)


def test_one_context_by_hand():
    x = SMALL.encode({"age": 50, "device": "tablet"}, {"price": 9}, {"hour": 0})
    # Raw: age .5, tablet 1, cosine 1, log(10)/log(10) = 1; length √3.25.
    expected = np.zeros(12)
    expected[[AGE, TABLET, COSINE, PRICE]] = np.array([0.5, 1.0, 1.0, 1.0]) / math.sqrt(3.25) / math.sqrt(2)
    expected[-1] = 1 / math.sqrt(2)
    np.testing.assert_allclose(x, expected, atol=1e-15)
    assert x.dtype == np.float64
    assert x.shape == (SMALL.n_features,) == (12,)


@pytest.mark.parametrize(("age", "sign"), [(1e9, 1.0), (-1e9, -1.0), (60, 1.0), (40, 0.0)])
def test_numbers_are_cut_off(age, sign):
    assert raw({"age": age})[AGE] == pytest.approx(sign)


@pytest.mark.parametrize(
    ("device", "column"),
    [
        ("mobile", None),
        ("Desktop ", DESKTOP),
        ("TABLET", TABLET),
        ("fridge", OTHER),
        (None, OTHER),
        (3, OTHER),
    ],
)
def test_the_first_level_is_the_reference_and_the_unseen_have_their_column(device, column):
    row = SMALL.encode({"device": device})[:-1]
    assert [i for i in range(4) if row[i]] == ([] if column is None else [column])
    if column is not None:
        assert row[column] == pytest.approx(math.sqrt(0.5))


def test_hours_wrap_around():
    late, early = raw(placement={"hour": 23.99}), raw(placement={"hour": 0.01})
    np.testing.assert_allclose(late[:7], early[:7], atol=0.01)
    np.testing.assert_allclose(raw(placement={"hour": 25})[:7], raw(placement={"hour": 1})[:7], atol=1e-12)


def test_nothing_known_is_a_context_too():
    empty = Encoding(1, (Numeric("user", "age", 0, 1),), buckets=1).encode()
    np.testing.assert_allclose(empty, [0.0, 0.0, math.sqrt(0.5)])


def test_undeclared_features_fall_into_a_signed_bucket_of_their_own_source():
    row = raw({"interest": "outdoor"})
    hashed = row[7:]
    assert sorted(np.abs(hashed).round(12)) == [0, 0, 0, 1]
    assert not np.array_equal(hashed, raw({"interest": "indoor"})[7:])
    places = {tuple(raw(**{source: {"interest": "outdoor"}})[7:]) for source in ("user", "item", "placement")}
    assert len(places) > 1
    np.testing.assert_array_equal(hashed, raw({"interest": " Outdoor"})[7:])
    assert raw({"interest": None})[7:].any() == np.False_


def test_undeclared_numbers_keep_their_order():
    with_age = {"age": 60}
    values = [
        SMALL.encode({**with_age, "device": "mobile", "score": score})[7:-1].sum() for score in (-9, -1, 1, 9)
    ]
    assert values in (sorted(values), sorted(values, reverse=True))
    assert len(set(values)) == 4


@pytest.mark.parametrize(
    ("call", "field", "words"),
    [
        (lambda: SMALL.encode({"age": "old"}), "user.features.age", "must be a number, not 'old'"),
        (lambda: SMALL.encode({"age": float("nan")}), "user.features.age", "finite"),
        (lambda: SMALL.encode({"age": 10**400}), "user.features.age", "finite"),
        (lambda: SMALL.encode({"tags": ["a"]}), "user.features.tags", "must be a number"),
        (lambda: SMALL.encode(None, {"price": -1}), "item.features.price", "at least 0, not -1"),
        (lambda: SMALL.encode(None, {"x": float("inf")}), "item.features.x", "finite"),
        (lambda: SMALL.encode(None, None, {"hour": {}}), "placement.features.hour", "must be a number"),
        (
            lambda: SMALL.encode({"device": "x" * 257}),
            "user.features.device",
            "257 characters long; at most 256",
        ),
        (lambda: SMALL.encode({str(i): i for i in range(65)}), "user.features", "65 entries; at most 64"),
    ],
)
def test_what_cannot_be_encoded_is_named(call, field, words):
    with pytest.raises(FeatureError, match=words) as caught:
        call()
    assert caught.value.field == field
    assert str(caught.value).startswith(field)


values = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=40)
)
names = st.sampled_from(["age", "device", "hour", "tags", "gender"]) | st.text(max_size=10)


@given(st.dictionaries(names, values, max_size=8), st.dictionaries(names, values, max_size=4))
@settings(deadline=None)
def test_whatever_is_accepted_has_unit_length_and_does_not_depend_on_order(user, placement):
    try:
        x = encoding().encode(user, None, placement)
    except FeatureError:
        return
    assert np.isfinite(x).all()
    assert np.linalg.norm(x) == pytest.approx(1.0)
    np.testing.assert_allclose(encoding().encode(dict(reversed(user.items())), {}, placement), x, atol=1e-12)


def test_columns_are_described_one_by_one():
    columns = SMALL.describe()
    assert [column.position for column in columns] == list(range(SMALL.n_features))
    assert columns[AGE] == (0, "user", "age", "higher age (per 20)")
    assert columns[OTHER].words == "device is another value, or unknown (rather than mobile)"
    assert columns[SINE].words == "hour around 6 rather than 18"
    assert columns[-2] == (10, "any", None, "other features, bucket 4")
    assert columns[-1].words == "everyone"


def test_version_1_never_changes_its_meaning():
    assert encoding(1).fingerprint == "e3a3e6850cacedf9c57c5f0e4a02486f0fce33f1c1bdda08b6108c5ac00b14a3"
    assert encoding(1).n_features == 32
    x = encoding(1).encode(
        {"device": "tablet", "age": 60, "interest": "outdoor"},
        {"price": 39.9, "brand": "Acme"},
        {"site": "news"},
    )
    expected = np.zeros(32)
    for column, value in {
        0: 0.1542267643228705,
        2: 0.308453528645741,
        5: 0.308453528645741,
        8: -0.022275737843070964,
        16: -0.308453528645741,
        20: 0.308453528645741,
        21: -0.308453528645741,
        31: 0.7071067811865476,
    }.items():
        expected[column] = value
    np.testing.assert_allclose(x, expected, atol=1e-12)


def test_the_encoding_is_the_same_in_another_process():
    code = (
        "from bandit.features import encoding;"
        "print(encoding().encode({'a': 'b', 'n': 2.5}, {'brand': 'Acme'}).tolist())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "123"}
    other = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    here = encoding().encode({"n": 2.5, "a": "b"}, {"brand": "Acme"})
    assert json.loads(other.stdout) == here.tolist()


def test_versions_are_looked_up():
    assert encoding() is ENCODINGS[CURRENT_VERSION]
    with pytest.raises(KeyError, match="no encoding version 99"):
        encoding(99)


@pytest.mark.parametrize(
    "declaration",
    [
        {"fields": (Numeric("user", "a", 0, 1), Numeric("user", "a", 0, 1)), "buckets": 1},
        {"fields": (), "buckets": 0},
        {"fields": (Numeric("weather", "a", 0, 1),), "buckets": 1},
    ],
)
def test_a_wrong_declaration_is_refused(declaration):
    with pytest.raises(ValueError):
        Encoding(version=1, **declaration)


def test_a_changed_declaration_has_another_fingerprint():
    other = Encoding(SMALL.version, SMALL.fields, SMALL.buckets + 1)
    assert len({SMALL.fingerprint, other.fingerprint, Encoding(8, SMALL.fields, 4).fingerprint}) == 3


def test_many_rows_are_the_same_rows():
    rows = [({"age": 30}, {"price": 3}, None), (None, None, {"site": "a"})]
    np.testing.assert_array_equal(SMALL.encode_many(rows), [SMALL.encode(*row) for row in rows])
    assert SMALL.encode_many([]).shape == (0, 12)


def test_many_are_encoded_bit_for_bit_as_one():
    rng = np.random.default_rng(0)
    rows = [
        (
            {
                "age": int(rng.integers(90)),
                "device": ("mobile", "tablet", None, "tv")[i % 4],
                "visits": rng.random(),
            },
            {"price": float(rng.random() * 99), "brand": f"b{i % 7}", "sale": bool(i % 2)},
            {"hour": i % 24} if i % 3 else None,
        )
        for i in range(200)
    ]
    many = encoding(1).encode_many(rows)
    assert many.flags.c_contiguous
    for row, x in zip(rows, many, strict=True):
        np.testing.assert_array_equal(encoding(1).encode(*row), x)
    assert encoding(1).encode_many([]).shape == (0, 32)


words = st.text("abc", min_size=1, max_size=3)
values = st.one_of(st.none(), st.booleans(), st.integers(-50, 50), st.sampled_from(["tablet", "x", "y"]))
known = st.fixed_dictionaries(
    {}, optional={"age": st.integers(0, 99), "device": st.sampled_from(["tablet", "tv"])}
)


@given(known, st.dictionaries(words, values, max_size=5), st.dictionaries(words, values, max_size=3))
@settings(deadline=None, max_examples=60)
def test_the_parts_of_a_context_sum_to_it(user, item, placement):
    parts = SMALL.parts(user, item, placement)
    np.testing.assert_allclose(
        np.sum([part.vector for part in parts], axis=0), SMALL.encode(user, item, placement), atol=1e-12
    )
    assert parts[-1][:3] == ("any", None, None)
    named = [(part.source, part.name) for part in parts]
    assert len(set(named)) == len(named)
