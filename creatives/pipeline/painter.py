"""Step 4: the setting painted around the product's edges, in batches of one bucket."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .buckets import Size
from .cache import MemoryCache, StageCache, pack, stage_key, unpack
from .environment import load_quietly, wait_passively
from .profiles import CheckpointError, CheckpointProfile, get_profile

if TYPE_CHECKING:
    import torch

U8 = NDArray[np.uint8]

MAX_SEED = 2**63 - 1


@dataclass(frozen=True)
class PaintJob:
    """One picture to paint. edges: uint8 (H, W), 255 on 0, of a bucket's size; seed: 0..2**63 - 1."""

    edges: U8
    prompt: str
    negative_prompt: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.edges.dtype != np.uint8 or self.edges.ndim != 2:
            raise ValueError(f"edges must be uint8 (H, W), not {self.edges.dtype} {self.edges.shape}")
        if not self.prompt.strip():
            raise ValueError("the prompt is empty")
        if not 0 <= self.seed <= MAX_SEED:
            raise ValueError(f"seed is {self.seed}; it must be 0 to {MAX_SEED}")

    @property
    def bucket(self) -> Size:
        return Size(self.edges.shape[1], self.edges.shape[0])


class Painter:
    """A checkpoint kept warm. Loads on first use (or `warm()`), one batch at a time, from any thread.

    `pipe` is a ready diffusers ControlNet pipeline, for those who have loaded one themselves.
    `cache` keeps text embeddings, per profile and text.
    """

    def __init__(
        self,
        profile: CheckpointProfile | str,
        *,
        cache: StageCache | None = None,
        device: str | None = None,
        pipe: Any = None,
    ) -> None:
        self.profile = get_profile(profile) if isinstance(profile, str) else profile
        self.cache: StageCache = MemoryCache(64 * 1024 * 1024) if cache is None else cache
        self._device = device
        self._pipe = pipe
        self._lock = threading.Lock()

    def warm(self) -> None:
        """Load the checkpoint now. Raises CheckpointError when it is not here."""
        with self._lock:
            self._ready()

    @property
    def pipe(self) -> Any:
        """The diffusers pipeline, loaded if it was not."""
        self.warm()
        return self._pipe

    def paint(self, jobs: Sequence[PaintJob], on_step: Callable[[], None] | None = None) -> list[U8]:
        """One uint8 (H, W, 3) picture per job, in order; all jobs must be of one bucket of the profile.

        `on_step` is called after every step of the sampler; an exception of its own ends the painting.

        A job's picture depends on its own prompt, seed and edges; its neighbours in the batch only move it within
        floating-point noise. Raises ValueError for mixed or unknown buckets.
        """
        if not jobs:
            return []
        buckets = {job.bucket for job in jobs}
        if len(buckets) > 1:
            raise ValueError(f"a batch must be of one bucket, not of {', '.join(sorted(map(str, buckets)))}")
        if not buckets <= set(self.profile.buckets):
            raise ValueError(f"bucket {jobs[0].bucket} is not one of profile {self.profile.name}")
        with self._lock:
            pipe = self._ready()
            most = self.profile.max_batch
            groups = (jobs[start : start + most] for start in range(0, len(jobs), most))
            return [picture for group in groups for picture in self._paint_group(pipe, group, on_step)]

    def _ready(self) -> Any:
        if self._pipe is None:
            if self.profile.missing:  # said before a second is spent on importing torch
                raise CheckpointError(self.profile.missing)
            wait_passively()
            load_quietly()
            from .checkpoints import choose_device, load_pipeline

            self._pipe = load_pipeline(self.profile, choose_device(self._device))
        return self._pipe

    def _paint_group(
        self, pipe: Any, jobs: Sequence[PaintJob], on_step: Callable[[], None] | None = None
    ) -> list[U8]:
        import torch

        from .checkpoints import arithmetic

        control = np.stack([job.edges for job in jobs]).astype(np.float32)[:, None] / 255.0
        channels = int(getattr(pipe.controlnet.config, "conditioning_channels", 3))
        bucket = jobs[0].bucket
        with torch.inference_mode(), arithmetic(self.profile, pipe.device):
            output = pipe(
                image=torch.from_numpy(np.repeat(control, channels, axis=1)),
                width=bucket.width,
                height=bucket.height,
                num_inference_steps=self.profile.steps,
                guidance_scale=self.profile.guidance_scale,
                controlnet_conditioning_scale=self.profile.conditioning_scale,
                generator=[torch.Generator("cpu").manual_seed(job.seed) for job in jobs],
                output_type="np",
                callback_on_step_end=_step_callback(on_step) if on_step else None,
                **self._embeddings(pipe, jobs),
            )
        pictures = np.asarray(output.images, np.float32)
        return [np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8) for picture in pictures]

    def _embeddings(self, pipe: Any, jobs: Sequence[PaintJob]) -> dict[str, torch.Tensor]:
        import torch

        positive = [self._embedding(pipe, job.prompt) for job in jobs]
        negative = [
            self._embedding(pipe, job.negative_prompt or self.profile.negative_prompt) for job in jobs
        ]

        def stacked(items: list[dict[str, NDArray[Any]]], name: str) -> torch.Tensor:
            rows = np.concatenate([item[name] for item in items])
            return torch.from_numpy(rows).to(device=pipe.device, dtype=pipe.unet.dtype)

        tensors = {
            "prompt_embeds": stacked(positive, "text"),
            "negative_prompt_embeds": stacked(negative, "text"),
        }
        if self.profile.family == "sdxl":
            tensors["pooled_prompt_embeds"] = stacked(positive, "pooled")
            tensors["negative_pooled_prompt_embeds"] = stacked(negative, "pooled")
        return tensors

    def _embedding(self, pipe: Any, text: str) -> dict[str, NDArray[Any]]:
        """float32 arrays (1, …) of one text, from the cache or the checkpoint's text encoder."""
        import torch

        key = stage_key("embedding", profile=self.profile.fingerprint, text=text)
        stored = self.cache.get(key)
        if stored is not None:
            return unpack(stored)[1]
        with torch.inference_mode():
            encoded = pipe.encode_prompt(
                text, device=pipe.device, num_images_per_prompt=1, do_classifier_free_guidance=False
            )
        arrays = {"text": encoded[0].float().cpu().numpy()}
        if self.profile.family == "sdxl":
            arrays["pooled"] = encoded[2].float().cpu().numpy()
        self.cache.put(key, pack({}, arrays))
        return arrays


def _step_callback(on_step: Callable[[], None]) -> Callable[..., dict[str, Any]]:
    """`on_step` in the shape that diffusers calls: (pipe, step, timestep, tensors) -> tensors."""

    def callback(pipe: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        on_step()
        return tensors

    return callback


def paint(painter: Painter, jobs: Sequence[PaintJob]) -> list[U8]:
    """`painter.paint(jobs)`, for callers that pass the steps on as functions."""
    return painter.paint(jobs)
