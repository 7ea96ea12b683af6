"""Which rows a training run keeps: the last ones, their running average, or the best on what was held out.

Knows losses and rows; measuring is the trainer's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch

from personalizer.prefix.dual_prefix import DualPrefix

AVERAGE, BEST = "average.", "best."


class RowSelection:
    """Follows the rows of `prefix` while they are trained.

    `ema` is the decay of their exponential moving average, 0 for none. With a `patience` above 0, the rows of the
    lowest held loss are kept, and training stops after so many measurements without a lower one.
    """

    def __init__(self, prefix: DualPrefix, *, ema: float, patience: int) -> None:
        self._prefix = prefix
        self._ema = ema
        self._patience = patience
        self._average = self._current() if ema else None
        self._best: dict[str, torch.Tensor] | None = None
        self._best_loss = math.inf
        self._since_best = 0

    def _current(self) -> dict[str, torch.Tensor]:
        return {name: value.detach().clone() for name, value in self._prefix.named_parameters()}

    def _put(self, rows: Mapping[str, torch.Tensor]) -> None:
        with torch.no_grad():
            for name, value in self._prefix.named_parameters():
                value.copy_(rows[name])

    def follow(self, step: int) -> None:
        """Take the rows after `step` steps into the average."""
        if self._average is None:
            return
        # Early on the average would be of where the rows started, not of where they have been.
        decay = min(self._ema, step / (step + 9))
        for name, value in self._prefix.named_parameters():
            self._average[name].lerp_(value.detach(), 1 - decay)

    @contextmanager
    def candidate(self) -> Iterator[None]:
        """The rows that would be kept if training ended now, in the prefix while measuring."""
        if self._average is None:
            yield
            return
        current = self._current()
        self._put(self._average)
        try:
            yield
        finally:
            self._put(current)

    def judge(self, held_loss: float) -> None:
        """Say what the candidate's loss on what was held out is."""
        if held_loss < self._best_loss:
            self._best_loss, self._since_best = held_loss, 0
            self._best = (
                self._current()
                if self._average is None
                else {name: value.clone() for name, value in self._average.items()}
            )
        else:
            self._since_best += 1

    @property
    def stopped(self) -> bool:
        """Whether patience has run out."""
        return 0 < self._patience <= self._since_best

    def apply(self) -> None:
        """Put the rows that are kept into the prefix."""
        kept = self._best if self._best is not None else self._average
        if kept is not None:
            self._put(kept)

    def tensors(self) -> dict[str, torch.Tensor]:
        """What a checkpoint has to hold beside `record`."""
        found = {AVERAGE + name: value for name, value in (self._average or {}).items()}
        return found | {BEST + name: value for name, value in (self._best or {}).items()}

    def record(self) -> dict[str, float]:
        """What a checkpoint has to say beside `tensors`."""
        return {"best_loss": self._best_loss if self._best else 0.0, "since_best": self._since_best}

    def restore(self, tensors: Mapping[str, torch.Tensor], record: Mapping[str, float]) -> None:
        """Go on from a checkpoint."""
        device = self._prefix.input_start.device
        names = [name for name, _ in self._prefix.named_parameters()]
        if self._average is not None:
            self._average = {name: tensors[AVERAGE + name].to(device) for name in names}
        if BEST + names[0] in tensors:
            self._best = {name: tensors[BEST + name].to(device) for name in names}
            self._best_loss = float(record["best_loss"])
        self._since_best = int(record["since_best"])
