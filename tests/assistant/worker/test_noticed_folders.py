"""From a notice of the system to the job that looks at the folder: nothing that was noticed is lost on the way."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from photos import draw_blocks
from waiting import until
from worlds import ON_CPU, World

from assistant.worker.missing_work import missing_work, queue_missing
from personalizer.errors import JobCancelled
from personalizer.home import Home
from personalizer.jobs.due import (
    FOLDERS,
    MOST_FOLDERS,
    ask_for_scan,
    mark_scan_due,
    noticed_folders,
    settle_folders,
)
from personalizer.jobs.loop import JobContext, run_worker_loop
from personalizer.library.library import Library
from personalizer.scan.notes import read_notes
from personalizer.schemas import Job
from personalizer.watch.watcher import Watcher, WatchTimes


@dataclass
class FolderWorld(World):
    """With a folder of drawn photos, in which a watcher notices something."""

    folder: Path

    def draw(self, name: str, seed: int) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        draw_blocks(seed, 160, 120).save(path)
        return path

    def ask(self, *names: str) -> int:
        """As the watcher does."""
        return ask_for_scan(self.queue, ON_CPU, [str(self.folder / name) for name in names])

    def ask_for_all(self) -> int:
        return ask_for_scan(self.queue, ON_CPU)

    def scan(self) -> list[Job]:
        """Do the scans that wait; all that were ever done, in the order in which they were."""
        self.work("scan")
        return sorted(self.queue.list("done"), key=lambda job: (job.finished_at or "", job.id))

    def waiting(self) -> list[Job]:
        return self.queue.list("queued")

    def names(self) -> set[str]:
        return {path.name for path in self.library.files()}


@pytest.fixture
def world(tmp_path: Path, known_analyses: None, index_here: None) -> Iterator[FolderWorld]:
    home = Home(tmp_path / "home").ensure()
    folder = tmp_path / "photos"
    folder.mkdir()
    with Library.open(home.database) as library:
        library.add_root(folder)
        made = FolderWorld(home, library, folder)
        made.draw("a/1.png", 1)
        made.draw("b/2.png", 2)
        made.ask_for_all()
        made.scan()
        yield made


def counts(job: Job) -> dict[str, int]:
    assert job.state == "done" and job.result is not None, job.error
    return {name: job.result["scan"][name] for name in ("seen", "new", "missing")}


def test_what_two_hints_say_is_one_job(world: FolderWorld) -> None:
    world.draw("a/3.png", 3)
    world.draw("b/4.png", 4)
    first, second = world.ask("a"), world.ask("b", "a")
    assert first == second and set(noticed_folders(world.library)) == {
        str(world.folder / "a"),
        str(world.folder / "b"),
    }
    assert counts(world.scan()[-1]) == {"seen": 4, "new": 2, "missing": 0}
    assert noticed_folders(world.library) == {} and missing_work(world.library) == []


def test_too_many_folders_are_everything(world: FolderWorld) -> None:
    world.draw("c/3.png", 3)
    world.ask(*(f"x{number}" for number in range(MOST_FOLDERS)))
    world.ask("a", "c")
    assert [job.subject for job in world.waiting()] == [FOLDERS, "library"]
    world.scan()
    assert "3.png" in world.names() and noticed_folders(world.library) == {}


def test_while_a_scan_of_everything_waits(world: FolderWorld) -> None:
    """It is not held up, and what came afterwards is not looked at twice."""
    world.draw("a/3.png", 3)
    world.draw("b/4.png", 4)
    everything, small = world.ask_for_all(), world.ask("a")
    assert everything != small
    done = world.scan()[-2:]
    assert [(job.id, counts(job)["seen"]) for job in done] == [(everything, 4), (small, 0)]
    # The other way round.
    world.draw("a/5.png", 5)
    world.draw("b/6.png", 6)
    small, everything = world.ask("a"), world.ask_for_all()
    done = world.scan()[-2:]
    assert [(job.id, counts(job)["new"]) for job in done] == [(small, 1), (everything, 1)]


def test_a_scan_that_a_person_asks_for_looks_at_everything(world: FolderWorld) -> None:
    world.draw("b/3.png", 3)
    world.ask("a")
    world.queue.enqueue("scan", "library", {}, 10)
    world.scan()
    assert "3.png" in world.names()


def test_what_is_noticed_while_a_scan_looks_is_looked_at_again(world: FolderWorld) -> None:
    world.draw("a/3.png", 3)
    world.ask("a")
    before = noticed_folders(world.library)
    world.ask("a", "b")
    settle_folders(world.library, before)
    assert len(noticed_folders(world.library)) == 2


def test_a_file_that_is_gone_makes_the_job_look_at_everything(world: FolderWorld) -> None:
    (world.folder / "a" / "1.png").unlink()
    world.draw("b/3.png", 3)
    world.ask("a")
    assert counts(world.scan()[-1]) == {"seen": 2, "new": 1, "missing": 1}


def test_a_file_that_moved_is_the_same_photo(world: FolderWorld) -> None:
    before = {photo.content_hash: photo.id for photo in world.library.photos()}
    (world.folder / "a" / "1.png").rename(world.folder / "b" / "1.png")
    world.ask("b")
    result = world.scan()[-1].result
    assert result is not None and result["scan"]["moved"] == 1
    assert {photo.content_hash: photo.id for photo in world.library.photos()} == before


def test_a_jobs_table_that_was_lost(world: FolderWorld) -> None:
    world.draw("a/3.png", 3)
    world.ask("a")
    world.library.connection.execute("DELETE FROM jobs")
    assert len(queue_missing(world.queue, missing_work(world.library), ("scan",))) == 1
    assert queue_missing(world.queue, missing_work(world.library), ("scan",)) == []
    assert counts(world.scan()[-1]) == {"seen": 2, "new": 1, "missing": 0}
    assert missing_work(world.library) == []


def test_a_small_scan_stands_for_no_other(world: FolderWorld) -> None:
    """Not for one of everything that was not finished, neither queued nor done."""
    mark_scan_due(world.library, ON_CPU)
    world.ask("a")
    assert len(queue_missing(world.queue, missing_work(world.library), ("scan",))) == 1
    for job in world.waiting():
        if job.subject == "library":
            world.queue.request_cancel(job.id)
    world.scan()
    assert [item.subject for item in missing_work(world.library)] == ["library"]


def test_a_job_that_is_stopped_goes_on_later_and_one_called_off_does_not(world: FolderWorld) -> None:
    world.draw("a/3.png", 3)
    handlers = world.handlers()
    stop = threading.Event()
    job_id = world.ask("a")

    def stopped(job: Job, context: JobContext) -> dict[str, Any]:
        stop.set()
        return handlers["scan"](job, context)

    run_worker_loop(world.queue, {"scan": stopped}, stop)
    assert world.queue.get(job_id).state == "queued"
    assert len(noticed_folders(world.library)) == 1

    def called_off(job: Job, context: JobContext) -> dict[str, Any]:
        world.queue.request_cancel(job.id)
        return handlers["scan"](job, context)

    run_worker_loop(world.queue, {"scan": called_off}, threading.Event(), idle_exit_s=0)
    assert world.queue.get(job_id).state == "cancelled"
    assert noticed_folders(world.library) == {} and "3.png" not in world.names()


class _OutrankedOnce(JobContext):
    """As where the job that a scan makes way for is called off, or all are paused, before the scan has stopped."""

    asked = 0

    def should_yield(self, by: Collection[str] | None = None) -> bool:
        self.asked += 1
        return self.asked == 1


@pytest.mark.parametrize("everything", [False, True])
def test_a_scan_that_made_way_for_what_is_gone_by_now_was_not_finished(
    world: FolderWorld, *, everything: bool
) -> None:
    (world.folder / "b" / "2.png").rename(world.folder / "a" / "2.png")
    world.draw("a/3.png", 3)
    if everything:
        world.ask_for_all()
    else:
        world.ask("a")
    job = world.queue.claim(os.getpid(), ["scan"])
    assert job is not None
    handlers = world.handlers()
    with pytest.raises(JobCancelled):
        handlers["scan"](job, _OutrankedOnce(world.queue, job, threading.Event()))
    world.queue.requeue(job.id)
    assert missing_work(world.library) != []
    missing = "SELECT COUNT(*) FROM photo_files WHERE missing_since IS NOT NULL"
    assert world.library.connection.execute(missing).fetchone()[0] == 0, "it has moved"
    world.scan()
    assert world.names() == {"1.png", "2.png", "3.png"} and missing_work(world.library) == []


def test_calling_off_a_scan_of_everything_leaves_the_folders_that_wait(world: FolderWorld) -> None:
    world.draw("a/3.png", 3)
    world.draw("b/4.png", 4)
    everything = world.ask_for_all()
    world.ask("a")
    handlers = world.handlers()

    def called_off(job: Job, context: JobContext) -> dict[str, Any]:
        if job.id == everything:
            world.queue.request_cancel(job.id)
        return handlers["scan"](job, context)

    run_worker_loop(world.queue, {"scan": called_off}, threading.Event(), idle_exit_s=0)
    assert world.queue.get(everything).state == "cancelled"
    assert "3.png" in world.names() and "4.png" not in world.names()


def test_what_lies_beside_photos_of_the_folder(world: FolderWorld) -> None:
    for name in ("a/1.png.json", "b/2.png.json"):
        (world.folder / name).write_text("{}")
    world.ask("a")
    world.scan()
    assert [one.path.name for one in world.library.companion_files()] == ["1.png.json"]
    (world.folder / "a" / "1.png.json").unlink()
    world.ask("a")
    world.scan()
    assert len(world.library.companion_files()) == 1, "only a scan of everything says that it is gone"
    world.ask_for_all()
    world.scan()
    assert [one.path.name for one in world.library.companion_files()] == ["2.png.json"]


WORKER = """
import sys, threading
from pathlib import Path
from assistant.worker.registry import make_handlers
from personalizer.errors import JobCancelled
from personalizer.jobs.queue import JobQueue
from personalizer.library.library import Library
from personalizer.home import Home
from personalizer.jobs.loop import run_worker_loop
home = Home(Path(sys.argv[1]))
with Library.open(home.database) as library:
    queue = JobQueue(library)
    handlers = make_handlers(home, library, queue)
    run_worker_loop(queue, {"scan": handlers["scan"]}, threading.Event(), idle_exit_s=0)
