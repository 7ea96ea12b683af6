"""The serving interface of a backbone, in numpy, and its key/value cache.

Knows no framework: onnxruntime and torch each implement the protocol.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from PIL import Image

from personalizer.backbones.spec import BackboneSpec
from personalizer.errors import UsageError
from personalizer.schemas import BoolArray, Float32Array, Int64Array


@dataclass(frozen=True, slots=True, eq=False)
class Cache:
    """Keys and values of tokens that a decoder has seen. Never changed: a longer sequence is a new cache, so
    any number of continuations may start from the same prefix.
    """

    tensors: tuple[Any, ...]
    """Key 0, value 0, key 1, … each `[batch, kv_heads, length, head_dim]`, in the session's array type."""
    mask: BoolArray
    """`[batch, length]`, False where a shorter sequence of the batch was padded."""

    @property
    def batch(self) -> int:
        return int(self.mask.shape[0])

    @property
    def length(self) -> int:
        return int(self.mask.shape[1])

    def select(self, rows: Sequence[int]) -> Cache:
        """The sequences `rows`, in that order; a row may be named more than once."""
        chosen = list(rows)
        return Cache(tuple(tensor[chosen] for tensor in self.tensors), self.mask[chosen])

    def repeat(self, batch: int) -> Cache:
        """Every sequence `batch` times, neighbours together."""
        return self if batch == 1 else self.select(np.repeat(np.arange(self.batch), batch).tolist())


class BackboneSession(Protocol):
    """A backbone ready to run. Arrays are numpy; methods may be called from several threads."""

    @property
    def spec(self) -> BackboneSpec:
        """Sizes and special ids."""

    @property
    def fingerprint(self) -> str:
        """Changes when anything changes that a stored cache depends on."""

    def tokenize(self, text: str) -> list[int]:
        """Text ids, without any special token."""

    def detokenize(self, ids: Sequence[int]) -> str:
        """The words; special tokens are left out."""

    def embed_text(self, ids: Sequence[int] | Int64Array) -> Float32Array:
        """Input embeddings `[..., hidden]` of text ids."""

    def embed_image_codes(self, codes: Int64Array) -> Float32Array:
        """Input embeddings `[..., hidden]` of codes that the model itself wrote."""

    def image_context(self, images: Sequence[Image.Image]) -> Float32Array:
        """What the model reads for each image, `[images, context_tokens_per_image, hidden]`."""

    def encode_images(self, images: Sequence[Image.Image]) -> Int64Array:
        """Image codes `[images, tokens_per_image]`."""

    def decode_images(self, codes: Int64Array) -> list[Image.Image]:
        """Pictures from codes `[images, tokens_per_image]`."""

    def forward(
        self, embeddings: Float32Array, cache: Cache | None = None, mask: BoolArray | None = None
    ) -> tuple[Float32Array, Cache]:
        """Hidden states of `embeddings` after `cache`, both `[batch, seq, hidden]`, and the longer cache.

        `mask` `[batch, seq]` is False where a sequence is padded.
        """

    def text_logits(self, hidden: Float32Array) -> Float32Array:
        """`[..., text_vocabulary]`; ids that are image codes are masked out."""

    def image_logits(self, hidden: Float32Array) -> Float32Array:
        """`[..., codebook_size]`."""

    def join(self, caches: Sequence[Cache]) -> Cache:
        """One batch of all sequences of `caches`, padded to the longest."""

    def cache_to_arrays(self, cache: Cache) -> list[Float32Array]:
        """The cache's tensors in numpy, to be stored."""

    def cache_from_arrays(self, arrays: Sequence[Float32Array]) -> Cache:
        """The inverse, for sequences without padding."""


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """The bookkeeping of one `forward`, shared by the sessions."""

    mask: BoolArray
    """`[batch, past + seq]`."""
    positions: Int64Array
    """`[batch, seq]`: how many real tokens stand before each."""


def plan_step(
    spec: BackboneSpec, embeddings: Float32Array, cache: Cache | None, mask: BoolArray | None
) -> Step:
    """Check the shapes of a `forward` and count positions."""
    batch, new, hidden = embeddings.shape
    past = cache.length if cache else 0
    if hidden != spec.hidden_size or (cache and cache.batch != batch):
        raise ValueError(
            f"embeddings {embeddings.shape} do not fit hidden size {spec.hidden_size}"
            f" and a cache of {cache.batch if cache else 'no'} sequences"
        )
    if past + new > spec.max_positions:
        raise UsageError(
            tried=f"running {spec.name} on {past + new} tokens",
            found=f"it reads at most {spec.max_positions}",
            fix="Use a shorter text or fewer images.",
        )
    added = np.ones((batch, new), dtype=np.bool_) if mask is None else mask
    before = cache.mask if cache else np.zeros((batch, 0), dtype=np.bool_)
    positions = before.sum(axis=1, keepdims=True) + np.maximum(np.cumsum(added, axis=1) - 1, 0)
    return Step(np.concatenate([before, added], axis=1), positions.astype(np.int64))


def joined_mask(caches: Sequence[Cache]) -> BoolArray:
    """The mask of `join`: shorter sequences are padded behind their last token."""
    length = max(cache.length for cache in caches)
    return np.concatenate([np.pad(cache.mask, ((0, 0), (0, length - cache.length))) for cache in caches])
