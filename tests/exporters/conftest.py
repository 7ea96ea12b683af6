"""A tiny random Chameleon-format backbone, exported once per session of tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from transformers import ChameleonConfig, ChameleonForConditionalGeneration
from transformers.cache_utils import DynamicCache
from transformers.models.chameleon.configuration_chameleon import ChameleonVQVAEConfig
from transformers.models.janus.configuration_janus import JanusVQVAEConfig
from transformers.models.janus.modeling_janus import JanusVQVAEDecoder

from exporters.onnx.export import export_backbone
from exporters.onnx.torch_session import TorchSession
from exporters.runtime.ort_session import OrtSession
from personalizer.backbones.preprocessing import PixelScaling
from personalizer.backbones.spec import BackboneSpec
from personalizer.prefix.dual_prefix import DualPrefix, DualPrefixConfig, save_prefix

CODEBOOK = 64
SPECIAL = ["<pad>", "<s>", "</s>", "<image>", "<boi>", "<eoi>", "<sep>"]
LETTERS = list("abcdefghijklmnopqrstuvwxyz ?.,'")


class TinyPixelDecoder(torch.nn.Module):
    """Codes to pixels in the layout that Chameleon-format checkpoints with a pixel decoder have."""

    def __init__(self, codebook: torch.nn.Embedding, side: int) -> None:
        super().__init__()
        self.codebook, self.side = codebook, side
        self.post_quant_conv = torch.nn.Conv2d(8, 8, 1)
        config = JanusVQVAEConfig(
            base_channels=32, channel_multiplier=[1, 1, 1], num_res_blocks=1, latent_channels=8, embed_dim=8
        )
        self.decoder = JanusVQVAEDecoder(config)

    def decode_pixels(self, codes: torch.Tensor) -> torch.Tensor:
        latent = self.codebook(codes).view(-1, self.side, self.side, 8).permute(0, 3, 1, 2)
        return self.decoder(self.post_quant_conv(latent))


class TinyBackbone:
    """The backbone interface over a random model of 16 px pictures with 4×4 tokens."""

    reads_own_codes = True

    def __init__(self, directory: Path) -> None:
        torch.manual_seed(0)
        names = [*SPECIAL, *LETTERS, *(f"IMGIMG{_letters(code)}Z" for code in range(CODEBOOK))]
        vocabulary = {name: index for index, name in enumerate(names)}
        tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<pad>"))
        tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
        tokenizer.add_special_tokens(names[: len(SPECIAL)] + names[-CODEBOOK:])
        self.tokenizer_path = directory / "tokenizer.json"
        tokenizer.save(str(self.tokenizer_path))
        self.tokenizer = tokenizer
        config = ChameleonConfig(
            vocab_size=len(names),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=512,
            vocabulary_map=vocabulary,
            vq_config=ChameleonVQVAEConfig(
                base_channels=32,
                channel_multiplier=[1, 1, 1],
                num_res_blocks=1,
                latent_channels=8,
                embed_dim=8,
                num_embeddings=CODEBOOK,
                resolution=16,
            ).to_dict(),
        )
        self.model = ChameleonForConditionalGeneration(config).eval().requires_grad_(False)
        # Fresh weights of std 0.02 give almost uniform logits; wider ones make disagreement visible.
        for name, parameter in self.model.named_parameters():
            if "proj" in name or "lm_head" in name or "embed_tokens" in name:
                torch.nn.init.normal_(parameter, std=0.15)
        quantizer = self.model.model.vqmodel.quantize.embedding
        _spread_codebook(self.model.model.vqmodel)
        self.pixel_decoder = TinyPixelDecoder(quantizer, 4).eval().requires_grad_(False)
        self.scaling = PixelScaling(size_px=16, factor=1 / 127.5, mean=1.0, std=1.0)
        self.device = torch.device("cpu")
        self.first_code_id = len(SPECIAL) + len(LETTERS)
        self.spec = BackboneSpec(
            name="tiny",
            version="tiny-1",
            family="chameleon",
            hidden_size=64,
            layers=2,
            kv_heads=4,
            head_dim=16,
            max_positions=512,
            text_vocabulary=len(names),
            codebook_size=CODEBOOK,
            image_size_px=16,
            tokens_per_image=16,
            context_tokens_per_image=16,
            begin_ids=(1,),
            begin_image_ids=(4,),
            end_image_ids=(5,),
            separator_ids=(6,),
            end_id=2,
        )

    @property
    def language_model(self) -> torch.nn.Module:
        return self.model.model

    @property
    def modules(self) -> dict[str, torch.nn.Module]:
        return {"model": self.model, "pixel_decoder": self.pixel_decoder}

    def decode_pixels(self, codes: torch.Tensor) -> torch.Tensor:
        return self.pixel_decoder.decode_pixels(codes)

    def tokenize(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def detokenize(self, ids: Sequence[int]) -> str:
        return self.tokenizer.decode(list(ids), skip_special_tokens=True)

    @torch.no_grad()
    def encode_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        tokens = self.model.model.vqmodel.encode(pixels, return_dict=True).image_tokens
        return tokens.view(pixels.shape[0], -1)

    def encode_images(self, images: Sequence[Image.Image]) -> torch.Tensor:
        return self.encode_pixels(torch.from_numpy(np.stack([self.scaling.pixels(i) for i in images])))

    @torch.no_grad()
    def decode_images(self, codes: torch.Tensor) -> list[Image.Image]:
        return [self.scaling.image(p.numpy()) for p in self.pixel_decoder.decode_pixels(codes)]

    def image_context(self, images: Sequence[Image.Image]) -> torch.Tensor:
        return self.embed_image_codes(self.encode_images(images))

    def embed_text(self, ids: torch.Tensor) -> torch.Tensor:
        return self.model.model.embed_tokens(ids)

    def embed_image_codes(self, codes: torch.Tensor) -> torch.Tensor:
        return self.embed_text(codes + self.first_code_id)

    def forward(
        self, embeddings: torch.Tensor, mask: torch.Tensor | None = None, cache: Any = None
    ) -> tuple[torch.Tensor, Any]:
        output = self.model.model(
            inputs_embeds=embeddings,
            attention_mask=mask,
            past_key_values=cache or DynamicCache(),
            use_cache=True,
        )
        return output.last_hidden_state, output.past_key_values

    def text_logits(self, hidden: torch.Tensor) -> torch.Tensor:
        logits = self.model.lm_head(hidden)
        is_code = torch.arange(logits.shape[-1], device=hidden.device) >= self.first_code_id
        return logits.masked_fill(is_code, torch.finfo(logits.dtype).min)

    def image_logits(self, hidden: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.linear(hidden, self.model.lm_head.weight[self.first_code_id :])


@torch.no_grad()
def _spread_codebook(vqmodel: Any) -> None:
    """Put the codebook where the random encoder's outputs are, so that different pictures get different codes."""
    for module in vqmodel.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.reset_parameters()
    outputs = vqmodel.quant_conv(vqmodel.encoder(torch.rand(8, 3, 16, 16) * 2 - 1)).permute(0, 2, 3, 1)
    outputs = outputs.reshape(-1, outputs.shape[-1])
    vqmodel.quantize.embedding.weight.copy_(outputs[torch.randperm(len(outputs))[:CODEBOOK]])


