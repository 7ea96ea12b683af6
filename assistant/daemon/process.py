"""Finds, locks and starts the one worker process of a home. Knows no job.

The lock is an flock on `worker.lock`: the kernel drops it when the process dies, however it dies. `familiar watch`
has one of its own besides, by which it is told from a worker that a front end started and that may be taken over.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from assistant.daemon.code_version import code_version
from assistant.daemon.service_unit import service_of_this_system
from personalizer.errors import FamiliarError, NotReadyError
from personalizer.home import Home, write_atomically

logger = logging.getLogger(__name__)
IDLE_EXIT_S = 120.0
LOCK_PATIENCE_S = 2.0
START_PATIENCE_S = 20.0
REPLACE_PATIENCE_S = 15.0
"""A worker stops by itself within eight seconds."""
ROOM_KIB = 1024
"""With less free space than this, nothing that goes wrong has to be looked for elsewhere."""


@contextmanager
def hold_worker_lock(home: Home, patience_s: float = LOCK_PATIENCE_S) -> Iterator[None]:
    """Be the worker of `home` for the duration of the block.

    Waits a little because a front end that looks whether a worker runs holds the lock for an instant.
    Raises NotReadyError when another process keeps it.
    """
    with _hold(home.worker_lock, patience_s) as holder:
        if holder is not None:
            raise NotReadyError(
                tried=f"becoming the worker of {home.root}",
                found=f"another process (pid {holder or 'unknown'}) is its worker",
                fix="Stop that process, or let it do the work: jobs that you add are done by it.",
            )
        yield


@contextmanager
def hold_watch_lock(home: Home) -> Iterator[None]:
    """Be the one `familiar watch` of `home` for the duration of the block. Raises NotReadyError."""
    with _hold(watch_lock(home), LOCK_PATIENCE_S) as holder:
        if holder is not None:
            raise NotReadyError(
                tried=f"watching the folders of {home.root}",
                found=f"`familiar watch` runs already (pid {holder or 'unknown'})",
                fix="Let it run: `familiar status` says what it does. To end it: familiar service uninstall, "
                + (f"or kill {holder}" if holder else "or Ctrl-C where it runs"),
            )
        yield


@contextmanager
def _hold(path: Path, patience_s: float) -> Iterator[int | None]:
    """Hold a lock and say our process id in it; gives the holder's (0: unknown) when another process keeps it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + patience_s
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    yield _recorded_pid(path) or 0
                    return
                time.sleep(0.05)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield None
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def note_version(home: Home, version: str) -> None:
    """Say which version of the code the worker runs; to be said by the holder of the lock."""
    write_atomically(_version_file(home), json.dumps({"pid": os.getpid(), "code": version}).encode())


def outdated_worker_pid(home: Home, patience_s: float = LOCK_PATIENCE_S) -> int | None:
    """The process id of another process that works with other code than what is installed; None where there is none.

    Before this was noted, no worker said its version: one that says none is an older one. That it has not said it yet
    is waited for, `patience_s`.
    """
    deadline = time.monotonic() + patience_s
    while (pid := running_worker_pid(home)) and pid != os.getpid():
        noted = _noted_version(home, pid)
        if noted is not None:
            return pid if noted != code_version() else None
        if time.monotonic() > deadline:
            return pid
        time.sleep(0.05)
    return None


def _noted_version(home: Home, pid: int) -> str | None:
    """What the process with this id has said of itself."""
    try:
        noted = json.loads(_version_file(home).read_text())
        return str(noted["code"]) if noted["pid"] == pid else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _version_file(home: Home) -> Path:
    return home.root / "worker.version"


def running_worker_pid(home: Home) -> int | None:
    """The process id of the worker that holds the lock, or None; 0 before it has said its id."""
    return _holder(home.worker_lock)


def watching_pid(home: Home) -> int | None:
    """The process id of the `familiar watch` of this home, or None; 0 before it has said its id."""
    return _holder(watch_lock(home))


def watch_lock(home: Home) -> Path:
    return home.root / "watch.lock"


def _holder(path: Path) -> int | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        # Shared, so that two front ends that look at the same time do not see each other as a worker.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        return _recorded_pid(path) or 0
    finally:
        os.close(descriptor)


