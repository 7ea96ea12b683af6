"""The image tokenizer while it trains: Chameleon's own VQ encoder, a finite-scalar codebook, Anole's decoder layout.

Finite-scalar levels use the whole codebook from the first steps, where a learned codebook of this size collapses.
The grid is a product lattice, so its nearest point is found per dimension, and clamping is implied: Chameleon's
ordinary nearest-neighbour lookup over the stored grid gives the same ids, with no tanh in between.
"""

from __future__ import annotations

import hashlib
from itertools import product

import torch
from torch import nn
from transformers import ChameleonVQVAEConfig
from transformers.models.chameleon.modeling_chameleon import ChameleonVQVAEEncoder

from personalizer.backbones.pixel_decoder import DecoderGeometry, PixelDecoder
from scripts.pocket.config import PocketConfig


def vq_config(config: PocketConfig) -> ChameleonVQVAEConfig:
    return ChameleonVQVAEConfig(
        embed_dim=len(config.levels),
        num_embeddings=config.codes,
        latent_channels=config.latent_channels,
        resolution=config.image_size_px,
        base_channels=config.encoder_base,
        channel_multiplier=list(config.encoder_multipliers),
        num_res_blocks=config.encoder_blocks,
    )


def decoder_geometry(config: PocketConfig) -> DecoderGeometry:
    channels = tuple(config.decoder_base * multiplier for multiplier in config.decoder_multipliers)
    return DecoderGeometry(config.latent_channels, channels, config.decoder_blocks, (False,) * len(channels))


def lattice(levels: tuple[int, ...]) -> torch.Tensor:
    """All code vectors `[codes, dims]` in -1..1."""
    axes = [torch.linspace(-1.0, 1.0, level).tolist() for level in levels]
    return torch.tensor(list(product(*axes)))


class ImageTokenizer(nn.Module):
    """Encoder → lattice → decoder, with a head that predicts what a recognition network sees."""

    def __init__(self, config: PocketConfig) -> None:
        super().__init__()
        self.levels = config.levels
        dims = len(config.levels)
        self.encoder = ChameleonVQVAEEncoder(vq_config(config))
        self.quant_conv = nn.Conv2d(config.latent_channels, dims, 1)
        self.post_quant_conv = nn.Conv2d(dims, config.latent_channels, 1)
        self.decoder = PixelDecoder(decoder_geometry(config))
        side = int(config.tokens_per_image**0.5)
        self.semantic_head = nn.Sequential(
            nn.Conv2d(dims, 128, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(128, 192, 3, stride=2, padding=1),
            nn.GELU(),
            nn.Flatten(),
            nn.Linear(192 * (side // 2) ** 2, config.semantic_features),
        )

    def quantise(self, latent: torch.Tensor) -> torch.Tensor:
        """Straight-through lattice points `[b, dims, h, w]`."""
        levels = torch.tensor(self.levels, device=latent.device, dtype=latent.dtype).view(1, -1, 1, 1)
        clamped = latent.clamp(-1.0, 1.0)
        rounded = torch.round((clamped + 1) / 2 * (levels - 1)) / (levels - 1) * 2 - 1
        # No gradient beyond the range: pushed further out there, a latent would only lose information.
        return clamped + (rounded - clamped).detach()

    def ids(self, quantised: torch.Tensor) -> torch.Tensor:
        """Code ids `[b, h * w]` in the order of `lattice`."""
        ids = torch.zeros_like(quantised[:, 0], dtype=torch.long)
        for dim, level in enumerate(self.levels):
            ids = ids * level + torch.round((quantised[:, dim] + 1) / 2 * (level - 1)).long()
        return ids.flatten(1)

    def latent(self, pixels: torch.Tensor) -> torch.Tensor:
        """`[b, 3, side, side]` in -1..1 → `[b, dims, h, w]`, not yet on the lattice."""
        return torch.as_tensor(self.quant_conv(self.encoder(pixels)))

    def encode(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.quantise(self.latent(pixels))

    def identity(self) -> str:
        """A hash of what decides a picture's codes; whatever was trained on these codes fits no others."""
        digest = hashlib.sha256(str(self.levels).encode())
        for part in (self.encoder, self.quant_conv):
            for name, value in sorted(part.state_dict().items()):
                digest.update(name.encode())
                digest.update(value.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    def decode(self, quantised: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.post_quant_conv(quantised))
