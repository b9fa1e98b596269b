"""A one-node ONNX model, written field by field, so that tests need no tool to make one.

Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

import numpy as np
from numpy.typing import NDArray

_FLOAT, _INT64 = 1, 7


def gather_model(table: NDArray[np.float32]) -> bytes:
    """An encoder with input `input_ids` (batch, sequence) and output rows of `table` (batch, sequence, dimension)."""
    node = _text(1, "table") + _text(1, "input_ids") + _text(2, "last_hidden_state") + _text(4, "Gather")
    tensor = b"".join(_number(1, size) for size in table.shape) + _number(2, _FLOAT) + _text(8, "table")
    tensor += _field(9, table.astype("<f4").tobytes())
    graph = _field(1, node) + _text(2, "encoder") + _field(5, tensor)
    graph += _field(11, _value("input_ids", _INT64, ["batch", "sequence"]))
    graph += _field(12, _value("last_hidden_state", _FLOAT, ["batch", "sequence", "dimension"]))
    return _number(1, 8) + _field(7, graph) + _field(8, _number(2, 13))


def _value(name: str, element_type: int, dimensions: list[str]) -> bytes:
    shape = b"".join(_field(1, _text(2, dimension)) for dimension in dimensions)
    return _text(1, name) + _field(2, _field(1, _number(1, element_type) + _field(2, shape)))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _text(field: int, value: str) -> bytes:
    return _field(field, value.encode())


def _field(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
