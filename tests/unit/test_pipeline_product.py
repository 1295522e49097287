"""Step 4 conditioned on the product's picture: which call the stock class needs, and what it changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from creatives.pipeline.cache import MemoryCache
from creatives.pipeline.painter import Painter, PaintJob
from creatives.pipeline.product import product_picture
from creatives.pipeline.profiles import CheckpointError, CheckpointProfile, profile_from_folder
from creatives.pipeline.runtime import Runtime

from .pipeline_models import ADAPTER, save_tiny_adapter, save_tiny_checkpoint, tiny_pipeline

CPU = Runtime(device="cpu", offline=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The layout of studio-tiny: the adapter's file and its encoder's folder at the top."""
    pipe = tiny_pipeline()
    made = save_tiny_checkpoint(
        tmp_path_factory.mktemp("ip") / "tiny-ip", pipe, ip_adapter={"weight_name": ADAPTER, "scale": 0.8}
    )
    save_tiny_adapter(made, pipe)
    return made


@pytest.fixture(scope="module")
def painter(folder: Path) -> Painter:
    return Painter(profile_from_folder(folder), runtime=CPU)


def edges() -> np.ndarray:
    drawn = np.zeros((64, 64), np.uint8)
    drawn[16:48, 20] = 255
    return drawn


def product(colour: tuple[int, int, int]) -> np.ndarray:
    picture = np.full((32, 32, 3), 255, np.uint8)
    picture[6:26, 6:26] = colour
    return picture


RED, BLUE = product((200, 30, 30)), product((30, 30, 200))


def test_the_profile_knows_the_adapter_and_its_picture(folder: Path) -> None:
    profile = profile_from_folder(folder)
    assert profile.missing is None
    assert profile.ip_adapter is not None
    assert (profile.ip_adapter.scale, profile.product_side) == (0.8, 32)


def test_the_picture_of_the_product_counts(painter: Painter) -> None:
    job = {"edges": edges(), "prompt": "a mug", "seed": 3}
    plain, red, again, blue = (
        painter.paint([PaintJob(**job, product=picture)])[0] for picture in (None, RED, RED, BLUE)
    )
    assert np.array_equal(red, again)
    assert len({plain.tobytes(), red.tobytes(), blue.tobytes()}) == 3


def test_without_a_picture_or_at_scale_0_it_is_as_if_there_were_no_adapter(
    painter: Painter, folder: Path, tmp_path: Path
) -> None:
    bare = Painter(profile_from_folder(save_tiny_checkpoint(tmp_path / "bare")), runtime=CPU)
    off = Painter(profile_from_folder(folder, ip_adapter=None), runtime=CPU)
    off.profile = profile_from_folder(save_tiny_checkpoint(tmp_path / "off", ip_adapter=None))
    truth = bare.paint([PaintJob(edges(), "a mug", seed=3)])[0]
    painter.paint([PaintJob(edges(), "a mug", seed=3, product=RED)])  # leaves nothing behind
    assert np.array_equal(painter.paint([PaintJob(edges(), "a mug", seed=3)])[0], truth)
    assert np.array_equal(bare.paint([PaintJob(edges(), "a mug", seed=3, product=RED)])[0], truth)


def test_scale_0_paints_as_without(folder: Path, tmp_path: Path) -> None:
    pipe = tiny_pipeline()
    silent = save_tiny_checkpoint(tmp_path / "silent", pipe, ip_adapter={"weight_name": ADAPTER, "scale": 0})
    save_tiny_adapter(silent, pipe)
    profile = profile_from_folder(silent)
    assert profile.product_side is None
    plain = Painter(profile_from_folder(save_tiny_checkpoint(tmp_path / "bare")), runtime=CPU)
    job = PaintJob(edges(), "a mug", seed=3, product=RED)
    assert np.array_equal(Painter(profile, runtime=CPU).paint([job])[0], plain.paint([job])[0])


def test_every_item_of_a_batch_has_its_own_product_or_none(painter: Painter) -> None:
    pictures = (RED, None, BLUE, None, RED)
    jobs = [PaintJob(edges(), "a mug", seed=seed, product=picture) for seed, picture in enumerate(pictures)]
    together = painter.paint(jobs)
    for job, picture in zip(jobs, together, strict=True):
        alone = painter.paint([job])[0]
        assert np.abs(picture.astype(int) - alone.astype(int)).max() <= 2


