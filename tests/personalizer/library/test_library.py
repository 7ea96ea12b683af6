"""The file under the library: transactions, threads, processes, damage."""

from __future__ import annotations

import sqlite3
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from stored_photos import photo_with_vector

from personalizer.errors import CorruptArtifactError, NotReadyError
from personalizer.library.library import Library
from personalizer.storage_errors import storage_error


def test_failed_transaction_leaves_nothing(library: Library) -> None:
    with pytest.raises(RuntimeError), library.transaction():
        photo_with_vector(library, "a.jpg")
        raise RuntimeError
    assert library.counts()["photos"] == library.counts()["vectors"] == 0


def test_files_are_private(library: Library) -> None:
    photo_with_vector(library, "a.jpg")
    assert stat.S_IMODE(library.path.parent.stat().st_mode) == 0o700
    for file in library.path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_damaged_and_absent_library(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite3"
    with pytest.raises(NotReadyError, match="none yet"):
        Library.open(path, read_only=True)
    path.write_bytes(b"this is not a database, but long enough to look like one" * 40)
    with pytest.raises(CorruptArtifactError):
        Library.open(path)


def test_read_only_sees_and_cannot_write(library: Library) -> None:
    photo_with_vector(library, "a.jpg")
    with Library.open(library.path, read_only=True) as reader:
        assert reader.counts()["photos"] == 1
        with pytest.raises(sqlite3.OperationalError):
            reader.set_setting("a", "b")


def test_threads_write_at_once(library: Library) -> None:
    def work(number: int) -> None:
        for n in range(20):
            photo_with_vector(library, f"{number}-{n}.jpg")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert library.counts()["photos"] == 80
    assert library.connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert library.connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_opening_waits_for_a_program_that_writes_a_library_not_yet_in_wal_mode(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite3"
    path.touch(mode=0o600)
    writer = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    writer.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.3, lambda: writer.execute("COMMIT"))
    release.start()
    with Library.open(path) as library:
        assert library.connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    release.join()
    writer.close()


def test_a_full_disk_loses_nothing_that_was_stored(small_disk: Any) -> None:
    with Library.open(small_disk.folder / "library.sqlite3") as library:
        bo = library.create_concept("object", "Bo").id
        small_disk.fill(free_kib=64)
        stored = 0
        with pytest.raises(sqlite3.OperationalError) as raised:
            while stored < 1000:
                library.add_fact(bo, f"{stored} " + "x" * 400)
                stored += 1
        assert "Free some space" in str(storage_error(raised.value))
        assert len(library.facts(bo)) == stored > 0, "what is there can still be read"
        small_disk.free()
        library.add_fact(bo, "and goes on")
    with Library.open(small_disk.folder / "library.sqlite3") as library:
        assert library.connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert len(library.facts(bo)) == stored + 1
