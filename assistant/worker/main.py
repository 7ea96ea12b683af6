"""The one process per home that owns Chroma and writes all derived data. Runs queued jobs; knows no screen.

Front ends start it when they need it (it leaves when idle); `familiar watch` is the same in the foreground, or as a
service, with the folders watched and concepts trained when the machine is idle.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from assistant.daemon.code_version import CodeWatch
from assistant.daemon.process import (
    beat,
    hold_watch_lock,
    hold_worker_lock,
    note_version,
    running_worker_pid,
    stop_worker,
)
from assistant.forget.concept import resume_forgetting
from assistant.forget.faces import resume_erasing
from assistant.worker.auto_training import AutoTraining, AutoTrainingConfig
from assistant.worker.idle import IdleLimits, Machine, Mains
from assistant.worker.job_log import logged
from assistant.worker.log import SafeToLog, level_number, logging_to_files
from assistant.worker.missing_work import missing_work, queue_missing
from assistant.worker.registry import make_handlers
from personalizer.analysis.analyzer import analysis_version
from personalizer.analysis.removed_conversion import remove_conversion
from personalizer.backup.swap import finish_restore
from personalizer.errors import FamiliarError
from personalizer.faces.removed_networks import remove_networks
from personalizer.home import Home
from personalizer.jobs.kinds import JobKind
from personalizer.jobs.loop import Handler, JobContext, run_worker_loop
from personalizer.jobs.queue import JobQueue
from personalizer.library.library import Library
from personalizer.schemas import Job
from personalizer.storage_errors import storage_error
from personalizer.training.torch_threads import wait_briefly

STOP_PATIENCE_S = 8.0
"""A job that has not stopped by then is put back where it is, as when the process is killed: nothing is lost."""
LOOK_FOR_MISSING_S = 3600.0
HOURLY_KINDS = (JobKind.SCAN, JobKind.ANALYZE, JobKind.CLUSTER)

# By name: run as a program, this module is called otherwise.
logger = logging.getLogger("assistant.worker")


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """What `familiar watch` is told."""

    backbone: str = "pocket"
    device: str = "auto"
    patience_s: float = 30.0
    """How long another worker, which a front end started, may take to make way."""
    training: bool = True
    """Whether concepts may be trained automatically, where the library does not forbid it."""
    level: int = logging.INFO
    limits: IdleLimits = field(default_factory=IdleLimits)
    auto_training: AutoTrainingConfig = field(default_factory=AutoTrainingConfig)


def run_worker(home: Home, stop: threading.Event, idle_exit_s: float | None) -> int:
    """Hold the lock and run jobs until told to stop, idle for too long or replaced on the disk by another version;
    returns how many were run.

    Raises NotReadyError when another worker has the lock.
    """
    return _work(home, stop, idle_exit_s, None, CodeWatch())


def _work(
    home: Home,
    stop: threading.Event,
    idle_exit_s: float | None,
    watching: WatchOptions | None,
    code: CodeWatch,
) -> int:
    wait_briefly()
    home.ensure()
    with ExitStack() as entered:
        entered.enter_context(hold_worker_lock(home))
        note_version(home, code.version)
        level = logging.INFO if watching is None else watching.level
        entered.enter_context(logging_to_files(home, level, console=watching is not None))
        finish_restore(home)
        library = entered.enter_context(Library.open(home.database))
        queue = JobQueue(library)
        queue.recover_orphans()
        remove_networks(home.models)
        remove_conversion(home.models)
        resume_forgetting(library, queue)
        resume_erasing(library, queue)
        # What takes days is for a worker that stays.
        days = () if watching is None else (JobKind.READ_TEXT,)
        queue_what_is_missing(home, library, queue, (*HOURLY_KINDS, JobKind.INDEX, *days))
        handlers = make_handlers(home, library, queue)
        logger.info(
            "worker started", extra={"fields": {"pid": os.getpid(), "watching": watching is not None}}
        )
        entered.enter_context(_ending_in_time(library, queue, stop))
        training: AutoTraining | None = None
        mains: Mains | None = None
        if watching is not None:
            mains = Mains()
            handlers[JobKind.READ_TEXT] = _while_on_mains(handlers[JobKind.READ_TEXT], mains)
            training = entered.enter_context(_watching(home, library, queue, watching))
            handlers[JobKind.AUTO_TRAIN] = training.handler(handlers[JobKind.TRAIN])
        look_for_missing = _now_and_then(
            LOOK_FOR_MISSING_S,
            # What waits for the index is put there by a scan, which comes as often.
            lambda: queue_what_is_missing(home, library, queue, (*HOURLY_KINDS, *days)),
        )

        def when_idle() -> None:
            if code.outdated():
                logger.info("another version of the code is installed: this worker ends")
                stop.set()
            else:
                look_for_missing()

        ran = run_worker_loop(
            queue,
            {kind: logged(handler, queue) for kind, handler in handlers.items()},
            stop,
            idle_exit_s,
            # What is left in the queue is for a worker that runs the code that is installed.
            runnable=lambda: [] if code.outdated() else _runnable(handlers, training, mains),
            on_beat=lambda: beat(home),
            when_idle=when_idle,
        )
        logger.info("worker stopped", extra={"fields": {"jobs": ran}})
        return ran


def _runnable(kinds: Iterable[str], training: AutoTraining | None, mains: Mains | None) -> list[str]:
    """The kinds of jobs that may run now; `mains` only of a worker that stays, which reading text is for."""
    left_out = set()
    if training is None or not training.may_run:
        left_out.add(JobKind.AUTO_TRAIN)
    if mains is None or not mains():
        left_out.add(JobKind.READ_TEXT)
    return [kind for kind in kinds if kind not in left_out]


def _while_on_mains(handler: Handler, mains: Mains) -> Handler:
    """The same handler; its job goes back to the queue when the machine goes on battery."""

    def run(job: Job, context: JobContext) -> dict[str, Any]:
        context.yield_when(lambda: not mains())
        return handler(job, context)

    return run


def queue_what_is_missing(
    home: Home,
    library: Library,
    queue: JobQueue,
    kinds: Collection[str] = (*HOURLY_KINDS, JobKind.INDEX),
) -> None:
    """Queue the work that the library itself says is not done: the jobs of it may have been lost.

    Training is not among it, which takes long and is begun when nobody works at the machine.
    """
    from personalizer.analysis.analyzer import PhotoAnalyzer

    version = analysis_version(PhotoAnalyzer())
    found = missing_work(library, analysed_by=version, to_read=JobKind.READ_TEXT in kinds)
    for item in found:
        logger.debug("missing: %s", item.why)
    for job_id in queue_missing(queue, found, kinds):
        logger.info("queued what is missing: %s", SafeToLog(queue.get(job_id).kind))


def _now_and_then(every_s: float, action: Callable[[], None]) -> Callable[[], None]:
    """`action` for who calls all the time: done once `every_s` have passed since now, or since the last time.

    Of what goes wrong only what says that the library cannot be used is raised.
    """
    done_s = time.monotonic()

    def look() -> None:
        nonlocal done_s
        if time.monotonic() - done_s >= every_s:
            done_s = time.monotonic()
            try:
                action()
            except sqlite3.Error:
                raise
            except Exception:
                logger.exception("the worker goes on, and looks again later")

    return look


@contextmanager
def _watching(home: Home, library: Library, queue: JobQueue, options: WatchOptions) -> Iterator[AutoTraining]:
    """Watch the folders and train when idle for the duration of the block."""
    from personalizer.jobs.due import ask_for_scan
    from personalizer.scan.exclusions import exclusions_of
    from personalizer.scan.notes import read_notes
    from personalizer.watch.polled_folders import write_polled
    from personalizer.watch.watcher import Watcher

    def request_scan(folders: Collection[str] | None = None) -> None:
        ask_for_scan(queue, {"backbone": options.backbone, "device": options.device}, folders)

    request_scan()
    machine = Machine(home.root, options.device, options.limits)
    training = AutoTraining(
        home,
        library,
        queue,
        machine,
        replace(
            options.auto_training,
            backbone=options.backbone,
            device=options.device,
            enabled=options.training,
        ),
    )
    watcher = Watcher(
        library.roots,
        request_scan,
        exclusions=lambda: exclusions_of(library),
        unfinished=lambda: read_notes(library).want_a_look,
        on_polled=lambda polled: write_polled(library, polled),
    )
    with watcher, training:
        yield training


def watch_in_foreground(home: Home, options: WatchOptions, stop: threading.Event | None = None) -> None:
    """Be the worker until Ctrl-C or SIGTERM, with the folders watched. Takes over from a worker in the background.

    Raises NotReadyError when another `familiar watch` runs in this home.
    """
    home.ensure()
    stop, code = stop or threading.Event(), CodeWatch()
    with hold_watch_lock(home), stopping_on_signals(stop, interrupt_twice=True) as told:
        if running_worker_pid(home) is not None:
            print("Waiting for the worker in the background to make way", file=sys.stderr, flush=True)
            stop_worker(home, options.patience_s)
        _work(home, stop, None, options, code)
    if code.outdated() and not told.is_set():
        begin_again()


def begin_again() -> NoReturn:
    """Become the same command in the code that is installed now; a service goes on under the same process id."""
    print("Familiar was updated: starting again", file=sys.stderr, flush=True)
    os.execv(sys.executable, sys.orig_argv)


@contextmanager
def stopping_on_signals(stop: threading.Event, *, interrupt_twice: bool = False) -> Iterator[threading.Event]:
    """SIGTERM, SIGHUP and Ctrl-C set `stop`: the running job goes back to the queue at its next check.

    Yields what is set as well, but by nothing else than these.
    """
    told = threading.Event()

    def request_stop(number: int, frame: FrameType | None) -> None:
        if stop.is_set() and interrupt_twice:
            raise KeyboardInterrupt
        told.set()
        stop.set()

    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    previous = {number: signal.signal(number, request_stop) for number in numbers}
    try:
        yield told
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def _ending_in_time(library: Library, queue: JobQueue, stop: threading.Event) -> Iterator[None]:
    """Once `stop` is set, end the process when the block takes too long to: converting a model asks nobody.

    Every step of every job may be killed at any moment, so this costs that step and nothing else.
    """
    left = threading.Event()

    def watch() -> None:
        stop.wait()
        if left.is_set():
            return
        logger.info("stopping")
        if left.wait(STOP_PATIENCE_S):
            return
        with suppress(Exception):  # a library that is locked will say "running", which the next worker mends
            library.wait_at_most(1.0)
            for job in queue.list("running"):
                queue.requeue(job.id)
        logger.info("stopped in the middle of a step, which is done again")
        logging.shutdown()
        os._exit(0)

    threading.Thread(target=watch, name="ending-in-time", daemon=True).start()
    try:
        yield
    finally:
        left.set()
        stop.set()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m assistant.worker", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--idle-exit-s", type=float, default=None)
    parser.add_argument("--watch", action="store_true", help="watch the folders, as `familiar watch` does")
    parser.add_argument("--backbone", default="pocket")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--no-training", action="store_true")
    parser.add_argument("--log-level", default="info")
    options = parser.parse_args(arguments)
    home, stop = Home(options.home), threading.Event()
    try:
        if options.watch:
            level = level_number(options.log_level)
            chosen = WatchOptions(
                options.backbone, options.device, training=not options.no_training, level=level
            )
            watch_in_foreground(home, chosen, stop)
        else:
            with stopping_on_signals(stop):
                run_worker(home, stop, options.idle_exit_s)
    except FamiliarError as error:
        # To whoever started us; the log is for the holder of the lock.
        print(error, file=sys.stderr)
        return error.exit_code
    except (OSError, sqlite3.Error) as error:
        refused = storage_error(error)
        if refused is None:
            raise
        # What was running is still marked so, and is taken up by the next worker.
        print(refused, file=sys.stderr)
        return refused.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


def leave(code: int) -> NoReturn:
    """End this process at once: all is closed, and taking torch apart again takes the interpreter seconds."""
    if "torch" not in sys.modules:
        sys.exit(code)
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)
