"""A backbone on onnxruntime, from an exported directory. Imports no torch and knows no model family."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from exporters.manifest import EXPORT_AGAIN, Manifest
from exporters.runtime.session import Cache, joined_mask, plan_step
from exporters.tensor_files import open_tensors
from personalizer.backbones.spec import BackboneSpec
from personalizer.errors import CorruptArtifactError, NotReadyError, UsageError
from personalizer.schemas import BoolArray, Float32Array, Int64Array


class OrtSession:
    """The exported backbone in `directory`; graphs are opened when they are first needed.

    Outputs of one step are the inputs of the next without a copy: onnxruntime hands out numpy arrays over its
    own memory. They run in one thread, the fastest for a small decoder in 8 bits.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.manifest = Manifest.read(directory)
        self.manifest.verify(directory)
        tables = open_tensors(directory / "embeddings.safetensors", fix=EXPORT_AGAIN)
        try:
            self._text_table: Float32Array = tables["text"]
            self._code_table: Float32Array = tables["image_codes"]
        except KeyError as error:
            raise self._damaged(f"no embedding table {error}") from error
        spec = self.manifest.spec
        expected = (spec.text_vocabulary, spec.hidden_size), (spec.codebook_size, spec.hidden_size)
        if (self._text_table.shape, self._code_table.shape) != expected:
            raise self._damaged(f"embedding tables {self._text_table.shape} and {self._code_table.shape}")
        self._lock = threading.Lock()
        self._graphs: dict[str, Any] = {}
        self._tokenizer: Any = None
        cache_shape = (1, spec.kv_heads, 0, spec.head_dim)
        self._empty = tuple(np.zeros(cache_shape, np.float32) for _ in range(2 * spec.layers))
        self._past_names = [f"past_{index}" for index in range(2 * spec.layers)]

    @property
    def spec(self) -> BackboneSpec:
        return self.manifest.spec

    @property
    def fingerprint(self) -> str:
        return self.manifest.fingerprint

    def tokenize(self, text: str) -> list[int]:
        return list(self._text_model().encode(text, add_special_tokens=False).ids)

    def detokenize(self, ids: Sequence[int]) -> str:
        return str(self._text_model().decode([int(token) for token in ids], skip_special_tokens=True))

    def embed_text(self, ids: Sequence[int] | Int64Array) -> Float32Array:
        return self._text_table[np.asarray(ids, dtype=np.int64)]

    def embed_image_codes(self, codes: Int64Array) -> Float32Array:
        return self._code_table[np.asarray(codes, dtype=np.int64)]

    def image_context(self, images: Sequence[Image.Image]) -> Float32Array:
        return self.embed_image_codes(self.encode_images(images))

    def encode_images(self, images: Sequence[Image.Image]) -> Int64Array:
        pixels = np.stack([self.manifest.scaling.pixels(image) for image in images])
        (codes,) = self._graph("image_encoder").run(None, {"pixels": pixels})
        return np.asarray(codes, dtype=np.int64)

    def decode_images(self, codes: Int64Array) -> list[Image.Image]:
        if not self.can_draw:
            raise NotReadyError(
                tried=f"drawing with {self.spec.name}",
                found="its checkpoint has no pixel decoder",
                fix="Use a backbone that can draw, such as the bundled pocket model.",
            )
        if codes.size and not 0 <= int(codes.min()) <= int(codes.max()) < self.spec.codebook_size:
            raise UsageError(
                tried="drawing from image codes",
                found=f"a code outside 0..{self.spec.codebook_size - 1}",
                fix="Use codes that this backbone wrote.",
            )
        (pixels,) = self._graph("image_decoder").run(None, {"codes": np.asarray(codes, dtype=np.int64)})
        return [self.manifest.scaling.image(picture) for picture in pixels]

    @property
    def can_draw(self) -> bool:
        """Whether the checkpoint had a pixel decoder."""
        return "image_decoder.onnx" in self.manifest.files

    def forward(
        self, embeddings: Float32Array, cache: Cache | None = None, mask: BoolArray | None = None
    ) -> tuple[Float32Array, Cache]:
        step = plan_step(self.spec, embeddings, cache, mask)
        past = cache.tensors if cache else self._no_past(len(embeddings))
        inputs = {
            "inputs_embeds": np.ascontiguousarray(embeddings, dtype=np.float32),
            "attention_mask": step.mask.astype(np.int64),
            "position_ids": step.positions,
            **dict(zip(self._past_names, past, strict=True)),
        }
        hidden, *present = self._graph("decoder").run(None, inputs)
        return hidden, Cache(tuple(present), step.mask)

    def text_logits(self, hidden: Float32Array) -> Float32Array:
        return self._head("text_head", hidden)

    def image_logits(self, hidden: Float32Array) -> Float32Array:
        return self._head("image_head", hidden)

    def join(self, caches: Sequence[Cache]) -> Cache:
        mask = joined_mask(caches)
        tensors = []
        for parts in zip(*(cache.tensors for cache in caches), strict=True):
            padding = [((0, 0), (0, 0), (0, mask.shape[1] - part.shape[2]), (0, 0)) for part in parts]
            tensors.append(np.concatenate([np.pad(p, pad) for p, pad in zip(parts, padding, strict=True)]))
        return Cache(tuple(tensors), mask)

    def cache_to_arrays(self, cache: Cache) -> list[Float32Array]:
        return list(cache.tensors)

    def cache_from_arrays(self, arrays: Sequence[Float32Array]) -> Cache:
        tensors = tuple(np.ascontiguousarray(array, dtype=np.float32) for array in arrays)
        return Cache(tensors, np.ones((tensors[0].shape[0], tensors[0].shape[2]), dtype=np.bool_))

    def _head(self, name: str, hidden: Float32Array) -> Float32Array:
        rows = np.ascontiguousarray(hidden, dtype=np.float32).reshape(-1, self.spec.hidden_size)
        (logits,) = self._graph(name).run(None, {"hidden": rows})
        return np.asarray(logits).reshape(*hidden.shape[:-1], -1)

    def _no_past(self, batch: int) -> tuple[Float32Array, ...]:
        return tuple(np.zeros((batch, *array.shape[1:]), np.float32) for array in self._empty)

    def _graph(self, name: str) -> Any:
        with self._lock:
            if name not in self._graphs:
                self._graphs[name] = self._open(self.directory / f"{name}.onnx")
            return self._graphs[name]

    def _open(self, path: Path) -> Any:
        try:
            from personalizer.onnx_runtime import load_onnxruntime, new_session

            onnxruntime = load_onnxruntime()
        except ImportError as error:
            raise NotReadyError(
                tried="opening an exported backbone",
                found="onnxruntime is not installed",
                fix="Install one of the extras: familiar-assistant[cpu] or familiar-assistant[gpu].",
            ) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        # Threads that wait by spinning take the cores that scanning and the screen need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            return new_session(path, options)
        except Exception as error:  # onnxruntime raises several unrelated types
            raise self._damaged(f"{path.name} does not load ({error})") from error

    def _text_model(self) -> Any:
        with self._lock:
            if self._tokenizer is None:
                from tokenizers import Tokenizer

                try:
                    self._tokenizer = Tokenizer.from_file(str(self.directory / "tokenizer.json"))
                except Exception as error:  # tokenizers raises plain exceptions
                    raise self._damaged(f"tokenizer.json does not load ({error})") from error
                # What a person typed is words, also where it spells an end token; training reads it so too.
                self._tokenizer.encode_special_tokens = True
            return self._tokenizer

    def _damaged(self, found: str) -> CorruptArtifactError:
        return CorruptArtifactError(
            tried=f"opening the exported backbone in {self.directory}", found=found, fix=EXPORT_AGAIN
        )
