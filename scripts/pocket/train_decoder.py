"""Trains the decoder of a finished image tokenizer further, for pictures that look real; every code stays as it is.

    python -m scripts.pocket.train_decoder --corpus DIR… --basis basis.npz --start VQ/image_tokenizer.pt --out DIR

With codes fixed, squared error can only average over what they leave open, which is blur. Here likeness to a
recognition network weighs more, and a critic of patches (arXiv 1611.07004, hinge loss) tells drawn from real ones. A
language model trained on the codes stays valid.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from assistant.evaluation.corpora import load_arrays
from scripts.pocket.command import run
from scripts.pocket.config import PocketConfig, read_size
from scripts.pocket.image_tokenizer import ImageTokenizer
from scripts.pocket.train_image_tokenizer import Likeness, Pictures, measure, rate
from scripts.pocket.training import Average, Checkpoint, add_options, read_state, train

MAP_WEIGHT, POOLED_WEIGHT = 0.2, 0.01
"""Several times those of the tokenizer's own training."""
CRITIC_WEIGHT = 0.5
"""Of the gradient that the other losses have at the decoder's last layer (after VQGAN, arXiv 2012.09841)."""
CRITIC_FROM, CRITIC_FULLY_FROM = 0.05, 0.2
"""Shares of the steps after which the critic is heard, and heard fully: at first it knows nothing."""
BALANCE_EVERY = 25
CRITIC_RATE = 2e-4
EMA = 0.997


class Critic(nn.Module):
    """Is each patch (26 x 26 pixels) from a real picture? `[n, 3, side, side]` → `[n, 1, side / 4, side / 4]`."""

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),
            nn.GroupNorm(8, 2 * width),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 4 * width, 3, padding=1),
            nn.GroupNorm(8, 4 * width),
            nn.LeakyReLU(0.2),
            nn.Conv2d(4 * width, 1, 3, padding=1),
        )

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return torch.as_tensor(self.layers(pixels))

    def error(self, real: torch.Tensor, drawn: torch.Tensor) -> torch.Tensor:
        """What the critic itself is trained on; `drawn` gets no gradient."""
        of_real, of_drawn = self(torch.cat([real, drawn.detach()])).chunk(2)
        return functional.relu(1 - of_real).mean() + functional.relu(1 + of_drawn).mean()


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
        self._critic = Critic().to(device=self._device, memory_format=torch.channels_last)
        self._optimiser = torch.optim.AdamW(
            self._trained, lr=config.decoder_rate, betas=(0.9, 0.95), weight_decay=0.01
        )
        self._critic_optimiser = torch.optim.AdamW(self._critic.parameters(), CRITIC_RATE, betas=(0.5, 0.9))
        self._average = Average(model, EMA)
        self._balance = 0.0

    def restore(self, state: Mapping[str, Any]) -> None:
        self._model.load_state_dict(state["model"])
        self._critic.load_state_dict(state["critic"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._critic_optimiser.load_state_dict(state["critic_optimiser"])
        self._average.restore(state["average"])
        self._balance = state["balance"]

    def advance(self, step: int) -> dict[str, float]:
        progress = step / self._config.decoder_steps
        pixels = self._pictures.batch(self._config.image_batch, np.random.default_rng((23, step)))
        pixels = pixels.to(device=self._device, memory_format=torch.channels_last)
        for group in self._optimiser.param_groups:
            group["lr"] = self._config.decoder_rate * rate(progress)
        with torch.no_grad():
            quantised = self._model.encode(pixels)
        decoded = self._model.decode(quantised)
        faithful, parts = self._likeness(decoded, pixels, self._likeness.seen(pixels))
        self._critic.requires_grad_(False)
        doubted = -self._critic(decoded).mean()
        if step % BALANCE_EVERY == 0:
            self._balance = self._balanced(faithful, doubted)
        heard = min(1.0, max(0.0, (progress - CRITIC_FROM) / (CRITIC_FULLY_FROM - CRITIC_FROM)))
        loss = faithful + CRITIC_WEIGHT * heard * self._balance * doubted
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._trained, 1.0)
        self._optimiser.step()
        self._critic.requires_grad_(True)
        critic_error = self._critic.error(pixels, decoded)
        self._critic_optimiser.zero_grad(set_to_none=True)
        critic_error.backward()
        self._critic_optimiser.step()
        self._average.add(self._model, step)
        reported = {name: value.item() for name, value in parts.items()}
        return reported | {"doubted": doubted.item(), "critic": critic_error.item(), "balance": self._balance}

    def _balanced(self, faithful: torch.Tensor, doubted: torch.Tensor) -> float:
        """The weight at which both pull equally at the last layer."""
        last = self._trained[-1] if self._trained[-1].ndim > 1 else self._trained[-2]
        pulls = [
            torch.autograd.grad(loss, last, retain_graph=True)[0].norm().item()
            for loss in (faithful, doubted)
        ]
        return min(pulls[0] / (pulls[1] + 1e-6), 100.0)

    def test(self) -> str:
        with self._average.applied(self._model):
            return measure(self._model, self._tested, self._config.codes, self._likeness)

    def parts(self) -> dict[str, Any]:
        return {
            "model": self._model.state_dict(),
            "average": self._average.weights,
            "critic": self._critic.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "critic_optimiser": self._critic_optimiser.state_dict(),
            "balance": self._balance,
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
