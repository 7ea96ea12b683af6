"""Detects the installed version of Familiar's code, so that processes that run an older one are replaced.

A process that outlives an update would mix old imported modules with new ones. Compares names and sizes of source files
and imports none.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from personalizer.home import PACKAGE_PARENT

PACKAGES = ("assistant", "exporters", "personalizer", "tui")
LOOK_EVERY_S = 5.0
SETTLED_S = 10.0
"""An installation that is still going on is not acted upon."""


def code_version(parent: Path = PACKAGE_PARENT) -> str:
    """A hash over names and sizes of all source files: a few milliseconds, and equal wherever the same is installed."""
    found = hashlib.sha256()
    for line in sorted(_sources(parent)):
        found.update(line.encode("utf-8", "surrogateescape"))
    return found.hexdigest()[:16]


def _sources(parent: Path) -> Iterator[str]:
    for package in PACKAGES:
        for folder, folders, files in os.walk(parent / package):
            folders[:] = [name for name in folders if name != "__pycache__"]
            for name in files:
                if name.endswith(".py"):
                    path = os.path.join(folder, name)  # noqa: PTH118 - hundreds of times
                    yield f"{os.path.relpath(path, parent)}:{_size(path)}\n"


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116
    except OSError:
        return -1  # replaced at this very moment


class CodeWatch:
    """Detects that this process runs other code than the installed one."""

    def __init__(
        self,
        look: Callable[[], str] = code_version,
        clock: Callable[[], float] = time.monotonic,
        settled_s: float = SETTLED_S,
    ) -> None:
        self.version = look()
        self._look = look
        self._clock = clock
        self._settled_s = settled_s
        self._looked_s = clock()
        self._other: tuple[str, float] | None = None

    def outdated(self) -> bool:
        """Whether other code is installed, and has been for `settled_s`; for who asks all the time."""
        now_s = self._clock()
        if now_s - self._looked_s >= LOOK_EVERY_S:
            self._looked_s = now_s
            found = self._look()
            if found == self.version:
                self._other = None
            elif self._other is None or self._other[0] != found:
                self._other = (found, now_s)
        return self._other is not None and now_s - self._other[1] >= self._settled_s
