"""Conditioning a pipeline on products' pictures through its IP-Adapter, one picture per item of a batch."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .cache import Arrays, StageCache, pack, stage_key, unpack
from .product import resized

U8 = NDArray[np.uint8]

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
"""Of RGB in 0..1, as CLIP was trained (Radford et al. 2021)."""


def has_adapter(pipe: Any) -> bool:
    """Whether an IP-Adapter is loaded into the pipeline."""
    return getattr(pipe.unet.config, "encoder_hid_dim_type", None) == "ip_image_proj"


def one_embedding_per_item(pipe: Any) -> None:
    """Have the pipeline take an adapter embedding for each item; by itself it repeats one for all of a batch."""

    def prepared(image: Any, embeds: list[Tensor], device: Any, count: int, guided: bool) -> list[Tensor]:
        return [embed.to(device) for embed in embeds]

    pipe.prepare_ip_adapter_image_embeds = prepared


def adapter_embeddings(
    pipe: Any,
    products: list[U8 | None],
    guided: bool,
    cache: StageCache,
    fingerprint: str,
    device: torch.device,
) -> list[Tensor]:
    """What the pipeline takes as `ip_adapter_image_embeds`: one tensor (N or 2N, 1, …), the unguided half first.

    products: uint8 (S, S, 3), or None for items that are painted without: at scale 0, where what is passed is not looked at.
    """
    pairs = [_pair(pipe, product, cache, fingerprint, device) for product in products]
    rows = [pair["picture"] for pair in pairs]
    if guided:
        rows = [pair["nothing"] for pair in pairs] + rows
    return [torch.from_numpy(np.stack(rows)).to(device=device, dtype=pipe.unet.dtype)]


def _pair(pipe: Any, product: U8 | None, cache: StageCache, fingerprint: str, device: torch.device) -> Arrays:
    """The embedding of a picture (1, …) and that of no picture, float32, from the cache or the image encoder."""
    if product is None:
        width = pipe.unet.encoder_hid_proj.image_projection_layers[0]
        zeros = np.zeros(_embedding_shape(width), np.float32)
        return {"picture": zeros, "nothing": zeros}
    digest = hashlib.sha256(np.ascontiguousarray(product).tobytes()).hexdigest()
    key = stage_key("product", profile=fingerprint, picture=f"{product.shape[0]}-{digest}")
    stored = cache.get(key)
    if stored is not None:
        return unpack(stored)[1]
    pair = _encoded(pipe, product, device)
    cache.put(key, pack({}, pair))
    return pair


def _encoded(pipe: Any, product: U8, device: torch.device) -> Arrays:
    """As diffusers' `encode_image` does it: pooled embeddings for a plain adapter, hidden states for the larger kinds."""
    side = int(pipe.image_encoder.config.image_size)
    pixels = np.clip(resized(product, side) / 255, 0, 1)
    normal = (pixels - np.asarray(CLIP_MEAN)) / np.asarray(CLIP_STD)
    tensor = torch.from_numpy(normal.transpose(2, 0, 1)[None].astype(np.float32))
    with torch.inference_mode():
        picture, nothing = pipe.encode_image(tensor, device, 1, not _is_plain(pipe))
    return {"picture": picture.float().cpu().numpy(), "nothing": nothing.float().cpu().numpy()}


def _is_plain(pipe: Any) -> bool:
    from diffusers.models.embeddings import ImageProjection

    return isinstance(pipe.unet.encoder_hid_proj.image_projection_layers[0], ImageProjection)


def _embedding_shape(projection: Any) -> tuple[int, ...]:
    """Shape (1, …) of one item's embedding that the projection layer reads."""
    from diffusers.models.embeddings import ImageProjection

    if isinstance(projection, ImageProjection):
        return (1, int(projection.image_embeds.in_features))
    weight = next(parameter for parameter in projection.parameters() if parameter.ndim == 2)
    return (1, 1, int(weight.shape[-1]))
