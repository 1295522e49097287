"""Stage caches: keys by content, whole values, bounded memory."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creatives.pipeline.buckets import Size
from creatives.pipeline.cache import FolderCache, MemoryCache, StageCache, pack, stage_key, unpack
from creatives.pipeline.cutout import cut_out
from creatives.pipeline.image_io import decode_png, encode_png
from creatives.pipeline.layout import Layout
from creatives.pipeline.stages import prepare

from .pipeline_models import studio_photo

A, B, C = (stage_key("mask", image=name) for name in "abc")


def test_a_key_depends_on_every_part_and_on_nothing_else() -> None:
    key = stage_key("mask", image="a", version="1")
    assert key == stage_key("mask", version="1", image="a")
    assert key.startswith("mask-")
    assert len(key) == len("mask-") + 64
    assert (
        len({key, stage_key("mask", image="a", version="2"), stage_key("edges", image="a", version="1")}) == 3
    )


@given(
    st.dictionaries(st.text(min_size=1, max_size=8), st.integers() | st.text(), max_size=4),
    st.binary(max_size=64),
)
def test_packing_is_undone_by_unpacking(meta: dict[str, int | str], data: bytes) -> None:
    array = np.frombuffer(data, np.uint8)
    found, arrays = unpack(pack(meta, {"array": array}))
    assert found == meta
    assert np.array_equal(arrays["array"], array)


def test_memory_drops_the_least_recently_used() -> None:
    cache = MemoryCache(max_bytes=10)
    cache.put(A, b"12345")
    cache.put(B, b"67890")
    assert cache.get(A) == b"12345"
    cache.put(C, b"x")
    assert cache.get(B) is None
    assert cache.get(A) == b"12345"
    assert cache.get(C) == b"x"


def test_memory_replaces_a_value_without_counting_it_twice() -> None:
    cache = MemoryCache(max_bytes=10)
    for _ in range(5):
        cache.put(A, b"1234567")
    cache.put(B, b"abc")
    assert cache.get(A) == b"1234567"
    cache.put(C, b"larger than the whole cache")
    assert cache.get(C) is None
    assert len(cache) == 2


def test_a_folder_keeps_values_between_processes_and_leaves_no_parts(tmp_path: Path) -> None:
    FolderCache(tmp_path).put(A, b"value")
    other = FolderCache(tmp_path)
    assert other.get(A) == b"value"
    assert other.get(B) is None
    other.put(A, b"newer")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in files] == [b"newer"]


def test_a_folder_is_written_by_many_threads_whole(tmp_path: Path) -> None:
    cache = FolderCache(tmp_path)
    values = [bytes([index]) * 5000 for index in range(8)]
    threads = [threading.Thread(target=cache.put, args=(A, value)) for value in values]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.get(A) in values


@pytest.mark.parametrize("key", ["../../etc/passwd", "mask-short", "", "a/b-" + "0" * 64])
def test_a_folder_refuses_keys_it_did_not_make(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="cache key"):
        FolderCache(tmp_path).put(key, b"")
    assert list(tmp_path.iterdir()) == []


class Counting:
    """A StageCache that notes which stages missed."""

    def __init__(self, inner: StageCache) -> None:
        self.inner, self.missed = inner, []  # type: ignore[var-annotated]

    def get(self, key: str) -> bytes | None:
        value = self.inner.get(key)
        if value is None:
            self.missed.append(key.partition("-")[0])
        return value

    def put(self, key: str, value: bytes) -> None:
        self.inner.put(key, value)


def test_masks_are_shared_by_buckets_and_placements_by_nothing() -> None:
    cache = Counting(MemoryCache())
    photo, _ = studio_photo()
    first = prepare(photo, Size(256, 256), cache=cache)
    again = prepare(photo, Size(256, 256), cache=cache)
    assert cache.missed == ["mask", "placed"]
    assert np.array_equal(first.edges, again.edges)
    assert np.array_equal(first.placed, again.placed)
    prepare(photo, Size(320, 256), cache=cache)
    prepare(photo, Size(320, 256), Layout(50, "c", 6), cache=cache)
    assert cache.missed == ["mask", "placed", "placed", "placed"]
    prepare(255 - photo, Size(256, 256), cache=cache)
    assert cache.missed[4:] == ["mask", "placed"]


def test_files_of_the_first_steps_come_from_the_cache_as_they_were_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache = MemoryCache()
    photo, _ = studio_photo()
    plain = prepare(photo, Size(256, 256))
    first = prepare(photo, Size(256, 256), cache=cache)

    def refused(pixels: object) -> bytes:
        raise AssertionError("encoded again")

    monkeypatch.setattr("creatives.pipeline.stages.encode_png", refused)
    monkeypatch.setattr("creatives.pipeline.cutout.encode_png", refused)
    again = prepare(photo, Size(256, 256), cache=cache)
    assert again.pngs() == first.pngs()
    monkeypatch.undo()
    assert plain.pngs() == first.pngs()
    for name, pixels in (("mask", again.mask), ("placed", again.placed), ("edges", again.edges)):
        assert np.array_equal(decode_png(first.pngs()[name]), pixels)


def test_a_cut_out_cached_without_its_mask_file_is_used_and_the_file_written_anew() -> None:
    cache = MemoryCache()
    photo, _ = studio_photo()
    cutout = cut_out(photo, cache)
    meta, arrays = unpack(cache.get(cutout.key) or b"")
    del arrays["alpha"]
    cache.put(cutout.key, pack(meta, arrays))
    older = cut_out(photo, cache)
    assert older.encoded is None
    assert older.png() == cutout.png()


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3), (5, 7, 4)])
def test_a_png_is_decoded_to_the_pixels_it_was_made_of(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    assert np.array_equal(decode_png(encode_png(pixels)), pixels)


def test_half_a_png_is_refused() -> None:
    with pytest.raises(ValueError, match="20 bytes are not a whole PNG"):
        decode_png(encode_png(np.zeros((9, 9), np.uint8))[:20])
