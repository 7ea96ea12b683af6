"""Waiting until something is so, with a limit: for what another thread, process or screen does in its own time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from textual.pilot import Pilot

Value = TypeVar("Value")

LOOK_EVERY_S = 0.02


def until(condition: Callable[[], Value], patience_s: float = 60.0) -> Value:
    """What `condition` returns as soon as that is true; fails when it is not within `patience_s`."""
    deadline_s = time.monotonic() + patience_s
    while not (value := condition()):
        assert time.monotonic() < deadline_s, f"waited {patience_s} s in vain, last for {value!r}"
        time.sleep(LOOK_EVERY_S)
    return value


async def until_shown(pilot: Pilot[None], condition: Callable[[], Value], patience_s: float = 60.0) -> Value:
    """As `until`, for what a screen shows: its events are handled meanwhile."""
    deadline_s = time.monotonic() + patience_s
    while not (value := condition()):
        assert time.monotonic() < deadline_s, f"waited {patience_s} s in vain, last for {value!r}"
        await pilot.pause(LOOK_EVERY_S)
    return value
