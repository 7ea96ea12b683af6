"""The vector index written in this process instead of a child, whose start takes longer than all that it writes.

For tests of jobs that end with writing it. What a child does, and what is left in its files, is tested without this: in
files that this process writes may be anything that was in its memory.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from personalizer.index.process import IndexProcess
from personalizer.library.library import Library


@contextmanager
def index_in_this_process() -> Iterator[None]:
    """Until the end of this; errors of Chroma are raised as it raises them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(IndexProcess, "run_task", _run_task)
        yield


def _run_task(self: Any, task: str, library: Library) -> dict[str, Any]:
    from chromadb.api.shared_system_client import SharedSystemClient

    from personalizer.index.chroma import VectorStore

    try:
        with Library.open(library.path) as opened:
            store = VectorStore(self._chroma)
            if task == "check":
                return dataclasses.asdict(store.check(opened))
            return {"indexed": store.rebuild(opened) if task == "rebuild" else store.sync(opened)}
    finally:
        # It would go on with files that were deleted meanwhile.
        SharedSystemClient.clear_system_cache()
