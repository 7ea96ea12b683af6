from __future__ import annotations

import errno
import itertools
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from waiting import until

from personalizer.errors import JobCancelled, NotFoundError, NotReadyError
from personalizer.jobs.loop import JobContext, LeaseKeeper, run_worker_loop
from personalizer.jobs.queue import JobQueue
from personalizer.library.library import Library
from personalizer.library.schema.migrations import MIGRATIONS
from personalizer.process_limits import computed_s
from personalizer.schemas import ErrorClass, Job


@dataclass
class Clock:
    """The time of day, which can be set."""

    now_s: float = 2_000_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(library: Library) -> JobQueue:
    return JobQueue(library)


def run_all(queue: JobQueue, **handlers) -> int:
    return run_worker_loop(queue, handlers, threading.Event(), idle_exit_s=0)


def test_only_an_equal_job_that_waits_is_joined(queue: JobQueue) -> None:
    first = queue.enqueue("train", "corgi", {"steps": 3, "device": "cpu"})
    assert queue.enqueue("train", "corgi", {"device": "cpu", "steps": 3}) == first
    other = queue.enqueue("train", "corgi", {"steps": 4})
    assert other != first
    job = queue.claim(1)
    assert job is not None and job.id == first and job.attempts == 1
    assert job.payload == {"steps": 3, "device": "cpu"}
    behind = queue.enqueue("train", "corgi", job.payload)
    assert behind not in (first, other), "the running one may have begun before what this is about"
    assert queue.enqueue("train", "corgi", job.payload) == behind, "but only one waits behind it"
    queue.finish(first, {"loss": 0.5})
    assert queue.get(first).state == "done" and queue.get(first).result == {"loss": 0.5}
    assert [queue.claim(1).id, queue.claim(1).id] == [other, behind]


@pytest.mark.parametrize("dies", [True, False])
def test_what_a_dead_or_stopped_worker_ran_waits_beside_its_equal(queue: JobQueue, dies: bool) -> None:
    running = queue.enqueue("scan", "library")
    queue.claim(1)
    behind = queue.enqueue("scan", "library")
    if dies:
        assert queue.recover_orphans() == 1
    else:
        queue.requeue(running)
    assert [job.state for job in queue.list()] == ["queued", "queued"]
    assert queue.enqueue("scan", "library") in (running, behind), "requests do not pile up"
    assert run_all(queue, scan=lambda job, context: {}) == 2
    assert {job.state for job in queue.list()} == {"done"}


def test_retrying_joins_an_equal_job_that_waits(queue: JobQueue) -> None:
    failed = queue.enqueue("learn", "Bo", {"photos": ["a"]})
    queue.claim(1)
    queue.fail(failed, "no")
    other = queue.enqueue("learn", "Bo", {"photos": ["b"]})
    equal = queue.enqueue("learn", "Bo", {"photos": ["a"]})
    assert queue.retry(failed) == equal
    queue.request_cancel(equal)
    assert queue.retry(failed) == failed != other


def test_a_library_of_the_first_schema_can_queue_behind_a_running_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr("personalizer.library.schema.migrations.MIGRATIONS", MIGRATIONS[:1])
        older.setattr("personalizer.library.schema.migrations.CURRENT_VERSION", 1)
        with Library.open(tmp_path / "library.sqlite3") as library:
            library.connection.execute(
                """INSERT INTO jobs(id, kind, subject, payload, state, attempts, created_at)
                   VALUES (1, 'scan', 'library', '{}', 'running', 2, '2024-01-01T00:00:00.000+00:00')"""
            )
            running = 1
    with Library.open(tmp_path / "library.sqlite3") as library:
        assert JobQueue(library).enqueue("scan", "library") != running
        # Its attempts go on counting.
        assert JobQueue(library).get(running).failed_attempts == 2


