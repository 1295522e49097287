"""Our own small network for studio photos: when it is asked, what it is keyed by, and what it gains."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from creatives.pipeline import segmenter as segmenter_module
from creatives.pipeline.image_io import open_image
from creatives.pipeline.network import file_fingerprint
from creatives.pipeline.segment import SEGMENT_VERSION, segment
from creatives.pipeline.segmenter import Segmenter
from creatives.pipeline.studio_mask import SIDE, WEIGHTS, StudioMask, seen_by_network, studio_mask
from creatives.pipeline.support import outline_support
from creatives.pipeline.weights import PACKAGED, WeightsError

PHOTOS = Path(__file__).resolve().parents[2] / "creatives" / "demo" / "images"


def test_it_answers_at_the_photos_own_size_for_each_pixel() -> None:
    photo = open_image(PHOTOS / "mug-blu.jpg").rgb
    look = studio_mask().predict(photo)
    assert (look.shape, look.dtype) == (photo.shape[:2], "float32")
    assert 0 <= look.min() <= look.max() <= 1
    assert look[400, 350] > 0.9
    assert look[:40].max() < 0.1


def test_it_sees_colours_and_how_they_differ_from_the_backdrop() -> None:
    rgb = np.full((400, 300, 3), 230, np.uint8)
    rgb[150:300, 100:200] = (200, 40, 40)
    seen = seen_by_network(rgb)
    assert seen.shape == (SIDE, SIDE, 6)
    assert np.abs(seen[:20, :20, 3:]).max() < 0.02
    assert np.abs(seen[SIDE // 2, SIDE // 2, 3:]).max() > 0.5
    assert np.allclose(seen[0, 0, :3], 230 / 127.5 - 1)


def test_masks_are_keyed_by_both_networks_that_were_asked(tmp_path: Path) -> None:
    alone = Segmenter("auto", tmp_path).key
    weights = PACKAGED["isnet"].path(tmp_path)
    weights.parent.mkdir(parents=True, exist_ok=True)
    weights.write_bytes(b"weights")
    both = Segmenter("auto", tmp_path).key
    assert both.startswith(f"{SEGMENT_VERSION}-isnet-{file_fingerprint(weights)}-")
    assert both.endswith(alone.removeprefix(SEGMENT_VERSION))
    assert "studio-mask" not in Segmenter("isnet", tmp_path).key


def test_only_who_left_the_choice_open_gets_it_and_masks_are_keyed_by_it(tmp_path: Path) -> None:
    auto = Segmenter("auto", tmp_path)
    assert auto.load_studio() is studio_mask()
    assert auto.key.endswith(f"studio-mask-{studio_mask().fingerprint}")
    for choice in ("none", "isnet", "isnet:/nowhere.onnx"):
        with pytest.raises(WeightsError, match=f"network {choice} is chosen"):
            Segmenter(choice, tmp_path).load_studio()
        assert "studio-mask" not in Segmenter(choice, tmp_path).key
    with pytest.raises(WeightsError, match="no segmentation network is installed"):
        auto.load()  # clutter is none of its business


@pytest.mark.parametrize("damage", ["missing", "cut", "other"])
def test_weights_that_are_missing_or_damaged_are_named(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "studio-mask.safetensors"
    if damage == "cut":
        path.write_bytes(WEIGHTS.read_bytes()[:5000])
    if damage == "other":
        shutil.copyfile(WEIGHTS.parents[1] / "studio-tiny" / "ip_adapter.safetensors", path)
    with pytest.raises(WeightsError, match=r"studio-mask\.safetensors cannot be (read|loaded)"):
        StudioMask(path)


@pytest.mark.parametrize("name", ["mug-crm", "bot-grn", "watch-brn", "soap-tan"])
def test_pale_products_keep_their_parts_and_lose_their_shadows(name: str, tmp_path: Path) -> None:
    photo = open_image(PHOTOS / f"{name}.jpg")
    with_it, without = (Segmenter(choice, tmp_path).segment(photo) for choice in ("auto", "none"))
    gained, before = (outline_support(photo.rgb, mask.alpha) for mask in (with_it, without))
    assert before < 0.93 < 0.95 < gained
    assert with_it.confidence > without.confidence


def test_where_its_word_is_worth_less_the_floods_stands(tmp_path: Path) -> None:
    """Asked what it sees somewhere else altogether: the photo bears nothing of it out."""
    photo = open_image(PHOTOS / "mug-blu.jpg")

    class Dreamer:
        name, fingerprint = "dreamer", "0"

        def predict(self, rgb: np.ndarray) -> np.ndarray:
            look = np.zeros(rgb.shape[:2], np.float32)
            look[:80, :80] = 1.0
            return look

    def nobody() -> Any:
        raise WeightsError("no network here")

    with_it, without = (segment(photo, nobody, find) for find in (Dreamer, nobody))
    assert np.array_equal(with_it.alpha, without.alpha)


def test_a_damaged_file_is_said_by_the_doctor_and_masks_are_made_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    from config import doctor

    def damaged() -> StudioMask:
        return StudioMask(tmp_path / "studio-mask.safetensors")

    (tmp_path / "studio-mask.safetensors").write_bytes(b"no weights")
    monkeypatch.setattr(segmenter_module, "studio_mask", damaged)
    settings.SEGMENTER, settings.MODELS_DIR = "auto", tmp_path
    with pytest.raises(WeightsError, match=r"studio-mask\.safetensors cannot be loaded"):
        doctor._segmenter()
    photo = open_image(PHOTOS / "mug-crm.jpg")
    with_it, without = (Segmenter(choice, tmp_path).segment(photo) for choice in ("auto", "none"))
    assert np.array_equal(with_it.alpha, without.alpha)
