"""The parts of studio-tiny: untrained models, the noise schedule, and the assembled pipeline."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import (
    ControlNetModel,
    DPMSolverMultistepScheduler,
    StableDiffusionControlNetPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from training.patches import CHANNELS

WIDTHS = (64, 96, 160, 224)
TEXT_WIDTH = 192
PRODUCT_SIDE, PRODUCT_TOKENS = 64, 4
SCHEDULE = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing",
}
LEVELS = (999, 990, 965, 915, 820, 660, 450, 225)
"""Noise levels of the sampler's steps: evenly spaced ones leave out 875 to 999, at which all that is wide is decided."""


def new_unet() -> Any:
    """An untrained denoiser: no attention at 1/8 and 1/16 of the picture, cross-attention at 1/32 and 1/64.

    The prompt as a whole is also added to the noise level's embedding, which reaches every block. Without that the prompt
    had changed nothing after 600 steps: what the deepest levels know arrives at the output much weakened at first.
    """
    unet: Any = UNet2DConditionModel(
        sample_size=32,
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        down_block_types=("DownBlock2D",) * 2 + ("CrossAttnDownBlock2D",) * 2,
        up_block_types=("CrossAttnUpBlock2D",) * 2 + ("UpBlock2D",) * 2,
        block_out_channels=WIDTHS,
        layers_per_block=1,
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=4,
        norm_num_groups=16,
        addition_embed_type="text",
        addition_embed_type_num_heads=8,
    )
    torch.nn.init.constant_(unet.add_embedding.norm2.weight, 0.3)
    return unet


def new_controlnet(unet: Any) -> Any:
    """An untrained ControlNet of the denoiser's shape (Zhang et al. 2023) that reads edges at full size.

    Its outputs start small and not at zero: there is no trained denoiser yet that they could harm.
    """
    controlnet: Any = ControlNetModel.from_unet(
        unet, conditioning_embedding_out_channels=(8, 16, 32, 48), load_weights_from_unet=False
    )
    outputs = [*controlnet.controlnet_down_blocks, controlnet.controlnet_mid_block]
    for layer in (*outputs, controlnet.controlnet_cond_embedding.conv_out):
        torch.nn.init.normal_(layer.weight, std=0.3 * layer.weight[0].numel() ** -0.5)
    return controlnet


def new_vision_encoder() -> Any:
    """An untrained encoder of the product's picture (PRODUCT_SIDE pixels square) to TEXT_WIDTH numbers."""
    return CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            hidden_size=128, intermediate_size=384, num_hidden_layers=3, num_attention_heads=4, image_size=PRODUCT_SIDE,
            patch_size=8, projection_dim=TEXT_WIDTH, hidden_act="gelu",
        )
    )  # fmt: skip


def add_adapter(unet: Any) -> None:
    """Give the denoiser an untrained IP-Adapter (Ye et al. 2023): a projection to tokens, keys and values per layer.

    Values start small and not at zero, as the ControlNet's outputs do.
    """
    unet._load_ip_adapter_weights([_untrained_adapter(unet)])


def _untrained_adapter(unet: Any) -> dict[str, dict[str, torch.Tensor]]:
    projection = {
        "proj.weight": torch.randn(PRODUCT_TOKENS * TEXT_WIDTH, TEXT_WIDTH) * TEXT_WIDTH**-0.5,
        "proj.bias": torch.zeros(PRODUCT_TOKENS * TEXT_WIDTH),
        "norm.weight": torch.ones(TEXT_WIDTH),
        "norm.bias": torch.zeros(TEXT_WIDTH),
    }
    layers = {}
    for number, (name, _) in enumerate(unet.attn_processors.items()):
        if "attn2" in name:
            width = unet.get_submodule(name.removesuffix(".processor")).to_k.out_features
            layers[f"{number}.to_k_ip.weight"] = torch.randn(width, TEXT_WIDTH) * TEXT_WIDTH**-0.5
            layers[f"{number}.to_v_ip.weight"] = torch.randn(width, TEXT_WIDTH) * 0.3 * TEXT_WIDTH**-0.5
    return {"image_proj": projection, "ip_adapter": layers}


def adapter_state(unet: Any) -> dict[str, torch.Tensor]:
    """The adapter's weights under the names of an IP-Adapter file, flat: ``image_proj.…`` and ``ip_adapter.…``."""
    projection = unet.encoder_hid_proj.image_projection_layers[0]
    state = {
        "image_proj.proj.weight": projection.image_embeds.weight,
        "image_proj.proj.bias": projection.image_embeds.bias,
        "image_proj.norm.weight": projection.norm.weight,
        "image_proj.norm.bias": projection.norm.bias,
    }
    for number, (name, processor) in enumerate(unet.attn_processors.items()):
        if "attn2" in name:
            state[f"ip_adapter.{number}.to_k_ip.weight"] = processor.to_k_ip[0].weight
            state[f"ip_adapter.{number}.to_v_ip.weight"] = processor.to_v_ip[0].weight
    return {name: tensor.detach() for name, tensor in state.items()}


def without_adapter(unet: Any) -> Any:
    """A copy of the denoiser as it is without its adapter."""
    plain = new_unet()
    wanted = plain.state_dict()
    plain.load_state_dict({name: tensor for name, tensor in unet.state_dict().items() if name in wanted})
    return plain


def new_scheduler() -> Any:
    """The sampler: DPM-Solver++ (2M), which needs about eight steps."""
    return DPMSolverMultistepScheduler(**SCHEDULE, algorithm_type="dpmsolver++", solver_order=2)


def assemble(vae: Any, text_encoder: Any, tokenizer: Any, unet: Any, controlnet: Any) -> Any:
    """The stock pipeline around the parts, without safety checker and feature extractor."""
    return StableDiffusionControlNetPipeline(
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        unet=unet,
        controlnet=controlnet,
        scheduler=new_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
