"""Reads and writes the checkpoint that an interrupted training continues from; a damaged one is ignored.

A checkpoint is named tensors and a JSON record; this module does not interpret the tensors.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from personalizer.home import write_atomically

CHECKPOINT_FILE = "checkpoint.safetensors"
INITIALIZATION_TENSOR = "input_start"
OPTIMIZER_TENSORS = "optimiser"
"""Names on disk, which stay: the initial input embeddings, and optimizer state as `optimiser.<index>.<name>`."""


def write_checkpoint(directory: Path, tensors: dict[str, torch.Tensor], record: dict[str, Any]) -> None:
    """Replace the checkpoint in `directory`; `record` holds JSON values, one of them the run's `fingerprint`."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    record = record | {"sha256": hashlib.sha256(save(tensors)).hexdigest()}
    write_atomically(directory / CHECKPOINT_FILE, save(tensors, {"training": json.dumps(record)}))


def read_checkpoint(
    directory: Path, fingerprint: str
) -> tuple[dict[str, torch.Tensor], dict[str, Any]] | None:
    """The tensors and the record of the run with this fingerprint; None if there is no checkpoint or it is damaged."""
    path = directory / CHECKPOINT_FILE
    if not path.exists():
        return None
    try:
        content = path.read_bytes()
        tensors = load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        record = json.loads(header["__metadata__"]["training"])
        whole = record["sha256"] == hashlib.sha256(save(tensors)).hexdigest()
        return (tensors, record) if whole and record["fingerprint"] == fingerprint else None
    except (SafetensorError, ValueError, KeyError, TypeError):
        return None  # a damaged checkpoint costs its steps, never the training
