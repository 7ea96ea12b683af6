"""Writes the worker's log as JSON lines in files rotated by size; at info level nothing in it is about the photos.

Redaction happens here, not at the call sites: Familiar's own messages keep their constant text, numbers and reasons of
the operating system; other libraries' messages and errors keep only their origin in the code. Debug level keeps all.
"""

from __future__ import annotations

import datetime
import faulthandler
import json
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, TextIO

from assistant.daemon.process import worker_log
from personalizer.errors import UsageError
from personalizer.home import Home
from personalizer.jobs.kinds import JobKind

LEVELS: Mapping[str, int] = {"info": logging.INFO, "debug": logging.DEBUG}
MAX_BYTES = 2**20
KEPT_FILES = 4
"""Rotated files beside the current one."""
WITHHELD = "…"
"""Stands for a redacted argument of a message."""
NOISE_EVERY_S = 60.0
"""At info level, printed lines are only counted, and the count is logged this often."""
FRAMES = 12
"""Number of innermost stack frames that are logged of an error."""
_OURS = ("personalizer", "exporters", "assistant", "tui")
_OUTPUT = "standard-error"
"""The logger name for what libraries and child processes print."""
# Strings that cannot be about a photo: reasons of the operating system, kinds and states of jobs.
_WORDS = frozenset(
    {os.strerror(number) for number in range(1, 140)}
    | {
        *JobKind, "done", "failed", "cancelled", "queued", "put back", "SIGTERM", "SIGINT", "SIGHUP",
    }
)  # fmt: skip

logger = logging.getLogger(__name__)


def level_number(level: str) -> int:
    """The level's number in `logging`. Raises `UsageError` for a name that is not in `LEVELS`."""
    if level not in LEVELS:
        raise UsageError(
            tried="--log-level", found=repr(level), fix=f"Use one of: {', '.join(sorted(LEVELS))}."
        )
    return LEVELS[level]


class SafeToLog(str):
    """Text built from constant words and numbers, which is logged unredacted at any level."""

    __slots__ = ()


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object: `time` (UTC), `level`, `event`, `logger`, `error` and its `fields`.

    Without `everything`, arguments and fields are redacted.
    """

    def __init__(self, *, everything: bool) -> None:
        super().__init__()
        self._everything = everything

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        line: dict[str, Any] = {
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "event": event_of(record, everything=self._everything),
            "logger": record.name,
        }
        fields = getattr(record, "fields", {})
        line |= fields if self._everything else _harmless(fields)
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = _error(record.exc_info[1], everything=self._everything)
        return json.dumps(line, default=str)


class PlainLines(logging.Formatter):
    """Formats the same as one plain line, for a terminal or the system journal."""

    def __init__(self, *, everything: bool) -> None:
        super().__init__()
        self._everything = everything

    def format(self, record: logging.LogRecord) -> str:
        at = time.strftime("%H:%M:%S", time.localtime(record.created))
        fields = getattr(record, "fields", {})
        fields = fields if self._everything else _harmless(fields)
        words = [at, event_of(record, everything=self._everything), *(f"{k}={v}" for k, v in fields.items())]
        if record.exc_info and record.exc_info[1] is not None:
            words.append(json.dumps(_error(record.exc_info[1], everything=self._everything), default=str))
        return " ".join(words)


def event_of(record: logging.LogRecord, *, everything: bool) -> str:
    """The message of a record; without `everything`, redacted."""
    if everything:
        return record.getMessage()
    if record.name.partition(".")[0] not in (*_OURS, _OUTPUT):
        return f"a message of {record.name.partition('.')[0]} is withheld; --log-level debug shows such"
    # A message formatted at the call site could hold anything, so ours are all constant
    # (tests/assistant/worker/test_log.py reads the sources for that).
    arguments = record.args
    if isinstance(arguments, Mapping):
        arguments = {key: _redacted(value) for key, value in arguments.items()}
    elif arguments:
        arguments = tuple(_redacted(value) for value in arguments)
    try:
        return str(record.msg) % arguments if arguments else str(record.msg)
    except (TypeError, ValueError):
        return str(record.msg)


def _redacted(value: object) -> object:
    return value if _is_harmless(value) else WITHHELD


def _is_harmless(value: object) -> bool:
    if isinstance(value, str):
        return isinstance(value, SafeToLog) or value in _WORDS
    return value is None or isinstance(value, int | float)


def _harmless(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if _is_harmless(value)}


def numbers_in(result: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of a job's result as log `fields`: nested mappings flattened, lists by their length."""
    numbers: dict[str, Any] = {}
    for key, value in result.items():
        if isinstance(value, Mapping):
            numbers |= numbers_in(value)
        elif isinstance(value, list):
            numbers[key] = len(value)
        elif isinstance(value, int | float):
            numbers[key] = round(value, 3)
    return numbers


