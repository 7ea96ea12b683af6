"""Disks that are full or read-only, and a library whose file is damaged: said in words, and nothing is lost."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from personalizer.errors import CorruptArtifactError, NotReadyError
from personalizer.jobs.loop import run_worker_loop
from personalizer.jobs.queue import JobQueue
from personalizer.library.library import Library
from personalizer.scan.full_scan import scan
from personalizer.scan.importer import ScanControl
from personalizer.storage_errors import storage_error


def fill(path: Path, concepts: int = 400) -> None:
    with Library.open(path) as library, library.transaction():
        for number in range(concepts):
            library.create_concept("object", f"Thing number {number} with quite a long name")


@pytest.mark.parametrize("left", ["a half", "one page", "ten bytes", "noise at the front"])
def test_a_damaged_library_is_said_to_be_and_left_as_it_is(tmp_path: Path, left: str) -> None:
    path = tmp_path / "library.sqlite3"
    fill(path)
    content = path.read_bytes()
    assert len(content) > 50_000
    kept = {"a half": content[: len(content) // 2], "one page": content[:4096], "ten bytes": content[:10]}
    damaged = kept.get(left, os.urandom(4096) + content[4096:])
    path.write_bytes(damaged)
    with pytest.raises(CorruptArtifactError) as raised:
        Library.open(path)
    assert "familiar restore" in raised.value.fix
    assert path.read_bytes() == damaged, "whoever can repair it needs it as it is"


def test_damage_inside_is_said_when_it_is_met(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite3"
    fill(path)
    content = bytearray(path.read_bytes())
    content[8192:] = os.urandom(len(content) - 8192)
    path.write_bytes(content)
    try:
        with Library.open(path) as library:
            library.concepts()
    except CorruptArtifactError as error:
        assert "familiar restore" in error.fix
    except sqlite3.DatabaseError as error:
        said = storage_error(error)
        assert said is not None and "damaged" in said.found and "familiar restore" in said.fix
    else:
        raise AssertionError("nobody noticed")


def test_a_library_that_was_emptied_is_not_taken_for_a_new_one(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite3"
    path.touch()
    with Library.open(path):
        pass  # one that was never more than that
    for beside in ("-wal", "-shm"):
        path.with_name(path.name + beside).unlink(missing_ok=True)
    (tmp_path / "chroma").mkdir()
    (tmp_path / "chroma" / "chroma.sqlite3").write_bytes(b"an index of it")
    path.write_bytes(b"")
    with pytest.raises(CorruptArtifactError, match="empty"):
        Library.open(path)
    assert path.stat().st_size == 0


def test_a_read_only_disk_is_said_to_be(small_disk: Any) -> None:
    path = small_disk.folder / "library.sqlite3"
    fill(path, 3)
    small_disk.make_read_only()
    try:
        with pytest.raises((NotReadyError, OSError)) as raised:
            Library.open(path)
        said = raised.value if isinstance(raised.value, NotReadyError) else storage_error(raised.value)
        assert said is not None and ("read-only" in str(said).lower() or "readonly" in str(said).lower())
        assert "try again" in said.fix or "writable" in said.fix
    finally:
        small_disk.make_read_only(False)
    with Library.open(path) as library:
        assert len(library.concepts()) == 3


def test_a_disk_that_fills_up_during_an_import_loses_nothing(
    small_disk: Any, tmp_path: Path, make_photo: Callable[..., Path]
) -> None:
    folder = tmp_path / "photos"
    for number in range(6):
        make_photo(folder / f"{number}.jpg", number)
    with Library.open(small_disk.folder / "library.sqlite3") as library:
        queue = JobQueue(library)

        def scans(job: object, context: object) -> dict[str, Any]:
            def fill_up(progress: Any) -> None:
                if progress.done == 2:
                    small_disk.fill(free_kib=8)

            return {"new": scan(library, [folder], ScanControl(fill_up, processes=1)).new}

        job_id = queue.enqueue("scan", "library")
        stop = threading.Event()
        # What could not be written down stays "running", for the next worker.
        try:
            run_worker_loop(queue, {"scan": scans}, stop, idle_exit_s=0)
        except sqlite3.OperationalError as error:
            assert "full" in str(error)
        else:
            job = queue.get(job_id)
            assert (job.state, job.error_class) == ("failed", "environment")
            assert "Free some space" in (job.error or "")
        small_disk.free()
        assert 1 <= len(library.photos()) < 6
        assert library.connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    with Library.open(small_disk.folder / "library.sqlite3") as library:
        queue = JobQueue(library)
        queue.recover_orphans()
        queue.retry(job_id)
        handler = {
            "scan": lambda job, context: {"new": scan(library, [folder], ScanControl(processes=1)).new}
        }
        assert run_worker_loop(queue, handler, threading.Event(), idle_exit_s=0) == 1
        assert queue.get(job_id).state == "done"
        assert len(library.photos()) == 6 and library.failures() == []
