"""Step 1 on pictures drawn here: backdrops, holes, shadows, orphans, alpha, clutter."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from creatives.pipeline.blobs import drop_orphans, reachable_from_border
from creatives.pipeline.cutout import cut_out
from creatives.pipeline.image_io import ImageError, from_array, open_image
from creatives.pipeline.segment import segment

from .pipeline_models import studio_photo


def iou(alpha: NDArray[np.uint8], truth: NDArray[np.bool_]) -> float:
    found = alpha >= 128
    return float((found & truth).sum() / (found | truth).sum())


@pytest.mark.parametrize("backdrop", [(255, 255, 255), (225, 225, 230), (30, 30, 34)])
def test_a_mug_on_a_plain_backdrop_keeps_its_handle_open(backdrop: tuple[int, int, int]) -> None:
    photo, truth = studio_photo(192, 160, backdrop)
    mask = segment(from_array(photo))
    assert mask.method == "backdrop"
    assert mask.confidence > 0.9
    assert iou(mask.alpha, truth) > 0.98
    assert mask.alpha[88, 122] == 0  # inside the handle


def test_a_gradient_and_jpeg_noise_are_still_a_plain_backdrop() -> None:
    photo, truth = studio_photo(192, 160)
    slope = np.linspace(235, 190, 160)[:, None, None] * np.ones((1, 192, 3))
    photo = np.where(truth[..., None], photo, slope).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(photo).save(stream, "JPEG", quality=85)
    mask = segment(open_image(stream.getvalue()))
    assert mask.method == "backdrop"
    assert iou(mask.alpha, truth) > 0.92  # 4:2:0 colour at this size is half the rim


def test_a_soft_shadow_is_not_part_of_the_product() -> None:
    photo, truth = studio_photo(240, 200, (240, 240, 242))
    shadow = cv2.GaussianBlur(np.roll(truth, (12, 16), (0, 1)).astype(np.float32), (0, 0), 8) * 0.3
    lit = np.where(truth[..., None], photo, photo * (1 - shadow[..., None])).astype(np.uint8)
    assert iou(segment(from_array(lit)).alpha, truth) > 0.93


def test_a_white_print_in_the_middle_of_the_cloth_is_no_hole() -> None:
    photo = np.full((160, 160, 3), 255, np.uint8)
    photo[20:140, 25:135] = (180, 30, 40)
    photo[70:90, 70:90] = 255
    mask = segment(from_array(photo))
    assert (mask.alpha[70:90, 70:90] == 255).all()


def test_a_product_in_the_backdrops_colour_is_of_low_confidence() -> None:
    photo, _ = studio_photo(192, 160, (255, 255, 255), (248, 248, 248))
    assert segment(from_array(photo)).confidence < 0.5


def test_given_alpha_is_used_as_it_is_but_for_specks() -> None:
    photo, truth = studio_photo(96, 80)
    alpha = np.where(truth, 255, 0).astype(np.uint8)
    alpha[40, 21] = 77  # a soft pixel at the product's edge
    speck = alpha.copy()
    speck[2:4, 2:4] = 255
    mask = segment(from_array(np.dstack([photo, speck])))
    assert (mask.method, mask.confidence) == ("alpha", 1.0)
    assert (mask.alpha[2:4, 2:4] == 0).all()
    assert np.array_equal(mask.alpha[10:], alpha[10:])


def test_clutter_is_a_guess_and_says_so() -> None:
    bands = np.random.default_rng(0).integers(0, 255, (12, 12, 3), np.uint8)
    clutter = cv2.resize(bands, (96, 96), interpolation=cv2.INTER_CUBIC)
    clutter[30:66, 30:66] = (20, 160, 60)
    mask = segment(from_array(clutter))
    assert mask.method == "grabcut"
    assert mask.confidence <= 0.4
    assert "guess" in mask.warnings[0]
    assert (mask.alpha[36:60, 36:60] > 128).mean() > 0.9


def test_pure_noise_still_gives_the_middle_at_lowest_confidence() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (96, 96, 3), np.uint8)
    mask = segment(from_array(noise))
    assert mask.confidence <= 0.3
    assert mask.alpha[48, 48] > 128


def test_an_empty_photo_has_no_product() -> None:
    with pytest.raises(ImageError, match="no product found"):
        segment(from_array(np.full((64, 64, 3), 250, np.uint8)))


def test_pairs_are_kept_and_orphans_dropped_by_relative_size() -> None:
    region = np.zeros((60, 60), np.bool_)
    region[5:25, 5:25] = region[30:50, 30:50] = True
    region[55:57, 2:3] = True
    kept = drop_orphans(region)
    assert kept[10, 10]
    assert kept[40, 40]
    assert not kept[55:57, 2].any()


def test_reachable_regions_touch_the_border() -> None:
    region = np.ones((9, 9), np.bool_)
    region[2:7, 2:7] = False
    region[4, 4] = True
    reached = reachable_from_border(region)
    assert reached[0, 0]
    assert not reached[4, 4]
    assert reachable_from_border(region, seeds=np.eye(9, dtype=np.bool_))[4, 4]


def test_edge_colours_lose_the_backdrop_and_inner_ones_stay() -> None:
    photo, truth = studio_photo(192, 160, (255, 255, 255), (20, 20, 120))
    soft = cv2.GaussianBlur(truth.astype(np.float32), (0, 0), 1.0)[..., None]
    photo = np.rint(255 * (1 - soft) + np.array([20, 20, 120]) * soft).astype(np.uint8)
    cutout = cut_out(photo)
    alpha, colours = cutout.product[..., 3], cutout.product[..., :3]
    left, top = cutout.origin
    window = photo[top : top + alpha.shape[0], left : left + alpha.shape[1]]
    assert np.array_equal(colours[alpha == 255], window[alpha == 255])
    rim = (alpha > 60) & (alpha < 200)
    assert rim.any()
    assert colours[rim, 0].mean() < window[rim, 0].mean() - 20  # far less white than the photo's rim


def test_a_cutout_comes_back_from_a_cache_unchanged() -> None:
    from creatives.pipeline.cache import MemoryCache

    photo, _ = studio_photo(96, 80)
    cache = MemoryCache()
    fresh: Any = cut_out(photo, cache)
    again: Any = cut_out(photo, cache)
    assert len(cache) == 1
    for name in ("method", "confidence", "warnings", "origin", "sha256", "key"):
        assert getattr(again, name) == getattr(fresh, name)
    assert np.array_equal(again.alpha, fresh.alpha)
    assert np.array_equal(again.product, fresh.product)
