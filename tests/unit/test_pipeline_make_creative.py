"""The five steps together: arrays, the record, and the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from creatives.pipeline import make_creative
from creatives.pipeline.cache import FolderCache
from creatives.pipeline.gate import LIMITS
from creatives.pipeline.image_io import ImageError, encode_jpeg, encode_png
from creatives.pipeline.painter import Painter
from creatives.pipeline.profiles import DEFAULT_PROFILE, get_profile
from creatives.pipeline.provenance import SourceType, read_provenance
from creatives.pipeline.run import STEP_NAMES

from .pipeline_models import studio_photo, tiny_pipeline, tiny_profile


@pytest.fixture(scope="module")
def painter() -> Painter:
    return Painter(tiny_profile(), pipe=tiny_pipeline())


def test_the_steps_have_the_sizes_and_modes_of_the_contract(painter: Painter) -> None:
    photo, _ = studio_photo(96, 80)
    result = make_creative(photo, prompt="on wood", size=(120, 62), painter=painter, seed=7)
    shapes = {name: picture.shape for name, picture in result.steps.items()}
    assert shapes == {
        "1_mask": (80, 96),
        "2_placed": (62, 120, 4),
        "3_edges": (64, 128),
        "4_generated": (64, 128, 3),
        "5_final": (62, 120, 3),
    }
    assert tuple(result.steps) == STEP_NAMES
    assert all(picture.dtype == np.uint8 for picture in result.steps.values())
    assert np.array_equal(result.final, result.steps["5_final"])


def test_the_record_says_how_it_came_about(painter: Painter) -> None:
    photo, _ = studio_photo(96, 80)
    result = make_creative(
        photo, prompt="on wood", size=(120, 62), painter=painter, seed=7, layout="s50-c-m5"
    )
    record = json.loads(json.dumps(result.record))
    assert (record["seed"], record["profile"], record["bucket"], record["layout"]) == (
        7,
        "tiny-random",
        "128x64",
        "s50-c-m5",
    )
    assert set(record["milliseconds"]) == {"mask", "placed", "edges", "generated", "final"}
    assert set(record["quality"]) == {"risk", *LIMITS}
    assert record["verdict"] in ("pass", "doubtful", "fail")  # random weights
    rows, columns = np.nonzero(result.steps["2_placed"][..., 3])
    x, y, width, height = record["box"]
    assert (x, y) == (columns.min(), rows.min())
    assert (x + width, y + height) == (columns.max() + 1, rows.max() + 1)


def test_the_product_comes_through_byte_for_byte(painter: Painter) -> None:
    photo, _ = studio_photo(96, 80)
    result = make_creative(encode_jpeg(photo), prompt="on wood", size=(90, 90), painter=painter)
    placed = result.steps["2_placed"]
    opaque = placed[..., 3] == 255
    assert opaque.sum() > 500
    assert np.array_equal(result.final[opaque], placed[opaque][:, :3])


def test_a_cache_changes_nothing_but_the_time(painter: Painter, tmp_path: Path) -> None:
    data = encode_png(studio_photo(96, 80)[0])
    cache = FolderCache(tmp_path)
    plain = make_creative(data, prompt="on wood", size=(64, 64), painter=painter, seed=1)
    for _ in range(2):
        cached = make_creative(data, prompt="on wood", size=(64, 64), painter=painter, seed=1, cache=cache)
        for name in STEP_NAMES:
            assert np.array_equal(cached.steps[name], plain.steps[name]), name


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": (10, 64)}, "width is 10 pixels"),
        ({"size": (2000, 64)}, "aspect ratio of 31.250"),
        ({"prompt": " "}, "the prompt is empty"),
        ({"layout": "big"}, "layout 'big' is not of the form"),
        ({"profile": "sdxl"}, "the painter's is 'tiny-random'"),
        ({"seed": -3}, "seed is -3"),
    ],
)
def test_bad_arguments_are_refused(painter: Painter, changes: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"prompt": "x", "size": (64, 64), "painter": painter}
    with pytest.raises(ValueError, match=message):
        make_creative(studio_photo()[0], **(arguments | changes))


def test_a_bad_image_is_refused(painter: Painter) -> None:
    with pytest.raises(ImageError, match="not an image of a known format"):
        make_creative(b"plain text", prompt="x", size=(64, 64), painter=painter)


@pytest.fixture
def shipped(monkeypatch: pytest.MonkeyPatch, painter: Painter) -> None:
    """The command paints with the tiny random weights, through its own look-up."""
    monkeypatch.setattr("creatives.pipeline.run.Painter", lambda profile, cache=None: painter)


@pytest.fixture
def photo_file(tmp_path: Path) -> Path:
    path = tmp_path / "mug.jpg"
    path.write_bytes(encode_jpeg(studio_photo(96, 80)[0]))
    return path


@pytest.mark.usefixtures("shipped")
def test_the_command_writes_pictures_and_record(photo_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    for seed in ("7", "8"):
        call_command(
            "make_creative",
            str(photo_file),
            "--prompt",
            "on wood",
            "--size",
            "120x62",
            "--seed",
            seed,
            "--out",
            str(out),
        )
    files = sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())
    assert files == sorted(["final.png", "record.json", *(f"steps/{name}.png" for name in STEP_NAMES)])
    with Image.open(out / "final.png") as final, Image.open(out / "steps" / "2_placed.png") as placed:
        assert (final.mode, final.size) == ("RGB", (120, 62))
        assert (placed.mode, placed.size) == ("RGBA", (120, 62))
    with Image.open(out / "steps" / "1_mask.png") as mask:
        assert (mask.mode, mask.size) == ("L", (96, 80))
    assert json.loads((out / "record.json").read_text("utf-8"))["seed"] == 8
    made = read_provenance((out / "final.png").read_bytes())
    assert made is not None
    assert (made.source_type, made.profile, made.seed) == (SourceType.COMPOSITE, "studio-tiny", "8")
    painted = read_provenance((out / "steps" / "4_generated.png").read_bytes())
    assert painted is not None
    assert painted.source_type == SourceType.PAINTED
    assert read_provenance((out / "steps" / "2_placed.png").read_bytes()) is None
    assert [path.name for path in out.parent.iterdir()] == ["out"]


@pytest.mark.usefixtures("shipped")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"--size": "300"}, "size '300' is not of the form"),
        ({"--seed": "seven"}, "--seed is 'seven'; it must be a whole number"),
        ({"--layout": "x"}, "layout 'x'"),
        ({"--profile": "sd3"}, "--profile: no checkpoint profile 'sd3'"),
        ({"image": "missing.jpg"}, "missing.jpg: cannot read the image"),
        ({"image": __file__}, "not an image of a known format"),
    ],
)
def test_the_command_refuses_in_one_line_and_writes_nothing(
    photo_file: Path, tmp_path: Path, changes: dict[str, str], message: str
) -> None:
    arguments = {
        "image": str(photo_file),
        "--prompt": "x",
        "--size": "64x64",
        "--out": str(tmp_path / "out"),
    } | changes
    image = arguments.pop("image")
    with pytest.raises(CommandError, match=message) as refused:
        call_command("make_creative", image, *(part for pair in arguments.items() for part in pair))
    assert refused.value.returncode == 2
    assert "\n" not in str(refused.value)
    assert [path.name for path in tmp_path.iterdir()] == ["mug.jpg"]


@pytest.mark.usefixtures("shipped")
def test_the_command_does_not_take_a_file_for_its_folder(photo_file: Path) -> None:
    before = photo_file.read_bytes()
    with pytest.raises(CommandError, match="exists and is not a folder"):
        call_command(
            "make_creative", str(photo_file), "--prompt", "x", "--size", "64x64", "--out", str(photo_file)
        )
    assert photo_file.read_bytes() == before


@pytest.mark.model
def test_the_shipped_checkpoint_paints_different_settings_for_different_prompts() -> None:
    profile = get_profile(DEFAULT_PROFILE)
    assert profile.missing is None, profile.missing
    painter = Painter(profile)
    photo, _ = studio_photo(192, 160)
    wood, grass = (
        make_creative(photo, prompt=prompt, size=(256, 256), seed=7, painter=painter)
        for prompt in (
            "on an oak wood table in front of a sage green wall",
            "on green grass with leafy foliage behind",
        )
    )
    assert wood.steps["4_generated"].shape == (256, 256, 3)
    for result in (wood, grass):
        assert result.record["quality"]["sharpness"] > 0.1
        assert result.steps["4_generated"].std() > 10
    floor = np.s_[200:, :]
    wood_floor, grass_floor = (
        result.steps["4_generated"][floor].reshape(-1, 3).mean(0) for result in (wood, grass)
    )
    assert wood_floor[0] > wood_floor[2] + 10  # wood is warm
    assert grass_floor[1] > grass_floor[0]  # grass is green
