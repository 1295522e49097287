"""Checkpoint profiles as data, and the version that generation is keyed by."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from creatives.pipeline.buckets import BUCKETS, Size
from creatives.pipeline.profiles import ProfileError, get_profile, profile_from_folder, profile_names
from creatives.pipeline.version import PIPELINE_VERSION, pipeline_version

from .pipeline_models import tiny_profile


def folder_with(path: Path, facts: Any) -> Path:
    path.mkdir(exist_ok=True)
    (path / "profile.json").write_text(facts if isinstance(facts, str) else json.dumps(facts), "utf-8")
    return path


def test_every_profile_has_what_a_painter_and_an_admin_need() -> None:
    assert profile_names() == ("studio-tiny", "sd15", "sd15-lcm", "sdxl")
    for name in profile_names():
        profile = get_profile(name)
        assert profile.name == name
        assert profile.licence
        assert profile.title
        assert profile.is_local or (profile.base and profile.controlnet)
        assert {bucket.aspect for bucket in profile.buckets} >= {bucket.aspect for bucket in BUCKETS}
    assert get_profile("sd15").buckets[0] == Size(512, 512)
    assert get_profile("sdxl").buckets[0] == Size(1024, 1024)


def test_an_unknown_profile_is_refused_with_the_known_ones() -> None:
    with pytest.raises(
        ProfileError, match="no checkpoint profile 'sd3'; there are studio-tiny, sd15, sd15-lcm, sdxl"
    ):
        get_profile("sd3")


def test_a_folders_file_overrides_defaults(tmp_path: Path) -> None:
    facts = {"steps": 10, "guidance_scale": 3.0, "buckets": ["64x64", [128, 64]], "anything": "else"}
    profile = profile_from_folder(folder_with(tmp_path / "mine", facts), steps=50, licence="MIT")
    assert (profile.name, profile.steps, profile.guidance_scale, profile.licence) == ("mine", 10, 3.0, "MIT")
    assert profile.buckets == (Size(64, 64), Size(128, 64))
    assert profile.missing == "profile mine: no checkpoint in mine/ (model_index.json is missing)"


@pytest.mark.parametrize(
    "facts", ["{not json", "[]", {"buckets": ["big"]}, {"buckets": 7}, {"steps": 0}, {"dtype": "int8"}]
)
def test_an_unusable_file_is_refused_by_name(tmp_path: Path, facts: Any) -> None:
    with pytest.raises(ProfileError, match="profile mine"):
        profile_from_folder(folder_with(tmp_path / "mine", facts))


def test_the_version_names_code_profile_and_weights(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "mine", {"steps": 4})
    (folder / "unet.safetensors").write_bytes(b"first weights")
    before = pipeline_version(profile_from_folder(folder))
    assert before.startswith(f"{PIPELINE_VERSION}-mine-")
    assert before == pipeline_version(profile_from_folder(folder))
    (folder / "unet.safetensors").write_bytes(b"other weights.")
    assert pipeline_version(profile_from_folder(folder)) != before


def test_the_fingerprint_ignores_what_pictures_do_not_depend_on() -> None:
    plain = tiny_profile()
    assert (
        tiny_profile(title="renamed", licence="MIT", max_batch=1, folder=Path("x")).fingerprint
        == plain.fingerprint
    )
    for change in ({"steps": 3}, {"guidance_scale": 1.0}, {"weights": "w"}, {"negative_prompt": "n"}):
        assert tiny_profile(**change).fingerprint != plain.fingerprint


def test_importing_the_pipeline_loads_no_heavy_library() -> None:
    code = (
        "import sys, creatives.pipeline as p; p.get_profile('studio-tiny'); p.pipeline_version('sd15');"
        "p.Size.parse('300x250'); p.Layout(); p.PaintJob; p.Painter('sd15'); p.make_creative; p.positioned;"
        "bad = {'torch', 'diffusers', 'transformers', 'django', 'pymatting'} & set(sys.modules);"
        "sys.exit(f'loaded {bad}' if bad else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
