"""Writes a tiny random checkpoint in Chameleon's format, so that the whole way can be tested in seconds.

It has the bundled model's layout and knows nothing: what it says and draws is noise.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from transformers import ChameleonConfig, ChameleonForConditionalGeneration
from transformers.models.chameleon.configuration_chameleon import ChameleonVQVAEConfig

from personalizer.backbones.pixel_decoder import DecoderGeometry, PixelDecoder

CODEBOOK = 64
SPECIAL = ["<pad>", "<s>", "</s>", "<image>", "<racm3:break>", "<eoss>", "<reserved08706>"]
LETTERS = list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ?.,'")


def write_tiny_checkpoint(directory: Path, seed: int = 0) -> Path:
    """16 px pictures of 4×4 codes, two layers of width 64; about 2 MB."""
    torch.manual_seed(seed)
    directory.mkdir(parents=True)
    names = [*SPECIAL, *LETTERS, *(f"IMGIMG{_code_letters(code)}Z" for code in range(CODEBOOK))]
    vocabulary = {name: index for index, name in enumerate(names)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<pad>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer.add_special_tokens([*SPECIAL, *names[-CODEBOOK:]])
    tokenizer.save(str(directory / "tokenizer.json"))
    vq = ChameleonVQVAEConfig(
        base_channels=32,
        channel_multiplier=[1, 1, 1],
        num_res_blocks=1,
        latent_channels=8,
        embed_dim=8,
        num_embeddings=CODEBOOK,
        resolution=16,
    )
    config = ChameleonConfig(
        vocab_size=len(names),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=512,
        vocabulary_map=vocabulary,
        vq_config=vq.to_dict(),
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    model = ChameleonForConditionalGeneration(config)
    for name, parameter in model.named_parameters():
        # Fresh weights give almost uniform predictions; wider ones make a difference visible.
        if "proj" in name or "lm_head" in name or "embed_tokens" in name:
            torch.nn.init.normal_(parameter, std=0.15)
    torch.nn.init.normal_(model.model.vqmodel.quantize.embedding.weight, std=0.2)
    model.save_pretrained(directory)
    geometry = DecoderGeometry(8, (32, 32, 32), blocks=2, attention=(False, False, False))
    decoder = PixelDecoder(geometry).state_dict()
    save_file(
        {f"model.vqmodel.decoder.{key}": value for key, value in decoder.items()},
        directory / "decoder.safetensors",
    )
    scaling = {"crop_size": 16, "rescale_factor": 1 / 127.5, "image_mean": [1.0], "image_std": [1.0]}
    (directory / "preprocessor_config.json").write_text(json.dumps(scaling))
    return directory


def _code_letters(code: int) -> str:
    return "".join(chr(ord("A") + int(digit)) for digit in str(code))
