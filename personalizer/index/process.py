"""Updates the vector index in a fresh process, which never held removed vectors in memory.

Chroma writes uninitialized memory into its graph files, so a longer process could write a forgotten vector again.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Literal

from personalizer.errors import CorruptArtifactError, FamiliarError
from personalizer.home import child_environment
from personalizer.library.library import Library
from personalizer.process_limits import end_with_parent

COMPARE_EVERY_S = 3000.0
"""Less than the hour between two scans of a daemon; starting Chroma takes a second or two."""
_CHILD = "from personalizer.index.process import main; main()"
logger = logging.getLogger(__name__)


class _DamagedIndexError(CorruptArtifactError):
    """Chroma cannot read its own file."""


class IndexProcess:
    """The index in the folder `chroma`. Not process-safe: the worker alone has one."""

    def __init__(self, chroma: Path) -> None:
        self._chroma = chroma
        self._compared_s: float | None = None

    def sync(self, library: Library, *, compare: bool = False) -> int:
        """Push the vectors that the index lacks, take out those that are gone; returns how many were pushed.

        An index that is gone or damaged is made anew. One that holds too few is found where something is to be
        written, and with `compare` now and then also where nothing is. Raises `CorruptArtifactError`.
        """
        waits = library.vectors_to_index(1) or library.index_removals(1) or self._is_gone(library)
        if not (waits or (compare and self._is_to_be_compared())):
            return 0
        waiting = library.not_indexed_count()
        indexed = self._write("sync", library)
        self._compared_s = time.monotonic()
        if indexed > waiting:
            logger.warning("%d vectors that the index should hold were put into it again", indexed - waiting)
        return indexed

    def rebuild(self, library: Library) -> int:
        """Empty the index and fill it from the library; returns the number of vectors."""
        return self._write("rebuild", library)

    def _is_there(self) -> bool:
        return (self._chroma / "chroma.sqlite3").exists()

    def _is_gone(self, library: Library) -> bool:
        return not self._is_there() and library.vector_count() > 0

    def _is_to_be_compared(self) -> bool:
        compared_s = self._compared_s
        return self._is_there() and (compared_s is None or time.monotonic() - compared_s >= COMPARE_EVERY_S)

    def _write(self, task: Literal["sync", "rebuild"], library: Library) -> int:
        try:
            return int(self.run_task(task, library)["indexed"])
        except _DamagedIndexError:
            logger.warning("the index is damaged: it is deleted and made anew")
            self.erase(library)
            return int(self.run_task("sync", library)["indexed"])

    def check(self, library: Library) -> dict[str, int]:
        """How the index differs from the library: `vectors` there should be, and how many are `missing`, `extra` and
        `different`.
        """
        if not self._chroma.exists():
            vectors = library.vector_count()
            return {"vectors": vectors, "missing": vectors, "extra": 0, "different": 0}
        return {key: int(value) for key, value in self.run_task("check", library).items()}

    def erase(self, library: Library) -> None:
        """Delete the index with its files, in which removed vectors linger; `sync` makes it anew."""
        library.set_indexed(None, indexed=False)
        if self._chroma.exists():
            shutil.rmtree(self._chroma)
        library.forget_index_removals(None)

    def run_task(self, task: Literal["sync", "rebuild", "check"], library: Library) -> dict[str, Any]:
        """What a child says that did this; raises what went wrong there."""
        arguments = [task, str(os.getpid()), str(self._chroma.absolute()), str(library.path.absolute())]
        # -P: where the worker stands is no place to import from.
        with subprocess.Popen(
            [sys.executable, "-P", "-c", _CHILD, *arguments],
            # Never written to: it ends when this process does.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=child_environment(),
        ) as process:
            assert process.stdout is not None
            said = process.stdout.read()
        return _answer(said, process.returncode)


def _answer(said: bytes, status: int) -> dict[str, Any]:
    lines = said.splitlines()
    try:
        answer: dict[str, Any] = json.loads(lines[-1])
    except (IndexError, ValueError):
        raise CorruptArtifactError(
            tried="writing the vector index",
            found=f"its process ended with status {status}",
            fix="See the worker's log; `familiar rebuild-index` tries again.",
        ) from None
    if "error" in answer:
        raise (_DamagedIndexError if answer["damaged"] else CorruptArtifactError)(**answer["error"])
    return answer


def main() -> None:
    """What the child runs: `… TASK PARENT_PID CHROMA LIBRARY`; its last line of output is the answer."""
    from personalizer.index.chroma import VectorStore, is_damage

    task, parent, chroma, database = sys.argv[1:]
    end_with_parent(int(parent))
    try:
        with Library.open(Path(database)) as library:
            store = VectorStore(Path(chroma))
            answer: dict[str, Any]
            if task == "check":
                answer = dataclasses.asdict(store.check(library))
            else:
                answer = {"indexed": store.rebuild(library) if task == "rebuild" else store.sync(library)}
    except FamiliarError as error:
        told = {"tried": error.tried, "found": error.found, "fix": error.fix}
        answer = {"error": told, "damaged": is_damage(error)}
    except Exception as error:  # Chroma raises what its storage raises
        found = f"{type(error).__name__}: {error}"
        fix = "`familiar rebuild-index` makes the index anew."
        told = {"tried": "writing the vector index", "found": found, "fix": fix}
        answer = {"error": told, "damaged": is_damage(error)}
    print(json.dumps(answer), flush=True)
