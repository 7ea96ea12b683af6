"""Trains the image tokenizer on prepared corpora; stops and resumes at any step, on any device.

python -m scripts.pocket.train_image_tokenizer --corpus DIR… --basis basis.npz --out DIR
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from assistant.evaluation.data.corpora import Record, Rows, load_arrays
from personalizer.errors import CorruptArtifactError
from scripts.pocket.command import run
from scripts.pocket.config import PocketConfig, read_size
from scripts.pocket.model.image_tokenizer import ImageTokenizer
from scripts.pocket.model.perceptual import Basis, Recognizer, map_distance
from scripts.pocket.training import Average, Checkpoint, add_options, read_state, train

SHARES = {"photo": 0.5, "render": 0.35}
"""Of the pictures seen, by kind; the rest is drawings."""
ABSOLUTE_WEIGHT, COLOR_WEIGHT, ANCHOR_WEIGHT = 0.3, 2.0, 0.3
"""Plain pixel loss finds brightness and one colour axis (orange to blue) and lets red and green collapse for good."""
ANCHORED_SHARE = 0.1
"""Of the steps in which the red-green axis is held; then it may carry what serves best."""
MAP_WEIGHT, POOLED_WEIGHT = 0.04, 0.003
"""What looks alike, against squared error."""
SEMANTIC_WEIGHT = 0.15
SPREAD_WEIGHT = 0.02
EMA = 0.998


class Pictures:
    """Training or held-out pictures of several corpora, drawn by kind."""

    def __init__(self, arrays: list[np.ndarray], records: list[Record], side: int, *, held_out: bool) -> None:
        self._rows = Rows(arrays)
        self._side = side
        groups: dict[str, list[int]] = {}
        for index, record in enumerate(records):
            if record.held_out == held_out:
                groups.setdefault(record.kind if record.kind in SHARES else "drawn", []).append(index)
        if not groups:
            raise SystemExit(f"The corpora have no {'held-out' if held_out else 'training'} picture.")
        self._groups = [np.array(members) for members in groups.values()]
        shares = np.array([SHARES.get(kind, 1 - sum(SHARES.values())) for kind in groups])
        self._shares = shares / shares.sum()

    def batch(self, count: int, rng: np.random.Generator) -> torch.Tensor:
        """Random crops, mirror images and light, `[count, 3, side, side]` in -1..1."""
        return torch.cat([self._view(rng) for _ in range(count)]) / 127.5 - 1.0

    def _view(self, rng: np.random.Generator) -> torch.Tensor:
        group = self._groups[rng.choice(len(self._groups), p=self._shares)]
        picture = self._rows[int(group[rng.integers(len(group))])]
        size = picture.shape[0]
        # Mostly the whole picture, as at inference; sometimes closer.
        crop = size if rng.random() < 0.5 else int(rng.integers(self._side, size + 1))
        top, left = rng.integers(0, size - crop + 1, 2)
        square = torch.from_numpy(picture[top : top + crop, left : left + crop]).permute(2, 0, 1)[None]
        small = functional.interpolate(square.float(), self._side, mode="bilinear", antialias=True)
        if rng.random() < 0.3:
            tint = 0.94 + 0.12 * torch.from_numpy(rng.random((1, 3, 1, 1), np.float32))
            small = (small * float(0.75 + 0.5 * rng.random()) * tint).clamp(0, 255)
        return small.flip(3) if rng.random() < 0.5 else small


def color_error(decoded: torch.Tensor, pixels: torch.Tensor) -> torch.Tensor:
    """Squared error of local colour: red against green and yellow against blue, over 4 x 4 pixels."""
    red, green, blue = functional.avg_pool2d(decoded - pixels, 4).unbind(dim=1)
    return ((red - green).pow(2) + (0.5 * (red + green) - blue).pow(2)).mean()


def anchor_error(latent: torch.Tensor, pixels: torch.Tensor) -> torch.Tensor:
    """How far the last latent axis is from local red against green, so that some axis carries it from the start."""
    side = latent.shape[-1]
    red, green, _ = functional.adaptive_avg_pool2d(pixels, side).unbind(dim=1)
    return functional.mse_loss(latent[:, -1], (1.5 * (red - green)).clamp(-1, 1))


def spread_error(latent: torch.Tensor) -> torch.Tensor:
    """Squared distance of each axis's sorted values from evenly spaced ones, so that all levels are used.

    It also keeps latents from leaving the lattice's range, where they would get no gradient.
    """
    values = latent.transpose(0, 1).flatten(1).sort(dim=1).values
    even = torch.linspace(-1, 1, values.shape[1], device=latent.device)
    return (values - even).pow(2).mean()


def rate(progress: float) -> float:
    """Short warm-up, then cosine to 3 %, as a factor of the peak."""
    if progress < 0.02:
        return progress / 0.02
    return 0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * min(1.0, (progress - 0.02) / 0.98)))


class Likeness:
    """How far a reconstruction is from its picture: in pixels, in colour, and in what a recognition network sees."""

    def __init__(self, basis: Path, config: PocketConfig, map_weight: float, pooled_weight: float) -> None:
        self.recognizer = Recognizer()
        self._basis = Basis(basis, config.semantic_features)
        self._map_weight, self._pooled_weight = map_weight, pooled_weight

    def to(self, device: str) -> Likeness:
        self.recognizer.to(device=device, memory_format=torch.channels_last)
        self._basis.to(device)
        return self

    def seen(self, pixels: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor]:
        """What the network sees in real pictures: its maps, and features in the basis."""
        with torch.no_grad():
            maps, pooled = self.recognizer(pixels)
            return maps, self._basis(pooled)

    def __call__(
        self, decoded: torch.Tensor, pixels: torch.Tensor, seen: tuple[list[torch.Tensor], torch.Tensor]
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """The weighted loss, and its parts for the report."""
        maps, pooled = self.recognizer(decoded)
        parts = {
            "mse": functional.mse_loss(decoded, pixels),
            "colour": color_error(decoded, pixels),
            "maps": map_distance(maps, seen[0]),
            "pooled": functional.mse_loss(self._basis(pooled), seen[1]),
        }
        loss = parts["mse"] + ABSOLUTE_WEIGHT * functional.l1_loss(decoded, pixels)
        loss = loss + COLOR_WEIGHT * parts["colour"] + self._map_weight * parts["maps"]
        return loss + self._pooled_weight * parts["pooled"], parts


@torch.inference_mode()
def measure(model: ImageTokenizer, views: torch.Tensor, codes: int, likeness: Likeness) -> str:
    """Reconstruction of pictures in -1..1, mean over pictures, and how much of the codebook they use."""
    ratios, distances, ids = [], [], []
    for part in views.split(64):
        quantised = model.encode(part)
        decoded = model.decode(quantised).clamp(-1, 1)
        ratios.append(-10 * torch.log10((decoded - part).pow(2).mean(dim=(1, 2, 3)) / 4))
        distances.append(map_distance(likeness.recognizer(decoded)[0], likeness.recognizer(part)[0]))
        ids.append(model.ids(quantised))
    return (
        f"psnr {float(torch.cat(ratios).mean()):.2f} maps {float(torch.stack(distances).mean()):.3f} "
        f"codes used {len(torch.unique(torch.cat(ids)))}/{codes}"
    )


def start_from(model: ImageTokenizer, file: Path) -> None:
    """Take over the weights of another run wherever their shapes agree."""
    found = read_state(file, {}).get("average")
    if found is None:
        raise CorruptArtifactError(
            tried=f"taking weights from {file}",
            found="it is the state of something else",
            fix="Give an image_tokenizer.pt (--start).",
        )
    own = model.state_dict()
    fitting = {name: value for name, value in found.items() if name in own and own[name].shape == value.shape}
    model.load_state_dict(own | fitting)
    print(f"{len(fitting)} of {len(own)} tensors are taken from {file}", flush=True)


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a training of (a part of) the tokenizer runs."""

    steps: int
    peak: float
    """Learning rate."""
    ema: float
    stream: int
    """Seed of its choice of pictures."""


