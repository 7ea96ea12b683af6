"""The file that an interrupted training continues from: tensors and a record, whole or ignored.

Knows no model; what the tensors mean is the trainer's business.
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


def write_checkpoint(directory: Path, tensors: dict[str, torch.Tensor], record: dict[str, Any]) -> None:
    """Replace the checkpoint in `directory`; `record` holds JSON values, and which run this is as `fingerprint`."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    record = record | {"sha256": hashlib.sha256(save(tensors)).hexdigest()}
    write_atomically(directory / CHECKPOINT_FILE, save(tensors, {"training": json.dumps(record)}))


def read_checkpoint(
    directory: Path, fingerprint: str
) -> tuple[dict[str, torch.Tensor], dict[str, Any]] | None:
    """The tensors and the record of this very run; None where there is none, or a damaged one."""
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
