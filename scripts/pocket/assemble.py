"""Puts the trained image tokenizer, language model and vocabulary together as one checkpoint.

python -m scripts.pocket.assemble --vq DIR --lm DIR --out DIR
"""

from __future__ import annotations

import argparse
from pathlib import Path

from transformers import ChameleonForConditionalGeneration

from personalizer.recognition.picture_bank import BANK_FILE
from scripts.pocket.command import run
from scripts.pocket.config import DEFAULT_SIZE, read_size
from scripts.pocket.data.vocabulary import image_token, read_vocabulary
from scripts.pocket.model.checkpoint import (
    chameleon_config,
    load_part,
    read_image_tokenizer,
    write_checkpoint,
)
from scripts.pocket.model.code_embeddings import merge_levels, share_levels
from scripts.pocket.model.image_tokenizer import ImageTokenizer
from scripts.pocket.train_language_model import RECOGNIZING, VOCABULARY_FILE, fitting
from scripts.pocket.training import read_state


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    made_by = parser.add_mutually_exclusive_group(required=True)
    made_by.add_argument("--vq", type=Path, help="folder of the image tokenizer's training")
    made_by.add_argument("--start", type=Path, help="a written checkpoint, whose language model was tuned")
    parser.add_argument("--lm", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", default=DEFAULT_SIZE, help="name of a size, or a .toml file")
    options = parser.parse_args()
    config = read_size(options.size)
    tokenizer = read_vocabulary(options.lm / VOCABULARY_FILE, config)
    if options.start is not None:
        image_tokenizer = read_image_tokenizer(options.start, config)
    else:
        image_tokenizer = ImageTokenizer(config)
        image_tokenizer.load_state_dict(
            read_state(options.vq / "image_tokenizer.pt", config.image_architecture())["average"]
        )
    # A tokenizer trained further has other codes, and the language model would draw noise with them.
    wanted = fitting(config, image_tokenizer.identity(), tokenizer)
    trained = read_state(options.lm / "language_model.pt", wanted)["model"]
    model = ChameleonForConditionalGeneration(chameleon_config(config, tokenizer))
    share_levels(model, config.levels, tokenizer.get_vocab()[image_token(0)])
    kept = {name: value for name, value in trained.items() if not name.startswith(RECOGNIZING)}
    load_part(model, kept, "model.vqmodel.", f"reading the language model of {options.lm}")
    merge_levels(model)
    if options.start is None:
        # The codes of an older bank would be noise here.
        (options.out / BANK_FILE).unlink(missing_ok=True)
    write_checkpoint(options.out, model, image_tokenizer, tokenizer, config)
    size_mib = sum(file.stat().st_size for file in options.out.iterdir()) / 2**20
    print(f"{options.out}: {size_mib:.1f} MiB")


if __name__ == "__main__":
    run(main)
