"""Tiny random-weight models of exactly the classes that profiles load, and product photos drawn on the spot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creatives.pipeline.buckets import Size
from creatives.pipeline.profiles import CheckpointProfile

U8 = NDArray[np.uint8]

TINY_BUCKETS = (Size(64, 64), Size(128, 64), Size(64, 128))


def tiny_profile(**changes: Any) -> CheckpointProfile:
    """Two steps, three small buckets: as quick as the real classes go."""
    facts: dict[str, Any] = {
        "name": "tiny-random",
        "title": "Tiny random weights",
        "licence": "none",
        "steps": 2,
        "guidance_scale": 2.0,
        "buckets": TINY_BUCKETS,
        "weights": "random",
    }
    return CheckpointProfile(**(facts | changes))


def tiny_pipeline(latent_channels: int = 8) -> Any:
    """A StableDiffusionControlNetPipeline with random weights (seed 0) and an eightfold VAE."""
    import torch
    from diffusers import (
        AutoencoderKL,
        ControlNetModel,
        DDIMScheduler,
        StableDiffusionControlNetPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(0)
    shared: dict[str, Any] = {
        "in_channels": latent_channels,
        "block_out_channels": (8, 16),
        "layers_per_block": 1,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "cross_attention_dim": 16,
        "attention_head_dim": 4,
        "norm_num_groups": 4,
    }
    unet = UNet2DConditionModel(
        out_channels=latent_channels, up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), **shared
    )
    vae = AutoencoderKL(
        block_out_channels=(4, 4, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=latent_channels,
        norm_num_groups=4,
        sample_size=64,
    )
    text = CLIPTextConfig(
        vocab_size=514,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=32,
        bos_token_id=512,
        eos_token_id=513,
        pad_token_id=513,
    )
    pipe = StableDiffusionControlNetPipeline(
        vae=vae,
        text_encoder=CLIPTextModel(text).eval(),
        tokenizer=tiny_tokenizer(),
        unet=unet,
        controlnet=_control_net(ControlNetModel, shared),
        scheduler=DDIMScheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _control_net(model: Any, shared: dict[str, Any]) -> Any:
    """With its zero convolutions set to random weights: an untrained ControlNet would ignore the edges."""
    import torch

    net = model(conditioning_embedding_out_channels=(4, 4, 8, 8), **shared)
    for block in [
        *net.controlnet_down_blocks,
        net.controlnet_mid_block,
        net.controlnet_cond_embedding.conv_out,
    ]:
        torch.nn.init.normal_(block.weight, std=0.5)
    return net


def tiny_tokenizer() -> Any:
    """CLIP's byte-level tokenizer without merges: a token per character."""
    from transformers import CLIPTokenizer

    return CLIPTokenizer(vocab=_vocabulary(), merges=[], model_max_length=32)


def _vocabulary() -> dict[str, int]:
    printable = [
        *range(ord("!"), ord("~") + 1),
        *range(ord("¡"), ord("¬") + 1),
        *range(ord("®"), ord("ÿ") + 1),
    ]
    others = [chr(256 + index) for index in range(256 - len(printable))]
    characters = [chr(code) for code in printable] + others
    tokens = [
        *characters,
        *(character + "</w>" for character in characters),
        "<|startoftext|>",
        "<|endoftext|>",
    ]
    return {token: index for index, token in enumerate(tokens)}


def save_tiny_checkpoint(folder: Path, **facts: Any) -> Path:
    """Write the tiny pipeline in diffusers layout, with a profile.json of `facts`."""
    tiny_pipeline().save_pretrained(folder)
    written = {"steps": 2, "guidance_scale": 2.0, "buckets": [str(bucket) for bucket in TINY_BUCKETS]} | facts
    (folder / "profile.json").write_text(json.dumps(written), "utf-8")
    return folder


def studio_photo(
    width: int = 96,
    height: int = 80,
    backdrop: tuple[int, int, int] = (255, 255, 255),
    colour: tuple[int, int, int] = (190, 40, 30),
) -> tuple[U8, NDArray[np.bool_]]:
    """A mug with a handle before a plain backdrop: uint8 (height, width, 3) and its true mask."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    u, v = x / width, y / height
    body = (abs(u - 0.42) < 0.2) & (abs(v - 0.55) < 0.3)
    radius = np.hypot((u - 0.64) * width, (v - 0.55) * height) / height
    handle = (radius < 0.19) & (radius > 0.11) & (u > 0.6)
    product = body | handle
    photo = np.empty((height, width, 3), np.uint8)
    photo[:] = backdrop
    photo[product] = colour
    return photo, product
