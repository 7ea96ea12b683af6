from __future__ import annotations

import os
import sqlite3
import stat
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stored_photos import vector_of

from personalizer.errors import CorruptArtifactError, FamiliarError, NotFoundError, NotReadyError, UsageError
from personalizer.library.library import Library
from personalizer.library.migrations import CURRENT_VERSION, MIGRATIONS
from personalizer.library.photos.failures import DEATHS_FORGIVEN
from personalizer.library.photos.photos import NewPhoto
from personalizer.schemas import BoundingBox, Embedding, NewDetection, Photo
from personalizer.storage_errors import storage_error


def record(library: Library, name: str, content_hash: str | None = None, kind: str = "photo") -> Photo:
    seed = sum(map(ord, name))
    vector = np.random.default_rng(seed).normal(size=4).astype(np.float32)
    return library.record_photo(
        NewPhoto(
            content_hash=content_hash or f"hash-{name}",
            path=Path("/photos") / name,
            size=10,
            mtime_ns=20,
            width_px=640,
            height_px=480,
            taken_at=datetime(2024, 5, 6, 7, 8, 9),
            latitude=46.5,
            longitude=6.6,
            camera="Pixel 8",
            detections=[
                (NewDetection(kind, BoundingBox(0, 0, 640, 480), 1.0, "whole"), Embedding(vector, "m", "1"))
            ],
        )
    )


def test_photo_round_trip(library: Library) -> None:
    photo = record(library, "a.jpg")
    assert photo == library.photo(photo.id) == library.photo_by_hash("hash-a.jpg")
    assert photo == library.photo_by_path(Path("/photos/a.jpg"))
    assert photo.path == Path("/photos/a.jpg")
    assert photo.taken_at == datetime(2024, 5, 6, 7, 8, 9)
    assert (photo.latitude, photo.longitude, photo.camera) == (46.5, 6.6, "Pixel 8")
    [detection] = library.detections(photo_id=photo.id)
    assert detection.box == BoundingBox(0, 0, 640, 480)
    ids, vectors = library.vectors("photo")
    assert ids.tolist() == [detection.id]
    assert vectors.dtype == np.float32 and vectors.shape == (1, 4)
    np.testing.assert_array_equal(vectors[0], vector_of(library, detection.id))
    with pytest.raises(NotFoundError):
        library.photo(99)


def test_same_content_is_one_photo_with_two_files(library: Library) -> None:
    first, second = record(library, "a.jpg", "same"), record(library, "copy.jpg", "same")
    assert first.id == second.id
    counts = library.counts()
    assert (counts["photos"], counts["files"], counts["detections"]) == (1, 2, 1)


def test_missing_file_is_marked_and_comes_back(library: Library) -> None:
    photo = record(library, "a.jpg")
    library.mark_missing([photo.path])
    assert library.photos() == []
    assert library.photos(include_missing=True) == [photo]
    assert len(library.vectors("photo")[0]) == 1
    library.record_file(photo.path, photo.id, 10, 20)
    assert library.photos() == [photo]


def test_moved_file_keeps_its_photo(library: Library) -> None:
    photo = record(library, "a.jpg")
    library.move_file(photo.path, Path("/photos/b.jpg"), size=10, mtime_ns=20)
    assert library.photo(photo.id).path == Path("/photos/b.jpg")
    assert library.counts()["missing"] == 0


def test_replaced_content_leaves_the_vectors(library: Library) -> None:
    record(library, "a.jpg", "old")
    new = record(library, "a.jpg", "new")
    assert library.photos() == [new]
    ids, _ = library.vectors("photo")
    assert [library.detection(int(i)).photo_id for i in ids] == [new.id]


def test_vectors_of_two_models_are_never_mixed(library: Library) -> None:
    record(library, "a.jpg")
    library.connection.execute("UPDATE vectors SET version = '0'")
    record(library, "b.jpg")
    assert len(library.vectors("photo")[0]) == 1
    assert len(library.vectors("photo", model="m", version="0")[0]) == 1
    assert library.vectors("face")[1].shape == (0, 0)


