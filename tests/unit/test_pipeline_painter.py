"""Step 4 with the real diffusers classes on tiny random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from creatives.pipeline.buckets import Size
from creatives.pipeline.cache import MemoryCache
from creatives.pipeline.painter import Painter, PaintJob, paint
from creatives.pipeline.profiles import CheckpointError, Source, profile_from_folder
from creatives.pipeline.runtime import Runtime

from .pipeline_models import save_tiny_checkpoint, tiny_pipeline, tiny_profile


@pytest.fixture(scope="module")
def pipe() -> Any:
    return tiny_pipeline()


@pytest.fixture
def painter(pipe: Any) -> Painter:
    return Painter(tiny_profile(), pipe=pipe)


SQUARE = Size(64, 64)


def edges(bucket: Size = SQUARE, at: int = 20) -> np.ndarray:
    drawn = np.zeros((bucket.height, bucket.width), np.uint8)
    drawn[16:48, at] = drawn[16, at : at + 20] = 255
    return drawn


def test_a_job_becomes_a_picture_of_its_bucket(painter: Painter) -> None:
    picture = painter.paint([PaintJob(edges(Size(128, 64)), "a red mug", seed=3)])[0]
    assert picture.shape == (64, 128, 3)
    assert picture.dtype == np.uint8
    assert picture.std() > 1


def test_the_same_seed_paints_the_same_and_another_does_not(painter: Painter) -> None:
    first, again, other = (painter.paint([PaintJob(edges(), "a mug", seed=seed)])[0] for seed in (7, 7, 8))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_prompt_negative_prompt_and_edges_all_count(painter: Painter) -> None:
    jobs = [
        PaintJob(edges(), "a mug", seed=1),
        PaintJob(edges(), "zebra", seed=1),
        PaintJob(edges(), "a mug", "blurry", seed=1),
        PaintJob(edges(at=40), "a mug", seed=1),
    ]
    pictures = [painter.paint([job])[0].tobytes() for job in jobs]
    assert len(set(pictures)) == 4


def test_a_batch_paints_what_each_job_paints_alone(painter: Painter) -> None:
    jobs = [PaintJob(edges(at=10 + index), f"scene {index}", seed=index) for index in range(3)]
    together = paint(painter, jobs)
    for job, picture in zip(jobs, together, strict=True):
        alone = painter.paint([job])[0]
        assert np.abs(picture.astype(int) - alone.astype(int)).max() <= 2


def test_a_batch_larger_than_the_profile_allows_is_split(pipe: Any) -> None:
    painter = Painter(tiny_profile(max_batch=2), pipe=pipe)
    pictures = painter.paint([PaintJob(edges(), "x", seed=index) for index in range(5)])
    assert len(pictures) == 5
    assert np.abs(pictures[4].astype(int) - painter.paint([PaintJob(edges(), "x", seed=4)])[0]).max() <= 2


def test_no_jobs_paint_nothing_and_load_nothing() -> None:
    assert Painter(tiny_profile(base=Source(folder=Path("nowhere")))).paint([]) == []


def test_mixed_and_unknown_buckets_are_refused(painter: Painter) -> None:
    with pytest.raises(ValueError, match="one bucket, not of 128x64, 64x64"):
        painter.paint([PaintJob(edges(), "x"), PaintJob(edges(Size(128, 64)), "x")])
    with pytest.raises(ValueError, match="bucket 192x64 is not one of profile tiny-random"):
        painter.paint([PaintJob(edges(Size(192, 64)), "x")])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prompt": "  "}, "the prompt is empty"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**63}, "seed is 9223372036854775808; it must be 0 to"),
        ({"edges": np.zeros((4, 4, 3), np.uint8)}, "edges must be uint8"),
    ],
)
def test_bad_jobs_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PaintJob(**({"edges": edges(), "prompt": "x"} | changes))


def test_a_text_is_encoded_once_per_profile(pipe: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []
    encode = pipe.encode_prompt

    def counted(text: str | None, *rest: Any, **options: Any) -> Any:
        if text is not None:  # the pipeline itself calls it once more, with embeddings and no text
            texts.append(text)
        return encode(text, *rest, **options)

    monkeypatch.setattr(pipe, "encode_prompt", counted)
    cache = MemoryCache()
    job = PaintJob(edges(), "wood", "blurry", seed=1)
    pictures = [Painter(tiny_profile(), pipe=pipe, cache=cache).paint([job])[0] for _ in range(2)]
    assert np.array_equal(*pictures)
    assert texts == ["wood", "blurry"]
    Painter(tiny_profile(weights="others"), pipe=pipe, cache=cache).paint([job])
    assert texts == ["wood", "blurry"] * 2


def test_a_checkpoint_folder_loads_and_paints_like_its_pipeline(tmp_path: Path, pipe: Any) -> None:
    folder = save_tiny_checkpoint(tmp_path / "tiny", licence="none")
    profile = profile_from_folder(folder, cpu_dtype="float32")
    job = PaintJob(edges(), "a mug", seed=5)
    loaded = Painter(profile, runtime=Runtime(device="cpu")).paint([job])[0]
    assert np.abs(loaded.astype(int) - Painter(tiny_profile(), pipe=pipe).paint([job])[0]).max() <= 2


def test_a_missing_checkpoint_is_named_before_anything_is_loaded(tmp_path: Path) -> None:
    painter = Painter(tiny_profile(base=Source(folder=tmp_path / "gone")))
    with pytest.raises(CheckpointError, match="profile tiny-random: no checkpoint in gone/"):
        painter.warm()


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text("{}", "utf-8")
    (tmp_path / "config.json").write_text("{}", "utf-8")
    source = Source(folder=tmp_path)
    with pytest.raises(CheckpointError, match="profile tiny-random: the checkpoint cannot be loaded"):
        Painter(tiny_profile(base=source, controlnet=source)).warm()
