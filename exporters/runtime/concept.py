"""A trained concept at serving time: its virtual tokens and the key/value cache of its personal prompt.

Reads the files that training wrote (`prefix.safetensors`, `manifest.json`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from exporters.manifest import hash_file
from exporters.runtime.prompt_context import PromptContext
from exporters.runtime.session import BackboneSession, Cache
from exporters.tensor_files import open_tensors
from personalizer.errors import CorruptArtifactError, NotReadyError
from personalizer.prefix.files import current_manifest
from personalizer.prefix.format import (
    CACHE_FILE,
    CACHE_MANIFEST,
    DEEP_PROMPTS,
    FORMATS,
    GENERATION_TOKENS_KEY,
    UNDERSTANDING_TOKENS_KEY,
    VIRTUAL_TOKEN_KINDS,
    WEIGHTS_FILE,
    input_tensor,
    output_tensor,
)
from personalizer.prefix.prompts import VirtualTokenKind, VirtualTokens, personal_prompt
from personalizer.schemas import Float32Array

TRAIN_AGAIN = "Train the concept again (familiar train NAME); its photos are untouched."


@dataclass(frozen=True, slots=True, eq=False)
class PrefixWeights:
    """The trained tensors of one concept; embeddings are `[count, hidden]` for each kind of virtual token."""

    concept: str
    backbone_version: str
    input_embeddings: Mapping[VirtualTokenKind, Float32Array]
    output_embeddings: Mapping[VirtualTokenKind, Float32Array]
    self_prompting: bool = True
    """Whether answers about the concept begin with its virtual tokens, as in training."""
    deep_prompts: Float32Array | None = None
    """Key/value offsets of the virtual tokens, `[first layers, 2, num_virtual_tokens, kv_heads * head_dim]`."""

    @staticmethod
    def read(directory: Path) -> PrefixWeights:
        """Read a trained prefix.

        Raises `NotReadyError` if there is none, `CorruptArtifactError` if files and manifest do not fit
        together.
        """
        tried = f"reading the trained concept in {directory}"
        manifest_path = current_manifest(directory)
        if not (directory / WEIGHTS_FILE).exists() or not manifest_path.exists():
            raise NotReadyError(tried=tried, found="it was not trained", fix="Train the concept first.")
        tensors = open_tensors(directory / WEIGHTS_FILE, fix=TRAIN_AGAIN)
        sha256 = hash_file(directory / WEIGHTS_FILE)
        try:
            manifest: dict[str, Any] = json.loads(manifest_path.read_bytes())
            concept, version = str(manifest["concept"]["name"]), str(manifest["backbone"]["version"])
            if manifest.get("format", FORMATS[0]) not in FORMATS:
                raise ValueError(f"format {manifest['format']}, and this version reads {FORMATS}")
            if manifest["sha256"] != sha256:
                raise ValueError(f"{WEIGHTS_FILE} does not match its manifest")
            counts: dict[VirtualTokenKind, int] = {
                "name": 1,
                "generation": int(manifest[GENERATION_TOKENS_KEY]),
                "understanding": int(manifest[UNDERSTANDING_TOKENS_KEY]),
            }
            self_prompting = bool(manifest.get("self_prompting", True))
            input_embeddings = {kind: np.array(tensors[input_tensor(kind)]) for kind in VIRTUAL_TOKEN_KINDS}
            output_embeddings = {kind: np.array(tensors[output_tensor(kind)]) for kind in VIRTUAL_TOKEN_KINDS}
            deep_layers = int(manifest.get("deep_layers", 0))
            deep = np.array(tensors[DEEP_PROMPTS], dtype=np.float32) if deep_layers else None
        except (OSError, ValueError, KeyError, TypeError) as error:
            found = f"no entry {error}" if isinstance(error, KeyError) else str(error)
            raise CorruptArtifactError(tried=tried, found=found, fix=TRAIN_AGAIN) from error
        for kind, count in counts.items():
            for embeddings in (input_embeddings[kind], output_embeddings[kind]):
                expected = (count, input_embeddings["name"].shape[-1])
                fits = embeddings.shape == expected and embeddings.dtype == np.float32
                if not fits or not np.isfinite(embeddings).all():
                    raise CorruptArtifactError(
                        tried=tried,
                        found=f"{kind} rows are {embeddings.dtype} {embeddings.shape}, "
                        f"not finite float32 {expected}",
                        fix=TRAIN_AGAIN,
                    )
        shape = (deep_layers, 2, sum(counts.values()))
        if deep is not None and (deep.shape[:-1] != shape or not np.isfinite(deep).all()):
            raise CorruptArtifactError(
                tried=tried, found=f"deep rows are {deep.shape}, not finite {(*shape, '…')}", fix=TRAIN_AGAIN
            )
        return PrefixWeights(concept, version, input_embeddings, output_embeddings, self_prompting, deep)


class ConceptRuntime(PromptContext):
    """One concept in a session. The personal prompt is prefilled once; every request continues from its cache."""

    def __init__(
        self,
        session: BackboneSession,
        prefix: PrefixWeights,
        stored: Cache | None = None,
        name: str | None = None,
    ) -> None:
        """`name` is the concept's current name, if it was renamed since its training."""
        super().__init__(session)
        self.prefix = prefix
        self._name = name or prefix.concept
        self._stored = stored
        tried = f"using the trained concept '{prefix.concept}' with the backbone {session.spec.name}"
        if prefix.backbone_version != session.spec.version:
            raise NotReadyError(
                tried=tried,
                found=f"it was trained for version {prefix.backbone_version}, not {session.spec.version}",
                fix=TRAIN_AGAIN,
            )
        width = prefix.input_embeddings["name"].shape[-1]
        if width != session.spec.hidden_size:
            raise CorruptArtifactError(
                tried=tried,
                found=f"its rows have {width} values instead of {session.spec.hidden_size}",
                fix=TRAIN_AGAIN,
            )
        cached = session.spec.kv_heads * session.spec.head_dim
        deep = prefix.deep_prompts
        if deep is not None and (len(deep) > session.spec.layers or deep.shape[-1] != cached):
            raise CorruptArtifactError(
                tried=tried,
                found=f"its deep rows are {deep.shape} for {session.spec.layers} layers of {cached} values",
                fix=TRAIN_AGAIN,
            )

    @staticmethod
    def load(session: BackboneSession, directory: Path, name: str | None = None) -> ConceptRuntime:
        """The concept trained into `directory`, with its stored cache if that belongs to this session.

        The cache does not depend on the concept's name, so it stays valid after a renaming.
        """
        return ConceptRuntime(session, PrefixWeights.read(directory), _stored_cache(session, directory), name)

    @property
    def concepts(self) -> Sequence[PromptContext]:
        return (self,)

    @property
    def input_embeddings(self) -> Mapping[VirtualTokenKind, Float32Array]:
        return self.prefix.input_embeddings

    @property
    def output_embeddings(self) -> Mapping[VirtualTokenKind, Float32Array]:
        return self.prefix.output_embeddings

    @property
    def display_name(self) -> str:
        return self._name

    @property
    def self_prompting(self) -> bool:
        return self.prefix.self_prompting

    @property
    def prompt_cache_was_stored(self) -> bool:
        """Whether `prompt_cache` was read from files and need not be computed."""
        return self._stored is not None

    @cached_property
    def prompt_cache(self) -> Cache:
        """Keys and values of the begin token and the personal prompt, with the deep prompts added.

        A computed cache is rounded to float16 too, so that it gives the same answers as a stored one.
        """
        if self._stored is not None:
            return self._stored
        begin = self.session.embed_text(self.session.spec.begin_ids)
        prompt = np.concatenate([begin, self.embed(personal_prompt())])
        _, cache = self.session.forward(prompt[None])
        arrays = [
            array.astype(np.float16) for array in self._with_deep_prompts(self.session.cache_to_arrays(cache))
        ]
        return self.session.cache_from_arrays([array.astype(np.float32) for array in arrays])

    def _with_deep_prompts(self, arrays: list[Float32Array]) -> list[Float32Array]:
        """Add the deep prompts to the prompt's keys and values, each `[1, kv_heads, positions, head_dim]`."""
        if self.prefix.deep_prompts is None:
            return arrays
        positions: list[int] = []
        length = len(self.session.spec.begin_ids)
        for segment in personal_prompt():
            count = len(self.embed([segment]))
            if isinstance(segment, VirtualTokens):
                positions += range(length, length + count)
            length += count
        # Offsets and arrays have the same order: layer by layer, first keys, then values.
        deep = self.prefix.deep_prompts.reshape(-1, *self.prefix.deep_prompts.shape[2:])
        shifted = [array.copy() for array in arrays]
        for array, offsets in zip(shifted, deep, strict=False):
            array[0][:, positions] += offsets.reshape(len(positions), len(array[0]), -1).swapaxes(0, 1)
        return shifted


