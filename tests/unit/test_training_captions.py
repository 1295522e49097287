"""Captions and the tokenizer made from them."""

from __future__ import annotations

import random
import re

import pytest

from training.captions import BACKDROPS, LIGHTS, PRODUCTS, SURFACES, caption, vocabulary_corpus
from training.catalogue import PROMPTS
from training.palette import PRODUCT_COLOURS
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
        assert ("{c}" in SURFACES[spec.surface][0]) == bool(spec.surface_colour)


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
