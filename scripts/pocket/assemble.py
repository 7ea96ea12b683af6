"""Puts the trained image tokenizer, language model and vocabulary together as one checkpoint.

python -m scripts.pocket.assemble --vq DIR --lm DIR --out DIR
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import ChameleonForConditionalGeneration

from scripts.pocket.checkpoint import chameleon_config, write_checkpoint
from scripts.pocket.code_embeddings import merge_levels, share_levels
from scripts.pocket.config import PocketConfig
from scripts.pocket.image_tokenizer import ImageTokenizer
from scripts.pocket.train_language_model import MATCHING
from scripts.pocket.vocabulary import image_token


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vq", type=Path, required=True)
    parser.add_argument("--lm", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    config = PocketConfig()
    tokenizer = Tokenizer.from_file(str(options.lm / "tokenizer.json"))
    model = ChameleonForConditionalGeneration(chameleon_config(config, tokenizer))
    share_levels(model, config.levels, tokenizer.get_vocab()[image_token(0)])
    trained = torch.load(options.lm / "language_model.pt", weights_only=True)["model"]
    trained = {name: value for name, value in trained.items() if not name.startswith(MATCHING)}
    unexpected = model.load_state_dict(trained, strict=False).unexpected_keys
    if unexpected:
        raise SystemExit(f"{options.lm} was trained with another configuration: {unexpected[0]} is unknown.")
    merge_levels(model)
    average = torch.load(options.vq / "image_tokenizer.pt", weights_only=True)["average"]
    image_tokenizer = ImageTokenizer(config, average["semantic_head.5.weight"].shape[0])
    image_tokenizer.load_state_dict(average)
    write_checkpoint(options.out, model, image_tokenizer, tokenizer, config)
    size_mib = sum(file.stat().st_size for file in options.out.iterdir()) / 2**20
    print(f"{options.out}: {size_mib:.1f} MiB")


if __name__ == "__main__":
    main()
