"""Checkpoint profiles as data, and the version that generation is keyed by."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from creatives.pipeline.buckets import BUCKETS, Size
from creatives.pipeline.profiles import (
    IPAdapter,
    ProfileError,
    Source,
    get_profile,
    profile_from_folder,
    profile_names,
)
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
        assert profile.folder or all(source.is_pinned for source in profile.sources.values())
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
    "facts",
    [
        "{not json",
        "[]",
        {"buckets": ["big"]},
        {"buckets": 7},
        {"steps": 0},
        {"dtype": "int8"},
        {"family": "flux"},
        {"scheduler": "ddpm"},
        {"base": "not a place"},
        {"ip_adapter": {"scale": 1}},
        {"ip_adapter": {"weight_name": "x.safetensors", "scale": 7}},
    ],
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
    moved = tiny_profile(
        title="renamed", licence="MIT", max_batch=1, base=Source(folder=Path("x"), licence="MIT")
    )
    assert moved.fingerprint == plain.fingerprint
    adapter = IPAdapter(Source(repo="a/b"), "x.safetensors")
    changes: list[dict[str, Any]] = [
        {"ip_adapter": adapter},
        {"base": Source(repo="a/b")},
        {"steps": 3},
        {"guidance_scale": 1.0},
        {"weights": "w"},
        {"negative_prompt": "n"},
    ]
    for change in changes:
        assert tiny_profile(**change).fingerprint != plain.fingerprint


def test_a_folder_of_checkpoints_adds_profiles_and_takes_the_place_of_known_ones(tmp_path: Path) -> None:
    folder_with(tmp_path / "mine", {"steps": 4})
    (tmp_path / "no-profile").mkdir()
    local = folder_with(tmp_path / "sd15", {"steps": 9, "controlnet": "./edges", "safety_checker": None})
    assert profile_names(tmp_path) == ("studio-tiny", "sd15", "sd15-lcm", "sdxl", "mine")
    assert get_profile("mine", tmp_path).folder == tmp_path / "mine"
    mixed, hub = get_profile("sd15", tmp_path), get_profile("sd15")
    assert (mixed.base, mixed.scheduler, mixed.ip_adapter) == (hub.base, "dpm++", hub.ip_adapter)
    assert (mixed.steps, mixed.controlnet.path, mixed.safety_checker) == (9, local / "edges", None)
    assert mixed.missing == "profile sd15: no ControlNet in edges/ (config.json is missing)"
    with pytest.raises(ProfileError, match="no checkpoint profile 'other'"):
        get_profile("other", tmp_path)


def test_a_snapshot_beside_the_parts_of_it_is_found_by_name(tmp_path: Path) -> None:
    local = folder_with(
        tmp_path / "sdxl", {"ip_adapter": {"weight_name": "ip.safetensors", "subfolder": "models"}}
    )
    (local / "model_index.json").write_text('{"_class_name": "StableDiffusionXLPipeline"}', "utf-8")
    for part in ("controlnet", "safety_checker", "image_encoder", "models/image_encoder"):
        (local / part).mkdir(parents=True)
    (local / "models" / "ip.safetensors").write_bytes(b"weights")
    (local / "models" / "image_encoder" / "config.json").write_text('{"image_size": 336}', "utf-8")
    profile = get_profile("sdxl", tmp_path)
    assert profile.family == "sdxl"
    assert {part: source.folder for part, source in profile.sources.items()} == dict.fromkeys(
        ("base", "ControlNet", "IP-Adapter", "safety checker"), local
    )
    assert profile.ip_adapter is not None
    # the profile it takes the place of has its encoder elsewhere, and says so with a slash
    assert profile.ip_adapter.encoder_folder == "models/image_encoder"
    assert profile.product_side == 336


def test_a_place_is_a_pinned_repository_or_a_folder(tmp_path: Path) -> None:
    pinned = Source.parse(f"owner/name@{'0a' * 20}", tmp_path)
    assert (pinned.repo, pinned.is_pinned, pinned.path) == ("owner/name", True, None)
    assert not Source.parse("owner/name@main", tmp_path).is_pinned
    assert Source.parse("owner/name", tmp_path).revision == "main"
    assert Source.parse("./parts/base", tmp_path).path == tmp_path / "parts" / "base"


def test_large_weight_files_are_identified_by_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from creatives.pipeline import profile_files

    monkeypatch.setattr(profile_files, "WHOLE_FILE", 1000)
    monkeypatch.setattr(profile_files, "SAMPLE", 20)
    folder = folder_with(tmp_path / "mine", {})
    seen = set()
    for place in (None, 0, 2999):
        data = bytearray(3000)
        if place is not None:
            data[place] = 1
        (folder / f"at{place}.safetensors").write_bytes(bytes(data))
        seen.add(profile_from_folder(folder).weights)
        (folder / f"at{place}.safetensors").unlink()
    assert len(seen) == 3


def test_studio_tiny_s_larger_class_serves_the_thin_aspects_too(tmp_path: Path) -> None:
    small = folder_with(tmp_path / "studio-tiny", {"buckets": ["256x256", "320x256"]})
    assert set(get_profile("studio-tiny", tmp_path).buckets) == set(BUCKETS)
    folder_with(small, {"buckets": ["256x256", "384x384"]})
    both = get_profile("studio-tiny", tmp_path).buckets
    assert len(both) == 2 * len(BUCKETS)
    assert Size(1056, 96) in both


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