class ConceptsTogether(PromptContext):
    """Several concepts in a session, with their personal prompts one after another in the order of `concepts`.

    Each prompt attends to the begin token and itself, as in training, and not to the other prompts. So answers do not
    depend on the order of the concepts, and their separate caches can be concatenated.
    """

    def __init__(self, concepts: Sequence[ConceptRuntime]) -> None:
        """Raises `ValueError` for no concept."""
        if not concepts:
            raise ValueError("a prompt with concepts needs one")
        super().__init__(concepts[0].session)
        self._concepts = tuple(concepts)

    @property
    def concepts(self) -> Sequence[PromptContext]:
        return self._concepts

    @cached_property
    def prompt_cache(self) -> Cache:
        """Keys and values of the begin token and all personal prompts, to which later tokens attend."""
        begin = len(self.session.spec.begin_ids)
        alone = [self.session.cache_to_arrays(concept.prompt_cache) for concept in self._concepts]
        return self.session.cache_from_arrays(
            [
                np.concatenate([first, *(array[:, :, begin:] for array in others)], axis=2)
                for first, *others in zip(*alone, strict=True)
            ]
        )


def _stored_cache(session: BackboneSession, directory: Path) -> Cache | None:
    """The stored cache; None if it is missing, damaged or of another session, since computing it is cheap."""
    try:
        belongs_to = json.loads((directory / CACHE_MANIFEST).read_bytes())
        if belongs_to != {
            "session": session.fingerprint,
            "prefix": hash_file(directory / WEIGHTS_FILE),
            "cache": hash_file(directory / CACHE_FILE),
        }:
            return None
        tensors = open_tensors(directory / CACHE_FILE, fix=TRAIN_AGAIN)
        arrays = [tensors[f"past_{index}"].astype(np.float32) for index in range(2 * session.spec.layers)]
    except (OSError, ValueError, KeyError, CorruptArtifactError):
        return None
    return session.cache_from_arrays(arrays)
