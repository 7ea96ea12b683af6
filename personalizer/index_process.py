"""Fills the vector index in a process of its own, which has seen nothing but the library as it is now.

Chroma's graph files hold memory that was never set: a process that has had a vector in its memory may write it again
after it was removed everywhere. Knows no Chroma; `vector_store`, in the child, does.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

from personalizer.errors import CorruptArtifactError, FamiliarError
from personalizer.library import Library
from personalizer.process_limits import end_with_parent

_CHILD = "from personalizer.index_process import main; main()"


class IndexProcess:
    """The index in the folder `chroma`. Not process-safe: the worker alone has one."""

    def __init__(self, chroma: Path) -> None:
        self._chroma = chroma

    def sync(self, library: Library) -> int:
        """Push the vectors that the index lacks, take out those that are gone; returns how many were pushed.

        Raises `CorruptArtifactError`.
        """
        waits = library.vectors_to_index(1) or library.index_removals(1)
        return int(self._run("sync", library)["indexed"]) if waits else 0

    def rebuild(self, library: Library) -> int:
        """Empty the index and fill it from the library; returns the number of vectors."""
        return int(self._run("rebuild", library)["indexed"])

    def check(self, library: Library) -> dict[str, int]:
        """How the index differs from the library: `vectors` there should be, and how many are `missing`, `extra` and
        `different`.
        """
        if not self._chroma.exists():
            vectors = library.counts()["vectors"]
            return {"vectors": vectors, "missing": vectors, "extra": 0, "different": 0}
        return {key: int(value) for key, value in self._run("check", library).items()}

    def erase(self, library: Library) -> None:
        """Delete the index with its files, in which removed vectors linger; `sync` makes it anew."""
        library.set_indexed(None, indexed=False)
        if self._chroma.exists():
            shutil.rmtree(self._chroma)
        library.forget_index_removals(None)

    def _run(self, task: Literal["sync", "rebuild", "check"], library: Library) -> dict[str, Any]:
        package_parent = str(Path(__file__).parents[1])
        search_path = [package_parent, *filter(None, [os.environ.get("PYTHONPATH")])]
        arguments = [task, str(os.getpid()), str(self._chroma.absolute()), str(library.path.absolute())]
        # -P: where the worker stands is no place to import from.
        with subprocess.Popen(
            [sys.executable, "-P", "-c", _CHILD, *arguments],
            # Never written to: it ends when this process does.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(search_path)},
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
        raise CorruptArtifactError(**answer["error"])
    return answer


def main() -> None:
    """What the child runs: `… TASK PARENT_PID CHROMA LIBRARY`; its last line of output is the answer."""
    from personalizer.vector_store import VectorStore

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
        answer = {"error": {"tried": error.tried, "found": error.found, "fix": error.fix}}
    except Exception as error:  # Chroma raises what its storage raises
        found = f"{type(error).__name__}: {error}"
        fix = "`familiar rebuild-index` makes the index anew."
        answer = {"error": {"tried": "writing the vector index", "found": found, "fix": fix}}
    print(json.dumps(answer), flush=True)
