"""The worker lock, with real processes."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from waiting import until

from assistant.daemon.process import (
    ensure_worker,
    hold_worker_lock,
    running_worker_pid,
    start_worker,
    stop_worker,
    worker_log,
)
from assistant.worker.main import run_worker
from personalizer.errors import NotReadyError
from personalizer.home import Home
from personalizer.jobs.due import due_mark, mark_due
from personalizer.jobs.queue import JobQueue
from personalizer.library.library import Library

HOLD_LOCK = """
import sys, time
from pathlib import Path
from assistant.daemon.process import hold_worker_lock
from personalizer.home import Home
with hold_worker_lock(Home(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").ensure()


@pytest.fixture
def holder(home: Home) -> Iterator[subprocess.Popen[str]]:
    """Another process that is the worker of `home`."""
    command = [sys.executable, "-c", HOLD_LOCK, str(home.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_nobody_is_the_worker_of_a_new_home(home: Home) -> None:
    assert running_worker_pid(home) is None


def test_looking_from_two_places_at_once_sees_no_worker(home: Home) -> None:
    with hold_worker_lock(home):
        pass
    assert [running_worker_pid(home) for _ in range(3)] == [None, None, None]


def test_the_holder_is_seen_and_keeps_others_out(home: Home, holder: subprocess.Popen[str]) -> None:
    assert running_worker_pid(home) == holder.pid
    with pytest.raises(NotReadyError) as refused, hold_worker_lock(home, patience_s=0.1):
        pass
    assert str(holder.pid) in refused.value.found
    assert refused.value.exit_code == 4


def test_a_killed_worker_leaves_no_lock_behind(home: Home, holder: subprocess.Popen[str]) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert running_worker_pid(home) is None
    with hold_worker_lock(home, patience_s=0.1):
        assert running_worker_pid(home) == os.getpid()


def test_a_started_worker_takes_the_lock_and_stops_when_asked(home: Home) -> None:
    ensure_worker(home)
    first = running_worker_pid(home)
    assert first is not None
    ensure_worker(home)
    assert running_worker_pid(home) == first, "a second front end uses the worker that runs"
    assert stop_worker(home, patience_s=10)
    assert running_worker_pid(home) is None


def test_an_idle_worker_leaves(home: Home) -> None:
    process = start_worker(home, idle_exit_s=0.1)
    assert process.wait(timeout=20) == 0


def test_the_lock_and_the_log_are_private(home: Home) -> None:
    process = start_worker(home, idle_exit_s=0.1)
    process.wait(timeout=20)
    for path in (home.worker_lock, home.logs / "worker.log", home.database):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_worker_that_cannot_write_for_want_of_room_says_so(small_disk: Any) -> None:
    home = Home(small_disk.folder / "home").ensure()
    with Library.open(home.database) as library:
        queue = JobQueue(library)
        job = queue.enqueue("scan", "library")
        queue.claim(1)  # by a worker that died: the next one has to note that
        while True:
            small_disk.fill()
            try:
                library.set_setting("more", str(time.monotonic()))
            except sqlite3.OperationalError:
                break
        with pytest.raises(NotReadyError, match="the disk is full") as raised:
            # As who waits for the job does: it may have its lock before it finds no room.
            for _ in range(100):
                ensure_worker(home)
                time.sleep(0.1)
        assert "KiB are free" in raised.value.found
        small_disk.free()
        assert queue.recover_orphans() == 1 and queue.get(job).state == "queued"


def test_a_worker_that_runs_for_long_notices_what_is_missing(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.worker.main.LOOK_FOR_MISSING_S", 0.1)
    stop = threading.Event()

    def lose_work() -> None:
        try:
            until(lambda: worker_log(home).exists() and "worker started" in worker_log(home).read_text())
            with Library.open(home.database) as library:
                mark_due(library)
                until(lambda: due_mark(library) is None)
        finally:
            stop.set()

    thread = threading.Thread(target=lose_work)
    thread.start()
    run_worker(home, stop, None)
    thread.join()
    with Library.open(home.database) as library:
        assert [(job.kind, job.state) for job in JobQueue(library).list()] == [("cluster", "done")]
    assert "queued what is missing: cluster" in worker_log(home).read_text()


def test_looking_for_what_is_missing_ends_no_worker(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where an update replaces the models while it runs."""
    monkeypatch.setattr("assistant.worker.main.LOOK_FOR_MISSING_S", 0.05)
    stop, looks = threading.Event(), 0

    def refuse(*_: object) -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            stop.set()
        if looks > 1:
            raise FileNotFoundError("the models")

    monkeypatch.setattr("assistant.worker.main.queue_what_is_missing", refuse)
    run_worker(home, stop, 20.0)
    assert looks == 3
