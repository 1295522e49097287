"""What makes painting cheaper leaves the pictures as they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from creatives.pipeline.painter import Painter, PaintJob

from .pipeline_models import tiny_pipeline, tiny_profile


def jobs() -> list[PaintJob]:
    drawn = np.zeros((64, 64), np.uint8)
    drawn[16:48, 20] = 255
    return [PaintJob(drawn, "a mug", seed=1), PaintJob(drawn.T.copy(), "wood", seed=2)]


@pytest.mark.parametrize("guidance", [1.0, 2.0])
def test_the_control_picture_is_embedded_once_a_painting(guidance: float) -> None:
    from creatives.pipeline.acceleration import RememberedCondition, remember_condition

    pipe, profile = tiny_pipeline(), tiny_profile(guidance_scale=guidance, steps=3)
    before = Painter(profile, pipe=pipe).paint(jobs())
    remember_condition(pipe.controlnet)
    remembered = pipe.controlnet.controlnet_cond_embedding
    shapes: list[Any] = []
    remembered.embedding.register_forward_hook(lambda module, given, out: shapes.append(given[0].shape[0]))
    after = Painter(profile, pipe=pipe).paint(jobs())
    assert shapes == [2]  # both halves of a guided batch show the same two pictures
    for first, second in zip(before, after, strict=True):
        assert np.abs(first.astype(int) - second.astype(int)).max() <= 1
    assert isinstance(remembered, RememberedCondition)
    assert remembered._picture is None
    assert remembered._embedded is None
    other = Painter(profile, pipe=pipe).paint(jobs()[::-1])
    assert np.abs(other[1].astype(int) - after[0].astype(int)).max() <= 2


def test_bfloat16_inside_float32_outside() -> None:
    import torch

    from creatives.pipeline.acceleration import run_in_bfloat16

    pipe = tiny_pipeline()
    truth = Painter(tiny_profile(), pipe=pipe).paint(jobs())
    formats: list[Any] = []
    run_in_bfloat16(pipe.unet)
    run_in_bfloat16(pipe.controlnet, exact_output=False)
    run_in_bfloat16(pipe.vae.decoder)
    pipe.unet.register_forward_hook(lambda module, given, out: formats.append(out[0].dtype))
    pipe.controlnet.register_forward_hook(lambda module, given, out: formats.append(out[1].dtype))
    pipe.unet.conv_in.register_forward_hook(lambda module, given, out: formats.append(out.dtype))
    painted = Painter(tiny_profile(steps=1), pipe=pipe).paint(jobs())
    assert formats == [torch.bfloat16, torch.bfloat16, torch.float32]
    assert painted[0].std() > 1
    close = Painter(tiny_profile(), pipe=pipe).paint(jobs())
    assert np.abs(close[0].astype(float) - truth[0].astype(float)).mean() < 4


def test_a_nested_argument_is_converted_to_its_depth() -> None:
    import torch

    from creatives.pipeline.acceleration import _as

    half, full = torch.bfloat16, torch.float32
    given = {"a": [torch.zeros(1), (torch.zeros(1), None)], "t": torch.tensor(5), "b": {"c": torch.zeros(2)}}
    found = _as(given, full, half)
    assert found["a"][0].dtype == found["a"][1][0].dtype == found["b"]["c"].dtype == half
    assert found["a"][1][1] is None
    assert found["t"].dtype == torch.int64