class ImageTraining:
    """Steps of the image tokenizer's training, as `training.train` drives them."""

    def __init__(
        self,
        model: ImageTokenizer,
        likeness: Likeness,
        pictures: Pictures,
        tested: torch.Tensor,
        config: PocketConfig,
        schedule: Schedule,
    ) -> None:
        self._model, self._likeness, self._pictures, self._tested = model, likeness, pictures, tested
        self._config, self._schedule, self._device = config, schedule, tested.device
        self._trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._optimizer = torch.optim.AdamW(
            self._trained, lr=schedule.peak, betas=(0.9, 0.95), weight_decay=0.01
        )
        self._average = Average(model, schedule.ema)

    def restore(self, state: Mapping[str, Any]) -> None:
        self._model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimiser"])
        self._average.restore(state["average"])

    def advance(self, step: int) -> dict[str, float]:
        schedule = self._schedule
        pixels = self._pictures.batch(
            self._config.image_batch, np.random.default_rng((schedule.stream, step))
        )
        pixels = pixels.to(device=self._device, memory_format=torch.channels_last)
        progress = step / schedule.steps
        for group in self._optimizer.param_groups:
            group["lr"] = schedule.peak * rate(progress)
        loss, parts = self.loss(self._model, pixels, progress)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._trained, 1.0)
        self._optimizer.step()
        self._average.add(self._model, step)
        return {name: value.item() for name, value in parts.items()}

    def loss(
        self, model: ImageTokenizer, pixels: torch.Tensor, progress: float
    ) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """The weighted loss, and its parts for the report; `progress` is the share of steps done."""
        latent = model.latent(pixels)
        quantised = model.quantise(latent)
        seen = self._likeness.seen(pixels)
        loss, parts = self._likeness(model.decode(quantised), pixels, seen)
        parts["semantic"] = functional.mse_loss(model.semantic_head(quantised), seen[1])
        parts["spread"] = spread_error(latent)
        loss = loss + SEMANTIC_WEIGHT * parts["semantic"] + SPREAD_WEIGHT * parts["spread"]
        if progress < ANCHORED_SHARE:
            loss = loss + ANCHOR_WEIGHT * anchor_error(latent, pixels)
        return loss, parts

    def test(self) -> str:
        with self._average.applied(self._model):
            return measure(self._model, self._tested, self._config.codes, self._likeness)

    def parts(self) -> dict[str, Any]:
        return {
            "model": self._model.state_dict(),
            "average": self._average.weights,
            "optimiser": self._optimizer.state_dict(),
        }


