"""The one process per home that owns Chroma and writes all derived data. Runs queued jobs; knows no screen.

Front ends start it when they need it (it leaves when idle); `familiar watch` is the same in the foreground.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from assistant.forgetting import resume_forgetting
from assistant.handlers import make_handlers
from assistant.worker_process import beat, hold_worker_lock, running_worker_pid, stop_worker
from personalizer.analysis_version import analysis_version
from personalizer.errors import FamiliarError
from personalizer.jobs import JobQueue, run_worker_loop
from personalizer.library import Library
from personalizer.locations import Home
from personalizer.missing_work import missing_work, queue_missing
from personalizer.storage_errors import storage_error

logger = logging.getLogger(__name__)


def run_worker(home: Home, stop: threading.Event, idle_exit_s: float | None) -> int:
    """Hold the lock and run jobs until told to stop or idle for too long; returns how many were run.

    Raises NotReadyError when another worker has the lock.
    """
    home.ensure()
    with hold_worker_lock(home), Library.open(home.database) as library:
        queue = JobQueue(library)
        queue.recover_orphans()
        resume_forgetting(library, queue)
        queue_what_is_missing(home, library, queue)
        logger.info("worker of %s started", home.root)
        ran = run_worker_loop(
            queue, make_handlers(home, library, queue), stop, idle_exit_s, on_beat=lambda: beat(home)
        )
        logger.info("worker stopped after %d jobs", ran)
        return ran


def queue_what_is_missing(home: Home, library: Library, queue: JobQueue) -> None:
    """Queue the work that the library itself says is not done: the jobs of it may have been lost.

    Training is not among it, which takes long and is begun when nobody works at the machine.
    """
    from personalizer.analysis import PhotoAnalyser

    version = analysis_version(PhotoAnalyser(home.models))
    found = missing_work(library, analysed_by=version)
    for item in found:
        logger.info("missing: %s", item.why)
    queue_missing(queue, found, ("scan", "analyse", "index", "cluster"))


def watch_in_foreground(home: Home, *, backbone: str, device: str, patience_s: float) -> None:
    """Be the worker until Ctrl-C, with the folders watched. Takes over from a worker in the background."""
    from personalizer.watcher import Watcher

    home.ensure()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    if running_worker_pid(home) is not None:
        logger.info("waiting for the worker in the background to finish what it is doing")
        stop_worker(home, patience_s)
    stop = threading.Event()
    with Library.open(home.database) as library, stopping_on_signals(stop, interrupt_twice=True):
        queue = JobQueue(library)

        def request_scan() -> None:
            queue.enqueue("scan", "library", {"backbone": backbone, "device": device})

        request_scan()
        with Watcher(library.roots, request_scan):
            run_worker(home, stop, idle_exit_s=None)


@contextmanager
def stopping_on_signals(stop: threading.Event, *, interrupt_twice: bool = False) -> Iterator[None]:
    """SIGTERM and Ctrl-C set `stop`: the running job goes back to the queue at its next check."""

    def request_stop(number: int, frame: FrameType | None) -> None:
        if stop.is_set() and interrupt_twice:
            raise KeyboardInterrupt
        logger.info("stopping after signal %d", number)
        stop.set()

    previous = {number: signal.signal(number, request_stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m assistant.worker", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--idle-exit-s", type=float, default=None)
    options = parser.parse_args(arguments)
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format="%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s",
    )
    logging.Formatter.converter = time.gmtime
    stop = threading.Event()
    try:
        with stopping_on_signals(stop):
            run_worker(Home(options.home), stop, options.idle_exit_s)
    except FamiliarError as error:
        logger.error("%s", error)
        return error.exit_code
    except (OSError, sqlite3.Error) as error:
        refused = storage_error(error)
        if refused is None:
            raise
        # What was running is still marked so, and is taken up by the next worker.
        logger.error("%s", refused)
        return refused.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