def test_attempts_are_counted_until_the_file_changes(library: Library) -> None:
    path = Path("/photos/bad.jpg")
    for attempt in (1, 2, 3):
        assert library.begin_attempt(path, 1, 1) == attempt
        assert library.counts()["failures"] == 0
        library.record_failure(path, 1, 1, "not an image", retry=attempt < 3)
    [failure] = library.failures()
    assert (failure.path, failure.reason, failure.attempts, failure.retry) == (path, "not an image", 3, False)
    assert library.begin_attempt(path, 2, 1) == 1


def test_a_program_that_dies_again_and_again_is_hardly_the_fault_of_the_photo_in_hand(
    library: Library,
) -> None:
    path = Path("/photos/good.jpg")
    attempts = [library.begin_attempt(path, 1, 1) for _ in range(DEATHS_FORGIVEN + 4)]
    assert attempts[: DEATHS_FORGIVEN + 1] == [1] * (DEATHS_FORGIVEN + 1)
    assert attempts[DEATHS_FORGIVEN + 1 :] == [2, 3, 4], "but at some time it is"


def test_success_clears_the_failure(library: Library) -> None:
    library.begin_attempt(Path("/photos/a.jpg"), 10, 20)
    record(library, "a.jpg")
    assert library.failures() == []


def test_file_name_that_is_not_utf8(library: Library) -> None:
    path = Path(os.fsdecode(b"/photos/caf\xe9.jpg"))
    photo = record(library, path.name, "some-hash")
    assert photo.path == path
    assert path in library.files()


def test_failed_transaction_leaves_nothing(library: Library) -> None:
    with pytest.raises(RuntimeError), library.transaction():
        record(library, "a.jpg")
        raise RuntimeError
    assert library.counts()["photos"] == library.counts()["vectors"] == 0


def test_concept_names_ignore_case(library: Library) -> None:
    concept = library.create_concept("object", "  Zoë  the cat ")
    assert concept.name == "Zoë the cat" and concept.state == "named"
    assert library.concept_by_name("ZOË THE CAT") == concept
    with pytest.raises(UsageError, match="already called"):
        library.create_concept("face", "zoë the cat")
    with pytest.raises(UsageError, match="empty"):
        library.create_concept("face", "  ")
    assert library.rename_concept(concept.id, "zoë the cat").name == "zoë the cat"
    suggested = library.create_concept("object")
    assert library.rename_concept(suggested.id, "Mug").state == "named"


def test_a_cluster_does_not_overrule_a_person(library: Library) -> None:
    ids = [library.detections(photo_id=record(library, f"{n}.jpg").id)[0].id for n in range(3)]
    concept = library.create_concept("object")
    library.add_members(concept.id, ids, source="cluster", status="confirmed")
    library.add_members(concept.id, ids[:1], source="user", status="rejected")
    library.add_members(concept.id, ids, source="cluster", status="confirmed")
    assert [d.id for d in library.members(concept.id)] == ids[1:]
    assert [d.id for d in library.members(concept.id, "rejected")] == ids[:1]
    library.delete_concept(concept.id)
    assert library.memberships() == [] and library.counts()["photos"] == 3
    with pytest.raises(NotFoundError):
        library.concept(concept.id)


def test_prefix_settings_and_log(library: Library, tmp_path: Path) -> None:
    concept = library.create_concept("face", "Ada")
    ready = library.set_prefix(concept.id, backbone="pocket-1", directory=tmp_path, state="ready")
    assert (ready.backbone, ready.prefix_dir, ready.state) == ("pocket-1", tmp_path, "ready")
    library.set_setting("a", "1")
    library.set_setting("a", "2")
    assert library.setting("a") == "2"
    library.set_setting("a", None)
    assert library.setting("a") is None
    library.append_operation("name", {"concept": 1, "name": "Ada"})
    assert library.operations()[0].payload == {"concept": 1, "name": "Ada"}


def test_a_concepts_number_never_returns(library: Library) -> None:
    first, last = library.create_concept("object"), library.create_concept("object")
    library.delete_concept(last.id)
    assert library.create_concept("face").id > last.id > first.id


