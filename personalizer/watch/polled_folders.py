"""Which folders the running watcher only scans now and then, and why: kept in the library for who asks."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass

from personalizer.library.library import Library

_KEY = "watch.polled"


@dataclass(frozen=True, slots=True)
class Polled:
    """A folder about which notices do not tell everything."""

    path: str
    reason: str
    every_s: float
    """Between two scans of it."""
    refused: bool
    """Whether the system refuses to have it watched, which may be changed; not so across a network."""


def write_polled(library: Library, polled: Sequence[Polled]) -> None:
    """Keep these instead of the earlier ones."""
    text = json.dumps([dataclasses.asdict(one) for one in polled])
    if (library.setting(_KEY) or "[]") != text:
        library.set_setting(_KEY, text)


def read_polled(library: Library) -> list[Polled]:
    """What the watcher said last; true only while one runs."""
    return [Polled(**one) for one in json.loads(library.setting(_KEY) or "[]")]
