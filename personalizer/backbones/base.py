"""The interface of a unified image-text model in torch, as training and export use it, for every model family.

Knows no concept, no file format and no checkpoint. Chameleon, Anole and the bundled pocket model share one
vocabulary for text and image tokens; Janus has two heads, and the encoder through which it reads images is not the
tokenizer of those it generates. So there are two methods: `image_context` for input, `encode_images` for output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from PIL import Image
from torch import nn

from personalizer.backbones.preprocessing import PixelScaling
from personalizer.backbones.spec import BackboneSpec

__all__ = ["Backbone", "BackboneSpec"]


class Backbone(Protocol):
    """A frozen unified model in torch. All tensors live on `device`."""

    spec: BackboneSpec
    device: torch.device
    directory: Path
    """The checkpoint's folder; what ships beside the weights (a picture bank) is found there."""
    reads_own_codes: bool
    """Whether `image_context` is `embed_image_codes(encode_images(...))`, so that caching codes is enough."""

    tokenizer_path: Path
    """The file of the tokenizer, in the format of the library `tokenizers`."""
    scaling: PixelScaling
    """Scales pictures to the pixel values of the image encoder, and back."""

    @property
    def language_model(self) -> nn.Module:
        """The decoder alone: takes `inputs_embeds`, returns hidden states after the final norm."""

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """All modules that have weights, by a unique name."""

    def tokenize(self, text: str) -> list[int]:
        """Text ids, without special tokens."""

    def detokenize(self, ids: Sequence[int]) -> str:
        """The text of `ids`, without special tokens."""

    def encode_images(self, images: Sequence[Image.Image]) -> torch.Tensor:
        """Image codes, int64 `[images, tokens_per_image]`, values below `codebook_size`."""

    def encode_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        """Image codes, int64 `[images, tokens_per_image]`, of scaled pixels `[images, 3, size, size]`."""

    def decode_pixels(self, codes: torch.Tensor) -> torch.Tensor:
        """Scaled pixels `[images, 3, size, size]` from codes `[images, tokens_per_image]`."""

    def decode_images(self, codes: torch.Tensor) -> list[Image.Image]:
        """Pictures of `image_size_px` from codes `[images, tokens_per_image]`."""

    def image_context(self, images: Sequence[Image.Image]) -> torch.Tensor:
        """Input embeddings of images that the model reads, `[images, context_tokens_per_image, hidden]`."""

    def embed_text(self, ids: torch.Tensor) -> torch.Tensor:
        """Input embeddings of text ids, `[..., hidden]`."""

    def embed_image_codes(self, codes: torch.Tensor) -> torch.Tensor:
        """Input embeddings of image codes that the model generated, `[..., hidden]`."""

    def forward(
        self, embeddings: torch.Tensor, mask: torch.Tensor | None = None, cache: Any = None
    ) -> tuple[torch.Tensor, Any]:
        """Final hidden states `[batch, seq, hidden]` and the extended key/value cache; without `cache`, None.

        `embeddings` are `[batch, seq, hidden]`. `mask` is `[batch, past + seq]`, 1 at tokens and 0 at padding, which is
        on the right.
        """

    def new_cache(self) -> Any:
        """An empty key/value cache for `forward`."""

    def select_cache_rows(self, cache: Any, rows: Sequence[int]) -> Any:
        """A new cache of the sequences `rows` of `cache`, repeats allowed; `cache` is unchanged, gradients reach it."""

    def concatenate_caches(self, cache: Any, behind: Any, skipped: int = 0) -> Any:
        """A new cache of one sequence: all positions of `cache`, then those of `behind` without its first `skipped`."""

    def keys_values_at(self, cache: Any, positions: Sequence[int], layers: int) -> torch.Tensor:
        """Keys and values at `positions` of one sequence, `[layers, 2, positions, kv_heads * head_dim]`.

        Of the first `layers` layers; axis 1 is key, value.
        """

    def add_cache_offsets(self, cache: Any, positions: Sequence[int], offsets: torch.Tensor) -> Any:
        """A new cache of one sequence with `offsets` added to keys and values at `positions` (deep prompt tuning).

        `offsets` has the shape that `keys_values_at` returns; gradients reach `cache` and `offsets`.
        """

    def text_logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Text logits `[..., text_vocabulary]` of hidden states `[..., hidden]`; ids of image codes are masked out."""

    def image_logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Image-code logits `[..., codebook_size]` of hidden states `[..., hidden]`."""

    def name_prior(self) -> torch.Tensor:
        """Initialization of a new name's input embedding, `[hidden]`: like a token that is free for a name."""

    def output_scale(self) -> float:
        """Root mean square of the text head's weights, as the unit of new output embeddings."""
