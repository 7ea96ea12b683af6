from __future__ import annotations

import threading
from pathlib import Path

import pytest

from personalizer.errors import NotFoundError, NotReadyError
from personalizer.jobs import JobContext, JobQueue, run_worker_loop
from personalizer.library import Library
from personalizer.schemas import Job


@pytest.fixture
def queue(tmp_path: Path):
    with Library.open(tmp_path / "library.sqlite3") as library:
        yield JobQueue(library)


def run_all(queue: JobQueue, **handlers) -> int:
    return run_worker_loop(queue, handlers, threading.Event(), idle_exit_s=0)


def test_enqueue_is_unique_while_active(queue: JobQueue) -> None:
    first = queue.enqueue("train", "corgi", {"steps": 3})
    assert queue.enqueue("train", "corgi", {"steps": 4}) == first
    job = queue.claim(1)
    assert job is not None and job.id == first and job.payload == {"steps": 3} and job.attempts == 1
    assert queue.enqueue("train", "corgi") == first
    queue.finish(first, {"loss": 0.5})
    assert queue.get(first).state == "done" and queue.get(first).result == {"loss": 0.5}
    assert queue.enqueue("train", "corgi") != first


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
