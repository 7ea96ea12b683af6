"""Trains the decoder of a finished image tokenizer further, for pictures that look real; every code stays as it is.

    python -m scripts.pocket.train_decoder --corpus DIR… --basis basis.npz --start VQ/image_tokenizer.pt --out DIR

With codes fixed, squared error can only average over what they leave open, which is blur. Here likeness to a
recognition network weighs more. A critic of patches was tried beside it and drew false edges (README.md). A language
model trained on the codes stays valid.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from assistant.evaluation.corpora import load_arrays
from scripts.pocket.command import run
from scripts.pocket.config import PocketConfig, read_size
from scripts.pocket.image_tokenizer import ImageTokenizer
from scripts.pocket.train_image_tokenizer import Likeness, Pictures, measure, rate
from scripts.pocket.training import Average, Checkpoint, add_options, read_state, train

MAP_WEIGHT, POOLED_WEIGHT = 0.2, 0.01
"""Several times those of the tokenizer's own training."""
EMA = 0.997


class DecoderTraining:
    """Steps of the decoder's training, as `training.train` drives them."""

    def __init__(
        self,
        model: ImageTokenizer,
        likeness: Likeness,
        pictures: Pictures,
        tested: torch.Tensor,
        config: PocketConfig,
    ) -> None:
        self._model, self._likeness, self._pictures, self._tested = model, likeness, pictures, tested
        self._config, self._device = config, tested.device
        for part in (model.encoder, model.quant_conv, model.semantic_head):
            part.requires_grad_(False)
        self._trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._optimiser = torch.optim.AdamW(
            self._trained, lr=config.decoder_rate, betas=(0.9, 0.95), weight_decay=0.01
        )
        self._average = Average(model, EMA)

    def restore(self, state: Mapping[str, Any]) -> None:
        self._model.load_state_dict(state["model"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._average.restore(state["average"])

    def advance(self, step: int) -> dict[str, float]:
        config, model = self._config, self._model
        pixels = self._pictures.batch(config.image_batch, np.random.default_rng((23, step)))
        pixels = pixels.to(device=self._device, memory_format=torch.channels_last)
        for group in self._optimiser.param_groups:
            group["lr"] = config.decoder_rate * rate(step / config.decoder_steps)
        with torch.no_grad():
            quantised = model.encode(pixels)
        loss, parts = self._likeness(model.decode(quantised), pixels, self._likeness.seen(pixels))
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._trained, 1.0)
        self._optimiser.step()
        self._average.add(model, step)
        return {name: value.item() for name, value in parts.items()}

    def test(self) -> str:
        with self._average.applied(self._model):
            return measure(self._model, self._tested, self._config.codes, self._likeness)

    def parts(self) -> dict[str, Any]:
        return {
            "model": self._model.state_dict(),
            "average": self._average.weights,
            "optimiser": self._optimiser.state_dict(),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, nargs="+", required=True)
    parser.add_argument("--basis", type=Path, required=True, help="written by scripts.pocket.teacher")
    parser.add_argument("--start", type=Path, required=True, help="the tokenizer whose codes are kept")
    add_options(parser)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    config = read_size(options.size)
    arrays, records = load_arrays(options.corpus)
    training, tested = (
        Pictures(arrays, records, config.image_size_px, held_out=held_out) for held_out in (False, True)
    )
    torch.manual_seed(0)
    model = ImageTokenizer(config).to(device=options.device, memory_format=torch.channels_last)
    model.load_state_dict(read_state(options.start, config.image_architecture())["average"])
    architecture = config.image_architecture() | {"codes_of": model.identity()}
    checkpoint = Checkpoint(options.out / "image_tokenizer.pt", architecture)
    state = checkpoint.load()
    steps = DecoderTraining(
        model,
        Likeness(options.basis, config, MAP_WEIGHT, POOLED_WEIGHT).to(options.device),
        training,
        tested.batch(256, np.random.default_rng(1)).to(options.device),
        config,
    )
    if state is not None:
        steps.restore(state)
    train(steps, config.decoder_steps, checkpoint, state, minutes=options.minutes)


if __name__ == "__main__":
    run(main)
