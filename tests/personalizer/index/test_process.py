"""The index as the worker writes it: with nothing in it that the library does not have."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from stored_photos import store_photo, vector_of

from personalizer.errors import CorruptArtifactError
from personalizer.index.chroma import VectorStore, is_damage
from personalizer.index.process import IndexProcess
from personalizer.library.library import Library
from personalizer.schemas import BoundingBox, Embedding, NewDetection

VECTORS = np.random.default_rng(0).normal(size=(60, 64)).astype("f4")
"""Not of unit length: Chroma's cosine index has them so only where it did not mean to."""


@pytest.fixture
def library(tmp_path: Path):
    with Library.open(tmp_path / "library.sqlite3") as opened:
        for number, vector in enumerate(VECTORS):
            store_photo(
                opened,
                content_hash=str(number),
                path=Path(f"/photos/{number}.jpg"),
                detections=[
                    (NewDetection("object", BoundingBox(0, 0, 9, 9), 1, "t"), Embedding(vector, "m", "1"))
                ],
            )
        yield opened


def removed_in(folder: Path, ids: range) -> int:
    """How many of these vectors are in some file."""
    content = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    return sum(VECTORS[number, 8:24].tobytes() in content for number in ids)


def test_removed_vectors_are_in_no_file_of_a_new_index(library: Library, tmp_path: Path) -> None:
    chroma = tmp_path / "chroma"
    index = IndexProcess(chroma)
    assert index.sync(library) == 60 and index.sync(library) == 0
    assert removed_in(chroma, range(30)) == 30
    gone = [detection.id for detection in library.detections()][:30]
    # This process has had them in its memory.
    assert all(vector_of(library, detection_id) is not None for detection_id in gone)
    library.delete_detections(gone)
    index.erase(library)
    assert not chroma.exists()
    assert index.sync(library) == 30
    assert removed_in(chroma, range(30)) == 0 and removed_in(chroma, range(30, 60)) == 30
    assert index.rebuild(library) == 30


def damaged(chroma: Path) -> None:
    (chroma / "chroma.sqlite3").write_bytes(b"not a database" * 500)


def cut_short(chroma: Path) -> None:
    os.truncate(chroma / "chroma.sqlite3", (chroma / "chroma.sqlite3").stat().st_size // 2)


def emptied(chroma: Path) -> None:
    for path in chroma.iterdir():
        path.unlink() if path.is_file() else shutil.rmtree(path)


@pytest.mark.parametrize("harm", [shutil.rmtree, emptied, damaged, cut_short])
def test_an_index_that_is_lost_is_made_anew_from_the_library(
    harm: Callable[[Path], None], library: Library, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    chroma = tmp_path / "chroma"
    IndexProcess(chroma).sync(library)
    harm(chroma)
    assert library.counts()["not_indexed"] == 0, "the library does not know"
    index = IndexProcess(chroma)
    with caplog.at_level(logging.WARNING):
        assert index.sync(library, compare=True) == 60
    assert "60 vectors" in caplog.text
    assert index.check(library) == {"vectors": 60, "missing": 0, "extra": 0, "different": 0}
    assert index.sync(library, compare=True) == 0


def test_an_index_with_too_few_vectors_is_noticed_when_nothing_is_to_be_written(
    library: Library, tmp_path: Path
) -> None:
    chroma = tmp_path / "chroma"
    IndexProcess(chroma).sync(library)
    for collection in VectorStore(chroma).client.list_collections():
        collection.delete(ids=[str(number) for number in range(1, 31)])
    index = IndexProcess(chroma)
    assert index.sync(library) == 0, "starting Chroma takes a while: only where it is asked for"
    assert index.sync(library, compare=True) == 60


def test_what_is_damage() -> None:
    """Of each kind of error SQLite has closer ones, which say the same in their last byte."""
    for code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_CORRUPT_INDEX, sqlite3.SQLITE_NOTADB):
        assert is_damage(RuntimeError(f"error returned from database: (code: {code}) it is malformed"))
    for code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_BUSY):
        assert not is_damage(RuntimeError(f"error returned from database: (code: {code}) it is refused"))


def test_a_disk_that_refuses_is_no_damage(library: Library, tmp_path: Path) -> None:
    (tmp_path / "chroma").write_text("in the way")
    with pytest.raises(CorruptArtifactError):
        IndexProcess(tmp_path / "chroma").sync(library)
    assert (tmp_path / "chroma").read_text() == "in the way"
    assert library.counts()["not_indexed"] == 60


def test_the_child_ends_with_the_worker(library: Library, tmp_path: Path) -> None:
    """Killed before it could tell anybody, the worker leaves nothing behind that goes on writing."""
    child = "import json, os, sys, time; from personalizer.index import process as index_process\n"
    child += "index_process.Library.open = lambda path: (print(os.getpid(), flush=True), time.sleep(60))\n"
    child += "index_process.main()"
    worker = f"""
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {child!r}, "sync", str(os.getpid()), "x", "y"], stdin=subprocess.PIPE)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", worker], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert json.loads(parent.stdout.readline()) > 0
    parent.send_signal(signal.SIGKILL)
    # The pipe ends when the last process that can write to it has.
    assert parent.stdout.read() == ""
    parent.wait()
    parent.stdout.close()
