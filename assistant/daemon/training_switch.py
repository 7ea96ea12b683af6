"""The switch of automatic training, and its last reported state. Trains nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

from personalizer.library.library import Library

_OFF = "training.off"


STATE_SETTING = "training.state"


State = Literal["off", "nothing to do", "waiting", "training"]


@dataclass(frozen=True, slots=True)
class TrainingState:
    """What automatic training does; as `familiar status` tells it."""

    state: State
    reason: str = ""
    """Why it waits."""
    due: int = 0
    """Concepts that should be trained."""


def switch(library: Library, on: bool) -> None:
    """Let concepts be trained automatically, or not; for good."""
    library.set_setting(_OFF, None if on else "1")


def is_on(library: Library) -> bool:
    return library.setting(_OFF) is None


def stored_state(library: Library) -> TrainingState | None:
    """What the worker that watches said last."""
    said = library.setting(STATE_SETTING)
    if said is None:
        return None
    try:
        return TrainingState(**json.loads(said))
    except (TypeError, ValueError):
        return None
