"""Finds all processes that an attempt started, whoever their parents are by now, and how much memory each has had."""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections import defaultdict
from pathlib import Path
from types import TracebackType
from typing import Self

FAMILY = "FAMILIAR_FAULT_FAMILY"
"""In the environment of every process that an attempt starts: children inherit it, orphans keep it."""


def environment() -> dict[str, str]:
    """This process's, with a mark of its own and with the tree that this file is in first on the path."""
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    return {**os.environ, FAMILY: uuid.uuid4().hex, "PYTHONPATH": path}


def family(mark: str) -> list[int]:
    """The processes with this mark that are alive."""
    wanted = f"{FAMILY}={mark}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            # Of one that has ended and waits to be asked how, it is empty.
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


class MemoryWatch:
    """While entered, looks often at the peak memory of the family; what ends between two looks may have had more."""

    def __init__(self, mark: str, every_s: float = 0.03) -> None:
        self._mark = mark
        self._every_s = every_s
        self._peaks: dict[int, tuple[str, float]] = {}
        self._known: dict[int, str] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def look(self) -> None:
        for pid in family(self._mark):
            if pid not in self._known:
                self._known[pid] = _kind(pid)
        self._read()

    def _watch(self) -> None:
        looked_s = float("-inf")
        while not self._stop.wait(self._every_s):
            # New processes are looked for more rarely: that reads every process of the machine.
            if time.monotonic() - looked_s > 0.3:
                self.look()
                looked_s = time.monotonic()
            else:
                self._read()

    def _read(self) -> None:
        for pid, kind in list(self._known.items()):
            try:
                status = Path(f"/proc/{pid}/status").read_text()
                peak_mib = int(status.partition("VmHWM:")[2].split()[0]) / 1024
            except (OSError, IndexError, ValueError):
                self._known.pop(pid)
                continue
            self._peaks[pid] = (kind, max(peak_mib, self._peaks.get(pid, ("", 0.0))[1]))

    def peaks(self) -> dict[str, int]:
        """The most that one process of each kind had, in MiB."""
        most: dict[str, float] = defaultdict(float)
        for kind, peak_mib in self._peaks.values():
            most[kind] = max(most[kind], peak_mib)
        return {kind: round(peak_mib) for kind, peak_mib in sorted(most.items())}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()


def _kind(pid: int) -> str:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return "other"
    for text, kind in {
        "personalizer.analysis.process": "analysis",
        "personalizer.index.process": "index",
        "assistant.worker": "worker",
        "tui.entry": "front end",
    }.items():
        if text in command:
            return kind
    return "other"
