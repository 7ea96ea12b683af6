from __future__ import annotations

import errno
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from personalizer.errors import NotFoundError, NotReadyError
from personalizer.jobs import JobContext, JobQueue, run_worker_loop
from personalizer.library import Library
from personalizer.migrations import MIGRATIONS
from personalizer.schemas import Job


@pytest.fixture
def queue(tmp_path: Path):
    with Library.open(tmp_path / "library.sqlite3") as library:
        yield JobQueue(library)


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
        older.setattr("personalizer.migrations.MIGRATIONS", MIGRATIONS[:1])
        older.setattr("personalizer.migrations.CURRENT_VERSION", 1)
        with Library.open(tmp_path / "library.sqlite3") as library:
            library.connection.execute(
                """INSERT INTO jobs(id, kind, subject, payload, state, attempts, created_at)
                   VALUES (1, 'scan', 'library', '{}', 'running', 2, '2024-01-01T00:00:00.000+00:00')"""
            )
            running = 1
    with Library.open(tmp_path / "library.sqlite3") as library:
        assert JobQueue(library).enqueue("scan", "library") != running
        # Its attempts go on counting.
        assert JobQueue(library).get(running).strikes == 2


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
    monkeypatch.setattr("personalizer.jobs.KEPT_ENDED_JOBS", 3)
    waiting = queue.enqueue("later", "")
    ids = [queue.enqueue("a", str(number)) for number in range(5)]
    run_all(queue, a=lambda job, context: {})
    assert [job.id for job in queue.list()] == [waiting, *ids[-3:]]


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
