"""Step 5: the product comes through byte for byte, whatever is painted behind it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from creatives.pipeline.buckets import Size, bucket_for
from creatives.pipeline.colour import resize_rgb, resize_rgba, to_linear, to_srgb
from creatives.pipeline.compose import compose, crop_painting, on_white, place
from creatives.pipeline.cutout import cut_out
from creatives.pipeline.image_io import encode_jpeg, encode_png, encode_webp, open_image
from creatives.pipeline.layout import ANCHORS, Box, Layout
from creatives.pipeline.light import Light
from creatives.pipeline.rim import without_rim
from creatives.pipeline.stages import ENLARGEMENT_LIMIT, judge, positioned, prepare, render

from .pipeline_models import studio_photo

MODES = [
    "array", "soft alpha", "png", "jpeg", "webp", "turned by EXIF", "16-bit grey", "palette", "palette with transparency",
    "CMYK", "CMYK JPEG", "grey",
]  # fmt: skip


def painting(bucket: Size, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (bucket.height, bucket.width, 3), np.uint8)


def test_srgb_and_linear_light_are_inverse_on_every_code() -> None:
    codes = np.arange(256, dtype=np.uint8)
    assert np.array_equal(to_srgb(to_linear(codes)), codes)
    assert to_linear(codes)[[0, 255]].tolist() == [0.0, 1.0]


@settings(max_examples=40, deadline=None)
@given(
    width=st.integers(48, 400),
    stretch=st.floats(0.3, 3.0),
    scale=st.integers(10, 100),
    anchor=st.sampled_from(ANCHORS),
    seed=st.integers(0, 1000),
    mode=st.sampled_from(MODES),
)
def test_opaque_product_pixels_reach_the_final_unchanged(
    width: int, stretch: float, scale: int, anchor: str, seed: int, mode: str
) -> None:
    size = Size(width, max(16, round(width / stretch)))
    bucket = bucket_for(*size)
    prepared = prepare(_photo(mode), bucket, Layout(scale, anchor, 4))
    rendition = render(prepared, painting(bucket, seed), size)
    assert rendition.final.shape == (size.height, size.width, 3)
    opaque = rendition.placed[..., 3] == 255
    assert np.array_equal(rendition.final[opaque], rendition.placed[opaque][:, :3])
    x, y, w, h = rendition.box
    outside = np.ones(opaque.shape, np.bool_)
    outside[y : y + h, x : x + w] = False
    assert not rendition.placed[..., 3][outside].any()


def _photo(mode: str) -> np.ndarray | bytes:
    photo, truth = studio_photo(80, 64)
    if mode == "array":
        return photo
    if mode == "soft alpha":
        soft = np.asarray(
            Image.fromarray(np.where(truth, 255, 0).astype(np.uint8)).filter(ImageFilter.GaussianBlur(2))
        )
        return np.dstack([photo, soft])
    picture = Image.fromarray(photo)
    if mode == "turned by EXIF":
        exif = Image.Exif()
        exif[0x0112] = 6
        return _encoded(picture, "JPEG", exif=exif, quality=92)
    if mode == "16-bit grey":
        return _encoded(Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257), "PNG")
    if mode == "palette with transparency":
        quantized = picture.quantize(32)
        return _encoded(quantized, "PNG", transparency=quantized.getpixel((0, 0)))
    conversions = {
        "palette": ("P", "GIF"),
        "CMYK": ("CMYK", "TIFF"),
        "CMYK JPEG": ("CMYK", "JPEG"),
        "grey": ("L", "PNG"),
    }
    if mode in conversions:
        as_mode, name = conversions[mode]
        return _encoded(picture.convert(as_mode), name)
    return {"png": encode_png, "jpeg": encode_jpeg, "webp": encode_webp}[mode](photo)


def _encoded(picture: Image.Image, name: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, name, **options)
    return stream.getvalue()


def test_opaque_pixels_of_an_unscaled_product_are_the_photos_codes() -> None:
    photo, _ = studio_photo(192, 160)
    cutout = cut_out(photo)
    height, width = cutout.product.shape[:2]
    placed = place(cutout.product, Box(3, 5, width, height), Size(width + 8, height + 9))
    final = compose(placed, np.full((height + 9, width + 8, 3), 77, np.uint8))
    left, top = cutout.origin
    window = photo[top : top + height, left : left + width]
    opaque = cutout.product[..., 3] == 255
    assert opaque.mean() > 0.5
    assert np.array_equal(final[5 : 5 + height, 3 : 3 + width][opaque], window[opaque])


@pytest.mark.parametrize(
    ("backdrop", "scene", "towards"),
    [((255, 255, 255), (20, 20, 24), "light"), ((30, 30, 34), (245, 244, 240), "dark")],
)
def test_no_halo_of_the_photos_backdrop(
    backdrop: tuple[int, int, int], scene: tuple[int, int, int], towards: str
) -> None:
    colour = np.array((176, 52, 40), np.float32)
    cover = np.zeros((640, 640), np.uint8)
    cover[100:540, 140:500] = 255
    share = np.asarray(
        Image.fromarray(cover).resize((160, 160), Image.Resampling.BOX).rotate(9, Image.Resampling.BICUBIC)
    )
    share = share[..., None] / 255.0
    cutout = cut_out(np.rint(colour * share + np.array(backdrop) * (1 - share)).astype(np.uint8))
    left, top = cutout.origin
    height, width = cutout.product.shape[:2]
    found = np.zeros((160, 160, 4), np.uint8)
    found[top : top + height, left : left + width] = cutout.product
    truth = np.dstack([np.broadcast_to(colour, (160, 160, 3)), share * 255]).round().astype(np.uint8)
    background = np.broadcast_to(np.array(scene, np.uint8), (160, 160, 3))
    ours, wanted = (to_linear(compose(each, background, shadow=0.0)).sum(axis=2) for each in (found, truth))
    rim = (share[..., 0] > 0.02) & (share[..., 0] < 0.98)
    assert rim.sum() > 300
    assert abs(float((ours - wanted)[rim].mean())) < 0.03
    halo = (ours - wanted)[rim] if towards == "light" else (wanted - ours)[rim]
    assert np.percentile(halo, 99) < 0.25


def test_a_product_that_needs_no_resampling_keeps_the_photos_codes() -> None:
    rgba = np.random.default_rng(1).integers(0, 256, (20, 30, 4), np.uint8)
    rgba[..., 3] = 255
    placed = place(rgba, Box(5, 7, 30, 20), Size(64, 48))
    assert np.array_equal(placed[7:27, 5:35], rgba)
    final = compose(placed, np.full((48, 64, 3), 9, np.uint8))
    assert np.array_equal(final[7:27, 5:35], rgba[..., :3])
    assert (final[:5] == 9).all()


def test_partial_alpha_mixes_in_linear_light() -> None:
    placed = np.zeros((4, 4, 4), np.uint8)
    placed[..., :3], placed[..., 3] = 255, 128
    mixed = compose(placed, np.zeros((4, 4, 3), np.uint8), shadow=0.0)
    assert mixed[0, 0].tolist() == [188, 188, 188]  # 128/255 of the light, not of the code


def test_resizing_does_not_bleed_what_is_transparent() -> None:
    rgba = np.zeros((16, 16, 4), np.uint8)
    rgba[:, :8] = (200, 10, 10, 255)
    rgba[:, 8:] = (0, 255, 0, 0)
    small = resize_rgba(rgba, 9, 9)
    seen = small[..., 3] > 20
    assert small[seen][:, 1].max() <= 12
    assert (small[..., 3][:, 0] == 255).all()


def test_a_checkerboard_keeps_its_light_when_reduced() -> None:
    board = (np.indices((32, 32)).sum(0) % 2 * 255).astype(np.uint8)
    grey = resize_rgb(np.repeat(board[..., None], 3, 2), 4, 4)
    assert abs(int(grey[2, 2, 0]) - 188) <= 2


def test_the_painting_is_cropped_in_the_middle() -> None:
    generated = np.zeros((64, 128, 3), np.uint8)
    generated[:, 32:96] = 255
    square = crop_painting(generated, Size(64, 64))
    assert (square == 255).all()
    assert crop_painting(generated, Size(128, 64)).tolist() == generated.tolist()
    half = crop_painting(generated, Size(256, 128))
    assert half.shape == (128, 256, 3)
    assert (half[:, :50] == 0).all()
    assert (half[:, 80:176] == 255).all()


def test_positioned_is_the_product_on_plain_white_where_the_creative_has_it() -> None:
    photo, _ = studio_photo()
    size = (120, 100)
    bucket = bucket_for(*size)
    prepared = prepare(photo, bucket)
    white, finished = positioned(photo, size), render(prepared, painting(bucket, 0), size)
    assert white.box == finished.box
    assert np.array_equal(white.placed, finished.placed)
    assert np.array_equal(white.final, on_white(finished.placed))
    assert (white.final[white.placed[..., 3] == 0] == 255).all()


def test_at_the_buckets_size_the_creative_is_the_prepared_product_over_the_whole_painting() -> None:
    photo, _ = studio_photo()
    prepared = prepare(photo, Size(320, 256))
    generated, light = painting(prepared.bucket, 4), Light(0.4, 0.25)
    whole = render(prepared, generated, prepared.bucket, light)
    assert np.array_equal(whole.placed, place(prepared.cutout.product, prepared.box, prepared.bucket))
    assert whole.box == prepared.box.rounded(prepared.bucket)
    clean = without_rim(generated, prepared.placed[..., 3])
    assert np.array_equal(whole.final, compose(prepared.placed, clean, shadow=0.4, harmony=0.25))
    assert judge(prepared, generated, whole.final, light=light) == judge(prepared, generated, light=light)


def test_enlarging_past_the_limit_is_flagged() -> None:
    photo, _ = studio_photo(64, 64)
    large, small = positioned(photo, (600, 600)), positioned(photo, (64, 64))
    assert large.enlargement > ENLARGEMENT_LIMIT
    assert any("enlarged" in warning for warning in large.warnings)
    assert small.warnings == ()


def test_a_painting_of_another_size_is_refused() -> None:
    prepared = prepare(studio_photo()[0], Size(256, 256))
    with pytest.raises(ValueError, match="bucket 256x256 needs a picture of its own size"):
        render(prepared, np.zeros((64, 64, 3), np.uint8), (100, 100))
    with pytest.raises(ValueError, match="they must be equal"):
        compose(prepared.placed, np.zeros((64, 64, 3), np.uint8))


def test_a_painting_that_ignores_the_product_fails() -> None:
    prepared = prepare(studio_photo()[0], Size(256, 256))
    flat = np.full((256, 256, 3), 120, np.uint8)
    verdict = judge(prepared, flat)
    assert verdict.verdict == "fail"
    assert verdict.scores["structure"] == 0.0
    assert verdict.scores["sharpness"] == 0.0
    assert verdict.reasons


def test_a_painting_with_the_product_in_a_clear_setting_passes() -> None:
    prepared = prepare(studio_photo()[0], Size(256, 256))
    setting = np.full((256, 256, 3), (90, 140, 90), np.uint8)
    setting[::9] = (120, 170, 120)
    verdict = judge(prepared, compose(prepared.placed, setting, shadow=0.0))
    assert (verdict.verdict, verdict.reasons) == ("pass", ())
    assert verdict.scores["structure"] > 0.95
    assert verdict.scores["expansion"] < 0.05


def test_a_product_continued_beyond_its_outline_shows_as_expansion() -> None:
    prepared = prepare(studio_photo()[0], Size(256, 256), Layout(40, "c", 4))
    x, y, w, h = prepared.box.rounded(Size(256, 256))
    painted = np.full((256, 256, 3), (90, 140, 90), np.uint8)
    painted[max(0, y - 30) : y + h + 30, max(0, x - 30) : x + w + 30] = (190, 40, 30)
    assert judge(prepared, painted).scores["expansion"] > 0.9


def test_files_open_as_they_were_written() -> None:
    final = positioned(studio_photo()[0], (64, 64)).final
    assert np.array_equal(open_image(encode_png(final)).rgb, final)
