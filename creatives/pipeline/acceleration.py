"""Making a pipeline's networks cheaper to run, with the same pictures: number formats, and what is computed only once."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def computes_in_bfloat16() -> bool:
    """Whether this CPU has bfloat16 instructions: emulated, the format is slower than float32."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def run_in_bfloat16(module: nn.Module, *, exact_output: bool = True) -> None:
    """Have a network compute in bfloat16; its output is float32 again, or not where only such a network reads it.

    Unlike autocast this converts weights once, not at every call, and what a sampler adds up over its steps stays float32.
    """
    nn.Module.to(module, torch.bfloat16)  # past the override of diffusers, which warns without cause
    module.register_forward_pre_hook(_lower, with_kwargs=True)
    if exact_output:
        module.register_forward_hook(_raise)


def _lower(module: nn.Module, args: Any, kwargs: Any) -> tuple[Any, Any]:
    return _as(args, torch.float32, torch.bfloat16), _as(kwargs, torch.float32, torch.bfloat16)


def _raise(module: nn.Module, args: Any, output: Any) -> Any:
    return _as(output, torch.bfloat16, torch.float32)


def _as(value: Any, given: torch.dtype, wanted: torch.dtype) -> Any:
    """`value` with every tensor of format `given` inside it in format `wanted`."""
    if isinstance(value, Tensor):
        return value.to(wanted) if value.dtype == given else value
    if isinstance(value, dict):
        for name, inner in value.items():  # in place: diffusers' outputs are dictionaries of their own class
            value[name] = _as(inner, given, wanted)
        return value
    return (
        type(value)(_as(inner, given, wanted) for inner in value)
        if isinstance(value, list | tuple)
        else value
    )


class RememberedCondition(nn.Module):
    """A ControlNet's embedding of its control picture, which is the same at every step, computed at the first only.

    Both halves of a batch with classifier-free guidance show the same pictures: only one of them is computed.
    """

    def __init__(self, embedding: nn.Module) -> None:
        super().__init__()
        self.embedding = embedding
        self._picture: Tensor | None = None
        self._embedded: Tensor | None = None

    @torch.compiler.disable
    def forward(self, picture: Tensor) -> Tensor:
        """picture: (N, C, H, W) → (N, C', H/8, W/8), kept until another picture or `forget`."""
        if self._embedded is None or self._picture is not picture:
            self._picture, self._embedded = picture, self._computed(picture)
        return self._embedded

    def forget(self) -> None:
        """Give the memory back."""
        self._picture = self._embedded = None

    def _computed(self, picture: Tensor) -> Tensor:
        half = picture.shape[0] // 2
        if picture.shape[0] % 2 or not torch.equal(picture[:half], picture[half:]):
            return self.embedding(picture)
        return torch.cat([self.embedding(picture[:half])] * 2)


def remember_condition(controlnet: Any) -> None:
    """Put `RememberedCondition` around the ControlNet's embedding of its control picture."""
    controlnet.controlnet_cond_embedding = RememberedCondition(controlnet.controlnet_cond_embedding)


def forget_condition(controlnet: Any) -> None:
    """Give back what a painting has remembered."""
    if isinstance(controlnet.controlnet_cond_embedding, RememberedCondition):
        controlnet.controlnet_cond_embedding.forget()
