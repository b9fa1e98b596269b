"""Reading safetensors files with numpy alone: mapped, not copied, so that all workers share one table in memory.

Format: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frontdesk_server.artefacts.embedders.protocol import EmbedderError
from frontdesk_server.domain.unusable import in_words

_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "<i1", "U8": "<u1"}
_MAX_HEADER_BYTES = 100_000_000


def read_safetensors(path: Path) -> dict[str, NDArray[Any]]:
    """Return the file's tensors as read-only arrays. Raises `EmbedderError` when the file is not what it claims."""
    try:
        data = np.memmap(path, np.uint8, "r")
        header_bytes = int(data[:8].view("<u8")[0])
        if header_bytes > min(_MAX_HEADER_BYTES, len(data) - 8):
            raise EmbedderError(f"{path}: not a safetensors file, or cut off")
        header = json.loads(data[8 : 8 + header_bytes].tobytes())
        body = data[8 + header_bytes :]
        return {name: _tensor(path, name, entry, body) for name, entry in header.items() if name != "__metadata__"}
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise EmbedderError(f"{path}: cannot be read as safetensors: {in_words(error)}") from error


def write_safetensors(path: Path, tensors: dict[str, NDArray[Any]]) -> None:
    """Write arrays of the types that `read_safetensors` knows, in the order given."""
    names = {dtype: name for name, dtype in _DTYPES.items()}
    arrays = {name: np.ascontiguousarray(array, array.dtype.newbyteorder("<")) for name, array in tensors.items()}
    header, start = {}, 0
    for name, array in arrays.items():
        dtype = names[array.dtype.newbyteorder("<").str.replace("|", "<")]
        header[name] = {"dtype": dtype, "shape": array.shape, "data_offsets": (start, start + array.nbytes)}
        start += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # the data starts aligned
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in arrays.values():
            file.write(array.tobytes())


def _tensor(path: Path, name: str, entry: dict[str, Any], body: NDArray[np.uint8]) -> NDArray[Any]:
    if entry["dtype"] not in _DTYPES:
        raise EmbedderError(f"{path}: tensor {name} is of type {entry['dtype']}; supported: {', '.join(_DTYPES)}")
    start, end = entry["data_offsets"]
    array: NDArray[Any] = np.asarray(body[start:end]).view(_DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return array
