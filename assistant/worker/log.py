"""The worker's log: JSON lines in files that are rotated by size, which at info level tell nothing about the photos.

What may stand in it is decided here and not where it is said: of our own messages the fixed words, numbers and reasons
that the system gives; of everybody else's, and of errors, only which code it was. Debug level says everything.
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
from typing import Any, Literal, TextIO

from assistant.daemon.process import worker_log
from personalizer.errors import UsageError
from personalizer.home import Home
from personalizer.jobs.kinds import JobKind

Level = Literal["info", "debug"]
LEVELS: Mapping[str, int] = {"info": logging.INFO, "debug": logging.DEBUG}
MAX_BYTES = 2**20
KEPT_FILES = 4
WITHHELD = "…"
NOISE_EVERY_S = 60.0
FRAMES = 12
"""Of an error, the innermost."""
_OURS = ("personalizer", "exporters", "assistant", "tui")
_OUTPUT = "standard-error"
"""What libraries and child processes print, as if a logger of that name had said it."""
# Words that are about no photo: reasons of the operating system, kinds and states of jobs.
_WORDS = frozenset(
    {os.strerror(number) for number in range(1, 140)}
    | {
        *JobKind, "done", "failed", "cancelled", "queued", "put back", "SIGTERM", "SIGINT", "SIGHUP",
    }
)  # fmt: skip

logger = logging.getLogger(__name__)


def level_number(level: str) -> int:
    """The level's number. Raises UsageError."""
    if level not in LEVELS:
        raise UsageError(
            tried="--log-level", found=repr(level), fix=f"Use one of: {', '.join(sorted(LEVELS))}."
        )
    return LEVELS[level]


class Harmless(str):
    """Words put together from fixed ones and numbers, which may stand in the log at any level."""

    __slots__ = ()


class JsonLines(logging.Formatter):
    """A record as one JSON object: `time` (UTC), `level`, `event`, `logger` and what was given as `fields`."""

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
    """The same for a person at a terminal, or for the journal of the system."""

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
    """What a record says; without `everything`, what of it is about no photo."""
    if everything:
        return record.getMessage()
    if record.name.partition(".")[0] not in (*_OURS, _OUTPUT):
        return f"a message of {record.name.partition('.')[0]} is withheld; --log-level debug shows such"
    # A message that was put together before it came here could hold anything, so ours are all constant
    # (tests/assistant/worker/test_log.py reads the sources for that).
    arguments = record.args
    if isinstance(arguments, Mapping):
        arguments = {key: _shown(value) for key, value in arguments.items()}
    elif arguments:
        arguments = tuple(_shown(value) for value in arguments)
    try:
        return str(record.msg) % arguments if arguments else str(record.msg)
    except (TypeError, ValueError):
        return str(record.msg)


def _shown(value: object) -> object:
    return value if _is_harmless(value) else WITHHELD


def _is_harmless(value: object) -> bool:
    if isinstance(value, str):
        return isinstance(value, Harmless) or value in _WORDS
    return value is None or isinstance(value, int | float)


def _harmless(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if _is_harmless(value)}


def numbers_in(result: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of a job's result, for `fields`; of lists their length."""
    found: dict[str, Any] = {}
    for key, value in result.items():
        if isinstance(value, Mapping):
            found |= numbers_in(value)
        elif isinstance(value, list):
            found[key] = len(value)
        elif isinstance(value, int | float):
            found[key] = round(value, 3)
    return found


def _error(error: BaseException, *, everything: bool) -> dict[str, Any]:
    """Which error and where in the code; its own words may quote paths, and are for debug level."""
    told: dict[str, Any] = {"type": type(error).__name__}
    if isinstance(error, OSError) and error.errno is not None:
        told["errno"] = error.errno
    if everything:
        told["message"] = str(error)
    told["frames"] = [_frame(frame) for frame in traceback.extract_tb(error.__traceback__)][-FRAMES:]
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        told["cause"] = _error(cause, everything=everything)
    return told


def _frame(frame: traceback.FrameSummary) -> str:
    parts = Path(frame.filename).parts
    begins = [index for index, part in enumerate(parts) if part in (*_OURS, "site-packages")]
    # Where Familiar is installed may be below a folder with a name in it.
    place = "/".join(parts[begins[-1] :]) if begins else parts[-1]
    return f"{place}:{frame.lineno} {frame.name}"


class PrivateFiles(RotatingFileHandler):
    """Rotated by size; readable by the user alone. What cannot be written is lost, and stops nobody."""

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES, kept: int = KEPT_FILES) -> None:
        super().__init__(path, maxBytes=max_bytes, backupCount=kept, encoding="utf-8", delay=True)

    def rotation_filename(self, default_name: str) -> str:
        """`worker.log.1` as `worker.1.log`: forgetting knows the lines of logs by how their names end."""
        stem, _, number = default_name.rpartition(".")
        path = Path(stem)
        return str(path.with_name(f"{path.stem}.{number}{path.suffix}"))

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return open(descriptor, "a", encoding="utf-8")

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Standard error is read into this very log: a full disk must not talk to itself."""


class _Console(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """A terminal that was closed is no reason to stop."""


@contextmanager
def logging_to_files(home: Home, level: int = logging.INFO, *, console: bool = False) -> Iterator[None]:
    """Write what the process says and prints to the worker's log, for the holder of the worker lock.

    With `console` the same goes to standard error in plain lines. Other libraries stay at info, which is withheld
    unless `level` is debug.
    """
    everything = level <= logging.DEBUG
    root = logging.getLogger()
    before = root.level, list(root.handlers), {name: logging.getLogger(name).level for name in _OURS}
    file = PrivateFiles(worker_log(home))
    file.setFormatter(JsonLines(everything=everything))
    with _output_into_log(everything) as former_error, _crashes_into(home.logs / "crash.log"):
        handlers: list[logging.Handler] = [file]
        if console:
            shown = _Console(former_error)
            shown.setFormatter(PlainLines(everything=everything))
            handlers.append(shown)
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
    """Standard output and error of this process and its children go to the log; yields the former standard error."""
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
            # A child that lives on keeps the other end open.
            reader.join(timeout=1.0)


def _log_lines(descriptor: int, everything: bool) -> None:
    output = logging.getLogger(_OUTPUT)
    lines, said_at_s = 0, -NOISE_EVERY_S
    with open(descriptor, encoding="utf-8", errors="backslashreplace") as stream:
        for line in stream:
            if everything:
                output.info("%s", line.rstrip("\n"))
                continue
            lines += 1
            if time.monotonic() - said_at_s >= NOISE_EVERY_S:
                output.info("printed", extra={"fields": {"lines": lines}})
                lines, said_at_s = 0, time.monotonic()


@contextmanager
def _crashes_into(path: Path) -> Iterator[None]:
    """Where in the code the process was when it crashed: files and lines of code, no data."""
    was_enabled = faulthandler.is_enabled()
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as file:
        faulthandler.enable(file)
        try:
            yield
        finally:
            faulthandler.disable()
            if was_enabled:
                faulthandler.enable()
