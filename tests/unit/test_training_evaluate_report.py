"""The whole measurement on tiny random models and drawn scenes: every section is there and says how it was taken."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from creatives.pipeline.segmenter import NONE, Segmenter
from tests.unit.pipeline_models import (
    TINY_BUCKETS,
    save_tiny_adapter,
    save_tiny_checkpoint,
    studio_photo,
    tiny_pipeline,
)
from training.evaluate.classifier import Classifier
from training.evaluate.finder import Finder
from training.evaluate.gallery import Gallery
from training.evaluate.judge import Judge
from training.evaluate.labels import Answers
from training.evaluate.markdown import as_markdown
from training.evaluate.measurement import Measurement
from training.evaluate.painting import open_studio
from training.evaluate.report import Plan, evaluate
from training.evaluate.shots import folder_products, held_out_scenes, held_out_shots
from training.scenes import sample_scene

ANSWERS = Answers(("concrete", "linen", "marble", "oak", "paper"), ("bokeh", "leaf shadow", "paper", "wall"))


def draw_scene(folder: Path, index: int) -> None:
    """A scene's three files with the description of the real sampler and a mug as the product."""
    photo, mask = studio_photo(64, 64, backdrop=(40 + 5 * index % 200, 120, 90))
    name = f"1-{index:05d}"
    Image.fromarray(photo).save(folder / f"{name}.jpg")
    Image.fromarray(np.dstack([photo, mask * np.uint8(255)])).save(folder / f"{name}.png")
    (folder / f"{name}.json").write_text(json.dumps(sample_scene(1, index).as_dict()))


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    """Ten held-out scenes and ten others."""
    folder = tmp_path / "scenes"
    folder.mkdir()
    for index in (*range(7, 407, 40), *range(10)):
        draw_scene(folder, index)
    return folder


@pytest.fixture
def products(tmp_path: Path) -> Path:
    folder = tmp_path / "products"
    folder.mkdir()
    for number in range(2):
        photo, _ = studio_photo(colour=(200, 90 * number, 40))
        Image.fromarray(photo).save(folder / f"mug-{number}.png")
    return folder


def test_a_whole_report(tmp_path, scenes, products):
    pipe = tiny_pipeline()
    folder = save_tiny_checkpoint(
        tmp_path / "checkpoint", pipe, ip_adapter={"weight_name": "ip_adapter.safetensors", "scale": 1.0}
    )
    save_tiny_adapter(folder, pipe)
    studio = open_studio(folder)
    torch.manual_seed(0)
    measurement = Measurement(
        studio, Gallery(studio, tmp_path / "pictures"), Judge(ANSWERS, Classifier(ANSWERS)), Finder(), Segmenter(NONE),
        None, scenes, folder_products(products), TINY_BUCKETS, 8, 1,
    )  # fmt: skip
    results = json.loads(json.dumps(measurement.run()))
    assert results["instruments"]["judge"] == "a classifier of our own"
    assert set(results["structure"]) == {"with edges", "without edges", "naive inpainting"}
    assert results["structure"]["with edges"]["iou"]["count"] == 8
    assert results["structure"]["with edges"]["expansion_pasted"]["value"] >= 0
    assert set(results["conditioning"]) == {"colours named", "colours left open"}
    for found in results["conditioning"].values():
        for figure in ("delta", "hue", "outline"):
            change = found["with"][figure]["value"] - found["without"][figure]["value"]
            assert found["change"][figure]["value"] == pytest.approx(change)
    assert results["distance"]["features"] == "our classifier's (384)"
    assert results["distance"]["painted, raw"]["counts"] == [16, 10]
    assert results["variety"] is None
    settings = {
        "checkpoint": "tiny", "weights": "0123456789", "steps": 2, "guidance": 2.0, "count": 8, "seed": 1, "larger": False,
        "products": "products", "renders": 20,
    }  # fmt: skip
    text = as_markdown(results | {"settings": settings})
    for section in (
        "Prompt adherence",
        "Structure",
        "Product conditioning",
        "Distance to 10 held-out renders",
        "Variety",
    ):
        assert f"**{section}" in text
    assert "| naive inpainting | 0." in text


def test_held_out_shots_use_unseen_scenes_where_their_products_stood(scenes):
    held = held_out_scenes(scenes, TINY_BUCKETS)
    assert len(held) == 10
    shots = held_out_shots(held, 12, seed=5)
    assert [shot.source for shot in shots[:2]] == ["1-00007", "1-00047"]
    assert shots[10].source == "1-00007"
    assert shots[10].seed == 15
    assert (shots[0].alpha == held[0].alpha).all()
    assert [shot.prompt for shot in shots] == [shot.prompt for shot in held_out_shots(held, 12, seed=5)]


def test_missing_inputs_are_named_and_leave_nothing_behind(tmp_path, products):
    folder = save_tiny_checkpoint(tmp_path / "checkpoint")
    out = tmp_path / "evaluation.json"
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ValueError, match="count is 3"):
        evaluate(Plan(folder, empty, tmp_path / "work", count=3), out)
    with pytest.raises(ValueError, match="holds no product pictures"):
        folder_products(empty)
    with pytest.raises(ValueError, match="no held-out scenes"):
        held_out_scenes(empty, TINY_BUCKETS)
    assert not out.exists()
