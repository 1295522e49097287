"""Captions and the tokenizer made from them."""

from __future__ import annotations

import random
import re

import pytest

from training.captions import caption, vocabulary_corpus
from training.catalogue import PROMPTS
from training.palette import PRODUCT_COLOURS, WALL_COLOURS, harmonised
from training.phrases import BACKDROPS, EXTRAS, LIGHTS, PRODUCTS, PROPS, SURFACES
from training.scenes import PRODUCTS as SHAPES
from training.scenes import sample_scene
from training.text import LENGTH, new_text_encoder, train_tokenizer


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return train_tokenizer(vocabulary_corpus(), tmp_path_factory.mktemp("tokenizer"))


def test_the_same_seed_and_index_give_the_same_scene():
    assert sample_scene(3, 41) == sample_scene(3, 41)
    assert sample_scene(3, 41) != sample_scene(3, 42)


def test_every_scene_has_words_for_all_that_it_shows():
    for index in range(400):
        spec = sample_scene(9, index)
        assert spec.surface in SURFACES
        assert spec.backdrop in {*BACKDROPS, "paper", "none"}
        assert spec.light in LIGHTS
        assert spec.product in PRODUCTS
        assert spec.product in SHAPES
        assert spec.prop in {*PROPS, "none"}
        assert spec.extra in {*EXTRAS, "none"}
        assert any("{c}" in phrase for phrase in SURFACES[spec.surface]) == bool(spec.surface_colour)


def test_new_scenes_are_one_and_a_half_times_the_models_sizes():
    assert {sample_scene(9, k).size for k in range(200)} == {
        (384, 384), (480, 384), (384, 480), (480, 288), (288, 480), (576, 288),
    }  # fmt: skip


def test_a_good_third_of_the_scenes_takes_its_colours_from_the_product():
    specs = [sample_scene(9, index) for index in range(1000)]
    assert 300 <= sum(spec.harmony != "free" for spec in specs) <= 400
    assert all(
        spec.surface_colour or spec.backdrop_colour or spec.prop_colour
        for spec in specs
        if spec.harmony != "free"
    )


@pytest.mark.parametrize(
    ("product", "harmony", "expected"),
    [
        ("navy", "tone", {"navy", "sky", "lavender"}),
        ("red", "contrast", {"teal", "sky", "mint"}),
        ("black", "tone", {"white", "cream", "grey", "charcoal", "beige", "chocolate", "blush"}),
    ],
)
def test_walls_follow_the_products_hue(product, harmony, expected):
    rng = random.Random(4)
    drawn = [harmonised(PRODUCT_COLOURS[product].rgb, harmony, WALL_COLOURS, rng) for _ in range(200)]
    assert sum(key in expected for key in drawn) >= 180


def test_a_first_series_description_still_has_captions():
    spec = {
        "index": 3, "seed": 1, "size": [256, 256], "kind": "interior", "surface": "linen", "surface_colour": "cream",
        "backdrop": "wall", "backdrop_colour": "sage", "light": "soft", "prop": "podium", "product": "vase",
        "product_colour": "green", "accent_colour": "grey", "view": "front", "height_share": 0.6, "shift": 0.0,
    }  # fmt: skip
    texts = [caption(spec, random.Random(k)) for k in range(200)]
    assert any("pedestal" in text for text in texts)
    assert any("sage" in text for text in texts)


def test_colours_are_left_to_the_product_only_where_they_follow_it():
    spec = sample_scene(1, 5).as_dict() | {
        "surface": "marble", "surface_colour": "", "backdrop": "wall", "backdrop_colour": "teal", "prop": "none",
        "extra": "none", "harmony": "tone", "product": "vase", "product_colour": "red", "kind": "interior",
    }  # fmt: skip
    words = ("teal", "petrol")

    def named(**options):
        texts = [caption(spec | options, random.Random(k), recoloured=options == {}) for k in range(400)]
        walls = [text for text in texts if "wall" in text]
        return sum(any(word in text for word in words) for text in walls) / len(walls)

    assert named() == 1.0
    assert 0.4 < named(harmony="tone") < 0.6
    assert named(harmony="free") > 0.85


def test_articles_fit_their_words():
    texts = [caption(sample_scene(2, k).as_dict(), random.Random(k)) for k in range(1500)]
    assert any(" an " in f" {text}" for text in texts)
    assert not any(re.search(r"\ba [aeio]", text) for text in texts)


def test_captions_vary_but_follow_their_seed():
    spec = sample_scene(1, 5).as_dict()
    made = [caption(spec, random.Random(k)) for k in range(40)]
    assert len(set(made)) > 10
    assert made == [caption(spec, random.Random(k)) for k in range(40)]
    assert all("{" not in text and "  " not in text and text.strip(" ,") == text for text in made)


def test_a_recoloured_product_is_never_called_by_its_old_colour():
    spec = sample_scene(1, 5).as_dict() | {"product_colour": "orange", "product": "lamp"}
    colours = PRODUCT_COLOURS["orange"].words
    texts = [caption(spec, random.Random(k), recoloured=True) for k in range(300)]
    assert not any(
        f"{colour} {noun}" in text for text in texts for colour in colours for noun in ("lamp", "table lamp")
    )
    assert any("orange lamp" in caption(spec, random.Random(k)) for k in range(300))


def test_every_word_of_the_catalogues_prompts_is_one_token(tokenizer):
    for prompts in PROMPTS.values():
        for _, text in prompts:
            words = re.findall(r"\w+|,", text)
            assert len(tokenizer(text).input_ids) == len(words) + 2


def test_captions_fit_the_text_encoder(tokenizer):
    longest = max(
        len(tokenizer(caption(sample_scene(1, k).as_dict(), random.Random(k))).input_ids) for k in range(600)
    )
    assert longest <= LENGTH


def test_unknown_words_still_encode_and_lose_nothing(tokenizer):
    numbers = tokenizer("zebra café").input_ids
    assert len(numbers) > 4
    assert tokenizer.decode(numbers, skip_special_tokens=True).strip() == "zebra café"


def test_the_text_encoder_knows_the_tokenizers_special_tokens(tokenizer):
    encoder = new_text_encoder(tokenizer)
    assert encoder.config.vocab_size == len(tokenizer)
    assert encoder.config.eos_token_id == tokenizer.eos_token_id
    assert encoder.config.max_position_embeddings == tokenizer.model_max_length == LENGTH
