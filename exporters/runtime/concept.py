"""A trained concept at serving time: its learned rows and the keys and values of its personal prompt.

Reads what training wrote (`prefix.safetensors`, `manifest.json`) and knows nothing of how it was trained.
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
    DEEP_ROWS,
    FORMATS,
    ROW_KINDS,
    WEIGHTS_FILE,
    input_tensor,
    output_tensor,
)
from personalizer.prefix.prompts import RowKind, Rows, personal_prompt
from personalizer.schemas import Float32Array

TRAIN_AGAIN = "Train the concept again (familiar train NAME); its photos are untouched."


@dataclass(frozen=True, slots=True, eq=False)
class LearnedRows:
    """The learned rows of one concept, `[count, hidden]` each; the name is one row."""

    concept: str
    backbone_version: str
    inputs: Mapping[RowKind, Float32Array]
    outputs: Mapping[RowKind, Float32Array]
    self_prompting: bool = True
    """Whether answers about it begin with its rows, as they did in training."""
    deep: Float32Array | None = None
    """What is added to keys and values of its rows, `[first layers, 2, rows, kv_heads * head_dim]`."""

    @staticmethod
    def read(directory: Path) -> LearnedRows:
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
            counts: dict[RowKind, int] = {
                "name": 1,
                "generation": int(manifest["generation_rows"]),
                "understanding": int(manifest["understanding_rows"]),
            }
            self_prompting = bool(manifest.get("self_prompting", True))
            inputs = {kind: np.array(tensors[input_tensor(kind)]) for kind in ROW_KINDS}
            outputs = {kind: np.array(tensors[output_tensor(kind)]) for kind in ROW_KINDS}
            deep_layers = int(manifest.get("deep_layers", 0))
            deep = np.array(tensors[DEEP_ROWS], dtype=np.float32) if deep_layers else None
        except (OSError, ValueError, KeyError, TypeError) as error:
            found = f"no entry {error}" if isinstance(error, KeyError) else str(error)
            raise CorruptArtifactError(tried=tried, found=found, fix=TRAIN_AGAIN) from error
        for kind, count in counts.items():
            for rows in (inputs[kind], outputs[kind]):
                expected = (count, inputs["name"].shape[-1])
                if rows.shape != expected or rows.dtype != np.float32 or not np.isfinite(rows).all():
                    raise CorruptArtifactError(
                        tried=tried,
                        found=f"{kind} rows are {rows.dtype} {rows.shape}, not finite float32 {expected}",
                        fix=TRAIN_AGAIN,
                    )
        shape = (deep_layers, 2, sum(counts.values()))
        if deep is not None and (deep.shape[:-1] != shape or not np.isfinite(deep).all()):
            raise CorruptArtifactError(
                tried=tried, found=f"deep rows are {deep.shape}, not finite {(*shape, '…')}", fix=TRAIN_AGAIN
            )
        return LearnedRows(concept, version, inputs, outputs, self_prompting, deep)


class ConceptRuntime(PromptContext):
    """One concept in a session. Its personal prompt is run once; every request continues from there."""

    def __init__(
        self,
        session: BackboneSession,
        rows: LearnedRows,
        stored: Cache | None = None,
        name: str | None = None,
    ) -> None:
        """`name` is what the concept is called now, where that is not what it was called when it was trained."""
        super().__init__(session)
        self.rows = rows
        self._name = name or rows.concept
        self._stored = stored
        tried = f"using the trained concept '{rows.concept}' with the backbone {session.spec.name}"
        if rows.backbone_version != session.spec.version:
            raise NotReadyError(
                tried=tried,
                found=f"it was trained for version {rows.backbone_version}, not {session.spec.version}",
                fix=TRAIN_AGAIN,
            )
        width = rows.inputs["name"].shape[-1]
        if width != session.spec.hidden_size:
            raise CorruptArtifactError(
                tried=tried,
                found=f"its rows have {width} values instead of {session.spec.hidden_size}",
                fix=TRAIN_AGAIN,
            )
        cached = session.spec.kv_heads * session.spec.head_dim
        deep = rows.deep
        if deep is not None and (len(deep) > session.spec.layers or deep.shape[-1] != cached):
            raise CorruptArtifactError(
                tried=tried,
                found=f"its deep rows are {deep.shape} for {session.spec.layers} layers of {cached} values",
                fix=TRAIN_AGAIN,
            )

    @staticmethod
    def load(session: BackboneSession, directory: Path, name: str | None = None) -> ConceptRuntime:
        """The concept trained into `directory`, with its stored cache if that belongs to this session.

        The cache holds learned rows and no word of the name: it serves whatever the concept is called.
        """
        return ConceptRuntime(session, LearnedRows.read(directory), _stored_cache(session, directory), name)

    @property
    def concepts(self) -> Sequence[PromptContext]:
        return (self,)

    @property
    def inputs(self) -> Mapping[RowKind, Float32Array]:
        return self.rows.inputs

    @property
    def outputs(self) -> Mapping[RowKind, Float32Array]:
        return self.rows.outputs

    @property
    def display_name(self) -> str:
        return self._name

    @property
    def self_prompting(self) -> bool:
        return self.rows.self_prompting

    @property
    def start_was_stored(self) -> bool:
        """Whether `start` was read from files rather than to be computed."""
        return self._stored is not None

    @cached_property
    def start(self) -> Cache:
        """Keys and values of the begin token and the personal prompt, with the deep rows added.

        Rounded to float16 whether they were stored or just computed, so that both give the same answers.
        """
        if self._stored is not None:
            return self._stored
        begin = self.session.embed_text(self.session.spec.begin_ids)
        prompt = np.concatenate([begin, self.embed(personal_prompt())])
        _, cache = self.session.forward(prompt[None])
        arrays = [array.astype(np.float16) for array in self._moved(self.session.cache_to_arrays(cache))]
        return self.session.cache_from_arrays([array.astype(np.float32) for array in arrays])

    def _moved(self, arrays: list[Float32Array]) -> list[Float32Array]:
        """Keys and values `[1, kv_heads, positions, head_dim]` of the prompt as everything behind it reads them."""
        if self.rows.deep is None:
            return arrays
        places: list[int] = []
        length = len(self.session.spec.begin_ids)
        for segment in personal_prompt():
            count = len(self.embed([segment]))
            if isinstance(segment, Rows):
                places += range(length, length + count)
            length += count
        # Layer by layer, keys and then values, which is also the order of the arrays.
        deep = self.rows.deep.reshape(-1, *self.rows.deep.shape[2:])
        found = [array.copy() for array in arrays]
        for array, moves in zip(found, deep, strict=False):
            array[0][:, places] += moves.reshape(len(places), len(array[0]), -1).swapaxes(0, 1)
        return found


class ConceptsTogether(PromptContext):
    """Several concepts in a session: their personal prompts stand one after another, in the order of `concepts`, and
    each is read as in training, right behind the begin token and without the others.

    The order matters to no answer then, and nothing is computed that the concepts have not computed alone.
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
    def start(self) -> Cache:
        """Keys and values of the begin token and all personal prompts. What follows reads all of them."""
        begin = len(self.session.spec.begin_ids)
        alone = [self.session.cache_to_arrays(one.start) for one in self._concepts]
        return self.session.cache_from_arrays(
            [
                np.concatenate([first, *(array[:, :, begin:] for array in others)], axis=2)
                for first, *others in zip(*alone, strict=True)
            ]
        )


def _stored_cache(session: BackboneSession, directory: Path) -> Cache | None:
    """The stored cache, or None if it is missing, damaged or of another session: computing it is cheap."""
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
