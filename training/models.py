"""The parts of studio-tiny: untrained models, the noise schedule, and the assembled pipeline."""

from __future__ import annotations

from typing import Any

from diffusers import (
    ControlNetModel,
    DPMSolverMultistepScheduler,
    StableDiffusionControlNetPipeline,
    UNet2DConditionModel,
)

from training.vae import LATENT_CHANNELS

WIDTHS = (64, 128, 192)
TEXT_WIDTH = 192
SCHEDULE = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.014,
    "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction",
    "timestep_spacing": "trailing",
}


def new_unet(layers: int = 1) -> Any:
    """An untrained denoiser: no attention at 1/8, cross-attention at 1/16 and 1/32 of the picture."""
    return UNet2DConditionModel(
        sample_size=32,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=WIDTHS,
        layers_per_block=layers,
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=4,
        norm_num_groups=16,
    )


def new_controlnet(unet: Any) -> Any:
    """An untrained ControlNet of the denoiser's shape (Zhang et al. 2023) that reads edges at full size."""
    return ControlNetModel.from_unet(
        unet, conditioning_embedding_out_channels=(8, 16, 32, 64), load_weights_from_unet=False
    )


def new_scheduler() -> Any:
    """The sampler: DPM-Solver++ (2M), which needs about ten steps."""
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
