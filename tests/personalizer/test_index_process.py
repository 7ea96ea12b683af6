"""The index as the worker writes it: with nothing in it that the library does not have."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from personalizer.errors import CorruptArtifactError
from personalizer.index_process import IndexProcess
from personalizer.library import Library
from personalizer.schemas import BoundingBox, Embedding, NewDetection

VECTORS = np.random.default_rng(0).normal(size=(60, 64)).astype("f4")
"""Not of unit length: Chroma's cosine index has them so only where it did not mean to."""


@pytest.fixture
def library(tmp_path: Path):
    with Library.open(tmp_path / "library.sqlite3") as opened:
        for number, vector in enumerate(VECTORS):
            opened.record_photo(
                content_hash=str(number),
                path=Path(f"/photos/{number}.jpg"),
                size=1,
                mtime_ns=1,
                width_px=9,
                height_px=9,
                taken_at=None,
                latitude=None,
                longitude=None,
                camera=None,
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
    assert all(library.vector(detection_id) is not None for detection_id in gone)
    library.delete_detections(gone)
    index.erase(library)
    assert not chroma.exists()
    assert index.sync(library) == 30
    assert removed_in(chroma, range(30)) == 0 and removed_in(chroma, range(30, 60)) == 30
    assert index.rebuild(library) == 30


def test_a_damaged_index_is_said_to_be(library: Library, tmp_path: Path) -> None:
    (tmp_path / "chroma").mkdir()
    (tmp_path / "chroma" / "chroma.sqlite3").write_bytes(b"not a database" * 500)
    with pytest.raises(CorruptArtifactError, match="rebuild-index"):
        IndexProcess(tmp_path / "chroma").sync(library)
    assert library.counts()["not_indexed"] == 60


def test_the_child_ends_with_the_worker(library: Library, tmp_path: Path) -> None:
    """Killed before it could tell anybody, the worker leaves nothing behind that goes on writing."""
    child = "import json, os, sys, time; from personalizer import index_process\n"
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
