"""Waiting for a job while this process itself is the worker that does nothing, or does it in a thread."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.daemon.client import JobClient, JobFailedError
from assistant.daemon.process import hold_worker_lock
from personalizer.home import Home
from personalizer.jobs.queue import JobQueue
from personalizer.library.library import Library
from personalizer.schemas import Progress


@pytest.fixture
def client(tmp_path: Path) -> Iterator[JobClient]:
    home = Home(tmp_path / "home").ensure()
    with hold_worker_lock(home), Library.open(home.database) as library:
        yield JobClient(home, JobQueue(library), repeat_s=0.1, cancel_patience_s=0.1)


class Impatient:
    """Notes what is said and gives up when it has heard enough, as the chat does when the user cancels."""

    def __init__(self, patience: int) -> None:
        self.heard: list[Progress] = []
        self.patience = patience

    def __call__(self, progress: Progress) -> None:
        self.heard.append(progress)
        if len(self.heard) >= self.patience:
            raise KeyboardInterrupt


def test_a_job_behind_another_says_so_and_can_be_cancelled(client: JobClient) -> None:
    client.queue.enqueue("scan", "library")
    client.queue.claim(1)
    listener = Impatient(2)
    with pytest.raises(KeyboardInterrupt):
        client.run("learn", "Bo", {}, listener)
    assert [progress.message for progress in listener.heard] == ["Waiting for job 1: scan library"] * 2
    assert [job.state for job in client.queue.list()] == ["running", "cancelled"]


def test_a_running_job_that_is_silent_can_be_cancelled(client: JobClient) -> None:
    job_id = client.queue.enqueue("train", "1")
    client.queue.claim(1)
    listener = Impatient(3)
    with pytest.raises(KeyboardInterrupt):
        client.queue.progress(job_id, 3, 9, "Step 3")
        client.wait(job_id, listener)
    assert listener.heard == [Progress(3, 9, "Step 3")] * 3
    assert client.queue.cancelled(job_id)


def test_a_paused_queue_is_said_to_be(client: JobClient) -> None:
    client.queue.pause()
    listener = Impatient(1)
    with pytest.raises(KeyboardInterrupt):
        client.run("scan", "library", {}, listener)
    assert "familiar resume" in listener.heard[0].message


def test_a_failed_job_raises_with_the_exit_code_of_its_error(client: JobClient) -> None:
    for exit_code in (1, 4):
        job_id = client.queue.enqueue("train", str(exit_code))
        client.queue.claim(1)
        client.queue.fail(job_id, "there is no CUDA device", exit_code)
        with pytest.raises(JobFailedError) as failed:
            client.wait(job_id, None)
        assert (failed.value.exit_code, failed.value.found) == (exit_code, "there is no CUDA device")


def test_who_asks_for_what_was_put_off_has_it_tried_now(client: JobClient) -> None:
    job_id = client.queue.enqueue("scan", "library")
    client.queue.claim(1)
    client.queue.fail(job_id, "the drive sleeps", why="transient")
    assert client.queue.claim(1) is None
    with pytest.raises(KeyboardInterrupt):
        client.wait(job_id, listener := Impatient(1))
    assert "again at" in listener.heard[0].message and "the drive sleeps" in listener.heard[0].message
    client.queue.retry(job_id)
    client.queue.claim(1)
    client.queue.fail(job_id, "the drive sleeps", why="transient")
    begun: list[int] = []

    def listen(progress: Progress) -> None:
        begun.extend(job.id for job in [client.queue.claim(1)] if job is not None)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.run("scan", "library", {}, listen)
    assert begun == [job_id]
