from __future__ import annotations

import re

import pytest
import torch
from transformers.models.janus.configuration_janus import JanusVQVAEConfig
from transformers.models.janus.modeling_janus import JanusVQVAEDecoder

from personalizer.backbones.pixel_decoder import DecoderGeometry, PixelDecoder
from personalizer.errors import CorruptArtifactError

GEOMETRIES = {
    "pocket": DecoderGeometry(64, (32, 32, 64, 64), 1, (False,) * 4),
    "published": DecoderGeometry(32, (32, 64, 96), 3, (False,) * 3),
    "attention below": DecoderGeometry(8, (32, 64), 2, (False, True)),
    "attention everywhere, none in the middle": DecoderGeometry(8, (32, 32), 1, (True, True), False),
    "one level": DecoderGeometry(4, (32,), 1, (False,)),
}


@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
def test_geometry_is_read_back_off_the_weights(geometry: DecoderGeometry) -> None:
    decoder = PixelDecoder(geometry)
    weights = decoder.state_dict()
    assert DecoderGeometry.from_weights(weights) == geometry
    PixelDecoder(DecoderGeometry.from_weights(weights)).load_state_dict(weights)
    side = 4 * 2 ** (len(geometry.channels) - 1)
    with torch.no_grad():
        assert decoder(torch.randn(2, geometry.latent_channels, 4, 4)).shape == (2, 3, side, side)


def test_keys_are_those_of_the_published_checkpoints() -> None:
    keys = set(PixelDecoder(GEOMETRIES["published"]).state_dict())
    for key in (
        "conv_in.weight",
        "mid.block_1.norm1.weight",
        "mid.attn_1.proj_out.bias",
        "up.0.block.2.conv2.weight",
        "up.0.block.0.nin_shortcut.weight",
        "up.2.upsample.conv.weight",
        "norm_out.weight",
        "conv_out.bias",
    ):
        assert key in keys
    assert not any(key.startswith("up.0.upsample") for key in keys), "level 0 is the full resolution"


@torch.no_grad()
def test_agrees_with_the_same_decoder_in_janus() -> None:
    """transformers has this decoder for another family, with the levels numbered the other way round."""
    torch.manual_seed(0)
    config = JanusVQVAEConfig(
        base_channels=32, channel_multiplier=[1, 2, 3], num_res_blocks=1, latent_channels=8, embed_dim=8
    )
    theirs = JanusVQVAEDecoder(config).eval()
    for parameter in theirs.parameters():
        parameter.add_(torch.randn_like(parameter) * 0.05)
    weights = {
        re.sub(r"^up\.(\d)", lambda match: f"up.{2 - int(match[1])}", key): value
        for key, value in theirs.state_dict().items()
    }
    geometry = DecoderGeometry.from_weights(weights)
    assert geometry == DecoderGeometry(8, (32, 64, 96), 2, (False, False, True))
    ours = PixelDecoder(geometry).eval()
    ours.load_state_dict(weights)
    latents = torch.randn(2, 8, 4, 4)
    torch.testing.assert_close(ours(latents), theirs(latents), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("removed", ["conv_in", "up"])
def test_missing_parts_are_named(removed: str) -> None:
    weights = PixelDecoder(GEOMETRIES["attention below"]).state_dict()
    with pytest.raises(CorruptArtifactError, match="Anole does"):
        DecoderGeometry.from_weights(
            {key: value for key, value in weights.items() if not key.startswith(removed)}
        )
    with pytest.raises(CorruptArtifactError):
        DecoderGeometry.from_weights({})