def _error(error: BaseException, *, everything: bool) -> dict[str, Any]:
    """An error's type, errno, innermost frames and cause; its message may quote paths, so it needs `everything`."""
    document: dict[str, Any] = {"type": type(error).__name__}
    if isinstance(error, OSError) and error.errno is not None:
        document["errno"] = error.errno
    if everything:
        document["message"] = str(error)
    document["frames"] = [_frame(frame) for frame in traceback.extract_tb(error.__traceback__)][-FRAMES:]
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        document["cause"] = _error(cause, everything=everything)
    return document


def _frame(frame: traceback.FrameSummary) -> str:
    parts = Path(frame.filename).parts
    begins = [index for index, part in enumerate(parts) if part in (*_OURS, "site-packages")]
    # The path of the installation may contain somebody's name.
    location = "/".join(parts[begins[-1] :]) if begins else parts[-1]
    return f"{location}:{frame.lineno} {frame.name}"


class PrivateFiles(RotatingFileHandler):
    """Log files rotated by size, with mode 0600; a record that cannot be written is dropped without an error."""

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES, kept: int = KEPT_FILES) -> None:
        super().__init__(path, maxBytes=max_bytes, backupCount=kept, encoding="utf-8", delay=True)

    def rotation_filename(self, default_name: str) -> str:
        """`worker.1.log` instead of `worker.log.1`: forgetting a concept finds log files by the suffix `.log`."""
        stem, _, number = default_name.rpartition(".")
        path = Path(stem)
        return str(path.with_name(f"{path.stem}.{number}{path.suffix}"))

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return open(descriptor, "a", encoding="utf-8")

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Report nothing: standard error feeds this very log, so on a full disk each report would cause another."""


class _Console(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Report nothing: the worker goes on when its terminal is closed."""


@contextmanager
def logging_to_files(home: Home, level: int = logging.INFO, *, console: bool = False) -> Iterator[None]:
    """Send log records and printed output of the process to the worker's log; the caller holds the worker lock.

    With `console` the same goes to standard error in plain lines. `level` applies to Familiar's own loggers; those of
    other libraries stay at info, and are redacted unless `level` is debug.
    """
    everything = level <= logging.DEBUG
    root = logging.getLogger()
    before = root.level, list(root.handlers), {name: logging.getLogger(name).level for name in _OURS}
    file = PrivateFiles(worker_log(home))
    file.setFormatter(JsonLines(everything=everything))
    with _output_into_log(everything) as former_error, _crashes_into(home.logs / "crash.log"):
        handlers: list[logging.Handler] = [file]
        if console:
            terminal = _Console(former_error)
            terminal.setFormatter(PlainLines(everything=everything))
            handlers.append(terminal)
        root.handlers[:] = handlers
        root.setLevel(logging.INFO)
        for name in _OURS:
            logging.getLogger(name).setLevel(level)
        logging.captureWarnings(True)
        try:
            yield
        except BaseException as error:
            if not isinstance(error, KeyboardInterrupt | SystemExit):
                logger.critical("the worker ends after an error", exc_info=True)
            raise
        finally:
            logging.captureWarnings(False)
            root.setLevel(before[0])
            root.handlers[:] = before[1]
            for name, number in before[2].items():
                logging.getLogger(name).setLevel(number)
            file.close()


@contextmanager
def _output_into_log(everything: bool) -> Iterator[TextIO]:
    """Redirect standard output and error, also of children, to the log; yields the former standard error."""
    sys.stdout.flush()
    sys.stderr.flush()
    former = {number: os.dup(number) for number in (1, 2)}
    reading, writing = os.pipe()
    for number in former:
        os.dup2(writing, number)
    os.close(writing)
    reader = threading.Thread(target=_log_lines, args=(reading, everything), name="output", daemon=True)
    reader.start()
    with open(os.dup(former[2]), "w", encoding="utf-8", errors="backslashreplace", buffering=1) as stream:
        try:
            yield stream
        finally:
            with suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            for number, descriptor in former.items():
                os.dup2(descriptor, number)
                os.close(descriptor)
            # A surviving child keeps the write end open, and then the reader never ends.
            reader.join(timeout=1.0)


def _log_lines(descriptor: int, everything: bool) -> None:
    """Log each line read from `descriptor`; without `everything`, only how many there were."""
    output = logging.getLogger(_OUTPUT)
    lines, logged_at_s = 0, -NOISE_EVERY_S
    with open(descriptor, encoding="utf-8", errors="backslashreplace") as stream:
        for line in stream:
            if everything:
                output.info("%s", line.rstrip("\n"))
                continue
            lines += 1
            if time.monotonic() - logged_at_s >= NOISE_EVERY_S:
                output.info("printed", extra={"fields": {"lines": lines}})
                lines, logged_at_s = 0, time.monotonic()


@contextmanager
def _crashes_into(path: Path) -> Iterator[None]:
    """Let faulthandler append the stack of a crash to `path`: files and lines of code, no data."""
    was_enabled = faulthandler.is_enabled()
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as file:
        faulthandler.enable(file)
        try:
            yield
        finally:
            faulthandler.disable()
            if was_enabled:
                faulthandler.enable()
