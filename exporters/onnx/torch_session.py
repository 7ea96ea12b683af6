"""A torch backbone with the serving interface: the reference for exports, and the way to use a GPU."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image

from exporters.onnx.graphs import DecoderGraph
from exporters.runtime.session import Cache, joined_mask, plan_step
from personalizer.backbones.base import Backbone
from personalizer.backbones.spec import BackboneSpec
from personalizer.schemas import BoolArray, Float32Array, Int64Array


class TorchSession:
    """`backbone` as a session; caches stay on its device."""

    def __init__(self, backbone: Backbone) -> None:
        self.backbone = backbone
        self._decoder = DecoderGraph(backbone)

    @property
    def spec(self) -> BackboneSpec:
        return self.backbone.spec

    @property
    def fingerprint(self) -> str:
        return f"torch {self.spec.version}"

    def tokenize(self, text: str) -> list[int]:
        return self.backbone.tokenize(text)

    def detokenize(self, ids: Sequence[int]) -> str:
        return self.backbone.detokenize([int(token) for token in ids])

    @torch.no_grad()
    def embed_text(self, ids: Sequence[int] | Int64Array) -> Float32Array:
        return _array(self.backbone.embed_text(self._ids(ids)))

    @torch.no_grad()
    def embed_image_codes(self, codes: Int64Array) -> Float32Array:
        return _array(self.backbone.embed_image_codes(self._ids(codes)))

    @torch.no_grad()
    def image_context(self, images: Sequence[Image.Image]) -> Float32Array:
        return _array(self.backbone.image_context(images))

    @torch.no_grad()
    def encode_images(self, images: Sequence[Image.Image]) -> Int64Array:
        codes: Int64Array = self.backbone.encode_images(images).cpu().numpy().astype(np.int64)
        return codes

    @torch.no_grad()
    def decode_images(self, codes: Int64Array) -> list[Image.Image]:
        return self.backbone.decode_images(self._ids(codes))

    @torch.no_grad()
    def forward(
        self, embeddings: Float32Array, cache: Cache | None = None, mask: BoolArray | None = None
    ) -> tuple[Float32Array, Cache]:
        step = plan_step(self.spec, embeddings, cache, mask)
        dtype = next(self._decoder.parameters()).dtype
        shape = (len(embeddings), self.spec.kv_heads, 0, self.spec.head_dim)
        empty = [torch.zeros(shape, dtype=dtype, device=self.backbone.device)] * (2 * self.spec.layers)
        hidden, *present = self._decoder(
            self._floats(embeddings).to(dtype),
            self._ids(step.mask.astype(np.int64)),
            self._ids(step.positions),
            list(cache.tensors) if cache else empty,
        )
        return _array(hidden), Cache(tuple(present), step.mask)

    @torch.no_grad()
    def text_logits(self, hidden: Float32Array) -> Float32Array:
        return _array(self.backbone.text_logits(self._hidden(hidden)))

    @torch.no_grad()
    def image_logits(self, hidden: Float32Array) -> Float32Array:
        return _array(self.backbone.image_logits(self._hidden(hidden)))

    def join(self, caches: Sequence[Cache]) -> Cache:
        mask = joined_mask(caches)
        tensors = []
        for parts in zip(*(cache.tensors for cache in caches), strict=True):
            padded = [
                torch.nn.functional.pad(part, (0, 0, 0, mask.shape[1] - part.shape[2])) for part in parts
            ]
            tensors.append(torch.cat(padded))
        return Cache(tuple(tensors), mask)

    def cache_to_arrays(self, cache: Cache) -> list[Float32Array]:
        return [_array(tensor) for tensor in cache.tensors]

    def cache_from_arrays(self, arrays: Sequence[Float32Array]) -> Cache:
        dtype = next(self._decoder.parameters()).dtype
        tensors = tuple(self._floats(array).to(dtype) for array in arrays)
        return Cache(tensors, np.ones((tensors[0].shape[0], tensors[0].shape[2]), dtype=np.bool_))

    def _hidden(self, hidden: Float32Array) -> torch.Tensor:
        return self._floats(hidden).to(next(self._decoder.parameters()).dtype)

    def _ids(self, ids: Sequence[int] | Int64Array) -> torch.Tensor:
        return torch.as_tensor(np.asarray(ids, dtype=np.int64), device=self.backbone.device)

    def _floats(self, values: Float32Array) -> torch.Tensor:
        return torch.from_numpy(np.array(values, dtype=np.float32)).to(self.backbone.device)


def _array(tensor: torch.Tensor) -> Float32Array:
    array: Float32Array = tensor.detach().float().cpu().numpy()
    return array