def beat(home: Home) -> None:
    """Say that the worker lives: in a place that no lock on the library and no full disk keeps from being written."""
    os.utime(home.worker_lock)


def last_beat(home: Home) -> int | None:
    """A number that changes while the worker lives, or None."""
    try:
        return home.worker_lock.stat().st_mtime_ns
    except OSError:
        return None


def is_stopped(pid: int) -> bool:
    """Whether somebody has stopped this process (Ctrl-Z, a debugger), who may let it go on."""
    import psutil

    try:
        return psutil.Process(pid).status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
    except psutil.Error:
        return False


def end_frozen_worker(home: Home, pid: int) -> bool:
    """End a worker that holds the lock and does not live; True once the lock is free. What it ran is taken up again."""
    if running_worker_pid(home) != pid:
        return True
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + LOCK_PATIENCE_S
    while running_worker_pid(home) == pid and time.monotonic() < deadline:
        time.sleep(0.05)
    return running_worker_pid(home) != pid


def ensure_worker(home: Home) -> None:
    """Start a worker unless one runs; returns once somebody holds the lock.

    Raises NotReadyError when the new process ends without having taken it.
    """
    if running_worker_pid(home) is not None:
        return
    process = start_worker(home)
    deadline = time.monotonic() + START_PATIENCE_S
    while running_worker_pid(home) is None:
        # A status of 4 means that somebody else's worker was faster: look again.
        status = process.poll()
        if (status is not None and status != NotReadyError.exit_code) or time.monotonic() > deadline:
            raise NotReadyError(
                tried="starting the worker process",
                found=_why_it_ended(home, status, process)
                if status is not None
                else f"it did not take its lock within {START_PATIENCE_S:.0f} s",
                fix=f"See {worker_log(home)}, or run `familiar doctor`.",
            )
        time.sleep(0.02)


def replace_outdated_worker(home: Home, patience_s: float = LOCK_PATIENCE_S) -> bool:
    """Ask a worker of another version to stop, with its job put back; True where there was one.

    One that watches is started again by whoever started it, if that is a service.
    """
    pid = outdated_worker_pid(home, patience_s)
    if pid is None:
        return False
    watched = watching_pid(home) is not None
    logger.info("the worker (pid %d) runs another version of the code: it is replaced", pid)
    if not stop_worker(home, REPLACE_PATIENCE_S):
        end_frozen_worker(home, pid)
    if watched:
        with suppress(FamiliarError):
            service_of_this_system().start_again()
    return True


def start_worker(home: Home, idle_exit_s: float = IDLE_EXIT_S) -> subprocess.Popen[bytes]:
    """Start the worker in a session of its own, so that Ctrl-C at the front end does not reach it.

    Until it has the lock it says to us, on its standard error, why it ends; from then on it writes its log.
    """
    # -P: a folder called `assistant` where the user happens to stand must not be imported.
    command = [sys.executable, "-P", "-m", "assistant.worker", "--home", str(home.root)]
    return subprocess.Popen(
        [*command, "--idle-exit-s", str(idle_exit_s)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        cwd=home.root,
    )


def stop_worker(home: Home, patience_s: float) -> bool:
    """Ask the worker to stop after what it is doing; True once none runs."""
    pid = running_worker_pid(home)
    deadline = time.monotonic() + patience_s
    if pid:
        os.kill(pid, signal.SIGTERM)
    while running_worker_pid(home) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def worker_log(home: Home) -> Path:
    return home.logs / "worker.log"


def _recorded_pid(path: Path) -> int | None:
    try:
        return int(path.read_text().strip())
    except (OSError, ValueError):
        return None


def _why_it_ended(home: Home, status: int, process: subprocess.Popen[bytes]) -> str:
    free_kib = shutil.disk_usage(home.root).free // 2**10
    if free_kib < ROOM_KIB:
        # It could not write why.
        return f"it ended with status {status}; the disk is full: {free_kib} KiB are free in {home.root}"
    return f"it ended with status {status}: {_last_line(process)}"


def _last_line(process: subprocess.Popen[bytes]) -> str:
    """Of what a process said that has ended; a child of it that lives on may hold the other end open."""
    assert process.stderr is not None
    os.set_blocking(process.stderr.fileno(), False)
    lines = (process.stderr.read() or b"").decode(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else "it wrote nothing"
