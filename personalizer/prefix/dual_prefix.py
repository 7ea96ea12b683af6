"""The learned rows of one concept — a name row, generation rows and understanding rows — and nothing else that learns.

In PEFT's terms this is *prompt tuning* (rows of the input embedding), not *prefix tuning* (keys and values of every
layer); "prefix" follows the paper, arXiv 2504.20998. Each row exists twice, as an input embedding and as an output
(logit) row, because self-prompting makes the model emit it. Knows no training loop and no photo.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import nn

from personalizer.backbones.spec import BackboneSpec
from personalizer.errors import CorruptArtifactError, NotReadyError, UsageError
from personalizer.prefix.files import finish_replacing, replace_pair
from personalizer.prefix.format import (
    DEEP_FORMAT,
    DEEP_ROWS,
    FORMAT,
    KIND,
    MANIFEST_FILE,
    ROW_KINDS,
    WEIGHTS_FILE,
    input_tensor,
    output_tensor,
)


@dataclass(frozen=True, slots=True)
class DualPrefixConfig:
    """How many rows, 16 and 16 in the paper, and how they are used."""

    generation_rows: int = 16
    understanding_rows: int = 16
    shared: bool = False
    """One set of rows for both tasks: understanding rows are the generation rows once more."""
    self_prompting: bool = True
    """Answers begin with the rows that their task needs; without it rows stand in the personal prompt alone."""
    deep_layers: int = 0
    """In so many of the backbone's first layers, what is added to the rows' keys and values is learned as well."""

    def __post_init__(self) -> None:
        for field in ("generation_rows", "understanding_rows"):
            value = getattr(self, field)
            if not 1 <= value <= 256:
                raise UsageError(
                    tried=f"configuring a dual prefix with {field}={value}",
                    found="it is outside 1..256",
                    fix="Use 16, as the paper does.",
                )
        if not 0 <= self.deep_layers <= 256:
            raise UsageError(
                tried=f"configuring a dual prefix with deep_layers={self.deep_layers}",
                found="it is outside 0..256",
                fix="Use 0, or a few of the backbone's layers.",
            )
        if self.shared and self.generation_rows != self.understanding_rows:
            raise UsageError(
                tried="configuring a prefix with one set of rows for both tasks",
                found=f"generation_rows={self.generation_rows} and understanding_rows={self.understanding_rows}",
                fix="Give both the same number.",
            )

    @property
    def rows(self) -> int:
        """All rows: the name, then generation, then understanding."""
        return 1 + self.generation_rows + self.understanding_rows

    @property
    def learned_rows(self) -> int:
        """Rows that are trained: all of them, or the name and the one set that both tasks share."""
        return 1 + self.generation_rows if self.shared else self.rows


class DualPrefix(nn.Module):
    """Rows in float32, whatever precision the backbone has.

    `input_rows` and `output_rows` are `[1 + k + h, hidden]` in the order name, generation, understanding. What is
    optimised are offsets in units of the backbone's own row size, so that one learning rate fits every backbone. A
    shared set is trained once, `[1 + k, hidden]`, and stands in both places.
    """

    def __init__(
        self,
        config: DualPrefixConfig,
        input_start: torch.Tensor,
        output_scale: float,
        deep_start: torch.Tensor | None = None,
    ) -> None:
        """`input_start` is `[learned_rows, hidden]`; output rows and deep rows start at zero.

        `deep_start`, needed where there are deep rows, holds the keys and values that the rows have by themselves,
        `[deep_layers, 2, rows, kv_heads * head_dim]`: the units of what is added to them.
        """
        super().__init__()
        if input_start.shape[0] != config.learned_rows:
            raise ValueError(f"expected {config.learned_rows} starting rows, got {tuple(input_start.shape)}")
        self.config = config
        self.register_buffer("input_start", input_start.float().clone())
        self.register_buffer("input_scale", input_start.float().pow(2).mean().sqrt().clamp_min(1e-6))
        self.register_buffer("output_scale", torch.tensor(float(output_scale)))
        self.input_offset = nn.Parameter(torch.zeros_like(self.input_start))
        self.output_offset = nn.Parameter(torch.zeros_like(self.input_start))
        if (deep_start is not None) != bool(config.deep_layers):
            given = "nothing" if deep_start is None else "something"
            raise ValueError(f"{config.deep_layers} layers with deep rows, and {given} that these start from")
        if deep_start is not None:
            if deep_start.shape[:3] != (config.deep_layers, 2, config.rows):
                raise ValueError(f"deep rows start as {tuple(deep_start.shape)}")
            scale = deep_start.float().pow(2).mean(dim=(2, 3), keepdim=True).sqrt().clamp_min(1e-6)
            self.register_buffer("deep_scale", scale)
            self.deep_offset = nn.Parameter(torch.zeros_like(deep_start.float()[:, :, : config.learned_rows]))

    @property
    def input_rows(self) -> torch.Tensor:
        """`[rows, hidden]`."""
        return self._all_rows(self.input_start + self.input_scale * self.input_offset)

    @property
    def output_rows(self) -> torch.Tensor:
        """`[rows, hidden]`; a hidden state times these gives the rows' logits."""
        return self._all_rows(self.output_scale * self.output_offset)

    @property
    def deep_rows(self) -> torch.Tensor | None:
        """`[deep_layers, 2, rows, kv_heads * head_dim]`, what is added to keys and values; None without any."""
        if not self.config.deep_layers:
            return None
        learned: torch.Tensor = self.deep_scale * self.deep_offset
        return torch.cat([learned, learned[:, :, 1:]], dim=2) if self.config.shared else learned

    def _all_rows(self, learned: torch.Tensor) -> torch.Tensor:
        """`[rows, hidden]` of `[learned_rows, hidden]`."""
        return torch.cat([learned, learned[1:]]) if self.config.shared else learned

    def tensors(self) -> dict[str, torch.Tensor]:
        """The tensors of the artifact: `{name,generation,understanding}_{input,output}`, float32.

        And `deep_rows` in float16, as the keys and values that they are added to are stored.
        """
        sizes = [1, self.config.generation_rows, self.config.understanding_rows]
        parts: dict[str, torch.Tensor] = {}
        for tensor_name, rows in ((input_tensor, self.input_rows), (output_tensor, self.output_rows)):
            split = rows.detach().cpu().contiguous().split(sizes)
            for kind, tensor in zip(ROW_KINDS, split, strict=True):
                parts[tensor_name(kind)] = tensor.clone()
        deep = self.deep_rows
        if deep is not None:
            parts[DEEP_ROWS] = deep.detach().cpu().to(torch.float16).contiguous()
        return parts