"""


@pytest.mark.slow
def test_a_worker_that_is_killed_in_the_middle(world: FolderWorld) -> None:
    for number in range(10, 40):
        world.draw(f"a/{number}.png", number)
    job_id = world.ask("a")
    process = subprocess.Popen([sys.executable, "-c", WORKER, str(world.home.root)])
    until(lambda: world.library.counts()["photos"] >= 8)
    process.kill()
    process.wait()
    assert 8 <= world.library.counts()["photos"] < 32
    assert world.queue.get(job_id).state == "running" and len(noticed_folders(world.library)) == 1
    assert world.scan()[-1].id == job_id, "it is taken up again"
    assert world.library.counts()["photos"] == 32 and world.library.failures() == []
    assert noticed_folders(world.library) == {} and missing_work(world.library) == []


@contextmanager
def watching(world: FolderWorld) -> Iterator[None]:
    """What `familiar watch` does with the folders."""
    handlers, stop = world.handlers(), threading.Event()
    worker = threading.Thread(
        target=run_worker_loop, args=(world.queue, {"scan": handlers["scan"]}, stop), daemon=True
    )
    watcher = Watcher(
        world.library.roots,
        lambda folders: ask_for_scan(world.queue, ON_CPU, folders),
        unfinished=lambda: read_notes(world.library).want_a_look,
        times=WatchTimes(debounce_s=0.3),
    )
    with watcher:
        worker.start()
        try:
            yield
        finally:
            stop.set()
            worker.join()


@pytest.mark.skipif(sys.platform != "linux", reason="others do not say where nothing but files came")
def test_a_file_that_comes_is_a_small_scan_and_one_that_goes_a_full_one(
    world: FolderWorld, tmp_path: Path
) -> None:
    with watching(world):
        outside = world.draw("../outside/3.png", 3)
        os.utime(outside, (1e9, 1e9))
        outside.rename(world.folder / "a" / "3.png")
        until(lambda: len(world.queue.list("done")) == 2)
        small = world.queue.list("done")[-1]
        assert (small.subject, counts(small)) == (FOLDERS, {"seen": 2, "new": 1, "missing": 0})
        (world.folder / "b" / "2.png").unlink()
        until(lambda: len(world.queue.list("done")) == 3)
        everything = world.queue.list("done")[-1]
        assert (everything.subject, counts(everything)) == ("library", {"seen": 2, "new": 0, "missing": 1})
        world.draw("c/4.png", 4)
        until(lambda: len(world.queue.list("done")) == 4)
        assert world.queue.list("done")[-1].subject == "library"
        assert world.names() == {"1.png", "2.png", "3.png", "4.png"}
