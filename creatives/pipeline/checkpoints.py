"""Loading a profile's diffusers pipeline. Only painters import this: it pulls in torch and diffusers."""

from __future__ import annotations

import ctypes
import sys
from contextlib import AbstractContextManager, nullcontext
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
from diffusers.utils import logging as diffusers_logging
from transformers.utils import logging as transformers_logging

from .profiles import CheckpointError, CheckpointProfile

MALLOC_OPTIONS = ((-4, 0), (-1, 2**31 - 1), (-2, 256 * 1024 * 1024))
"""M_MMAP_MAX 0, M_TRIM_THRESHOLD 2 GiB, M_TOP_PAD 256 MiB (mallopt(3))."""

_PIPELINES = {"sd": StableDiffusionControlNetPipeline, "sdxl": StableDiffusionXLControlNetPipeline}
_SCHEDULERS: dict[str, Any] = {
    "ddim": DDIMScheduler,
    "dpm++": DPMSolverMultistepScheduler,
    "lcm": LCMScheduler,
}


def choose_device(device: str | None = None) -> torch.device:
    """The device asked for, else a GPU when there is one, else the CPU."""
    return torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))


def weights_dtype(profile: CheckpointProfile, device: torch.device) -> torch.dtype:
    """The number format weights are loaded in: the profile's on a GPU; full precision on a CPU, see `arithmetic`."""
    chosen: torch.dtype = torch.float32 if device.type == "cpu" else getattr(torch, profile.dtype)
    return chosen


def arithmetic(profile: CheckpointProfile, device: torch.device) -> AbstractContextManager[Any]:
    """The context to paint in: on a CPU that computes in bfloat16, autocast when the profile says so."""
    half = profile.cpu_dtype == "bfloat16" and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return torch.autocast("cpu", torch.bfloat16) if device.type == "cpu" and half else nullcontext()


def keep_freed_memory() -> None:
    """Let glibc keep the large blocks that tensors free, for this process; without glibc, nothing.

    By default they go back to the kernel at each free, and page faults then cost more than the arithmetic.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        for parameter, value in MALLOC_OPTIONS:
            mallopt(parameter, value)


def load_pipeline(profile: CheckpointProfile, device: torch.device) -> Any:
    """The profile's ControlNet pipeline on `device`, ready to paint. Raises CheckpointError naming what lacks."""
    if profile.missing:
        raise CheckpointError(profile.missing)
    if device.type == "cpu":
        keep_freed_memory()
    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    dtype = weights_dtype(profile, device)
    try:
        pipe = _from_folder(profile, dtype) if profile.is_local else _from_hub(profile, dtype)
    except (OSError, ValueError, KeyError, TypeError) as error:
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
    return pipeline.from_pretrained(profile.folder, dtype=dtype, local_files_only=True)


def _from_hub(profile: CheckpointProfile, dtype: torch.dtype) -> Any:
    control: Any = ControlNetModel
    controlnet = control.from_pretrained(profile.controlnet, dtype=dtype)
    pipeline: Any = _PIPELINES[profile.family]
    pipe = pipeline.from_pretrained(
        profile.base, revision=profile.revision, controlnet=controlnet, dtype=dtype
    )
    if profile.lora:
        pipe.load_lora_weights(profile.lora)
        pipe.fuse_lora()
    return pipe