def save_prefix(
    prefix: DualPrefix,
    directory: Path,
    *,
    spec: BackboneSpec,
    concept: dict[str, Any],
    training: dict[str, Any],
) -> int:
    """Write the rows and their manifest; when that fails the previous pair, or none, is left as it was.

    Returns the bytes on disk. `training` is kept as it is, for the record.
    """
    content = save(prefix.tensors())
    manifest = {
        "format": DEEP_FORMAT if prefix.config.deep_layers else FORMAT,
        "kind": KIND,
        "backbone": {"name": spec.name, "version": spec.version, "family": spec.family},
        "hidden_size": spec.hidden_size,
        **asdict(prefix.config),
        "concept": concept,
        "sha256": hashlib.sha256(content).hexdigest(),
        "training": training,
    }
    encoded = (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode()
    replace_pair(directory, content, encoded)
    return len(content) + len(encoded)


def read_manifest(directory: Path) -> dict[str, Any]:
    """The manifest of a saved prefix."""
    path = directory / MANIFEST_FILE
    try:
        manifest: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise NotReadyError(
            tried=f"reading {path}", found="there is no trained prefix", fix="Train it: familiar train NAME"
        ) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CorruptArtifactError(
            tried=f"reading {path}", found=str(error), fix="Train the concept again: familiar train NAME"
        ) from error
    return manifest


def finished_training(directory: Path, fingerprint: str) -> dict[str, Any] | None:
    """What an earlier run reported, if it trained the same thing and its rows are still there and whole."""
    try:
        finish_replacing(directory)
        manifest = read_manifest(directory)
        content = (directory / WEIGHTS_FILE).read_bytes()
        training = manifest["training"]
        whole = manifest["sha256"] == hashlib.sha256(content).hexdigest()
        if training["fingerprint"] != fingerprint or not whole:
            return None
        size = len(content) + (directory / MANIFEST_FILE).stat().st_size
        return {**training["report"], "bytes": size}
    except (NotReadyError, CorruptArtifactError, OSError, KeyError, TypeError):
        return None  # training again is what repairs it
