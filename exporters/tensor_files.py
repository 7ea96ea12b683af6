"""Tensors on disk: safetensors files written atomically and read through a memory map.

Knows no model; a file that is not what it claims to be is an error, never a crash.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from personalizer.errors import CorruptArtifactError
from personalizer.home import write_atomically

_TYPES = {"F32": np.float32, "F16": np.float16, "I64": np.int64, "I32": np.int32, "U8": np.uint8}
_MAX_HEADER_BYTES = 16 * 2**20


def save_tensors(path: Path, tensors: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write `tensors` in one step."""
    from safetensors.numpy import save

    write_atomically(path, save({name: np.ascontiguousarray(array) for name, array in tensors.items()}))


def open_tensors(path: Path, *, fix: str) -> dict[str, npt.NDArray[Any]]:
    """The tensors of a file as read-only views of a memory map: a large table costs no memory until it is
    read.

    Raises `CorruptArtifactError` with the advice `fix` if the file is missing, cut short or no safetensors
    file.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            (header_size,) = struct.unpack("<Q", file.read(8))
            if header_size > min(size, _MAX_HEADER_BYTES):
                raise ValueError(f"its header claims {header_size} bytes")
            header: dict[str, Any] = json.loads(file.read(header_size))
        data = np.memmap(path, dtype=np.uint8, mode="r", offset=8 + header_size)
        return {name: _view(data, name, entry) for name, entry in header.items() if name != "__metadata__"}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise CorruptArtifactError(
            tried=f"reading {path}", found=str(error) or repr(error), fix=fix
        ) from error


def _view(data: npt.NDArray[np.uint8], name: str, entry: Mapping[str, Any]) -> npt.NDArray[Any]:
    start, end = entry["data_offsets"]
    if not 0 <= start <= end <= len(data):
        raise ValueError(f"tensor '{name}' ends at byte {end} of {len(data)}")
    dtype = np.dtype(_TYPES[entry["dtype"]])
    return np.asarray(data[start:end]).view(dtype).reshape(entry["shape"])
