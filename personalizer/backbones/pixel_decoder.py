"""The decoder half of Chameleon's image tokenizer, which transformers does not have: quantised latents → pixels.

Keys and order follow the published checkpoints that carry it (Anole: `model.vqmodel.decoder.*`): `up.0` works at the
full resolution and runs last. Its geometry is read off the weights, since no configuration field describes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace

import torch
from torch import nn
from torch.nn import functional
from transformers.models.chameleon.modeling_chameleon import (
    ChameleonVQVAEEncoderAttnBlock,
    ChameleonVQVAEEncoderResnetBlock,
)

from personalizer.errors import CorruptArtifactError


@dataclass(frozen=True, slots=True)
class DecoderGeometry:
    """Channels of each level from full resolution down, residual blocks per level, and which levels attend."""

    latent_channels: int
    channels: tuple[int, ...]
    blocks: int
    attention: tuple[bool, ...]
    mid_attention: bool = True

    @staticmethod
    def from_weights(weights: Mapping[str, torch.Tensor]) -> DecoderGeometry:
        """Read the geometry off decoder weights named as in the checkpoint, without their common prefix."""
        blocks = {
            (int(m[1]), int(m[2]))
            for key in weights
            if (m := re.match(r"up\.(\d+)\.block\.(\d+)\.conv2\.weight", key))
        }
        if not blocks or "conv_in.weight" not in weights:
            raise CorruptArtifactError(
                tried="reading the pixel decoder of the checkpoint",
                found="no decoder.conv_in and decoder.up.N.block.M weights",
                fix="Use a checkpoint that carries the image decoder (Anole does, Meta's Chameleon release does not).",
            )
        levels = max(level for level, _ in blocks) + 1
        return DecoderGeometry(
            latent_channels=weights["conv_in.weight"].shape[1],
            channels=tuple(weights[f"up.{level}.block.0.conv2.weight"].shape[0] for level in range(levels)),
            blocks=max(block for _, block in blocks) + 1,
            attention=tuple(f"up.{level}.attn.0.q.weight" in weights for level in range(levels)),
            mid_attention="mid.attn_1.q.weight" in weights,
        )


class _Upsample(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.conv(functional.interpolate(hidden, scale_factor=2.0, mode="nearest"))


def _block(channels: int, out_channels: int) -> nn.Module:
    return ChameleonVQVAEEncoderResnetBlock(SimpleNamespace(dropout=0.0), channels, out_channels)


class PixelDecoder(nn.Module):
    """Latents `[n, latent_channels, h, w]` → pixels `[n, 3, h * 2**(levels - 1), …]`, about -1..1."""

    def __init__(self, geometry: DecoderGeometry) -> None:
        super().__init__()
        channels = geometry.channels[-1]
        self.conv_in = nn.Conv2d(geometry.latent_channels, channels, 3, padding=1)
        self.mid = nn.Module()
        self.mid.block_1 = _block(channels, channels)
        self.mid.attn_1 = (
            ChameleonVQVAEEncoderAttnBlock(channels) if geometry.mid_attention else nn.Identity()
        )
        self.mid.block_2 = _block(channels, channels)
        ups: list[nn.Module] = []
        for level in reversed(range(len(geometry.channels))):
            up = nn.Module()
            up.block = nn.ModuleList()
            up.attn = nn.ModuleList()
            for _ in range(geometry.blocks):
                up.block.append(_block(channels, geometry.channels[level]))
                channels = geometry.channels[level]
                if geometry.attention[level]:
                    up.attn.append(ChameleonVQVAEEncoderAttnBlock(channels))
            if level > 0:
                up.upsample = _Upsample(channels)
            ups.insert(0, up)
        self.up = nn.ModuleList(ups)
        self.norm_out = nn.GroupNorm(32, channels, eps=1e-6)
        self.conv_out = nn.Conv2d(channels, 3, 3, padding=1)

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        hidden = self.mid.block_2(self.mid.attn_1(self.mid.block_1(self.conv_in(latents))))
        for level in reversed(range(len(self.up))):
            up = self.up[level]
            for number, block in enumerate(up.block):
                hidden = block(hidden)
                if len(up.attn):
                    hidden = up.attn[number](hidden)
            if level > 0:
                hidden = up.upsample(hidden)
        return self.conv_out(functional.silu(self.norm_out(hidden)))
