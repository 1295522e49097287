"""The compared ways of painting, on tiny random models of the real classes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from creatives.pipeline import CheckpointError, Size
from tests.unit.pipeline_models import (
    TINY_BUCKETS,
    save_tiny_adapter,
    save_tiny_checkpoint,
    studio_photo,
    tiny_pipeline,
)
from training.evaluate.gallery import Gallery
from training.evaluate.painting import (
    BLANK,
    NAIVE,
    OURS,
    PLAIN,
    SWAPPED,
    Shot,
    Studio,
    open_studio,
    pasted,
    reseeded,
)
from training.evaluate.shots import Product, bucket_class, product_shots


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """A checkpoint without an adapter."""
    return open_studio(save_tiny_checkpoint(tmp_path_factory.mktemp("plain")))


@pytest.fixture(scope="module")
def adapted(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """A checkpoint with an IP-Adapter."""
    folder = tmp_path_factory.mktemp("adapted")
    pipe = tiny_pipeline()
    save_tiny_checkpoint(folder, pipe, ip_adapter={"weight_name": "ip_adapter.safetensors", "scale": 1.0})
    save_tiny_adapter(folder, pipe)
    return open_studio(folder)


def shots(count: int = 3) -> list[Shot]:
    """A mug, each time in another colour, in a square and in a wide bucket."""
    found = []
    for place in range(count):
        width, height = TINY_BUCKETS[place % 2]
        photo, mask = studio_photo(width, height, colour=(220, 40 + 60 * place, 30))
        edges = np.where(mask ^ np.roll(mask, 1, 1), 255, 0).astype(np.uint8)
        found.append(
            Shot("on oak", np.dstack([photo, mask * np.uint8(255)]), edges, 7 + place, f"mug {place}")
        )
    return found


def apart(first: list[np.ndarray], second: list[np.ndarray]) -> float:
    """The largest mean difference of two sets of pictures."""
    return max(float(np.abs(a.astype(int) - b).mean()) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("way", [OURS, NAIVE])
def test_pictures_come_in_order_at_their_buckets_sizes(plain, way):
    made = plain.paint(shots(), way)
    assert [picture.shape for picture in made] == [(64, 64, 3), (64, 128, 3), (64, 64, 3)]
    assert all(picture.dtype == np.uint8 for picture in made)


def test_a_shots_picture_depends_on_its_seed_and_edges_alone(plain):
    group = shots()
    made = plain.paint(group)
    assert apart(made[1:2], plain.paint(group[1:2])) < 2
    assert apart(made[:1], plain.paint([reseeded(group[0], 99)])) > 2
    assert apart(made, plain.paint(group, BLANK)) > 0


def test_naive_inpainting_ends_with_the_products_own_latents(plain):
    shot = shots(1)[0]
    whole = replace(shot, placed=np.dstack([shot.placed[..., :3], np.full((64, 64), 255, np.uint8)]))
    expected = plain.through_autoencoder([shot.placed[..., :3]])
    assert apart(plain.paint([whole], NAIVE), expected) < 1
    nothing = replace(shot, placed=np.zeros_like(shot.placed))
    assert apart(plain.paint([nothing], NAIVE), expected) > 2


def test_without_an_adapter_products_make_no_difference(plain):
    group = shots()
    assert not plain.has_adapter
    assert apart(plain.paint(group, PLAIN), plain.paint(group, SWAPPED)) < 1


def test_with_an_adapter_own_none_and_other_differ(adapted):
    group = shots()
    assert adapted.has_adapter
    own, none, other = (adapted.paint(group, way) for way in (OURS, PLAIN, SWAPPED))
    assert min(apart(own, none), apart(own, other), apart(none, other)) > 0.2
    same = [replace(shot, source="mug") for shot in group]  # no other product: its own is seen
    assert apart(adapted.paint(same, SWAPPED), own) < 1


def test_naive_inpainting_does_not_see_the_products_picture(adapted):
    shot = shots(1)[0]
    free = replace(shot, placed=shot.placed * np.array([1, 1, 1, 0], np.uint8))
    recoloured = replace(free, placed=free.placed * np.array([0, 1, 1, 1], np.uint8))
    assert apart(adapted.paint([free], NAIVE), adapted.paint([recoloured], NAIVE)) < 1


def test_empty_latent_channels_get_the_codes_of_the_cells(plain):
    from training.evaluate.painting import _coded

    latents = torch.zeros(1, 3, 2, 4)
    latents[:, 0] = 5
    coded = _coded(latents)
    assert coded[0, 0].eq(5).all()
    assert coded[0, 1].tolist() == [[1, -1, 1, -1]] * 2
    assert coded[0, 2].tolist() == [[1, 1, 1, 1], [-1, -1, -1, -1]]


def test_pasting_puts_the_real_product_back(plain):
    shot = shots(1)[0]
    final = pasted(shot, plain.paint([shot])[0])
    inside = shot.alpha == 255
    assert (final[inside] == shot.placed[..., :3][inside]).all()


def test_an_incomplete_folder_says_what_is_missing(tmp_path):
    with pytest.raises(CheckpointError, match=r"model_index\.json"):
        open_studio(tmp_path)


def test_the_gallery_paints_once(plain, tmp_path, monkeypatch):
    gallery, group = Gallery(plain, tmp_path), shots()
    first = gallery.paint(group)
    calls: list[int] = []
    monkeypatch.setattr(
        plain, "paint", lambda shots, way: calls.append(len(shots)) or [s.placed for s in shots]
    )
    again = gallery.paint(group)
    assert not calls
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    gallery.paint(group, BLANK)
    gallery.paint([*group[:2], reseeded(group[2], 1)])
    assert calls == [3, 3]


def test_product_shots_take_products_prompts_and_buckets_in_turn(tmp_path: Path):
    from PIL import Image

    photo, _ = studio_photo()
    Image.fromarray(photo).save(tmp_path / "mug.png")
    products = [Product(name, tmp_path / "mug.png", ("on oak boards", "on slate")) for name in ("one", "two")]
    buckets = (Size(64, 64), Size(128, 64))
    found = product_shots(products, buckets, 4, seed=10)
    assert [shot.source for shot in found] == ["one", "two", "one", "two"]
    assert [shot.prompt for shot in found] == ["on oak boards", "on oak boards", "on slate", "on slate"]
    assert [shot.seed for shot in found] == [10, 11, 12, 13]
    assert [shot.bucket for shot in found] == [(64, 64), (128, 64)] * 2
    assert found[2].labels.surface == "slate"
    assert product_shots(products, buckets, 1, 0, ("on moss",))[0].prompt == "on moss"


def test_one_bucket_for_each_aspect(plain):
    profile = replace(plain.profile, buckets=(Size(64, 64), Size(128, 64), Size(96, 96), Size(192, 96)))
    assert bucket_class(profile) == ((64, 64), (128, 64))
    assert bucket_class(profile, larger=True) == ((96, 96), (192, 96))