def _letters(code: int) -> str:
    return "".join(chr(ord("A") + int(digit)) for digit in str(code))


@pytest.fixture(scope="session")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> TinyBackbone:
    return TinyBackbone(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def exports(backbone: TinyBackbone, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Exported directories by precision. Read-only: tests that damage one take a copy."""
    root = tmp_path_factory.mktemp("exports")
    for precision in ("fp32", "int8"):
        export_backbone(backbone, root / precision, precision=precision)
    return {precision: root / precision for precision in ("fp32", "int8")}


@pytest.fixture(scope="session")
def fp32(exports: dict[str, Path]) -> OrtSession:
    return OrtSession(exports["fp32"])


@pytest.fixture(scope="session")
def int8(exports: dict[str, Path]) -> OrtSession:
    return OrtSession(exports["int8"])


@pytest.fixture(scope="session")
def torch_session(backbone: TinyBackbone) -> TorchSession:
    return TorchSession(backbone)


@pytest.fixture(scope="session")
def prefix_directory(backbone: TinyBackbone, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A concept with random rows, written by the code that training uses."""
    directory = tmp_path_factory.mktemp("concept")
    write_prefix(directory, backbone.spec)
    return directory


@pytest.fixture(scope="session")
def other_prefix_directory(backbone: TinyBackbone, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another concept, of another size."""
    directory = tmp_path_factory.mktemp("other")
    config = DualPrefixConfig(generation_rows=2, understanding_rows=5)
    write_prefix(directory, backbone.spec, config, seed=8, name="Mika")
    return directory


def write_prefix(
    directory: Path,
    spec: BackboneSpec,
    config: DualPrefixConfig | None = None,
    seed: int = 7,
    name: str = "Rex",
) -> None:
    config = config or DualPrefixConfig(generation_rows=3, understanding_rows=4)
    generator = torch.Generator().manual_seed(seed)
    start = torch.randn(config.rows, spec.hidden_size, generator=generator) * 0.15
    prefix = DualPrefix(config, start, output_scale=0.15)
    torch.nn.init.normal_(prefix.output_offset, generator=generator)
    save_prefix(prefix, directory, spec=spec, concept={"id": 1, "name": name}, training={})


@pytest.fixture(scope="session")
def pictures() -> list[Image.Image]:
    """Noise of several frequencies: random encoders give such pictures different codes."""
    rng = np.random.default_rng(3)
    small = [rng.integers(0, 256, (size, size, 3), dtype=np.uint8) for size in (4, 8, 16)]
    return [Image.fromarray(array).resize((32, 32), Image.Resampling.BICUBIC) for array in small]
