"""ONNX files of a few hundred bytes, written field by field: a network for tests, without a library for writing them."""

from __future__ import annotations

import struct
from collections.abc import Iterable

FLOAT = 1


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _field(number: int, value: int | str | bytes) -> bytes:
    """A field of a protocol buffer message: a number, or anything with a length."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _tensor_type(name: str, shape: Iterable[int]) -> bytes:
    dimensions = b"".join(_field(1, _field(1, side)) for side in shape)
    return _field(1, name) + _field(2, _field(1, _field(1, FLOAT) + _field(2, dimensions)))


def _node(operation: str, source: str, target: str, attributes: bytes = b"") -> bytes:
    return _field(1, source) + _field(2, target) + _field(4, operation) + attributes


def redness(side: int) -> bytes:
    """A network 1×3×side×side → 1×1×side×side for which red is the object: a 1×1 convolution (16, −8, −8), then Sigmoid."""
    weights = _field(1, 1) + _field(1, 3) + _field(1, 1) + _field(1, 1) + _field(2, FLOAT) + _field(8, "w")
    weights += _field(9, b"".join(_float(value) for value in (16.0, -8.0, -8.0)))
    convolution = _field(1, "input") + _field(1, "w") + _field(2, "c") + _field(4, "Conv")
    graph = (
        _field(1, convolution)
        + _field(1, _node("Sigmoid", "c", "output"))
        + _field(2, "redness")
        + _field(5, weights)
        + _field(11, _tensor_type("input", (1, 3, side, side)))
        + _field(12, _tensor_type("output", (1, 1, side, side)))
    )
    return _field(1, 8) + _field(7, graph) + _field(8, _field(1, "") + _field(2, 13))


def _float(value: float) -> bytes:
    return struct.pack("<f", value)
