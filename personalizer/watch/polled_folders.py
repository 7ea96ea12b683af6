"""Stores in the library which folders the running watcher polls instead of watching, and why."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass

from personalizer.library.library import Library

_KEY = "watch.polled"


@dataclass(frozen=True, slots=True)
class Polled:
    """A folder that is scanned at intervals, because its file-system events are incomplete."""

    path: str
    reason: str
    every_s: float
    """Between two scans of it."""
    refused: bool
    """Whether the system refused to watch it, which the user can change; false for network folders."""


def write_polled(library: Library, polled: Sequence[Polled]) -> None:
    """Replace the stored folders."""
    text = json.dumps([dataclasses.asdict(folder) for folder in polled])
    if (library.setting(_KEY) or "[]") != text:
        library.set_setting(_KEY, text)


def read_polled(library: Library) -> list[Polled]:
    """The folders that the watcher stored last; out of date when none runs."""
    return [Polled(**folder) for folder in json.loads(library.setting(_KEY) or "[]")]
