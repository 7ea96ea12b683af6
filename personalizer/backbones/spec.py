"""The sizes and special ids of a backbone, without torch, so that serving can read them from a manifest.

Knows no model and no file format.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackboneSpec:
    """Sizes and special ids. Ids are the model's own text ids; image codes run from 0 to `codebook_size`."""

    name: str
    version: str
    """Changes whenever weights or vocabulary change; prefixes and exports belong to one version."""
    family: str
    """`chameleon` or `janus`: which class loads it."""
    hidden_size: int
    layers: int
    kv_heads: int
    head_dim: int
    max_positions: int
    text_vocabulary: int
    """Columns of `text_logits`; the learned rows of a concept are appended behind them."""
    codebook_size: int
    image_size_px: int
    tokens_per_image: int
    """Codes that one generated picture has."""
    context_tokens_per_image: int
    """Embeddings that one read picture takes, without its begin and end markers."""
    begin_ids: tuple[int, ...]
    """What every sequence starts with."""
    begin_image_ids: tuple[int, ...]
    end_image_ids: tuple[int, ...]
    separator_ids: tuple[int, ...]
    """Ends the user's turn."""
    end_id: int
    """Ends the answer."""
    free_ids: tuple[int, ...] = ()
    """Text ids that the vocabulary keeps free for new tokens."""