def test_names_that_are_not_utf_8_go_through_the_queue(queue: JobQueue) -> None:
    path = os.fsdecode(b"/photos/caf\xe9.jpg")

    def learn(job: Job, context: JobContext) -> dict:
        context.progress(1, 1, f"Reading {path}")
        assert queue.get(job.id).message == r"Reading /photos/caf\udce9.jpg"
        return {"failed": job.payload["photos"]}

    def fail(job: Job, context: JobContext) -> dict:
        raise NotReadyError(tried=f"reading {path}", found="nothing", fix="Look.")

    done = queue.enqueue("learn", path, {"photos": [path]})
    failed = queue.enqueue("fail", "")
    run_all(queue, learn=learn, fail=fail)
    assert queue.get(done).result == {"failed": [path]}
    assert queue.get(failed).error == r"reading /photos/caf\udce9.jpg: nothing. Look."


def test_a_failed_job_keeps_the_exit_code_of_its_error(queue: JobQueue) -> None:
    def not_ready(job: Job, context: JobContext) -> dict:
        raise NotReadyError(tried="training", found="no photos", fix="Add some.")

    def broken(job: Job, context: JobContext) -> dict:
        raise ValueError("no")

    ids = [queue.enqueue("not_ready", ""), queue.enqueue("broken", "")]
    run_all(queue, not_ready=not_ready, broken=broken)
    assert [queue.get(i).result for i in ids] == [{"exit_code": 4}, {"exit_code": 1}]


