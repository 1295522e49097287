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

ADAPTER = "ip_adapter.safetensors"
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
        ControlNetModel,
        DDIMScheduler,
        StableDiffusionControlNetPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextModel

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
    pipe = StableDiffusionControlNetPipeline(
        vae=_vae(latent_channels),
        text_encoder=CLIPTextModel(_text_config()).eval(),
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


def tiny_sdxl_pipeline() -> Any:
    """A StableDiffusionXLControlNetPipeline with random weights: two text encoders, pooled text, size conditioning."""
    import torch
    from diffusers import (
        ControlNetModel,
        EulerDiscreteScheduler,
        StableDiffusionXLControlNetPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    torch.manual_seed(0)
    shared: dict[str, Any] = {
        "in_channels": 4,
        "block_out_channels": (8, 16),
        "layers_per_block": 1,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "cross_attention_dim": 32,
        "attention_head_dim": (2, 4),
        "norm_num_groups": 4,
        "use_linear_projection": True,
        "transformer_layers_per_block": (1, 2),
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": 16 + 6 * 8,
    }
    unet = UNet2DConditionModel(out_channels=4, up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), **shared)
    pipe = StableDiffusionXLControlNetPipeline(
        vae=_vae(4),
        text_encoder=CLIPTextModel(_text_config()).eval(),
        text_encoder_2=CLIPTextModelWithProjection(_text_config(projection_dim=16)).eval(),
        tokenizer=tiny_tokenizer(),
        tokenizer_2=tiny_tokenizer(),
        unet=unet,
        controlnet=_control_net(ControlNetModel, shared),
        scheduler=EulerDiscreteScheduler(timestep_spacing="leading", steps_offset=1),
        force_zeros_for_empty_prompt=True,
        add_watermarker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _vae(latent_channels: int) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(4, 4, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=latent_channels,
        norm_num_groups=4,
        sample_size=64,
    )


def _text_config(**facts: Any) -> Any:
    from transformers import CLIPTextConfig

    return CLIPTextConfig(
        vocab_size=514,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=32,
        bos_token_id=512,
        eos_token_id=513,
        pad_token_id=513,
        **facts,
    )


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


def save_tiny_checkpoint(folder: Path, pipe: Any = None, **facts: Any) -> Path:
    """Write the tiny pipeline, or another, in diffusers layout, with a profile.json of `facts`."""
    (pipe or tiny_pipeline()).save_pretrained(folder)
    written = {"steps": 2, "guidance_scale": 2.0, "buckets": [str(bucket) for bucket in TINY_BUCKETS]} | facts
    (folder / "profile.json").write_text(json.dumps(written), "utf-8")
    return folder


def save_tiny_adapter(folder: Path, pipe: Any, weight: str = ADAPTER, encoder: str = "image_encoder") -> None:
    """Write a random IP-Adapter of four tokens for the pipeline, and its image encoder (pictures of 32 pixels)."""
    import torch
    from safetensors.torch import save_file
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    torch.manual_seed(1)
    config = CLIPVisionConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=32, patch_size=8,
        projection_dim=12,
    )  # fmt: skip
    CLIPVisionModelWithProjection(config).save_pretrained(folder / encoder)
    width = pipe.unet.config.cross_attention_dim
    tensors = {
        "image_proj.proj.weight": torch.randn(4 * width, 12),
        "image_proj.proj.bias": torch.randn(4 * width),
        "image_proj.norm.weight": torch.ones(width),
        "image_proj.norm.bias": torch.zeros(width),
    }
    for number, name in enumerate(pipe.unet.attn_processors):
        if "attn2" in name:
            inner = pipe.unet.get_submodule(name.removesuffix(".processor")).to_k.out_features
            tensors[f"ip_adapter.{number}.to_k_ip.weight"] = torch.randn(inner, width)
            tensors[f"ip_adapter.{number}.to_v_ip.weight"] = torch.randn(inner, width)
    (folder / weight).parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / weight)


def save_tiny_lora(folder: Path, pipe: Any) -> None:
    """Write a random LoRA of rank 2 for the denoiser's queries, in diffusers' own names."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(2)
    tensors = {}
    for name in pipe.unet.attn_processors:
        layer = name.removesuffix(".processor")
        query = pipe.unet.get_submodule(layer).to_q
        tensors[f"unet.{layer}.to_q.lora_A.weight"] = torch.randn(2, query.in_features)
        tensors[f"unet.{layer}.to_q.lora_B.weight"] = torch.randn(query.out_features, 2)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "pytorch_lora_weights.safetensors")


def save_tiny_safety_checker(folder: Path, *, flags_all: bool) -> None:
    """Write a StableDiffusionSafetyChecker that takes every picture for unsafe, or none."""
    import torch
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
    from transformers import CLIPConfig

    torch.manual_seed(3)
    vision = {
        "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 224,
        "patch_size": 56,
    }  # fmt: skip
    checker = StableDiffusionSafetyChecker(CLIPConfig(vision_config=vision, projection_dim=8))
    torch.nn.init.constant_(checker.concept_embeds_weights, -2.0 if flags_all else 2.0)
    torch.nn.init.constant_(checker.special_care_embeds_weights, 2.0)
    checker.save_pretrained(folder)


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
