"""Sizes and budgets of the pocket backbone. One dataclass, no logic."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PocketConfig:
    """The first version: what an hour on two CPU cores can train."""

    image_size_px: int = 64
    levels: tuple[int, ...] = (6, 6, 5, 3, 4)
    """Finite-scalar code levels; their product is the codebook size. The last axis is anchored to red against green."""
    latent_channels: int = 64
    encoder_base: int = 32
    encoder_multipliers: tuple[int, ...] = (1, 1, 2, 4)
    encoder_blocks: int = 1
    decoder_base: int = 32
    decoder_multipliers: tuple[int, ...] = (1, 1, 2, 2)
    decoder_blocks: int = 1
    text_vocabulary: int = 1600
    reserved: int = 64
    hidden: int = 256
    intermediate: int = 704
    layers: int = 6
    heads: int = 4
    max_positions: int = 512

    @property
    def codes(self) -> int:
        product = 1
        for level in self.levels:
            product *= level
        return product

    @property
    def tokens_per_image(self) -> int:
        return (self.image_size_px // 2 ** (len(self.encoder_multipliers) - 1)) ** 2
