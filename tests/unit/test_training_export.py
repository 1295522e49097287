"""The demo catalogue and the shipped checkpoint, as files."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from training.catalogue import COLUMNS, PRODUCTS, PROMPTS, write_feed
from training.export import LIMIT_MB, PROFILE, folder_megabytes
from training.scenes import SIZES

ROOT = Path(__file__).resolve().parents[2]
CHECKPOINT = ROOT / "creatives/checkpoints/studio-tiny"
DEMO = ROOT / "creatives/demo"


def test_the_feed_is_what_the_catalogue_says(tmp_path):
    write_feed(tmp_path)
    for name in ("products.tsv", "prompts.json"):
        assert (tmp_path / name).read_bytes() == (DEMO / name).read_bytes()


def test_every_product_has_a_photo_a_price_and_a_link():
    rows = list(csv.DictReader((DEMO / "products.tsv").open(encoding="utf-8"), delimiter="\t"))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == len({row["id"] for row in rows}) == len(PRODUCTS) >= 24
    for row in rows:
        assert (DEMO / "images" / row["image_link"]).stat().st_size < 120_000
        assert row["link"] == f"https://shop.example/p/{row['id']}"
        assert float(row["price"].removesuffix(" EUR")) > 0


def test_four_categories_have_three_prompts_each():
    assert len(PROMPTS) == 4
    roots = {product.category.split(" > ")[0] for product in PRODUCTS}
    assert roots == set(PROMPTS)
    assert all(len(prompts) == 3 == len({name for name, _ in prompts}) for prompts in PROMPTS.values())


def test_the_checkpoint_is_complete_small_and_of_stock_classes():
    index = json.loads((CHECKPOINT / "model_index.json").read_text())
    assert index["unet"] == ["diffusers", "UNet2DConditionModel"]
    assert index["controlnet"] == ["diffusers", "ControlNetModel"]
    assert index["text_encoder"] == ["transformers", "CLIPTextModel"]
    assert index["feature_extractor"] == index["safety_checker"] == [None, None]
    for part in ("unet", "controlnet", "vae"):
        assert (CHECKPOINT / part / "diffusion_pytorch_model.safetensors").exists()
    assert not list(CHECKPOINT.rglob("*.bin"))
    assert folder_megabytes(CHECKPOINT) <= LIMIT_MB


def test_the_profile_names_sizes_the_scenes_have():
    profile = json.loads((CHECKPOINT / "profile.json").read_text())
    trained = [f"{width}x{height}" for (width, height), _ in SIZES]
    assert profile["name"] == PROFILE["name"]
    assert set(trained) <= set(profile["buckets"]) <= set(PROFILE["buckets"])


def test_sizes_are_counted_in_decimal_megabytes(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a").write_bytes(b"x" * 1_500_000)
    assert folder_megabytes(tmp_path) == pytest.approx(1.5)