def test_ended_jobs_are_forgotten_after_a_while(queue: JobQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("personalizer.jobs.queue.KEPT_ENDED_JOBS", 3)
    waiting = queue.enqueue("later", "")
    ids = [queue.enqueue("a", str(number)) for number in range(5)]
    run_all(queue, a=lambda job, context: {})
    assert [job.id for job in queue.list()] == [waiting, *ids[-3:]]


def test_what_ends_after_the_clock_went_back_is_there_to_be_read(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("personalizer.jobs.queue.KEPT_ENDED_JOBS", 3)
    for number in range(3):
        queue.enqueue("a", str(number))
    run_all(queue, a=lambda job, context: {})
    queue.library.connection.execute("UPDATE jobs SET finished_at = '2999-01-01T00:00:00.000+00:00'")
    last = queue.enqueue("a", "last")
    run_all(queue, a=lambda job, context: {"waited": "for"})
    assert queue.get(last).result == {"waited": "for"}


def test_what_was_given_up_is_not_forgotten_for_what_is_done_every_hour(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("personalizer.jobs.queue.KEPT_ENDED_JOBS", 3)
    given_up = queue.enqueue_once("analyse", "library", input_hash="abc")
    for _ in range(3):
        queue.claim(1)
        queue.recover_orphans()
    for number in range(5):
        queue.enqueue("scan", str(number))
    run_all(queue, scan=lambda job, context: {})
    assert queue.get(given_up).quarantined
    assert queue.enqueue_once("analyse", "library", input_hash="abc") is None


def test_a_job_that_was_cancelled_is_not_put_off(queue: JobQueue) -> None:
    job_id = queue.enqueue("a", "")
    queue.claim(1)
    queue.request_cancel(job_id)
    queue.fail(job_id, "the drive sleeps", why="transient")
    job = queue.get(job_id)
    assert (job.state, job.error) == ("cancelled", "cancelled")


def test_priority_then_age(queue: JobQueue) -> None:
    low, high, low_again = (
        queue.enqueue("a", "1"),
        queue.enqueue("a", "2", priority=5),
        queue.enqueue("a", "3"),
    )
    assert [queue.claim(1).id for _ in range(3)] == [high, low, low_again]
    assert queue.claim(1) is None


def test_loop_runs_reports_and_survives_failures(queue: JobQueue) -> None:
    def scan(job: Job, context: JobContext) -> dict:
        context.progress(1, 2, "half")
        assert queue.get(job.id).message == "half"
        return {"seen": 2}

    def broken(job: Job, context: JobContext) -> dict:
        raise ValueError("no")

    def not_ready(job: Job, context: JobContext) -> dict:
        raise NotReadyError(tried="training", found="no photos", fix="Add some.")

    ids = [queue.enqueue("broken", ""), queue.enqueue("not_ready", ""), queue.enqueue("scan", "")]
    other = queue.enqueue("unknown", "")
    assert run_all(queue, scan=scan, broken=broken, not_ready=not_ready) == 3
    assert [queue.get(i).state for i in ids] == ["failed", "failed", "done"]
    assert queue.get(ids[0]).error == "ValueError: no"
    assert queue.get(ids[1]).error == "training: no photos. Add some."
    assert queue.get(other).state == "queued"


def test_cancel_queued_and_running(queue: JobQueue) -> None:
    waiting = queue.enqueue("a", "waiting")
    queue.request_cancel(waiting)
    assert queue.get(waiting).state == "cancelled"
    running = queue.enqueue("a", "running")

    def handler(job: Job, context: JobContext) -> dict:
        context.check_cancelled()
        queue.request_cancel(job.id)
        context.check_cancelled()
        raise AssertionError("not reached")

    run_all(queue, a=handler)
    assert queue.get(running).state == "cancelled"
    assert queue.retry(running) == running
    assert run_all(queue, a=lambda job, context: {}) == 1
    assert queue.get(running).state == "done"


def test_stopping_worker_puts_the_job_back(queue: JobQueue) -> None:
    job_id = queue.enqueue("a", "")
    stop = threading.Event()

    def handler(job: Job, context: JobContext) -> dict:
        stop.set()
        context.check_cancelled()
        return {}

    run_worker_loop(queue, {"a": handler}, stop)
    assert (queue.get(job_id).state, queue.get(job_id).attempts) == ("queued", 0)


def test_third_crash_fails_the_job(queue: JobQueue) -> None:
    job_id = queue.enqueue("a", "")
    for _ in range(2):
        assert queue.claim(1) is not None
        assert queue.recover_orphans() == 1
    assert queue.claim(1) is not None
    assert queue.recover_orphans() == 0
    assert queue.get(job_id).state == "failed" and "died" in (queue.get(job_id).error or "")
    assert queue.retry(job_id) == job_id and queue.get(job_id).attempts == 0


def test_orphan_that_was_cancelled_stays_cancelled(queue: JobQueue) -> None:
    job_id = queue.enqueue("a", "")
    queue.claim(1)
    queue.request_cancel(job_id)
    queue.recover_orphans()
    assert queue.get(job_id).state == "cancelled"


def test_pause_and_resume(queue: JobQueue) -> None:
    queue.enqueue("a", "")
    queue.pause()
    assert queue.paused() and queue.claim(1) is None
    queue.resume()
    assert queue.claim(1) is not None


def test_each_job_is_claimed_once_by_many_threads(queue: JobQueue) -> None:
    for n in range(40):
        queue.enqueue("a", str(n))
    claimed: list[int] = []

    def work() -> None:
        while (job := queue.claim(1)) is not None:
            claimed.append(job.id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == sorted(set(claimed)) and len(claimed) == 40


def test_unknown_job(queue: JobQueue) -> None:
    with pytest.raises(NotFoundError):
        queue.get(7)


def test_a_full_disk_is_said_in_words_and_ends_no_loop(queue: JobQueue) -> None:
    def full(job: Job, context: JobContext) -> dict[str, Any]:
        raise OSError(errno.ENOSPC, "No space left on device")

    failed, other = queue.enqueue("full", "a"), queue.enqueue("other", "b")
    assert run_all(queue, full=full, other=lambda job, context: {}) == 2
    assert queue.get(failed).error == (
        "using the disk: No space left on device. Free some space on the disk and try again; what was saved "
        "before is as it was."
    )
    assert queue.get(other).state == "done"


# --- work items


def ended(queue: JobQueue, job_id: int, how: str, why: ErrorClass = "bug") -> None:
    assert queue.claim(1).id == job_id
    if how == "done":
        queue.finish(job_id, {})
    elif how == "failed":
        queue.fail(job_id, "no", why=why)
    else:
        queue.request_cancel(job_id)
        queue.cancel(job_id)


def test_a_work_item_is_there_once(queue: JobQueue) -> None:
    item = {"input_hash": "abc", "model_version": "1"}
    first = queue.enqueue_once("train", "Bo", {"device": "cpu"}, **item)
    assert first is not None
    assert queue.enqueue_once("train", "Bo", **item) is None
    assert queue.enqueue("train", "Bo", {"device": "cuda"}, **item) == first, (
        "one item, whatever the way to do it"
    )
    assert queue.claim(1).id == first
    assert queue.enqueue("train", "Bo", **item) == first, "its input is known, so the running one is joined"
    queue.finish(first, {})
    again = queue.enqueue_once("train", "Bo", **item)
    assert again not in (None, first), "it is missing still"
    ended(queue, again, "done")
    for change in ({"input_hash": "abd"}, {"model_version": "2"}):
        other = queue.enqueue_once("train", "Bo", **(item | change))
        assert other is not None, f"{change} is other work"
        ended(queue, other, "done")


def test_the_file_itself_refuses_a_second_one(queue: JobQueue) -> None:
    queue.enqueue("train", "Bo", input_hash="abc")
    with pytest.raises(sqlite3.IntegrityError):
        queue.library.connection.execute(
            """INSERT INTO jobs(kind, subject, payload, created_at, input_hash, state)
               VALUES ('train', 'Bo', '{"other": 1}', '', 'abc', 'running')"""
        )


@pytest.mark.parametrize(
    ("how", "why", "again"),
    [
        ("failed", "input", False),
        ("failed", "bug", False),
        ("failed", "environment", True),
        ("cancelled", "bug", False),
    ],
)
def test_what_failed_is_not_derived_again_unless_something_was_missing_here(
    queue: JobQueue, how: str, why: ErrorClass, again: bool
) -> None:
    first = queue.enqueue_once("train", "Bo", input_hash="abc")
    assert first is not None
    ended(queue, first, how, why)
    assert (queue.enqueue_once("train", "Bo", input_hash="abc") is not None) == again


# --- passing failures, strikes and quarantine


def test_a_passing_failure_is_put_off_longer_each_time_and_then_given_up(
    library: Library, clock: Clock
) -> None:
    queue = JobQueue(library, clock=clock)
    job_id = queue.enqueue("a", "")

    def busy(job: Job, context: JobContext) -> dict:
        raise TimeoutError("the drive sleeps")

    assert run_all(queue, a=busy) == 1
    job = queue.get(job_id)
    assert (job.state, job.error_class, job.attempts) == ("queued", "transient", 1)
    assert job.error == "TimeoutError: the drive sleeps" and job.retry_at == "2033-05-18T03:33:30.000+00:00"
    clock.now_s += 9
    assert queue.claim(1) is None
    clock.now_s += 2
    assert run_all(queue, a=busy) == 1
    clock.now_s += 59
    assert queue.claim(1) is None
    clock.now_s += 2
    assert run_all(queue, a=busy) == 1
    job = queue.get(job_id)
    assert (job.state, job.quarantined, job.attempts) == ("failed", True, 3)
    assert job.error == "given up after 3 attempts: TimeoutError: the drive sleeps"
    clock.now_s += 10**6
    assert queue.claim(1) is None
    assert queue.retry(job_id) == job_id
    assert run_all(queue, a=lambda job, context: {}) == 1
    job = queue.get(job_id)
    assert (job.state, job.quarantined, job.error, job.error_class) == ("done", False, None, None)


def test_a_put_off_job_survives_a_restart_and_can_be_hurried(tmp_path: Path, clock: Clock) -> None:
    with Library.open(tmp_path / "library.sqlite3") as library:
        queue = JobQueue(library, clock=clock)
        job_id = queue.enqueue("a", "")
        assert queue.claim(1) is not None
        queue.fail(job_id, "busy", why="transient")
    with Library.open(tmp_path / "library.sqlite3") as library:
        queue = JobQueue(library, clock=clock)
        assert queue.claim(1) is None
        assert queue.retry(job_id) == job_id
        assert queue.claim(1).id == job_id


def test_a_clock_that_was_set_back_makes_nothing_wait_longer(library: Library, clock: Clock) -> None:
    queue = JobQueue(library, clock=clock)
    job_id = queue.enqueue("a", "")
    assert queue.claim(1) is not None
    queue.fail(job_id, "busy", why="transient")
    clock.now_s -= 5
    assert queue.claim(1) is not None, "fifteen seconds are more than it was put off by"


def test_deaths_that_got_something_done_are_no_strikes(queue: JobQueue) -> None:
    job_id = queue.enqueue("scan", "library")
    for _ in range(10):
        job = queue.claim(1)
        JobContext(queue, job, threading.Event()).advanced()
        assert queue.recover_orphans() == 1
    assert queue.get(job_id).attempts == 10
    for _ in range(2):
        assert queue.claim(1) is not None
        assert queue.recover_orphans() == 1
    assert queue.claim(1) is not None
    assert queue.recover_orphans() == 0
    job = queue.get(job_id)
    assert (job.state, job.quarantined, job.error) == (
        "failed",
        True,
        "the worker died while running it, 3 times",
    )


# --- leases


def test_only_the_lease_that_holds_a_job_can_end_it(queue: JobQueue) -> None:
    job_id = queue.enqueue("a", "")
    hung = queue.claim(1)
    assert queue.extend(job_id, hung.lease)
    assert queue.recover_orphans() == 1
    other = queue.claim(2)
    assert other.id == job_id and other.lease != hung.lease
    assert not queue.extend(job_id, hung.lease)
    assert not queue.finish(job_id, {"by": "the one that woke up"}, hung.lease)
    assert not queue.fail(job_id, "no", lease=hung.lease)
    queue.requeue(job_id, hung.lease)
    assert queue.get(job_id).state == "running"
    assert queue.finish(job_id, {"by": "the other"}, other.lease)
    assert queue.get(job_id).result == {"by": "the other"}


def test_a_running_job_keeps_its_lease_and_stops_when_it_loses_it(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("personalizer.jobs.loop.LeaseKeeper", partial(LeaseKeeper, heartbeat_s=0.02))
    job_id = queue.enqueue("a", "")
    beats: list[int] = []

    def steals(job: Job, context: JobContext) -> dict:
        def heartbeats() -> int:
            return int(queue.library.connection.execute("SELECT heartbeats FROM jobs").fetchone()[0])

        until(lambda: heartbeats() >= 3)
        queue.library.connection.execute("UPDATE jobs SET lease = 'another worker'")
        until(context.cancelled)
        raise JobCancelled

    run_worker_loop(queue, {"a": steals}, threading.Event(), 0, on_beat=lambda: beats.append(1))
    assert queue.get(job_id).state == "running", "it is the other worker's"
    assert len(beats) >= 3


class Sleeper:
    """A job that only sleeps."""

    def __init__(self, signs: Callable[[], int] = lambda: 0) -> None:
        self.extended = 0
        self.signs = signs

    def extend(self) -> bool:
        self.extended += 1
        return True

    def lose(self) -> None:
        raise AssertionError


@pytest.mark.parametrize("alive", ["silent", "speaks", "computes", "cannot be told"])
def test_a_job_without_any_sign_of_life_is_given_up(alive: str) -> None:
    """A second passes with every beat, and half a second of computing where it computes."""
    hung = threading.Event()
    job = Sleeper(itertools.count().__next__ if alive == "speaks" else lambda: 0)
    computed = {"computes": itertools.count(step=0.5).__next__, "cannot be told": lambda: None}
    with LeaseKeeper(
        heartbeat_s=0.001,
        hang_s=10,
        on_hang=hung.set,
        clock=itertools.count().__next__,
        used_s=computed.get(alive, lambda: 0.0),
    ) as keeper:
        keeper.hold(job)
        until(lambda: hung.is_set() or job.extended > 40)
    assert hung.is_set() == (alive == "silent")
    if alive == "silent":
        # Ten seconds after it was first looked at, and not before.
        assert job.extended == 11


def test_computing_counts_here_and_in_children() -> None:
    before_s = computed_s()
    assert before_s is not None
    until(lambda: sum(range(100_000)) and computed_s() > before_s + 0.3, patience_s=30)
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as child:
        try:
            before_s, own_s = computed_s(), time.process_time()
            until(lambda: computed_s() - before_s > 0.5 + time.process_time() - own_s, patience_s=30)
        finally:
            child.kill()
    after_s = computed_s()
    assert after_s is not None and after_s >= before_s + 0.5, "what an ended child has computed still counts"


def test_a_beat_that_cannot_be_written_ends_no_lease() -> None:
    job = Sleeper(itertools.count().__next__)
    beats: list[int] = []

    def refused() -> None:
        beats.append(1)
        raise OSError(errno.EROFS, "Read-only file system")

    with LeaseKeeper(heartbeat_s=0.01, on_beat=refused) as keeper:
        keeper.hold(job)
        until(lambda: job.extended >= 3)
    assert len(beats) >= 3


# --- pausing, rates, locks


def test_a_pause_survives_restarts_of_everything(tmp_path: Path) -> None:
    with Library.open(tmp_path / "library.sqlite3") as library:
        JobQueue(library).enqueue("a", "")
        JobQueue(library).pause()
    for _ in range(2):
        with Library.open(tmp_path / "library.sqlite3") as library:
            queue = JobQueue(library)
            assert queue.paused() and run_all(queue, a=lambda job, context: {}) == 0
            assert queue.list()[0].state == "queued"
    with Library.open(tmp_path / "library.sqlite3") as library:
        JobQueue(library).resume()
    with Library.open(tmp_path / "library.sqlite3") as library:
        assert run_all(JobQueue(library), a=lambda job, context: {}) == 1


def test_a_running_job_says_how_fast_it_is_and_what_is_left(
    queue: JobQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = queue.enqueue("scan", "library")
    now_s = 1000.0
    monkeypatch.setattr("personalizer.jobs.loop.time", SimpleNamespace(monotonic=lambda: now_s))
    context = JobContext(queue, queue.claim(1), threading.Event())
    context.progress(0, 200, "Reading")
    assert (queue.get(job_id).rate_per_s, queue.get(job_id).left_s) == (None, None)
    for done in range(1, 11):
        now_s += 0.5
        context.progress(done, 200, "Reading")
    job = queue.get(job_id)
    assert (job.rate_per_s, job.left_s) == (2.0, 95.0)
    # Twice as slow: after a minute nothing else counts.
    for done in range(11, 91):
        now_s += 1.0
        context.progress(done, 200, "Reading")
    job = queue.get(job_id)
    assert (job.rate_per_s, job.left_s) == (1.0, 110.0)
    now_s += 1
    context.progress(1, 5, "Another part")
    assert queue.get(job_id).left_s is None
    queue.finish(job_id, {})
    assert queue.get(job_id).rate_per_s is None


HOLD = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
"""


def test_a_library_that_another_program_holds_for_long_stops_no_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("personalizer.library.database.BUSY_TIMEOUT_S", 0.1)
    holders = []

    def hold(seconds: float) -> None:
        command = [sys.executable, "-c", HOLD, str(library.path), str(seconds)]
        holders.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        assert holders[-1].stdout.readline() == "held\n"

    def scan(job: Job, context: JobContext) -> dict:
        context.progress(1, 3, "before")
        hold(1.2)
        context.progress(3, 3, "not shown")
        return {"seen": 3}

    with Library.open(tmp_path / "library.sqlite3") as library:
        queue = JobQueue(library)
        job_id = queue.enqueue("scan", "library")
        hold(1.0)
        assert run_all(queue, scan=scan) == 1
        job = queue.get(job_id)
        assert (job.state, job.result, job.attempts) == ("done", {"seen": 3}, 1)
    assert "another program holds the library" in caplog.text
    for holder in holders:
        holder.wait()
        holder.stdout.close()