def first_schema(path: Path) -> sqlite3.Connection:
    """A library as the first version wrote it, without rows."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    for statement in MIGRATIONS[0]:
        connection.execute(statement)
    connection.execute("PRAGMA user_version = 1")
    return connection


def test_a_library_of_the_first_schema_keeps_everything(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite3"
    tables = {
        "photos": [(1, "hash", "/a.jpg", 4, 3, None, None, None, "Pixel", "2024")],
        "photo_files": [("/a.jpg", 1, 10, 20, None)],
        "detections": [
            (5, 1, "photo", 0.0, 0.0, 4.0, 3.0, 1.0, "whole"),
            (6, 1, "face", 1, 1, 2, 2, 0.5, "d"),
        ],
        "concepts": [
            (2, None, None, "object", "suggested", None, None, "2023"),
            (7, "Zoë", "zoë", "face", "ready", "pocket-1", "/home/concepts/7", "2024"),
        ],
        "memberships": [
            (2, 5, "cluster", "confirmed"),
            (7, 5, "user", "rejected"),
            (7, 6, "cluster", "suggested"),
        ],
        "operations": [
            (1, "2024", "merge", '{"kept": 7, "removed": 12, "removed_name": null}'),
            (2, "2024", "name", '{"concept": 9, "name": "Bo"}'),
        ],
        "settings": [("paused", "1")],
    }
    old = first_schema(path)
    for table, rows in tables.items():
        marks = ", ".join("?" * len(rows[0]))
        old.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
    old.close()

    with Library.open(path) as library:
        for table, rows in tables.items():
            found = library.connection.execute(f"SELECT * FROM {table}").fetchall()
            assert [tuple(row)[: len(rows[0])] for row in found] == rows, table
        zoe = library.concept_by_name("ZOË")
        assert zoe is not None and (zoe.id, zoe.state, zoe.backbone) == (7, "ready", "pocket-1")
        assert library.connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert library.connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert library.create_concept("object").id == 13, "12 was a concept that somebody has merged"
        # The reference still leads to the concepts: it refuses nonsense and cleans up.
        with pytest.raises(sqlite3.IntegrityError):
            library.add_members(99, [5], source="user", status="confirmed")
        library.delete_concept(7)
        assert [member.concept_id for member in library.memberships()] == [2]
        with pytest.raises(UsageError, match="already called"):
            library.create_concept("object", "Mug")
            library.create_concept("object", "mug")


def test_an_empty_library_of_the_first_schema(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite3"
    first_schema(path).close()
    with Library.open(path) as library:
        assert library.create_concept("object").id == 1


def test_files_are_private(library: Library) -> None:
    record(library, "a.jpg")
    assert stat.S_IMODE(library.path.parent.stat().st_mode) == 0o700
    for file in library.path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite3"
    Library.open(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {CURRENT_VERSION + 1}")
    for read_only in (False, True):
        with pytest.raises(FamiliarError, match="Install a newer"):
            Library.open(path, read_only=read_only)


def test_damaged_and_absent_library(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite3"
    with pytest.raises(NotReadyError, match="none yet"):
        Library.open(path, read_only=True)
    path.write_bytes(b"this is not a database, but long enough to look like one" * 40)
    with pytest.raises(CorruptArtifactError):
        Library.open(path)


def test_read_only_sees_and_cannot_write(library: Library) -> None:
    record(library, "a.jpg")
    with Library.open(library.path, read_only=True) as reader:
        assert reader.counts()["photos"] == 1
        with pytest.raises(sqlite3.OperationalError):
            reader.set_setting("a", "b")


def test_threads_write_at_once(library: Library) -> None:
    def work(number: int) -> None:
        for n in range(20):
            record(library, f"{number}-{n}.jpg")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert library.counts()["photos"] == 80
    assert library.connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert library.connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_two_processes_may_migrate_at_once(tmp_path: Path) -> None:
    path = tmp_path / "library.sqlite3"
    errors: list[BaseException] = []

    def work() -> None:
        try:
            Library.open(path).close()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


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
