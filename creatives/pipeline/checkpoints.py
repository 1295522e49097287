"""Loading a profile's diffusers pipeline. Only painters import this: it pulls in torch and diffusers."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import (
    ControlNetModel,
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    LCMScheduler,
    StableDiffusionControlNetPipeline,
    StableDiffusionXLControlNetPipeline,
)

from .profiles import CheckpointProfile


class CheckpointError(RuntimeError):
    """A checkpoint that is not here or cannot be loaded."""


_PIPELINES = {"sd": StableDiffusionControlNetPipeline, "sdxl": StableDiffusionXLControlNetPipeline}
_SCHEDULERS: dict[str, Any] = {
    "ddim": DDIMScheduler,
    "dpm++": DPMSolverMultistepScheduler,
    "lcm": LCMScheduler,
}


def choose_device(device: str | None = None) -> torch.device:
    """The device asked for, else a GPU when there is one, else the CPU."""
    return torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))


def choose_dtype(profile: CheckpointProfile, device: torch.device) -> torch.dtype:
    """The profile's number format for this device; bfloat16 only on processors that compute in it."""
    name = profile.cpu_dtype if device.type == "cpu" else profile.dtype
    if name == "bfloat16" and device.type == "cpu" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        name = "float32"
    chosen: torch.dtype = getattr(torch, name)
    return chosen


def load_pipeline(profile: CheckpointProfile, device: torch.device) -> Any:
    """The profile's ControlNet pipeline on `device`, ready to paint. Raises CheckpointError naming what lacks."""
    if profile.missing:
        raise CheckpointError(profile.missing)
    dtype = choose_dtype(profile, device)
    try:
        pipe = _from_folder(profile, dtype) if profile.is_local else _from_hub(profile, dtype)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"profile {profile.name}: the checkpoint cannot be loaded: {error}") from error
    if profile.scheduler != "own":
        pipe.scheduler = _SCHEDULERS[profile.scheduler].from_config(pipe.scheduler.config)
    pipe.to(device)
    pipe.unet.to(memory_format=torch.channels_last)
    pipe.controlnet.to(memory_format=torch.channels_last)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _from_folder(profile: CheckpointProfile, dtype: torch.dtype) -> Any:
    pipeline: Any = _PIPELINES[profile.family]
    return pipeline.from_pretrained(profile.folder, torch_dtype=dtype, local_files_only=True)


def _from_hub(profile: CheckpointProfile, dtype: torch.dtype) -> Any:
    control: Any = ControlNetModel
    controlnet = control.from_pretrained(profile.controlnet, torch_dtype=dtype)
    pipeline: Any = _PIPELINES[profile.family]
    pipe = pipeline.from_pretrained(
        profile.base, revision=profile.revision, controlnet=controlnet, torch_dtype=dtype
    )
    if profile.lora:
        pipe.load_lora_weights(profile.lora)
        pipe.fuse_lora()
    return pipe
