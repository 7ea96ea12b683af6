"""Trains the decoder of a finished image tokenizer further, for pictures that look real; every code stays as it is.

    python -m scripts.pocket.train_decoder --corpus DIR… --basis basis.npz --start VQ/image_tokenizer.pt --out DIR

With codes fixed, squared error can only average over what they leave open, which is blur. Here likeness to a
recognition network weighs more. A critic of patches was tried beside it and drew false edges (README.md). A language
model trained on the codes stays valid.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from scripts.pocket.command import run
from scripts.pocket.config import read_size
from scripts.pocket.model.image_tokenizer import ImageTokenizer
from scripts.pocket.train_image_tokenizer import (
    ImageTraining,
    Likeness,
    Schedule,
    add_image_options,
    new_model,
    open_pictures,
)
from scripts.pocket.training import Checkpoint, read_state, train

MAP_WEIGHT, POOLED_WEIGHT = 0.2, 0.01
"""Several times those of the tokenizer's own training."""
EMA = 0.997


class DecoderTraining(ImageTraining):
    """Steps of the decoder's training; whatever decides codes is to be frozen before."""

    def loss(
        self, model: ImageTokenizer, pixels: torch.Tensor, progress: float
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        with torch.no_grad():
            quantised = model.encode(pixels)
        return self._likeness(model.decode(quantised), pixels, self._likeness.seen(pixels))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", type=Path, required=True, help="the tokenizer whose codes are kept")
    add_image_options(parser)
    options = parser.parse_args()
    config = read_size(options.size)
    pictures, tested = open_pictures(options, config)
    model = new_model(options, config)
    model.load_state_dict(read_state(options.start, config.image_architecture())["average"])
    for part in (model.encoder, model.quant_conv, model.semantic_head):
        part.requires_grad_(False)
    architecture = config.image_architecture() | {"codes_of": model.identity()}
    checkpoint = Checkpoint(options.out / "image_tokenizer.pt", architecture)
    state = checkpoint.load()
    likeness = Likeness(options.basis, config, MAP_WEIGHT, POOLED_WEIGHT).to(options.device)
    schedule = Schedule(config.decoder_steps, config.decoder_rate, EMA, stream=23)
    steps = DecoderTraining(model, likeness, pictures, tested, config, schedule)
    train(steps, config.decoder_steps, checkpoint, state, minutes=options.minutes)


if __name__ == "__main__":
    run(main)
