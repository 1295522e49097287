"""Random generators whose state is plain scalars, so that a snapshot can carry it."""

from __future__ import annotations

from typing import Any

import numpy as np


def generator(seed: int | None) -> np.random.Generator:
    """A PCG64 generator; `None` seeds it from the operating system."""
    return np.random.Generator(np.random.PCG64(seed))


def dump(rng: np.random.Generator) -> dict[str, Any]:
    """State of a PCG64 generator. The 128-bit words are decimal strings: they fit no array type."""
    state: dict[str, Any] = dict(rng.bit_generator.state)
    return {
        "rng_state": str(state["state"]["state"]),
        "rng_inc": str(state["state"]["inc"]),
        "rng_has_uint32": int(state["has_uint32"]),
        "rng_uinteger": int(state["uinteger"]),
    }


def load(state: dict[str, Any]) -> np.random.Generator:
    """The generator that `dump` described."""
    bits = np.random.PCG64(0)
    bits.state = {
        "bit_generator": "PCG64",
        "state": {"state": int(state["rng_state"]), "inc": int(state["rng_inc"])},
        "has_uint32": int(state["rng_has_uint32"]),
        "uinteger": int(state["rng_uinteger"]),
    }
    return np.random.Generator(bits)
