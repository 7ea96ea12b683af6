"""The virtual tokens of one concept: one for its name, some for generation and some for understanding.

In PEFT's terms this is *prompt tuning* (input embeddings), not *prefix tuning* (keys and values of every layer);
"prefix" follows the paper, arXiv 2504.20998. Each virtual token has an input embedding and an output embedding, because
self-prompting makes the model emit it. This module knows no training loop and no photo.
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
    DEEP_PROMPTS,
    FORMAT,
    KIND,
    MANIFEST_FILE,
    VIRTUAL_TOKEN_KINDS,
    WEIGHTS_FILE,
    input_tensor,
    output_tensor,
)
from personalizer.prefix.former_names import with_former_names


@dataclass(frozen=True, slots=True)
class DualPrefixConfig:
    """How many virtual tokens a prefix has (16 and 16 in the paper) and how they are used."""

    generation_tokens: int = 16
    understanding_tokens: int = 16
    shared: bool = False
    """Both tasks share one set: the understanding tokens are the generation tokens once more."""
    self_prompting: bool = True
    """Answers begin with the virtual tokens of their task; otherwise only the personal prompt holds virtual tokens."""
    deep_layers: int = 0
    """Deep prompt tuning: the number of first layers in which key/value offsets are learned as well."""

    def __post_init__(self) -> None:
        for field in ("generation_tokens", "understanding_tokens"):
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
        if self.shared and self.generation_tokens != self.understanding_tokens:
            raise UsageError(
                tried="configuring a prefix with one set of rows for both tasks",
                found=f"generation_tokens={self.generation_tokens} and "
                f"understanding_tokens={self.understanding_tokens}",
                fix="Give both the same number.",
            )

    @property
    def num_virtual_tokens(self) -> int:
        """All virtual tokens: the name, then generation, then understanding."""
        return 1 + self.generation_tokens + self.understanding_tokens

    @property
    def num_learned_tokens(self) -> int:
        """Virtual tokens with parameters of their own: all, or the name and the set that both tasks share."""
        return 1 + self.generation_tokens if self.shared else self.num_virtual_tokens


class DualPrefix(nn.Module):
    """Virtual tokens in float32, whatever precision the backbone has.

    `input_embeddings` and `output_embeddings` are `[num_virtual_tokens, hidden]` in the order name, generation,
    understanding. The parameters are offsets in units of the backbone's own embedding size, so that one learning rate
    fits every backbone. A shared set has one set of parameters, `[num_learned_tokens, hidden]`.
    """

    def __init__(
        self,
        config: DualPrefixConfig,
        input_initialization: torch.Tensor,
        output_scale: float,
        deep_initialization: torch.Tensor | None = None,
    ) -> None:
        """`input_initialization` is `[num_learned_tokens, hidden]`; output embeddings and deep prompts begin at zero.

        `deep_initialization`, required with `deep_layers`, holds the keys and values of the initialized virtual tokens
        in these layers, `[deep_layers, 2, num_virtual_tokens, kv_heads * head_dim]`. They give the scale of the
        offsets.
        """
        super().__init__()
        if input_initialization.shape[0] != config.num_learned_tokens:
            raise ValueError(
                f"expected {config.num_learned_tokens} initialized tokens, got {tuple(input_initialization.shape)}"
            )
        self.config = config
        self.register_buffer("input_initialization", input_initialization.float().clone())
        self.register_buffer("input_scale", input_initialization.float().pow(2).mean().sqrt().clamp_min(1e-6))
        self.register_buffer("output_scale", torch.tensor(float(output_scale)))
        self.input_offset = nn.Parameter(torch.zeros_like(self.input_initialization))
        self.output_offset = nn.Parameter(torch.zeros_like(self.input_initialization))
        if (deep_initialization is not None) != bool(config.deep_layers):
            given = "nothing" if deep_initialization is None else "something"
            raise ValueError(
                f"{config.deep_layers} layers with deep prompts, and {given} to initialize them from"
            )
        if deep_initialization is not None:
            if deep_initialization.shape[:3] != (config.deep_layers, 2, config.num_virtual_tokens):
                raise ValueError(f"deep prompts are initialized as {tuple(deep_initialization.shape)}")
            scale = deep_initialization.float().pow(2).mean(dim=(2, 3), keepdim=True).sqrt().clamp_min(1e-6)
            self.register_buffer("deep_scale", scale)
            self.deep_offset = nn.Parameter(
                torch.zeros_like(deep_initialization.float()[:, :, : config.num_learned_tokens])
            )

    @property
    def input_embeddings(self) -> torch.Tensor:
        """`[num_virtual_tokens, hidden]`."""
        return self._expand_shared(self.input_initialization + self.input_scale * self.input_offset)

    @property
    def output_embeddings(self) -> torch.Tensor:
        """`[num_virtual_tokens, hidden]`; a hidden state times these gives the virtual tokens' logits."""
        return self._expand_shared(self.output_scale * self.output_offset)

    @property
    def deep_prompts(self) -> torch.Tensor | None:
        """Key/value offsets `[deep_layers, 2, num_virtual_tokens, kv_heads * head_dim]`; None without any."""
        if not self.config.deep_layers:
            return None
        learned: torch.Tensor = self.deep_scale * self.deep_offset
        return torch.cat([learned, learned[:, :, 1:]], dim=2) if self.config.shared else learned

    def _expand_shared(self, learned: torch.Tensor) -> torch.Tensor:
        """`[num_virtual_tokens, hidden]` of `[num_learned_tokens, hidden]`."""
        return torch.cat([learned, learned[1:]]) if self.config.shared else learned

    def tensors(self) -> dict[str, torch.Tensor]:
        """The tensors of the artifact: `{name,generation,understanding}_{input,output}` in float32.

        Deep prompts are stored in float16, like the keys and values that they are added to.
        """
        sizes = [1, self.config.generation_tokens, self.config.understanding_tokens]
        parts: dict[str, torch.Tensor] = {}
        for tensor_name, embeddings in (
            (input_tensor, self.input_embeddings),
            (output_tensor, self.output_embeddings),
        ):
            split = embeddings.detach().cpu().contiguous().split(sizes)
            for kind, tensor in zip(VIRTUAL_TOKEN_KINDS, split, strict=True):
                parts[tensor_name(kind)] = tensor.clone()
        deep = self.deep_prompts
        if deep is not None:
            parts[DEEP_PROMPTS] = deep.detach().cpu().to(torch.float16).contiguous()
        return parts


def save_prefix(
    prefix: DualPrefix,
    directory: Path,
    *,
    spec: BackboneSpec,
    concept: dict[str, Any],
    training: dict[str, Any],
) -> int:
    """Write the tensors and their manifest. If that fails, the previous pair of files stays.

    Returns the bytes on disk. `training` is stored in the manifest unchanged.
    """
    content = save(prefix.tensors())
    manifest = {
        "format": DEEP_FORMAT if prefix.config.deep_layers else FORMAT,
        "kind": KIND,
        "backbone": {"name": spec.name, "version": spec.version, "family": spec.family},
        "hidden_size": spec.hidden_size,
        **with_former_names(asdict(prefix.config)),
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
    """The report of an earlier run with this fingerprint; None if its files are missing or damaged."""
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
