"""Loading a profile's diffusers pipeline. Only painters import this: it pulls in torch and diffusers."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature
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
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from diffusers.utils import logging as diffusers_logging
from transformers import CLIPVisionModelWithProjection
from transformers.utils import logging as transformers_logging

from .acceleration import computes_in_bfloat16, remember_condition, run_in_bfloat16
from .adapter import one_embedding_per_item
from .profile import CheckpointError, CheckpointProfile, IPAdapter, Source
from .runtime import Runtime
from .safety import SafetyChecker

MALLOC_OPTIONS = ((-4, 0), (-1, 2**31 - 1), (-2, 256 * 1024 * 1024))
"""M_MMAP_MAX 0, M_TRIM_THRESHOLD 2 GiB, M_TOP_PAD 256 MiB (mallopt(3))."""

LORA_FILE = "pytorch_lora_weights.safetensors"

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
    """The number format weights are loaded in: the profile's on a GPU; full precision on a CPU, see `_quicken`."""
    chosen: torch.dtype = torch.float32 if device.type == "cpu" else getattr(torch, profile.dtype)
    return chosen


def keep_freed_memory() -> None:
    """Let glibc keep the large blocks that tensors free, for this process; without glibc, nothing.

    By default they go back to the kernel at each free, and page faults then cost more than the arithmetic.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        for parameter, value in MALLOC_OPTIONS:
            mallopt(parameter, value)


def load_pipeline(profile: CheckpointProfile, runtime: Runtime) -> Any:
    """The profile's ControlNet pipeline, ready to paint. Raises CheckpointError naming what lacks."""
    if profile.missing:
        raise CheckpointError(profile.missing)
    device = choose_device(runtime.device)
    if runtime.threads:
        torch.set_num_threads(runtime.threads)
    if device.type == "cpu":
        keep_freed_memory()
    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    with _told(profile, runtime):
        pipe = _assembled(profile, runtime, weights_dtype(profile, device))
        if profile.timesteps and "timesteps" not in signature(pipe.scheduler.set_timesteps).parameters:
            raise ValueError(f"{type(pipe.scheduler).__name__} takes no timesteps; leave them out")
        _place(pipe, runtime, device)
    _quicken(pipe, profile, runtime, device)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def load_safety(profile: CheckpointProfile, runtime: Runtime) -> SafetyChecker | None:
    """The profile's safety checker, None when it names none. Raises CheckpointError naming what lacks."""
    if profile.safety_checker is None:
        return None
    device = choose_device(runtime.device)
    checker: Any = StableDiffusionSafetyChecker
    with _told(profile, runtime):
        where = _where(profile.safety_checker, runtime)
        loaded = checker.from_pretrained(**where, dtype=weights_dtype(profile, device))
        return SafetyChecker(loaded.to(device))


@contextmanager
def _told(profile: CheckpointProfile, runtime: Runtime) -> Iterator[None]:
    """What goes wrong while loading, as a CheckpointError that names the profile."""
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        hint = " (offline: only folders and the hub's local cache were looked at)" if runtime.offline else ""
        raise CheckpointError(
            f"profile {profile.name}: the checkpoint cannot be loaded{hint}: {error}"
        ) from error


def _assembled(profile: CheckpointProfile, runtime: Runtime, dtype: torch.dtype) -> Any:
    control: Any = ControlNetModel
    controlnet = control.from_pretrained(**_where(profile.controlnet, runtime), dtype=dtype)
    pipeline: Any = _PIPELINES[profile.family]
    options = _where(profile.base, runtime)
    if (
        profile.family == "sd"
    ):  # the profile says which safety checker there is; it runs apart from the pipeline
        options |= {"safety_checker": None, "requires_safety_checker": False}
    pipe = pipeline.from_pretrained(**options, controlnet=controlnet, dtype=dtype)
    if profile.lora is not None:
        where = _where(profile.lora, runtime)
        pipe.load_lora_weights(
            where.pop("pretrained_model_name_or_path"), weight_name=_lora_file(profile.lora), **where
        )
        pipe.fuse_lora()
        pipe.unload_lora_weights()
    if profile.ip_adapter is not None:
        load_adapter(pipe, profile.ip_adapter, runtime)
    if profile.scheduler != "own":
        pipe.scheduler = _SCHEDULERS[profile.scheduler].from_config(pipe.scheduler.config)
    return pipe


def _lora_file(source: Source) -> str:
    """The file of a LoRA; diffusers would ask the hub for it, which fails offline."""
    found = sorted(source.path.glob("*.safetensors")) if source.path else []
    return found[0].name if len(found) == 1 else LORA_FILE


def _where(source: Source, runtime: Runtime) -> dict[str, Any]:
    """A source as the arguments of `from_pretrained`."""
    if source.folder is not None:
        return {"pretrained_model_name_or_path": str(source.path), "local_files_only": True} | _variant(
            source
        )
    below = {"subfolder": source.subfolder} if source.subfolder else {}
    return {
        "pretrained_model_name_or_path": source.repo,
        "revision": source.revision,
        "local_files_only": runtime.offline,
        **below,
        **_variant(source),
    }


def _variant(source: Source) -> dict[str, str]:
    return {"variant": source.variant} if source.variant else {}


def load_adapter(pipe: Any, adapter: IPAdapter, runtime: Runtime) -> None:
    """Load an IP-Adapter and its image encoder into the pipeline, at the pinned revision both."""
    where = _where(adapter.source, runtime)
    name = where.pop("pretrained_model_name_or_path")
    where.pop("subfolder", None)
    if pipe.image_encoder is None:  # left to itself, load_ip_adapter would take the encoder's newest revision
        encoder: Any = CLIPVisionModelWithProjection
        loaded = encoder.from_pretrained(name, subfolder=adapter.encoder_folder, dtype=pipe.dtype, **where)
        pipe.register_modules(image_encoder=loaded)
    where.pop("variant", None)
    pipe.load_ip_adapter(
        name, subfolder=adapter.subfolder, weight_name=adapter.weight_name, image_encoder_folder=None, **where
    )


def _place(pipe: Any, runtime: Runtime, device: torch.device) -> None:
    """On the device, or in main memory with what runs moved to the device by need."""
    if runtime.offload == "none" or device.type == "cpu":
        pipe.to(device)
        return
    if runtime.offload == "model":
        pipe.enable_model_cpu_offload(device=device)
    else:
        pipe.enable_sequential_cpu_offload(device=device)
    pipe.vae.enable_slicing()
    pipe.vae.enable_tiling()


def _quicken(pipe: Any, profile: CheckpointProfile, runtime: Runtime, device: torch.device) -> None:
    """What makes it faster and leaves the pictures as they are."""
    if runtime.offload != "sequential":  # there, weights come and go in their own layout
        pipe.unet.to(memory_format=torch.channels_last)
        pipe.controlnet.to(memory_format=torch.channels_last)
    if device.type == "cpu" and profile.cpu_dtype == "bfloat16" and computes_in_bfloat16():
        run_in_bfloat16(pipe.unet)
        run_in_bfloat16(pipe.controlnet, exact_output=False)
        run_in_bfloat16(pipe.vae.decoder)
    remember_condition(pipe.controlnet)
    if profile.ip_adapter is not None:
        one_embedding_per_item(pipe)
    if runtime.compile:
        pipe.unet.compile(dynamic=True)
        pipe.controlnet.compile(dynamic=True)
