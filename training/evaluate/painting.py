"""Paints with a checkpoint folder in the ways that are compared: with and without edges, product picture, inpainting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from creatives.pipeline import Painter, PaintJob, Size
from creatives.pipeline.compose import compose, on_white
from creatives.pipeline.layout import Layout
from creatives.pipeline.light import has_ground
from creatives.pipeline.noise import initial_noise
from creatives.pipeline.painter import control_edges, sampling
from creatives.pipeline.product import product_picture
from creatives.pipeline.profiles import profile_from_folder
from creatives.pipeline.rim import without_rim
from training.dataset import by_size
from training.evaluate.labels import NOT_NAMED, Labels

U8 = NDArray[np.uint8]


@dataclass(frozen=True)
class Shot:
    """One picture to paint. placed: uint8 (H, W, 4), the product in its frame; edges: uint8 (H, W), 255 on 0;
    labels: what the prompt names; source: the product's or scene's name.
    """

    prompt: str
    placed: U8
    edges: U8
    seed: int
    source: str
    labels: Labels = NOT_NAMED

    @property
    def bucket(self) -> Size:
        """Width and height in pixels."""
        return Size(self.edges.shape[1], self.edges.shape[0])

    @property
    def alpha(self) -> U8:
        """uint8 (H, W): where the product will be pasted."""
        return self.placed[..., 3]


@dataclass(frozen=True)
class Way:
    """How to paint.

    edges: whether the ControlNet sees them; without, it sees the blank picture that it knows from training.
    product: whose picture the IP-Adapter sees: the shot's own, that of the next other product, or none.
    inpainting: the product is held in place by blending its latents in at every step (Avrahami et al. 2023, *Blended
    Latent Diffusion*), without edges and product picture: the usual naive way.
    """

    edges: bool = True
    product: Literal["own", "other", "none"] = "own"
    inpainting: bool = False


OURS = Way()
BLANK = Way(edges=False)
NAIVE = Way(edges=False, product="none", inpainting=True)
PLAIN = Way(product="none")
SWAPPED = Way(product="other")


class Studio:
    """A checkpoint, kept warm. Pictures are what step 4 paints, before the product is pasted."""

    def __init__(self, painter: Painter) -> None:
        self.painter, self.profile = painter, painter.profile

    @property
    def has_adapter(self) -> bool:
        """Whether the checkpoint looks at the product's picture."""
        return self.profile.product_side is not None

    def paint(self, shots: Sequence[Shot], way: Way = OURS) -> list[U8]:
        """One uint8 (H, W, 3) picture for each shot, in order; a shot's noise depends on its seed alone."""
        painted: dict[int, U8] = {}
        products = _next_others(shots) if way.product == "other" else [shot.placed for shot in shots]
        for places in by_size([shot.bucket for shot in shots]).values():
            if way.inpainting:
                pictures = self._inpaint([shots[k] for k in places])
            else:
                pictures = self.painter.paint([self._job(shots[k], products[k], way) for k in places])
            painted.update(zip(places, pictures, strict=True))
        return [painted[k] for k in range(len(shots))]

    def through_autoencoder(self, pictures: Sequence[U8]) -> list[U8]:
        """The pictures encoded and decoded again: what is lost before anything is painted."""
        return [_as_picture(self._decoded(self._encoded(_as_input([picture])))[0]) for picture in pictures]

    def control(self, shot: Shot) -> U8:
        """What the ControlNet sees of a shot, uint8 (H, W)."""
        stands = has_ground(shot.prompt, Layout())
        return control_edges(self.profile, shot.edges, shot.placed, shot.prompt, shot.seed, stands=stands)

    def _job(self, shot: Shot, product: U8, way: Way) -> PaintJob:
        side = self.profile.product_side
        return PaintJob(
            self.control(shot) if way.edges else np.zeros_like(shot.edges),
            shot.prompt,
            seed=shot.seed,
            product=product_picture(product, side) if side and way.product != "none" else None,
        )

    def _inpaint(self, shots: Sequence[Shot]) -> list[U8]:
        most = self.profile.max_batch
        groups = [shots[start : start + most] for start in range(0, len(shots), most)]
        return [picture for group in groups for picture in self._inpaint_group(group)]

    @torch.inference_mode()
    def _inpaint_group(self, shots: Sequence[Shot]) -> list[U8]:
        from creatives.pipeline.acceleration import forget_condition

        profile, pipe, bucket = self.profile, self.painter.pipe, shots[0].bucket
        noise = self._noise(shots)
        try:
            images = pipe(
                prompt=[shot.prompt for shot in shots],
                negative_prompt=[profile.negative_prompt] * len(shots),
                image=torch.zeros(len(shots), 3, bucket.height, bucket.width),
                width=bucket.width,
                height=bucket.height,
                **sampling(profile),
                guidance_scale=profile.guidance_scale,
                controlnet_conditioning_scale=profile.conditioning_scale,
                latents=noise,
                output_type="pt",
                callback_on_step_end=self._blending(shots, noise),
                **self._no_product(len(shots)),
            ).images
        finally:
            forget_condition(pipe.controlnet)
        return [_as_picture(image * 2 - 1) for image in images]

    def _no_product(self, count: int) -> dict[str, Any]:
        """What a pipeline with an adapter has to be given to paint as if it had none."""
        from creatives.pipeline.adapter import adapter_embeddings, has_adapter

        pipe, profile = self.painter.pipe, self.profile
        if not has_adapter(pipe):
            return {}
        pipe.set_ip_adapter_scale(0.0)
        guided = profile.guidance_scale > 1
        nothing: list[U8 | None] = [None] * count
        return {
            "ip_adapter_image_embeds": adapter_embeddings(
                pipe, nothing, guided, self.painter.cache, profile.fingerprint, pipe._execution_device
            )
        }

    def _noise(self, shots: Sequence[Shot]) -> Tensor:
        pipe, seeds = self.painter.pipe, [shot.seed for shot in shots]
        return initial_noise(pipe, shots[0].bucket, seeds, self.profile.calm)

    @torch.inference_mode()
    def _encoded(self, pictures: Tensor) -> Tensor:
        """Scaled latents of pictures (N, 3, H, W) in -1..1."""
        vae = self.painter.pipe.vae
        found = vae.encode(pictures)
        latents = found.latents if hasattr(found, "latents") else found.latent_dist.mode()
        return _coded(latents.float() * vae.config.scaling_factor)

    @torch.inference_mode()
    def _decoded(self, latents: Tensor) -> Tensor:
        vae = self.painter.pipe.vae
        pictures: Tensor = vae.decode(latents / vae.config.scaling_factor, return_dict=False)[0]
        return pictures.float()

    def _blending(self, shots: Sequence[Shot], noise: Tensor) -> Any:
        """A callback that puts the product's latents, noised to the step's level, back where the product is."""
        known = self._encoded(_as_input([on_white(shot.placed) for shot in shots]))
        cover = torch.stack([torch.from_numpy(shot.alpha.copy()).float() / 255 for shot in shots])[:, None]
        inside = F.adaptive_avg_pool2d(cover, (noise.shape[2], noise.shape[3])) >= 0.5

        def blend(pipe: Any, step: int, timestep: Any, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
            steps, held = pipe.scheduler.timesteps, known
            if step + 1 < len(steps):
                held = pipe.scheduler.add_noise(known, noise, steps[step + 1 : step + 2].repeat(len(known)))
            return {"latents": torch.where(inside, held.to(tensors["latents"].dtype), tensors["latents"])}

        return blend


def open_studio(folder: Path, more_buckets: Sequence[Size] = ()) -> Studio:
    """A checkpoint folder, loaded, for buckets that it does not name as well. Raises CheckpointError when a part lacks."""
    profile = profile_from_folder(folder)
    painter = Painter(replace(profile, buckets=tuple(dict.fromkeys((*profile.buckets, *more_buckets)))))
    painter.warm()
    return Studio(painter)


def pasted(shot: Shot, picture: U8) -> U8:
    """The picture with the product over it, as step 5 does it, at the bucket's size."""
    return compose(shot.placed, without_rim(picture, shot.alpha))


def reseeded(shot: Shot, seed: int) -> Shot:
    """The same shot with another seed."""
    return replace(shot, seed=seed)


def _coded(latents: Tensor) -> Tensor:
    """Latents with the codes of `training.patches` in the channels that the encoder left empty, if it left any."""
    empty = latents.abs().amax((0, 2, 3)) == 0
    if not empty.any():
        return latents
    from training.patches import codes

    coded = latents.clone()
    coded[:, empty] = codes(latents.shape[2], latents.shape[3])
    return coded


def _next_others(shots: Sequence[Shot]) -> list[U8]:
    """For each shot the placed product of the next shot that shows another one."""
    found = []
    for place, shot in enumerate(shots):
        following = (*shots[place + 1 :], *shots[:place])
        other = next((candidate for candidate in following if candidate.source != shot.source), shot)
        found.append(other.placed)
    return found


def _as_input(pictures: Sequence[U8]) -> Tensor:
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1


def _as_picture(values: Tensor) -> U8:
    scaled = (values.float().clamp(-1, 1) + 1) * 127.5
    return scaled.round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
