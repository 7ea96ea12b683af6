"""What every unified image-text model offers to training and export, whatever its family.

Knows no concept, no file format and no particular checkpoint. Chameleon, Anole and the bundled pocket model share one
vocabulary for text and image tokens; Janus has two heads and reads images through another encoder than it writes
them. The interface keeps these apart: `image_context` is what the model *reads*, `encode_images` what it *writes*.
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
    """From pictures to the pixels that the image encoder takes, and back."""

    @property
    def language_model(self) -> nn.Module:
        """The decoder alone: takes `inputs_embeds`, returns hidden states after the final norm."""

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """Everything that has weights, by a name of its own."""

    def tokenize(self, text: str) -> list[int]:
        """Text ids, without any special token."""

    def detokenize(self, ids: Sequence[int]) -> str:
        """The words; special tokens are left out."""

    def encode_images(self, images: Sequence[Image.Image]) -> torch.Tensor:
        """Image codes, int64 `[images, tokens_per_image]`, values below `codebook_size`."""

    def encode_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        """Codes `[n, tokens_per_image]` from scaled pixels `[n, 3, size, size]`."""

    def decode_pixels(self, codes: torch.Tensor) -> torch.Tensor:
        """Scaled pixels `[n, 3, size, size]` from codes `[n, tokens_per_image]`."""

    def decode_images(self, codes: torch.Tensor) -> list[Image.Image]:
        """Pictures of `image_size_px` from codes `[images, tokens_per_image]`."""

    def image_context(self, images: Sequence[Image.Image]) -> torch.Tensor:
        """What the model reads for each image, `[images, context_tokens_per_image, hidden]`."""

    def embed_text(self, ids: torch.Tensor) -> torch.Tensor:
        """Input embeddings of text ids, `[..., hidden]`."""

    def embed_image_codes(self, codes: torch.Tensor) -> torch.Tensor:
        """Input embeddings of codes that the model itself wrote, `[..., hidden]`."""

    def forward(
        self, embeddings: torch.Tensor, mask: torch.Tensor | None = None, cache: Any = None
    ) -> tuple[torch.Tensor, Any]:
        """Final hidden states `[batch, seq, hidden]` and the key/value cache (None in, None out while training).

        `mask` is `[batch, past + seq]`, 1 where there is a token; padding stands on the right.
        """

    def new_cache(self) -> Any:
        """An empty key/value cache for `forward`."""

    def chosen_cache(self, cache: Any, rows: Sequence[int]) -> Any:
        """The sequences `rows` of a cache, each as often as it is named; `cache` stays as it is, gradients reach it."""

    def joined_cache(self, cache: Any, behind: Any, skipped: int = 0) -> Any:
        """A new cache of one sequence: all positions of `cache`, then those of `behind` but its first `skipped`."""

    def cached(self, cache: Any, places: Sequence[int], layers: int) -> torch.Tensor:
        """The first layers' keys and values at `places` of one sequence, `[layers, 2, places, kv_heads * head_dim]`."""

    def moved_cache(self, cache: Any, places: Sequence[int], by: torch.Tensor) -> Any:
        """A new cache of one sequence, moved at `places` by what has the shape of `cached`; gradients reach both."""

    def text_logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """`[..., text_vocabulary]`; ids that are image codes are masked out."""

    def image_logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """`[..., codebook_size]`."""

    def name_prior(self) -> torch.Tensor:
        """Where a new name's input row starts, `[hidden]`: like a token that is free for a name."""

    def output_scale(self) -> float:
        """The size (root mean square) of the text head's rows, as a unit for new ones."""
