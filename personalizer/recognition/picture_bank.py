"""General pictures that ship with a backbone as image codes and object vectors: negatives and soft positives.

Optional: a checkpoint folder without `bank.safetensors` has none, and training then uses the user's library alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import safe_open

from personalizer.errors import CorruptArtifactError
from personalizer.schemas import Float32Array, Int64Array

BANK_FILE = "bank.safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class PictureBank:
    """`codes` `[n, tokens]` of one backbone and unit `vectors` `[n, dim]` of one object embedding."""

    codes: Int64Array
    vectors: Float32Array
    embedding_version: str

    @staticmethod
    def load(directory: Path) -> PictureBank | None:
        """The bank in a checkpoint folder, or None."""
        path = directory / BANK_FILE
        if not path.exists():
            return None
        try:
            with safe_open(path, framework="np") as tensors:
                metadata = tensors.metadata() or {}
                codes = tensors.get_tensor("codes").astype(np.int64)
                vectors = tensors.get_tensor("vectors").astype(np.float32)
            if len(codes) != len(vectors):
                raise ValueError(f"{len(codes)} pictures but {len(vectors)} vectors")
            return PictureBank(codes, vectors, str(metadata.get("embedding_version", "")))
        except Exception as error:  # safetensors raises its own type for every kind of damage
            raise CorruptArtifactError(
                tried=f"reading {path}", found=str(error), fix="Install the package again."
            ) from error
