"""Writes trained parts as one Chameleon-format checkpoint: transformers' keys, float16 safetensors, own tokenizer."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import ChameleonConfig, ChameleonForConditionalGeneration

from personalizer.errors import CorruptArtifactError
from scripts.pocket.config import PocketConfig
from scripts.pocket.data.vocabulary import BOS, EOS, PAD
from scripts.pocket.model.image_tokenizer import ImageTokenizer, lattice, vq_config


def chameleon_config(config: PocketConfig, tokenizer: Tokenizer) -> ChameleonConfig:
    """The language model's configuration with the whole vocabulary in it, as the published checkpoints have."""
    vocabulary = tokenizer.get_vocab()
    return ChameleonConfig(
        vocab_size=len(vocabulary),
        hidden_size=config.hidden,
        intermediate_size=config.intermediate,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        num_key_value_heads=config.heads,
        max_position_embeddings=config.max_positions,
        bos_token_id=vocabulary[BOS],
        eos_token_id=vocabulary[EOS],
        pad_token_id=vocabulary[PAD],
        vq_config=vq_config(config).to_dict(),
        vocabulary_map=dict(sorted(vocabulary.items(), key=lambda entry: entry[1])),
    )


def read_weights(directory: Path) -> dict[str, torch.Tensor]:
    """All tensors of a written checkpoint, float32, by transformers' keys."""
    path = directory / "model.safetensors"
    try:
        return {key: value.float() for key, value in load_file(path).items()}
    except Exception as error:  # safetensors raises a type of its own
        raise CorruptArtifactError(
            tried=f"reading the checkpoint {path}",
            found=str(error),
            fix="Give a folder with a whole checkpoint.",
        ) from error


def read_image_tokenizer(directory: Path, config: PocketConfig) -> ImageTokenizer:
    """The image tokenizer of a written checkpoint, without the head that only its training needs."""
    kept = {
        key.removeprefix("model.vqmodel."): value
        for key, value in read_weights(directory).items()
        if key.startswith("model.vqmodel.") and "quantize" not in key
    }
    tokenizer = ImageTokenizer(config)
    load_part(tokenizer, kept, "semantic_head.", f"reading the image tokenizer of {directory}")
    return tokenizer


def load_part(module: torch.nn.Module, weights: dict[str, torch.Tensor], absent: str, tried: str) -> None:
    """Give a module its weights, all but those whose names begin with `absent`; `CorruptArtifactError` for others."""
    missing, unexpected = module.load_state_dict(weights, strict=False)
    wrong = [*unexpected, *(name for name in missing if not name.startswith(absent))]
    if wrong:
        raise CorruptArtifactError(
            tried=tried,
            found=f"{wrong[0]} is not as expected",
            fix="Give the size (--size) that it was made with.",
        )


def write_checkpoint(
    directory: Path,
    model: ChameleonForConditionalGeneration,
    image_tokenizer: ImageTokenizer,
    tokenizer: Tokenizer,
    config: PocketConfig,
) -> None:
    """Write config.json, model.safetensors, tokenizer.json and preprocessor_config.json to `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    weights = {
        key: value for key, value in model.state_dict().items() if not key.startswith("model.vqmodel.")
    }
    for key, value in image_tokenizer.state_dict().items():
        if not key.startswith("semantic_head."):
            weights[f"model.vqmodel.{key}"] = value
    weights["model.vqmodel.quantize.embedding.weight"] = lattice(config.levels)
    stored = {key: value.to(torch.float16).contiguous() for key, value in weights.items()}
    # The lattice decides ids: in half precision its points would move and could tie.
    stored["model.vqmodel.quantize.embedding.weight"] = lattice(config.levels).contiguous()
    save_file(stored, directory / "model.safetensors", metadata={"format": "pt"})
    entries = chameleon_config(config, tokenizer).to_dict()
    entries["architectures"] = ["ChameleonForConditionalGeneration"]
    entries["dtype"] = "float32"
    (directory / "config.json").write_text(json.dumps(entries, indent=1, default=str) + "\n")
    tokenizer.save(str(directory / "tokenizer.json"), pretty=False)
    preprocessing = {
        "crop_size": {"height": config.image_size_px, "width": config.image_size_px},
        "rescale_factor": 1 / 127.5,
        "image_mean": [1.0, 1.0, 1.0],
        "image_std": [1.0, 1.0, 1.0],
    }
    (directory / "preprocessor_config.json").write_text(json.dumps(preprocessing, indent=1) + "\n")