def add_image_options(parser: argparse.ArgumentParser) -> None:
    """The options of every training on pictures."""
    parser.add_argument("--corpus", type=Path, nargs="+", required=True)
    parser.add_argument("--basis", type=Path, required=True, help="written by scripts.pocket.data.teacher")
    add_options(parser)


def open_pictures(options: argparse.Namespace, config: PocketConfig) -> tuple[Pictures, torch.Tensor]:
    """Training pictures, and held-out ones to test on."""
    arrays, records = load_arrays(options.corpus)
    training, tested = (
        Pictures(arrays, records, config.image_size_px, held_out=held_out) for held_out in (False, True)
    )
    return training, tested.batch(256, np.random.default_rng(1)).to(options.device)


def new_model(options: argparse.Namespace, config: PocketConfig) -> ImageTokenizer:
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    # This layout trains a fifth faster on a CPU.
    return ImageTokenizer(config).to(device=options.device, memory_format=torch.channels_last)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", type=Path, help="weights of another run to begin with, where they fit")
    add_image_options(parser)
    options = parser.parse_args()
    config = read_size(options.size)
    pictures, tested = open_pictures(options, config)
    model = new_model(options, config)
    # A decoder's training writes a file of the same name that this one cannot go on with.
    architecture = config.image_architecture() | {"codes_of": None}
    checkpoint = Checkpoint(options.out / "image_tokenizer.pt", architecture)
    state = checkpoint.load()
    if state is None and options.start:
        start_from(model, options.start)
    likeness = Likeness(options.basis, config, MAP_WEIGHT, POOLED_WEIGHT).to(options.device)
    schedule = Schedule(config.image_steps, config.image_rate, EMA, stream=7)
    steps = ImageTraining(model, likeness, pictures, tested, config, schedule)
    train(steps, config.image_steps, checkpoint, state, minutes=options.minutes)


if __name__ == "__main__":
    run(main)
