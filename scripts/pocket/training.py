"""What all trainings share: the device, checkpoints that are whole or absent, a time limit, running means."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from personalizer.errors import CorruptArtifactError, NotFoundError
from scripts.pocket.config import DEFAULT_SIZE

SAVE_EVERY_S = 120.0
REPORT_EVERY = 50


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of every training command."""
    parser.add_argument("--out", type=Path, required=True, help="folder of the checkpoint, resumed if there")
    parser.add_argument("--size", default=DEFAULT_SIZE, help="name of a size, or a .toml file")
    parser.add_argument("--minutes", type=float, help="stop after this long; the same command resumes")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=2)


class Checkpoint:
    """One file with everything that a training needs to go on as if it had never stopped."""

    def __init__(self, path: Path, architecture: Mapping[str, object]) -> None:
        self._path = path
        self._architecture = dict(architecture)
        self._saved = time.monotonic()

    def load(self) -> dict[str, Any] | None:
        """What was saved; `None` before the first time.

        Raises `CorruptArtifactError` naming the file if it is damaged or of another size.
        """
        if not self._path.exists():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return None
        return read_state(self._path, self._architecture)

    def due(self) -> bool:
        return time.monotonic() - self._saved > SAVE_EVERY_S

    def save(self, parts: Mapping[str, Any]) -> None:
        """Write `parts` in place of what was there; a crash leaves the one or the other."""
        temporary = self._path.with_suffix(".tmp")
        torch.save({**parts, "architecture": self._architecture}, temporary)
        temporary.replace(self._path)
        self._saved = time.monotonic()


def read_state(path: Path, architecture: Mapping[str, object]) -> dict[str, Any]:
    """A saved training state.

    Raises `NotFoundError` if there is none, `CorruptArtifactError` if it is damaged or not of this architecture.
    """
    tried = f"reading the training state {path}"
    if not path.exists():
        raise NotFoundError(
            tried=tried, found="there is no such file", fix="Run the training that writes it first."
        )
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
        found = state["architecture"]
    except Exception as error:  # torch raises what its zip reader and unpickler raise
        raise CorruptArtifactError(
            tried=tried,
            found=f"it is damaged or something else ({type(error).__name__}: {error})",
            fix="Delete it and train again, or give another folder.",
        ) from error
    different = [
        f"{name} is {found.get(name)!r}, not {wanted!r}"
        for name, wanted in architecture.items()
        if found.get(name) != wanted
    ]
    if different:
        raise CorruptArtifactError(
            tried=tried,
            found="it does not fit: " + ", ".join(different),
            fix="Give the size (--size) and the files that it was trained with, or another folder.",
        )
    return dict(state)


class Training(Protocol):
    """What `train` drives."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Become what `parts` gave."""

    def advance(self, step: int) -> Mapping[str, float]:
        """Take step number `step`, from 0; returns what to report. Randomness depends on the number alone."""

    def test(self) -> str:
        """What held-out data says of the state."""

    def parts(self) -> Mapping[str, Any]:
        """All that going on needs, besides the step."""


def train(
    training: Training,
    steps: int,
    checkpoint: Checkpoint,
    state: Mapping[str, Any] | None,
    *,
    minutes: float | None,
) -> None:
    """Run `training` from where `state` was saved up to `steps`, or for `minutes`; report, test and save on the way."""
    step, spent_s = 0, 0.0
    if state is not None:
        training.restore(state)
        step, spent_s = state["step"], state["spent_s"]
        print(f"resumed at step {step}, {spent_s / 60:.1f} minutes", flush=True)
    means, started = Means(), time.monotonic()
    while step < steps:
        began = time.monotonic()
        means.add(training.advance(step))
        step += 1
        spent_s += time.monotonic() - began
        out_of_time = minutes is not None and time.monotonic() - started > minutes * 60
        finished = out_of_time or step == steps
        if step % REPORT_EVERY == 0 or finished:
            pace = f"{spent_s / step:.2f} s/step"
            print(f"step {step} minutes {spent_s / 60:.1f} {means.report()} {pace}", flush=True)
        if checkpoint.due() or finished:
            print(f"held out: {training.test()}", flush=True)
            checkpoint.save({**training.parts(), "step": step, "spent_s": spent_s})
        if finished:
            return
    print("nothing is left to do", flush=True)


class Average:
    """The running mean of a model's weights, which is what is measured and shipped."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._decay = decay
        self.weights = {name: value.clone() for name, value in model.state_dict().items()}

    def restore(self, weights: Mapping[str, torch.Tensor]) -> None:
        self.weights = {name: weights[name].to(value.device) for name, value in self.weights.items()}

    def add(self, model: nn.Module, step: int) -> None:
        """Take in the weights after step number `step`, from 0; of the first ones it is nearly the plain mean."""
        decay = min(self._decay, (step + 1) / (step + 10))
        for name, value in model.state_dict().items():
            self.weights[name].lerp_(value, 1 - decay)

    @contextmanager
    def applied(self, model: nn.Module) -> Iterator[None]:
        """The model with these weights, and afterwards with its own again."""
        live = {name: value.clone() for name, value in model.state_dict().items()}
        model.load_state_dict(self.weights)
        yield
        model.load_state_dict(live)


class Means:
    """Running means of named values since the last report."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def add(self, values: Mapping[str, torch.Tensor | float]) -> None:
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(value)
            self._counts[name] = self._counts.get(name, 0) + 1

    def report(self) -> str:
        """`name value name value …`; starts anew."""
        text = " ".join(f"{name} {total / self._counts[name]:.4f}" for name, total in self._sums.items())
        self._sums, self._counts = {}, {}
        return text
