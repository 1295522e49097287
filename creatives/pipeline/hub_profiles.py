"""The full-size profiles: published weights of the Hugging Face hub, each pinned to one commit."""

from __future__ import annotations

import dataclasses

from .buckets import scaled_buckets
from .profile import CheckpointProfile, IPAdapter, Source

_OPENRAIL = "CreativeML OpenRAIL-M"
_SD15_BASE = Source(
    repo="stable-diffusion-v1-5/stable-diffusion-v1-5",
    revision="451f4fe16113bff5a5d2269ed5ad43b0592e9a14",
    variant="fp16",
    licence=_OPENRAIL,
)
_SAFETY = dataclasses.replace(_SD15_BASE, subfolder="safety_checker")
_IP_ADAPTER = Source(
    repo="h94/IP-Adapter", revision="018e402774aeeddd60609b4ecdb7e298259dc729", licence="Apache-2.0"
)
_NEGATIVE = "text, watermark, low quality, blurry"

SD15 = CheckpointProfile(
    name="sd15",
    title="Stable Diffusion 1.5 with Canny ControlNet",
    licence="CreativeML OpenRAIL-M; ControlNet openrail; IP-Adapter Apache-2.0",
    base=_SD15_BASE,
    controlnet=Source(
        repo="lllyasviel/control_v11p_sd15_canny",
        revision="115a470d547982438f70198e353a921996e2e819",
        variant="fp16",
        licence="openrail",
    ),
    ip_adapter=IPAdapter(_IP_ADAPTER, "ip-adapter_sd15.safetensors", subfolder="models", scale=0.5),
    safety_checker=_SAFETY,
    scheduler="dpm++",
    steps=25,
    cpu_dtype="bfloat16",
    negative_prompt=_NEGATIVE,
    buckets=scaled_buckets(2),
)
SD15_LCM = dataclasses.replace(
    SD15,
    name="sd15-lcm",
    title="Stable Diffusion 1.5, latent consistency (fast)",
    licence="CreativeML OpenRAIL-M; ControlNet openrail; LoRA openrail++; IP-Adapter Apache-2.0",
    lora=Source(
        repo="latent-consistency/lcm-lora-sdv1-5",
        revision="cf2fced511dbe7e26c8d1d397e728fbab875db4b",
        licence="openrail++",
    ),
    scheduler="lcm",
    steps=6,
    guidance_scale=1.5,
)
SDXL = CheckpointProfile(
    name="sdxl",
    title="Stable Diffusion XL with Canny ControlNet",
    licence="CreativeML OpenRAIL++-M; ControlNet and IP-Adapter Apache-2.0; safety checker CreativeML OpenRAIL-M",
    base=Source(
        repo="stabilityai/stable-diffusion-xl-base-1.0",
        revision="462165984030d82259a11f4367a4eed129e94a7b",
        variant="fp16",
        licence="CreativeML OpenRAIL++-M",
    ),
    controlnet=Source(
        repo="xinsir/controlnet-canny-sdxl-1.0",
        revision="1271357eda52d54b857c650cacb5b51144643ccb",
        licence="Apache-2.0",
    ),
    ip_adapter=IPAdapter(
        _IP_ADAPTER,
        "ip-adapter_sdxl_vit-h.safetensors",
        subfolder="sdxl_models",
        image_encoder="models/image_encoder",
        scale=0.5,
    ),
    safety_checker=_SAFETY,
    family="sdxl",
    scheduler="dpm++",
    steps=30,
    guidance_scale=6.0,
    conditioning_scale=0.8,
    cpu_dtype="bfloat16",
    negative_prompt=_NEGATIVE,
    max_batch=2,
    buckets=scaled_buckets(4),
)
HUB_PROFILES = {profile.name: profile for profile in (SD15, SD15_LCM, SDXL)}
