"""Step 4: the setting painted around the product's edges, in batches of one bucket."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .buckets import Size
from .cache import Arrays, MemoryCache, StageCache, pack, stage_key, unpack
from .environment import load_quietly, wait_passively
from .horizon import choose_horizon, with_horizon
from .light import Light, light_for
from .product import product_picture
from .profile import CheckpointError, CheckpointProfile
from .profiles import get_profile
from .runtime import Runtime
from .setting_lines import draw_lines, load_examples
from .setting_names import setting_named

if TYPE_CHECKING:
    import torch

    from .safety import SafetyChecker
    from .stages import Prepared

U8 = NDArray[np.uint8]

MAX_SEED = 2**63 - 1


@dataclass(frozen=True)
class PaintJob:
    """One picture to paint.

    edges: uint8 (H, W), 255 on 0, of a bucket's size, as the ControlNet sees them (`control_edges`); seed: 0..2**63 - 1;
    product: uint8 (S, S, 3), the product alone on white (see `product_picture`), or None to paint without having seen it.
    """

    edges: U8
    prompt: str
    negative_prompt: str = ""
    seed: int = 0
    product: U8 | None = None

    def __post_init__(self) -> None:
        if self.edges.dtype != np.uint8 or self.edges.ndim != 2:
            raise ValueError(f"edges must be uint8 (H, W), not {self.edges.dtype} {self.edges.shape}")
        if not self.prompt.strip():
            raise ValueError("the prompt is empty")
        if not 0 <= self.seed <= MAX_SEED:
            raise ValueError(f"seed is {self.seed}; it must be 0 to {MAX_SEED}")
        product = self.product
        if product is not None and (
            product.dtype != np.uint8 or product.ndim != 3 or product.shape != (len(product), len(product), 3)
        ):
            raise ValueError(f"product must be uint8 (S, S, 3), not {product.dtype} {product.shape}")

    @property
    def bucket(self) -> Size:
        return Size(self.edges.shape[1], self.edges.shape[0])


def paint_job(
    prepared: Prepared,
    profile: CheckpointProfile,
    prompt: str,
    negative_prompt: str = "",
    seed: int = 0,
    light: Light | None = None,
) -> PaintJob:
    """The job that paints a prepared photo, with the product's picture and a horizon where the profile has use for them.

    light: of the creative, by default what the prompt says; a product that throws no shadow stands on no ground.
    """
    light = light or light_for(profile, prompt, prepared.layout)
    edges = control_edges(profile, prepared.edges, prepared.placed, prompt, seed, stands=light.shadow > 0)
    side = profile.product_side
    product = product_picture(prepared.cutout.product, side) if side else None
    return PaintJob(edges, prompt, negative_prompt, seed, product)


def control_edges(
    profile: CheckpointProfile, edges: U8, placed: U8, prompt: str, seed: int, *, stands: bool
) -> U8:
    """What the ControlNet sees: the product's edges, uint8 (H, W), and where the profile wants them lines of the setting.

    These are the seed's own: a horizon behind a product that stands, and lines of the ground and the backdrop that the
    prompt names; of the ground alone where it is seen from above. placed: uint8 (H, W, 4), the product where the edges
    have it.
    """
    path = profile.setting_lines_path
    if path is None:
        return edges
    product = np.asarray(placed[..., 3] >= 128, np.bool_)
    row = choose_horizon(product, prompt, seed) if stands else None
    if row is None and not setting_named(prompt).from_above:
        return edges
    drawn = edges.copy() if row is None else with_horizon(edges, product, row)
    lines = draw_lines(load_examples(path), prompt, product, -1 if row is None else row, seed)
    return np.maximum(drawn, lines)


def sampling(profile: CheckpointProfile) -> dict[str, Any]:
    """The arguments of a diffusers pipeline that say at which noise levels to sample."""
    levels = {"timesteps": list(profile.timesteps)} if profile.timesteps else {}
    return {"num_inference_steps": profile.steps, **levels}


class Painter:
    """A checkpoint kept warm. Loads on first use (or `warm()`), one batch at a time, from any thread.

    `pipe` is a ready diffusers ControlNet pipeline, for those who have loaded one themselves, and `safety` its checker.
    `cache` keeps embeddings of texts and of products' pictures, per profile.
    """

    def __init__(
        self,
        profile: CheckpointProfile | str,
        *,
        cache: StageCache | None = None,
        runtime: Runtime | None = None,
        pipe: Any = None,
        safety: SafetyChecker | None = None,
    ) -> None:
        self.profile = get_profile(profile) if isinstance(profile, str) else profile
        self.cache: StageCache = MemoryCache(64 * 1024 * 1024) if cache is None else cache
        self._runtime = runtime or Runtime()
        self._pipe = pipe
        self._safety = safety
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

        A job's picture depends on its own prompt, seed, edges and product; its neighbours in the batch only move it within
        floating-point noise. Raises ValueError for mixed or unknown buckets.
        """
        if not jobs:
            return []
        buckets = {job.bucket for job in jobs}
        if len(buckets) > 1:
            raise ValueError(f"a batch must be of one bucket, not of {', '.join(sorted(map(str, buckets)))}")
        if not buckets <= set(self.profile.buckets):
            raise ValueError(f"bucket {jobs[0].bucket} is not one of profile {self.profile.name}")
        wanted = jobs if self.profile.product_side else [replace(job, product=None) for job in jobs]
        pictures: dict[int, U8] = {}
        with self._lock:
            pipe = self._ready()
            for places in _groups(wanted, self.profile.max_batch):
                painted = self._paint_group(pipe, [wanted[place] for place in places], on_step)
                pictures.update(zip(places, painted, strict=True))
        return [pictures[place] for place in range(len(jobs))]

    def unsafe(self, pictures: Sequence[U8]) -> list[bool]:
        """Whether the profile's safety checker takes each uint8 (H, W, 3) picture for unsafe; False where it has none."""
        with self._lock:
            self._ready()
            return self._safety.flags(pictures) if self._safety else [False] * len(pictures)

    def footprint(self) -> dict[str, Any]:
        """device; weights_bytes of all networks; peak_bytes of the GPU's memory since the last call, None on a CPU."""
        import torch

        with self._lock:
            pipe = self._ready()
            networks = [*pipe.components.values(), *([self._safety.network] if self._safety else [])]
        tensors = [
            tensor
            for network in networks
            if isinstance(network, torch.nn.Module)
            for tensor in network.parameters()
        ]
        device, peak = pipe._execution_device, None
        if device.type == "cuda":
            peak = torch.cuda.max_memory_allocated(device)
            torch.cuda.reset_peak_memory_stats(device)
        name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
        weights = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
        return {"device": name, "weights_bytes": weights, "peak_bytes": peak}

    def close(self) -> None:
        """Give the checkpoint's memory back; the next use loads it again."""
        import gc

        with self._lock:
            self._pipe = self._safety = None
        gc.collect()
        if "torch" in sys.modules:
            import torch

            torch.cuda.empty_cache()

    def _ready(self) -> Any:
        if self._pipe is None:
            if self.profile.missing:  # said before a second is spent on importing torch
                raise CheckpointError(self.profile.missing)
            wait_passively()
            load_quietly()
            from .checkpoints import load_pipeline, load_safety

            self._safety = load_safety(self.profile, self._runtime)
            self._pipe = load_pipeline(self.profile, self._runtime)
        return self._pipe

    def _paint_group(
        self, pipe: Any, jobs: Sequence[PaintJob], on_step: Callable[[], None] | None
    ) -> list[U8]:
        """jobs: all with a product, or all without."""
        import torch

        from .acceleration import forget_condition

        control = torch.from_numpy(np.stack([job.edges for job in jobs])).float().div_(255)[:, None]
        channels = int(getattr(pipe.controlnet.config, "conditioning_channels", 3))
        bucket = jobs[0].bucket
        device = pipe._execution_device  # found by walking through all networks' modules: once is enough
        with torch.inference_mode():
            try:
                output = pipe(
                    image=control.expand(-1, channels, -1, -1),
                    width=bucket.width,
                    height=bucket.height,
                    **sampling(self.profile),
                    guidance_scale=self.profile.guidance_scale,
                    controlnet_conditioning_scale=self.profile.conditioning_scale,
                    output_type="pt",
                    callback_on_step_end=_step_callback(on_step) if on_step else None,
                    **self._noise(pipe, jobs, device),
                    **self._embeddings(pipe, jobs, device),
                    **self._product_embeddings(pipe, jobs, device),
                )
            finally:
                forget_condition(pipe.controlnet)
            pixels = output.images.float().clamp(0, 1).mul(255).round().to(torch.uint8)
        return list(np.ascontiguousarray(pixels.permute(0, 2, 3, 1).cpu().numpy()))

    def _noise(self, pipe: Any, jobs: Sequence[PaintJob], device: torch.device) -> dict[str, Any]:
        import torch

        from .noise import initial_noise

        seeds = [job.seed for job in jobs]
        found: dict[str, Any] = {"generator": [torch.Generator("cpu").manual_seed(seed) for seed in seeds]}
        if self.profile.calm:
            noise = initial_noise(pipe, jobs[0].bucket, seeds, self.profile.calm)
            found["latents"] = noise.to(device, pipe.unet.dtype)
        return found

    def _embeddings(
        self, pipe: Any, jobs: Sequence[PaintJob], device: torch.device
    ) -> dict[str, torch.Tensor]:
        import torch

        positive = [self._embedding(pipe, job.prompt, device) for job in jobs]
        negative = [
            self._embedding(pipe, text, device)
            if text
            else _nothing(pipe, self._embedding(pipe, text, device))
            for text in (job.negative_prompt or self.profile.negative_prompt for job in jobs)
        ]

        def stacked(items: list[Arrays], name: str) -> torch.Tensor:
            return torch.from_numpy(np.concatenate([item[name] for item in items]))

        tensors = {
            "prompt_embeds": stacked(positive, "text"),
            "negative_prompt_embeds": stacked(negative, "text"),
        }
        if self.profile.family == "sdxl":
            tensors["pooled_prompt_embeds"] = stacked(positive, "pooled")
            tensors["negative_pooled_prompt_embeds"] = stacked(negative, "pooled")
        return {name: tensor.to(device, pipe.text_encoder.dtype) for name, tensor in tensors.items()}

    def _product_embeddings(
        self, pipe: Any, jobs: Sequence[PaintJob], device: torch.device
    ) -> dict[str, Any]:
        """The adapter set for this group; without products it is at scale 0, which is as if there were none."""
        from .adapter import adapter_embeddings, has_adapter

        adapter = self.profile.ip_adapter
        if adapter is None or not has_adapter(pipe):
            return {}
        products = [job.product for job in jobs]
        pipe.set_ip_adapter_scale(adapter.scale if products[0] is not None else 0.0)
        guided = self.profile.guidance_scale > 1 and pipe.unet.config.time_cond_proj_dim is None
        embeds = adapter_embeddings(pipe, products, guided, self.cache, self.profile.fingerprint, device)
        return {"ip_adapter_image_embeds": embeds}

    def _embedding(self, pipe: Any, text: str, device: torch.device) -> Arrays:
        """float32 arrays (1, …) of one text, from the cache or the checkpoint's text encoder."""
        key = stage_key("embedding", profile=self.profile.fingerprint, text=text)
        stored = self.cache.get(key)
        if stored is not None:
            return unpack(stored)[1]
        encoded = pipe.encode_prompt(
            text, device=device, num_images_per_prompt=1, do_classifier_free_guidance=False
        )
        arrays = {"text": encoded[0].float().cpu().numpy()}
        if self.profile.family == "sdxl":
            arrays["pooled"] = encoded[2].float().cpu().numpy()
        self.cache.put(key, pack({}, arrays))
        return arrays


def _nothing(pipe: Any, empty: Arrays) -> Arrays:
    """The embedding of no text: zeros for checkpoints that were trained so (SDXL), else that of the empty text."""
    if not getattr(pipe.config, "force_zeros_for_empty_prompt", False):
        return empty
    return {name: np.zeros_like(array) for name, array in empty.items()}


def _groups(jobs: Sequence[PaintJob], most: int) -> Iterator[list[int]]:
    """Places of the jobs that are painted at once: at most `most`, and either all with a product or all without."""
    for with_product in (True, False):
        places = [place for place, job in enumerate(jobs) if (job.product is not None) == with_product]
        yield from (places[start : start + most] for start in range(0, len(places), most))


def _step_callback(on_step: Callable[[], None]) -> Callable[..., dict[str, Any]]:
    """`on_step` in the shape that diffusers calls: (pipe, step, timestep, tensors) -> tensors."""

    def callback(pipe: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        on_step()
        return tensors

    return callback


def paint(painter: Painter, jobs: Sequence[PaintJob]) -> list[U8]:
    """`painter.paint(jobs)`, for callers that pass the steps on as functions."""
    return painter.paint(jobs)