def test_a_picture_is_encoded_once_and_of_any_size(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    painter = Painter(profile_from_folder(folder), runtime=CPU, cache=MemoryCache())
    sizes: list[tuple[int, ...]] = []
    encode = painter.pipe.encode_image

    def counted(image: Any, *rest: Any) -> Any:
        sizes.append(tuple(image.shape))
        return encode(image, *rest)

    monkeypatch.setattr(painter.pipe, "encode_image", counted)
    large = np.repeat(np.repeat(RED, 2, axis=0), 2, axis=1)
    for picture in (RED, RED, large, large):
        painter.paint([PaintJob(edges(), "a mug", product=picture)])
    assert sizes == [(1, 3, 32, 32)] * 2


def test_it_is_what_the_stock_pipeline_paints_from_the_picture(painter: Painter, folder: Path) -> None:
    import torch
    from diffusers import StableDiffusionControlNetPipeline
    from PIL import Image

    stock: Any = StableDiffusionControlNetPipeline.from_pretrained(folder, local_files_only=True)
    stock.load_ip_adapter(
        str(folder),
        subfolder="",
        weight_name=ADAPTER,
        image_encoder_folder="image_encoder",
        local_files_only=True,
    )
    stock.set_ip_adapter_scale(0.8)
    stock.set_progress_bar_config(disable=True)
    wanted = stock(
        "a mug",
        negative_prompt="",
        image=Image.fromarray(edges()).convert("RGB"),
        ip_adapter_image=Image.fromarray(RED),
        width=64,
        height=64,
        num_inference_steps=2,
        guidance_scale=2.0,
        generator=torch.Generator("cpu").manual_seed(9),
        output_type="np",
    ).images[0]
    ours = painter.paint([PaintJob(edges(), "a mug", seed=9, product=RED)])[0]
    assert np.abs(ours - np.rint(wanted * 255)).max() <= 1


def test_a_missing_adapter_or_encoder_is_named(tmp_path: Path) -> None:
    made = save_tiny_checkpoint(tmp_path / "half", ip_adapter={"weight_name": ADAPTER})
    profile = profile_from_folder(made)
    assert profile.missing == "profile half: no IP-Adapter in half/ (ip_adapter.safetensors is missing)"
    with pytest.raises(CheckpointError, match="no IP-Adapter"):
        Painter(profile, runtime=CPU).warm()


@pytest.mark.parametrize(
    "bad", [np.zeros((4, 5, 3), np.uint8), np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3))]
)
def test_a_product_picture_is_square_rgb(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"product must be uint8 \(S, S, 3\)"):
        PaintJob(edges(), "x", product=bad)


def test_the_picture_is_the_box_on_white_in_the_middle_of_a_square() -> None:
    product = np.zeros((60, 80, 4), np.uint8)
    product[10:50, 30:50] = (10, 200, 30, 255)  # 20 wide, 40 high
    product[5, 5] = (255, 0, 0, 120)  # too faint to widen the box
    picture = product_picture(product, 20)
    assert picture.shape == (20, 20, 3)
    assert np.array_equal(picture[:, 5:15], np.broadcast_to(np.array([10, 200, 30], np.uint8), (20, 10, 3)))
    assert (picture[:, :5] == 255).all()
    assert (picture[:, 15:] == 255).all()
    assert (product_picture(np.zeros((9, 9, 4), np.uint8), 8) == 255).all()


def test_straight_colours_under_half_a_cover_are_blended_with_white_before_they_are_averaged() -> None:
    product = np.zeros((4, 4, 4), np.uint8)
    product[:, :2] = (0, 0, 0, 255)
    product[:, 2:] = (100, 0, 255, 128)
    light = [255 - (255 - colour) * 128 / 255 for colour in (100, 0, 255)]
    expected = np.array(light) / 2  # to a code: what is darker than white is rounded before it is averaged
    assert np.abs(product_picture(product, 1)[0, 0] - expected).max() <= 1


def test_paint_jobs_bring_the_picture_only_where_the_profile_has_use_for_it(
    folder: Path, painter: Painter
) -> None:
    from creatives.pipeline import paint_job, prepare

    from .pipeline_models import studio_photo, tiny_profile

    prepared = prepare(studio_photo()[0], tiny_profile().buckets[0], buckets=tiny_profile().buckets)
    with_adapter: CheckpointProfile = painter.profile
    assert paint_job(prepared, tiny_profile(), "x").product is None
    job = paint_job(prepared, with_adapter, "x", "no", 4)
    assert job.product is not None
    assert job.product.shape == (32, 32, 3)
    assert (job.negative_prompt, job.seed) == ("no", 4)
