"""Restoring: all of the old state or all of the new one, whatever happens; and nothing forgotten comes back."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stored_photos import store_photo
from waiting import until

import personalizer.backup.write
from assistant.daemon.process import (
    ensure_worker,
    hold_watch_lock,
    hold_worker_lock,
    running_worker_pid,
    stop_worker,
)
from assistant.forget.concept import forget
from assistant.forget.faces import erase_faces
from assistant.forget.known_backups import FACES, known_backups, left_in_backups
from assistant.results import Check
from assistant.service.familiar import Familiar
from assistant.setup.restore import Restored, restore
from assistant.worker.main import run_worker
from personalizer.backup.archive import Archive, write_archive
from personalizer.backup.swap import finish_restore, hold_restore_lock, staging
from personalizer.backup.write import back_up
from personalizer.concepts.operations import merge_concepts, name_concept
from personalizer.concepts.undo import undo
from personalizer.errors import CorruptArtifactError, FamiliarError, NotReadyError, StorageError, UsageError
from personalizer.home import Home
from personalizer.jobs.loop import JobContext
from personalizer.jobs.queue import JobQueue
from personalizer.library.library import Library
from personalizer.library.schema.migrations import CURRENT_VERSION, MIGRATIONS
from personalizer.prefix.files import replace_pair
from personalizer.schemas import BoundingBox, DetectionKind, Embedding, NewDetection

NAME, OTHER = "Zoë Quux", "Rex"


class World:
    """A home with photos, people and things, without models."""

    def __init__(self, home: Home) -> None:
        self.home = home.ensure()
        self.library = Library.open(home.database)

    def photo(self, name: str, *kinds: DetectionKind) -> int:
        rng = np.random.default_rng(list(name.encode()))
        detections = [
            (
                NewDetection(kind, BoundingBox(10 * number, 0, 10 * number + 9, 9), 1.0, "t"),
                Embedding(rng.random(64, "f4"), f"m-{kind}", "1"),
            )
            for number, kind in enumerate(kinds)
        ]
        return store_photo(
            self.library, content_hash=name, path=Path("/photos") / name, width_px=99, detections=detections
        ).id

    def concept(
        self, name: str, photos: list[int], kind: str = "object", face: int = 0, trained: bool = True
    ) -> int:
        made = self.library.create_concept("face" if kind == "face" else "object")
        shown = [self.library.detections(photo, made.kind)[face].id for photo in photos]
        self.library.add_members(made.id, shown, source="user", status="confirmed")
        name_concept(self.library, made.id, name)
        if trained:
            folder = self.home.concepts / str(made.id)
            folder.mkdir(mode=0o700)
            weights = np.random.default_rng(list(name.encode())).bytes(500)
            manifest = {"sha256": hashlib.sha256(weights).hexdigest(), "concept": {"name": name}}
            replace_pair(folder, weights, json.dumps(manifest).encode())
            self.library.set_prefix(made.id, backbone="b", directory=folder, state="ready")
        return made.id

    def back_up(self, path: Path) -> Path:
        return back_up(self.home, self.library, path).path

    def forget(self, concept_id: int) -> None:
        forget(self.home, self.library, JobQueue(self.library), lambda: None, concept_id, QuietContext())

    def restore(self, path: Path) -> Restored:
        self.library.close()
        restored = restore(self.home, path, replace=True)
        self.library = Library.open(self.home.database)
        return restored

    def names(self) -> set[str]:
        return {concept.name for concept in self.library.concepts() if concept.name}


class QuietContext(JobContext):
    """Of a job that nobody watches."""

    def __init__(self) -> None:
        pass

    def progress(self, done: int, total: int, message: str) -> None:
        pass

    def cancelled(self) -> bool:
        return False

    def check_cancelled(self) -> None:
        pass


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(Home(tmp_path / "home"))
    yield made
    made.library.close()
    pid = running_worker_pid(made.home)
    if pid and pid != os.getpid():
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def two(world: World) -> tuple[int, int]:
    """Two trained things, the second of which is to stay."""
    first = [world.photo(f"a{number}.jpg", "photo", "object") for number in range(3)]
    second = [world.photo(f"b{number}.jpg", "photo", "object") for number in range(3)]
    made = world.concept(NAME, first), world.concept(OTHER, second)
    world.library.add_fact(made[0], f"{NAME} is red")
    world.library.add_fact(made[1], "is a dog")
    return made


def rows(database: Path, *without: str) -> dict[str, list[Any]]:
    with closing(sqlite3.connect(database)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            table: sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
            for table in tables
            # How the index of words lies in the file depends on when it was built.
            if table not in without and not table.startswith(("photo_words_", "chat_words_"))
        }


def says(home: Home, *texts: str) -> set[str]:
    """The files below a home, and their names, in which one of these texts is."""
    needles = [text.encode(encoding) for text in texts for encoding in ("utf-8", "utf-16-le")]
    needles += [json.dumps(text)[1:-1].encode() for text in texts]
    found = set()
    for path in home.root.rglob("*"):
        relative = str(path.relative_to(home.root))
        content = relative.encode() + (path.read_bytes() if path.is_file() else b"")
        if any(needle in content for needle in needles):
            found.add(relative)
    return found


# --- what is restored


def test_into_an_empty_home_everything_is_there_and_private(
    world: World, two: tuple[int, int], tmp_path: Path
) -> None:
    backup = world.back_up(tmp_path / "a.bak")
    other = Home(tmp_path / "new" / "home")
    before = os.umask(0)
    try:
        restored = restore(other, backup, replace=False)
    finally:
        os.umask(before)
    assert (restored.photos, restored.concepts, restored.prefixes, restored.left_out) == (6, 2, 2, {})
    assert rows(other.database, "backups", "vectors", "concepts") == rows(
        world.home.database, "backups", "vectors", "concepts"
    )
    with Library.open(other.database) as library:
        assert {concept.prefix_dir for concept in library.concepts()} == {
            other.concepts / str(concept_id) for concept_id in two
        }
        for concept_id in two:
            for name in ("prefix.safetensors", "manifest.json"):
                relative = f"{concept_id}/{name}"
                assert (other.concepts / relative).read_bytes() == (
                    world.home.concepts / relative
                ).read_bytes()
        assert library.counts()["not_indexed"] == library.counts()["vectors"] == 12
        assert [one.path for one in library.backups()] == [backup], "it can be pruned from here as well"
    assert sorted(restored.files) == sorted(
        [other.database, *(path for path in other.concepts.rglob("*") if path.is_file())]
    )
    for path in [other.root, *other.root.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    assert not staging(other).exists()


@pytest.mark.slow
def test_by_the_command_line_over_an_existing_library(
    world: World, two: tuple[int, int], tmp_path: Path
) -> None:
    backup = world.back_up(tmp_path / "a.bak")
    world.photo("later.jpg", "photo")
    world.concept("Gone Again", [world.photo("c.jpg", "object")])
    world.library.close()
    (world.home.chroma / "old").write_text("of vectors that are not there any more")
    drawing = world.home.imagined / "drawing.png"
    drawing.write_bytes(b"stays")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from tui.entry import main; main()", "--home", str(world.home.root)]
        return subprocess.run([*command, "--json", *arguments], capture_output=True, text=True, check=False)

    refused = run("restore", str(backup))
    assert refused.returncode == 2 and "7 photos and 3" not in refused.stdout
    assert "8 photos and 3 named concepts" in json.loads(refused.stdout)["error"]["found"]
    done = run("restore", str(backup), "--yes")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["photos"], said["concepts"], said["indexed"], said["notes"]) == (6, 2, 12, [])
    assert said["replaced"] == {"photos": 8, "concepts": 3} and said["bytes"] > 0 and len(said["files"]) == 5
    # The worker that made the index merely waits, and makes way.
    with Library.open(world.home.database) as library:
        queue = JobQueue(library)
        until(lambda: not queue.list("running") and not queue.list("queued"))
    assert running_worker_pid(world.home)
    again = run("restore", str(backup), "--yes")
    assert again.returncode == 0, again.stderr
    stop_worker(world.home, 20)
    assert says(world.home, "Gone Again", "of vectors") == set()
    assert drawing.read_bytes() == b"stays"
    with Library.open(world.home.database) as library:
        assert library.counts()["not_indexed"] == 0 and library.counts()["photos"] == 6


def test_an_older_schema_is_brought_up_to_date_and_a_newer_one_refused(world: World, tmp_path: Path) -> None:
    old = tmp_path / "old.sqlite3"
    with closing(sqlite3.connect(old, isolation_level=None)) as connection:
        for step in MIGRATIONS[:3]:
            for statement in step:
                connection.execute(statement)
        connection.execute("INSERT INTO concepts(name, name_key, kind, state, created_at) "
                           "VALUES ('Ann', 'ann', 'face', 'named', '2020')")  # fmt: skip
        connection.execute("PRAGMA user_version = 3")
    about = {
        "uid": "a", "made_at": "2020", "photos": 0, "concepts": 1, "faces": 0, "last_photo": 0, "last_concept": 1,
    }  # fmt: skip
    write_archive(tmp_path / "old.bak", {"library.sqlite3": old}, {**about, "schema": 3})
    write_archive(tmp_path / "lies.bak", {"library.sqlite3": old}, {**about, "schema": 4})
    write_archive(tmp_path / "new.bak", {"library.sqlite3": old}, {**about, "schema": CURRENT_VERSION + 1})
    world.concept(OTHER, [world.photo("a.jpg", "object")])
    before = rows(world.home.database)
    world.library.close()
    with pytest.raises(FamiliarError, match="newer familiar-assistant"):
        restore(world.home, tmp_path / "new.bak", replace=True)
    with pytest.raises(CorruptArtifactError, match="its manifest says 4"):
        restore(world.home, tmp_path / "lies.bak", replace=True)
    assert rows(world.home.database) == before and not staging(world.home).exists()
    world.restore(tmp_path / "old.bak")
    assert world.names() == {"Ann"} and len(world.library.concept_uids()) == 1


def hostile(kind: str) -> Callable[[sqlite3.Connection], object]:
    statements = {
        "trigger": "CREATE TRIGGER evil AFTER INSERT ON settings BEGIN DELETE FROM photos; END",
        "other trigger": "DROP TRIGGER grouping_after_0; "
        "CREATE TRIGGER grouping_after_0 AFTER INSERT ON memberships BEGIN DELETE FROM photos; END",
        "view": "CREATE VIEW evil AS SELECT load_extension('/tmp/evil')",
    }
    return lambda connection: connection.executescript(statements[kind])


@pytest.mark.parametrize("kind", ["trigger", "other trigger", "view"])
def test_a_library_with_somebody_elses_program_in_it_is_refused(
    world: World, two: tuple[int, int], tmp_path: Path, kind: str
) -> None:
    world.library.close()
    altered = Path(shutil.copy(world.home.database, tmp_path / "altered.sqlite3"))
    with closing(sqlite3.connect(altered, isolation_level=None)) as connection:
        hostile(kind)(connection)
    about = {
        "uid": "a", "made_at": "2020", "photos": 6, "concepts": 2, "faces": 0, "last_photo": 6, "last_concept": 2,
        "schema": CURRENT_VERSION,
    }  # fmt: skip
    write_archive(tmp_path / "a.bak", {"library.sqlite3": altered}, about)
    before = rows(world.home.database)
    with pytest.raises(CorruptArtifactError):
        restore(world.home, tmp_path / "a.bak", replace=True)
    assert rows(world.home.database) == before and not staging(world.home).exists()


def test_a_prefix_is_where_it_is_unpacked_whatever_the_library_says(
    world: World, two: tuple[int, int], tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    world.library.set_prefix(two[0], backbone="b", directory=elsewhere, state="ready")
    shutil.rmtree(world.home.concepts / str(two[0]))
    backup = world.back_up(tmp_path / "a.bak")
    world.restore(backup)
    lost, kept = (world.library.concept(concept_id) for concept_id in two)
    assert (lost.prefix_dir, lost.backbone, lost.state) == (None, None, "named"), "it can be trained again"
    assert kept.prefix_dir == world.home.concepts / str(two[1]) and kept.state == "ready"


def test_a_damaged_library_can_be_replaced(world: World, two: tuple[int, int], tmp_path: Path) -> None:
    backup = world.back_up(tmp_path / "a.bak")
    world.library.close()
    content = world.home.database.read_bytes()
    half = len(content) // 8192 * 4096
    torn = content[:half] + b"what a broken disk left of it" * 10_000
    for damaged in (b"what a broken disk left of it" * 1000, torn[: len(content)]):
        world.library.close()
        world.home.database.write_bytes(damaged)
        with pytest.raises(UsageError, match="damaged"):
            restore(world.home, backup, replace=False)
        restored = world.restore(backup)
        assert world.names() == {NAME, OTHER}
    assert "damaged" in restored.notes[0]
    world.library.close()
    world.home.database.write_bytes(b"")
    restored = world.restore(backup)
    assert world.names() == {NAME, OTHER} and restored.notes == []


# --- what must not happen


def test_a_damaged_backup_touches_nothing(world: World, two: tuple[int, int], tmp_path: Path) -> None:
    whole = world.back_up(tmp_path / "a.bak").read_bytes()
    world.library.close()
    before = {path: path.read_bytes() for path in world.home.root.rglob("*") if path.is_file()}
    middle = len(whole) // 2
    for content in (whole[:-1], whole[:middle], whole[:middle] + b"\0\1\2\3" + whole[middle + 4 :]):
        (tmp_path / "bad.bak").write_bytes(content)
        with pytest.raises(CorruptArtifactError):
            restore(world.home, tmp_path / "bad.bak", replace=True)
        assert {path: path.read_bytes() for path in world.home.root.rglob("*") if path.is_file()} == before


def test_not_while_a_worker_runs(world: World, two: tuple[int, int], tmp_path: Path) -> None:
    backup = world.back_up(tmp_path / "a.bak")
    before = rows(world.home.database)
    queue = JobQueue(world.library)
    with hold_watch_lock(world.home), hold_worker_lock(world.home):
        with pytest.raises(NotReadyError, match="worker runs") as refused:
            restore(world.home, backup, replace=True)
        assert refused.value.exit_code == 4
    queue.pause()
    ensure_worker(world.home)
    queue.enqueue("scan", "library")
    queue.claim(1)
    queue.resume()
    job_id = queue.enqueue("something nobody does", "x")
    with pytest.raises(NotReadyError, match="worker runs"):
        restore(world.home, backup, replace=True)
    queue.request_cancel(job_id)
    stop_worker(world.home, 20)
    its_own = ("jobs", "settings", "sqlite_sequence")
    after = rows(world.home.database, *its_own)
    # All of a vector but `indexed`: a worker that is quick brings it into the index.
    with closing(sqlite3.connect(world.home.database)) as connection:
        columns = [column[1] for column in connection.execute("PRAGMA table_info(vectors)")]
    place = columns.index("indexed")
    for each in (before, after):
        each["vectors"] = sorted((row[:place] + row[place + 1 :] for row in each["vectors"]), key=repr)
    assert after == {table: found for table, found in before.items() if table not in its_own}


def test_not_while_another_program_has_the_library_open(
    world: World, two: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("personalizer.backup.swap._BUSY_S", 0.1)
    backup = world.back_up(tmp_path / "a.bak")
    world.photo("later.jpg", "photo")
    with pytest.raises(NotReadyError, match="has it open"):
        restore(world.home, backup, replace=True)
    assert not staging(world.home).exists()
    world.photo("latest.jpg", "photo")
    world.library.close()
    with Library.open(world.home.database) as library:
        assert library.counts()["photos"] == 8
    world.restore(backup)
    assert world.library.counts()["photos"] == 6


@pytest.mark.parametrize("limit", [40_000, 100_000])
def test_a_disk_that_fills_up_leaves_the_old_library(
    world: World,
    two: tuple[int, int],
    tmp_path: Path,
    largest_file: Callable[[int], AbstractContextManager[None]],
    limit: int,
) -> None:
    backup = world.back_up(tmp_path / "a.bak")
    world.photo("later.jpg", "photo")
    world.library.compact()
    world.library.close()
    before = rows(world.home.database)
    with largest_file(limit), pytest.raises(StorageError) as refused:
        restore(world.home, backup, replace=True)
    assert "space" in refused.value.fix
    assert rows(world.home.database) == before and not staging(world.home).exists()
    assert {path.name for path in world.home.concepts.iterdir()} == {str(concept_id) for concept_id in two}


def state_of(home: Home) -> tuple[set[str], dict[str, bytes]]:
    """What a person would find: names, and what was learned."""
    familiar = Familiar(home)
    try:
        concepts = familiar.library.concepts()
        assert familiar.library.connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    finally:
        familiar.close()
    learned = {
        str(path.relative_to(home.concepts)): path.read_bytes()
        for path in home.concepts.rglob("*")
        if path.is_file()
    }
    return {concept.name for concept in concepts if concept.name}, learned


@pytest.fixture
def replaced(world: World, two: tuple[int, int], tmp_path: Path) -> tuple[Path, Any, Any]:
    """A backup, and what is found before and after it is restored: names and learned rows differ."""
    backup = world.back_up(tmp_path / "a.bak")
    old = state_of(world.home)
    world.library.rename_concept(two[0], "Another Name")
    folder = world.home.concepts / str(two[1])
    replace_pair(
        folder, b"later rows", json.dumps({"sha256": hashlib.sha256(b"later rows").hexdigest()}).encode()
    )
    world.concept("Newest", [world.photo("c.jpg", "object")])
    world.library.close()
    return backup, state_of(world.home), old


def child(work: Callable[[], object]) -> int:
    """Run it in a process of its own; returns how that ended."""
    pid = os.fork()
    if not pid:
        try:
            work()
            os._exit(0)
        except BaseException as error:
            os.write(2, repr(error).encode())
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize(
    ("stride", "first_opener_dies"),
    [
        (5, False),
        pytest.param(1, False, marks=pytest.mark.slow),
        pytest.param(1, True, marks=pytest.mark.slow),
    ],
)
def test_killed_at_any_step_it_is_the_old_library_or_the_new_one(
    world: World, replaced: tuple[Path, Any, Any], tmp_path: Path, stride: int, first_opener_dies: bool
) -> None:
    backup, before, after = replaced
    assert before != after
    original = tmp_path / "original"
    shutil.copytree(world.home.root, original)

    def dying(step: int, work: Callable[[], object]) -> Callable[[], None]:
        """`work`, killed at the given change to a folder."""

        def run() -> None:
            count = 0

            def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
                def counted(*arguments: Any, **named: Any) -> Any:
                    nonlocal count
                    count += 1
                    if count == step:
                        os.kill(os.getpid(), signal.SIGKILL)
                    return function(*arguments, **named)

                return counted

            os.replace, os.unlink, os.mkdir, os.rmdir = map(wrap, (os.replace, os.unlink, os.mkdir, os.rmdir))  # type: ignore[assignment]
            os.fsync = wrap(os.fsync)
            work()

        return run

    seen = []
    for step in range(1, 400, stride):
        shutil.rmtree(world.home.root)
        shutil.copytree(original, world.home.root)
        ended = child(dying(step, lambda: restore(world.home, backup, replace=True)))
        assert ended in (0, -signal.SIGKILL)
        if first_opener_dies and ended and (staging(world.home) / "whole").exists():
            for again in (2, 1, 3):
                assert child(dying(again, lambda: finish_restore(world.home))) in (0, -signal.SIGKILL)
        found = state_of(world.home)
        assert found in (before, after), f"killed at step {step}"
        seen.append(found == after)
        assert not staging(world.home).exists()
        if not ended:
            break
    else:
        pytest.fail("it never ended")
    assert seen == sorted(seen) and not seen[0] and seen[-1], "first the old one, then the new one"
    assert len(seen) * stride > 60 and seen.count(True) * stride > 10


@pytest.mark.parametrize("whole", [True, False])
def test_doctor_says_that_a_restore_was_interrupted_and_the_next_command_settles_it(
    world: World, replaced: tuple[Path, Any, Any], whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup, before, after = replaced

    def doctor() -> Check:
        [check] = [check for check in Familiar(world.home).doctor() if check.name == "restore"]
        return check

    assert doctor().ok
    # Before anything is replaced, and when the old library is away and the new one not there yet.
    name = "assistant.setup.restore.swap" if not whole else "personalizer.backup.swap.os.replace"
    replace = os.replace

    def killed(*paths: Any) -> None:
        if name.endswith("swap") or world.home.database in paths[1:]:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(*paths)

    with monkeypatch.context() as patched:
        patched.setattr(name, killed)
        assert child(lambda: restore(world.home, backup, replace=True)) == -signal.SIGKILL
    assert world.home.database.exists() is not whole, "the moment that is meant"
    found = doctor()
    assert not found.ok and not found.required and found.fix == "familiar status"
    assert ("puts the backup" in found.detail) is whole
    with hold_restore_lock(world.home, 0.0):
        assert doctor().ok and "is being restored" in doctor().detail
    assert state_of(world.home) == (after if whole else before)
    assert doctor().ok


def test_killed_at_any_time_it_is_the_old_library_or_the_new_one(
    world: World, replaced: tuple[Path, Any, Any], tmp_path: Path
) -> None:
    backup, before, after = replaced
    with Library.open(world.home.database) as library:
        other = back_up(world.home, library, tmp_path / "b.bak").path
    rng = np.random.default_rng(5)
    seen = []
    while len(seen) < 15 or (len(set(seen)) < 2 and len(seen) < 100):
        in_turn = (backup, other) if len(seen) % 2 else (other, backup)
        pid = os.fork()
        if not pid:
            while True:
                for one in in_turn:
                    restore(world.home, one, replace=True)
        time.sleep(0.02 + 0.2 * rng.random())
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        found = state_of(world.home)
        assert found in (before, after)
        seen.append(found == after)
    assert True in seen and False in seen


def test_an_index_is_not_waited_for_where_the_queue_was_paused(
    world: World, two: tuple[int, int], tmp_path: Path
) -> None:
    JobQueue(world.library).pause()
    backup = world.back_up(tmp_path / "a.bak")
    world.library.close()
    familiar = Familiar(world.home)
    restored = familiar.restore(backup, replace=True)
    familiar.close()
    assert restored.indexed is None and "familiar resume" in restored.notes[0]


def test_a_worker_takes_away_what_a_killed_restore_left(
    world: World, replaced: tuple[Path, Any, Any]
) -> None:
    backup, before, after = replaced

    def unpack_and_die() -> None:
        Archive.extract, extract = (  # type: ignore[method-assign]
            lambda *arguments: (extract(*arguments), os.kill(os.getpid(), signal.SIGKILL)),
            Archive.extract,
        )
        restore(world.home, backup, replace=True)

    assert child(unpack_and_die) == -signal.SIGKILL
    assert NAME.encode() in (staging(world.home) / "new" / "library.sqlite3").read_bytes()
    with Library.open(world.home.database) as library:
        JobQueue(library).pause()  # this is about how it begins, not about what it then finds to do
    run_worker(world.home, threading.Event(), 0)
    assert not staging(world.home).exists() and state_of(world.home) == before != after


# --- what was forgotten


def test_what_was_forgotten_stays_forgotten(world: World, two: tuple[int, int], tmp_path: Path) -> None:
    backup = world.back_up(tmp_path / "a.bak")
    world.forget(two[0])
    assert says(world.home, NAME) == set()
    restored = world.restore(backup)
    assert restored.left_out == {"concepts": 1}
    assert world.names() == {OTHER}
    assert says(world.home, NAME) == set() and not (world.home.concepts / str(two[0])).exists()
    photos = {world.library.photo(one.photo_id).content_hash for one in world.library.detections()}
    assert photos == {"b0.jpg", "b1.jpg", "b2.jpg"}
    assert len(world.library.members(two[1])) == 3 and [f.text for f in world.library.facts(two[1])] == [
        "is a dog"
    ]
    # Also the next time, and from a library that was restored.
    assert world.restore(backup).left_out == {"concepts": 1}
    assert [one.path for one in world.library.backups_holding()] == [backup]


def test_also_when_it_was_another_group_or_part_of_another_concept_then(world: World, tmp_path: Path) -> None:
    photos = [world.photo(f"a{number}.jpg", "photo", "object") for number in range(3)]
    dog = world.concept(
        OTHER, [world.photo(f"b{number}.jpg", "object") for number in range(3)], trained=False
    )
    before_name = world.library.create_concept("object")
    shown = [world.library.detections(photo, "object")[0].id for photo in photos]
    world.library.add_members(before_name.id, shown, source="cluster", status="confirmed")
    unnamed = world.back_up(tmp_path / "unnamed.bak")
    world.library.delete_concept(before_name.id)
    named = world.concept(NAME, photos, trained=False)
    merge_concepts(world.library, dog, named, dog)
    assert world.names() == {OTHER} and NAME in str([one.payload for one in world.library.operations()])
    merged = world.back_up(tmp_path / "merged.bak")
    undo(world.library)
    assert world.names() == {NAME, OTHER}
    world.forget(named)
    for backup in (unnamed, merged):
        world.restore(backup)
        assert world.names() == {OTHER}
        assert says(world.home, NAME) == set()
        assert {world.library.photo(one.photo_id).content_hash for one in world.library.detections()} == {
            "b0.jpg", "b1.jpg", "b2.jpg",
        }  # fmt: skip
        assert [concept.id for concept in world.library.concepts()] == [dog]


def test_what_was_taught_after_forgetting_is_restored(
    world: World, two: tuple[int, int], tmp_path: Path
) -> None:
    world.forget(two[0])
    photo = world.library.photo_by_hash("a0.jpg")
    assert photo is not None
    again = (
        NewDetection("object", BoundingBox(0, 0, 5, 5), 1.0, "t"),
        Embedding(np.ones(64, "f4"), "m-object", "1"),
    )
    world.library.add_detections(photo.id, [again])
    cup = world.concept(NAME, [photo.id])
    backup = world.back_up(tmp_path / "a.bak")
    world.photo("later.jpg", "object")
    assert world.restore(backup).left_out == {}
    assert world.names() == {NAME, OTHER} and len(world.library.members(cup)) == 1


def test_numbers_are_never_used_again(world: World, two: tuple[int, int], tmp_path: Path) -> None:
    backup = world.back_up(tmp_path / "a.bak")
    forgotten = world.concept("Third", [world.photo("c.jpg", "object")])
    world.forget(forgotten)
    world.restore(backup)
    made = world.concept("Fourth", [world.photo("d.jpg", "object")])
    assert made > forgotten
    later = world.back_up(tmp_path / "b.bak")
    assert world.restore(later).left_out == {} and world.names() == {NAME, OTHER, "Fourth"}


def test_a_person_beside_others_is_left_out_and_the_others_are_not(world: World, tmp_path: Path) -> None:
    both = [world.photo(f"both{number}.jpg", "photo", "face", "face") for number in range(2)]
    zoe, ann = world.concept(NAME, both, "face", 0), world.concept("Ann", both, "face", 1)
    backup = world.back_up(tmp_path / "a.bak")
    world.forget(zoe)
    assert world.restore(backup).left_out == {"concepts": 1}
    assert world.names() == {"Ann"} and len(world.library.members(ann)) == 2
    assert [one.kind for one in world.library.detections()] == ["face", "face"]


def test_erased_faces_do_not_come_back_and_faces_that_are_off_stay_off(
    world: World, two: tuple[int, int], tmp_path: Path
) -> None:
    photos = [world.photo(f"f{number}.jpg", "photo", "face") for number in range(2)]
    world.concept("Ann", photos, "face")
    backup = world.back_up(tmp_path / "a.bak")
    erase_faces(world.home, world.library, JobQueue(world.library), lambda: None, QuietContext())
    restored = world.restore(backup)
    assert restored.left_out["faces"] == 2
    assert world.library.counts()["faces"] == 0 and world.names() == {NAME, OTHER}
    assert says(world.home, "Ann") == set() and not world.library.faces_are_on()
    held = [state for state in known_backups(world.library, prune=False) if state.holds_forgotten]
    assert [state.path for state in held] == [backup]
    assert left_in_backups(world.library, {FACES}, delete=False) == held
    # Switched on again, what is found then is restored from a backup of then.
    world.library.switch_faces(True)
    world.concept("Ann", [world.photo("g.jpg", "face")], "face")
    later = world.back_up(tmp_path / "b.bak")
    assert world.restore(later).left_out == {} and "Ann" in world.names() and world.library.faces_are_on()


@pytest.mark.slow
def test_backups_that_hold_what_was_forgotten_are_told_and_deleted_when_asked_for(
    world: World, two: tuple[int, int], tmp_path: Path
) -> None:
    first, second = world.back_up(tmp_path / "first.bak"), world.back_up(tmp_path / "second.bak")
    gone = world.back_up(tmp_path / "gone.bak")
    gone.rename(tmp_path / "moved.bak")
    world.library.close()

    def run(*arguments: str) -> tuple[str, str]:
        command = [sys.executable, "-c", "from tui.entry import main; main()", "--home", str(world.home.root)]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=True)
        return done.stdout, done.stderr

    said, _ = run("forget", NAME, "--yes")
    assert "still hold it" in said and str(first) in said and str(second) in said
    assert f"{gone}: it is not there" in said and NAME not in said
    assert first.exists() and second.exists()
    # One that was made since holds it no more.
    run("backup", str(tmp_path / "later.bak"))
    listed = json.loads(run("--json", "backups")[0])["backups"]
    assert {Path(one["path"]).name for one in listed if one["holds_forgotten"]} == {
        "first.bak", "second.bak", "gone.bak",
    }  # fmt: skip
    second.rename(tmp_path / "kept.bak")
    run("backups", "--prune")
    assert not first.exists() and (tmp_path / "later.bak").exists() and (tmp_path / "kept.bak").exists()
    said = json.loads(run("--json", "forget", OTHER, "--yes", "--backups")[0])
    states = {Path(one["path"]).name: one["state"] for one in said["backups"]}
    assert states.pop("later.bak") == "deleted" and not (tmp_path / "later.bak").exists()
    assert set(states) == {"second.bak", "gone.bak"} and all(
        "not there" in state for state in states.values()
    )


def test_what_a_killed_backup_left_is_removed_when_something_is_forgotten(
    world: World, two: tuple[int, int], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()

    def copy_and_die() -> None:
        personalizer.backup.write.write_archive = lambda *arguments: os.kill(os.getpid(), signal.SIGKILL)
        with Library.open(world.home.database) as library:
            back_up(world.home, library, out / "a.bak")

    assert child(copy_and_die) == -signal.SIGKILL
    [left] = out.iterdir()
    [copy] = world.home.root.glob(".familiar-backup-*/library.sqlite3")
    assert NAME.encode() in copy.read_bytes() and left.is_dir()
    uids = [world.library.concept_uids()[two[0]]]
    world.forget(two[0])
    assert left_in_backups(world.library, uids, delete=False) == []
    assert list(out.iterdir()) == [] and world.library.backups() == []
    assert says(world.home, NAME) == set() and not copy.parent.exists()


def test_refused_without_being_told_to_replace(world: World, two: tuple[int, int], tmp_path: Path) -> None:
    backup = world.back_up(tmp_path / "a.bak")
    world.library.close()
    with pytest.raises(UsageError, match="6 photos and 2 named concepts"):
        restore(world.home, backup, replace=False)
    assert state_of(world.home)[0] == {NAME, OTHER}
