"""Counts the modules that one value passes on its way through the product: a photo, a drawing or a training.

    python scripts/walk.py photo                 a new photo in a watched folder, until it is grouped
    python scripts/walk.py imagine               `imagine "Bo on a beach"` in the plain chat, until the path is printed
    python scripts/walk.py train                 `familiar train NAME`, until prefix and export are in place
    … [--home DIR] [--json] [--functions]

It traces a real run of the front end and the worker that belong to the interpreter it is started with, in every process
that these start. DIR keeps the prepared home (sample photos, one trained concept: a few minutes) between runs; use
one DIR for each version of the code. Every run works on a fresh copy of it. `--functions` also prints which functions
were entered.

A module counts when one of its Python functions is entered between the moment when the request starts and the moment
when its result is there. Functions are also methods, properties, lambdas, comprehensions and generators that go on.
Not counted are module bodies, class bodies, whatever runs while a module is imported, and code without a file of ours,
such as the methods that `dataclass` generates. The request starts with the first byte of the photo in the folder, with
the line on the chat's standard input, or with the process of `familiar train`. The rest is there before: the home, the
worker, the exported backbone; one photo was imported, and in this chat one other picture was drawn. Processes that the
product starts for each request belong to the walk.

What happens anyway is measured, never silently subtracted: `idle` is a window before the request in which nothing is
asked for, `start-up` the command `familiar resume`, which only parses its arguments and opens the library. A module
is `only idle` or `only start-up` where the walk entered no function of it that this window does not enter in the same
process; the value may pass it nevertheless (`transaction` is needed by the worker's idle poll and by the job).

Imports no module of the product. What it relies on: `tui.entry:main`, `python -m assistant.worker`, the commands `add`,
`name`, `train`, `chat`, `watch`, `status` and `resume`, and a few tables of the library. Needs Linux.
"""

from __future__ import annotations

import argparse
import importlib.util
import inspect
import json
import mmap
import os
import queue
import re
import shutil
import site
import sqlite3
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
import venv
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import CodeType, FrameType
from typing import IO, Any

PACKAGES = ("personalizer", "exporters", "assistant", "tui")
FRONT_END = "from tui.entry import main; main()"
WORKER = "assistant.worker"
IDLE, START_UP, WALK = 1, 2, 3
"""The windows in which calls are recorded; outside of them the window's byte is 0."""
IDLE_S = 16.0
"""Longer than the 15 seconds between two heartbeats of the worker."""
QUIET_S = 2.0
START_S, IMPORT_S, PICTURE_S, TRAINING_S = 60.0, 180.0, 300.0, 1800.0
"""How long each step may take before the measurement is given up."""
POLL_S = 0.05
BO, OTHER = "Bo", "Mia"
"""The concept that is trained while the home is prepared, and the one that the walk `train` trains."""
WARM_UP, REQUEST = "/imagine a red apple on a table", f'imagine "{BO} on a beach"'
MIN_PHOTOS = 3
IMPORTING = ("scan", "analyse", "index", "cluster")
"""Kinds of jobs that a new photo waits for."""
PREPARED, LIVE = "prepared", "live"


class WalkError(Exception):
    """The walk could not be measured."""


# --- in every traced process


def record_calls(folder: str, packages: Sequence[str]) -> None:
    """Write down the first call of every function below `packages`, for each window that is open in `folder`.

    This function is copied into the traced interpreter: it uses nothing of this module. A line is written at once, so
    that a process may end in any way.
    """
    below = tuple(package + os.sep for package in packages)
    with open(f"{folder}/window", "rb") as file:
        window = mmap.mmap(file.fileno(), 1, access=mmap.ACCESS_READ)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    log = os.open(f"{folder}/{time.monotonic_ns()}-{os.getpid()}.calls", flags, 0o600)
    os.write(log, json.dumps(sys.orig_argv).encode() + b"\n")
    seen: tuple[set[int], ...] = (set(), set(), set(), set())
    kept: list[CodeType] = []  # so that no other code gets the id of one that was seen

    def is_importing(frame: FrameType | None) -> bool:
        while frame is not None:
            if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
                return True
            frame = frame.f_back
        return False

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event != "call" or not window[0]:
            return
        phase, code = window[0], frame.f_code
        if id(code) in seen[phase]:
            return
        # CO_OPTIMIZED: neither the body of a module nor that of a class.
        if code.co_flags & 1 and code.co_filename.startswith(below):
            if is_importing(frame):
                return
            thread = threading.current_thread().name
            entry = (phase, time.monotonic_ns(), thread, code.co_filename, code.co_qualname)
            os.write(log, json.dumps(entry).encode() + b"\n")
        seen[phase].add(id(code))
        kept.append(code)

    threading.setprofile(note)
    sys.setprofile(note)


RECORDER = f"""
import json, mmap, os, sys, threading, time

{{function}}
{record_calls.__name__}({{folder!r}}, {{packages!r}})
"""


def traced_interpreter(folder: Path, trace: Path) -> Path:
    """A copy of this interpreter whose processes record their calls, also with -P, -I and -E.

    A virtual environment, since what the product starts is `sys.executable`.
    """
    venv.EnvBuilder(symlinks=True).create(folder)
    packages = Path(sysconfig.get_path("purelib", "venv", vars={"base": str(folder)}))
    function = "from __future__ import annotations\n" + RECORDER.format(
        function=inspect.getsource(record_calls),
        folder=str(trace),
        packages=[str(place) for place in package_folders().values()],
    )
    (packages / "walk_recorder.py").write_text(function)
    installed = "".join(f"import site; site.addsitedir({place!r})\n" for place in site.getsitepackages())
    (packages / "walk.pth").write_text(f"{installed}import walk_recorder\n")
    return folder / "bin" / "python"


def package_folders() -> dict[str, Path]:
    """Where the packages of the product are; nothing of them is imported."""
    folders = {}
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is None or not spec.submodule_search_locations:
            raise WalkError(f"{sys.executable} has no package {name}")
        folders[name] = Path(next(iter(spec.submodule_search_locations)))
    return folders


# --- what was recorded


@dataclass(frozen=True, slots=True)
class Call:
    """The first call of a function in one process and one window."""

    phase: int
    at_ns: int
    process: str
    thread: str
    module: str
    function: str

    @property
    def where(self) -> str:
        return self.process if self.thread == "MainThread" else f"{self.process}, thread {self.thread}"


class Trace:
    """A folder in which traced processes see the window and leave their calls."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        (folder / "window").write_bytes(b"\0")
        with (folder / "window").open("r+b") as file:
            self._window = mmap.mmap(file.fileno(), 1)
        self.opened_ns: dict[int, int] = {}
        self.closed_ns: dict[int, int] = {}

    @contextmanager
    def window(self, phase: int) -> Iterator[None]:
        """Have all processes record their calls during the block."""
        self.opened_ns[phase] = time.monotonic_ns()
        self._window[0] = phase
        try:
            yield
        finally:
            self._window[0] = 0
            self.closed_ns[phase] = time.monotonic_ns()

    def calls(self) -> list[Call]:
        """All calls of all processes, in the order of time."""
        names = module_names(package_folders())
        calls = [call for file in self.folder.glob("*.calls") for call in _calls_in(file, names)]
        return sorted(calls, key=lambda call: call.at_ns)


def _calls_in(file: Path, name_of: Callable[[str], str]) -> Iterator[Call]:
    lines = file.read_text().splitlines()
    process = process_name(json.loads(lines[0]))
    for line in lines[1:]:
        phase, at_ns, thread, path, function = json.loads(line)
        # "Thread-3 (name)" has another number each time.
        yield Call(phase, at_ns, process, re.sub(r"^Thread-\d+ ", "", thread), name_of(path), function)


def process_name(command: Sequence[str]) -> str:
    """What a process runs: the module after -m, or that which the code after -c imports first."""
    words = list(command[1:])
    if "-m" in words[:-1]:
        return words[words.index("-m") + 1]
    if "-c" in words[:-1]:
        imported = re.search(r"(?:from|import) +([\w.]+)", words[words.index("-c") + 1])
        return imported[1] if imported else "python -c"
    return Path(words[0]).name if words else "python"


def module_names(folders: dict[str, Path]) -> Callable[[str], str]:
    """Turns the path of a file of ours into the name of its module."""

    def name_of(path: str) -> str:
        package, folder = next(item for item in folders.items() if Path(path).is_relative_to(item[1]))
        parts = [package, *Path(path).relative_to(folder).with_suffix("").parts]
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    return name_of


# --- the home


@dataclass(frozen=True, slots=True)
class Group:
    """A concept that was found in the sample photos, and the subject that most of its photos show."""

    concept_id: int
    name: str | None
    subject: str
    photos: int
    share: float


class Library:
    """The library's file, which is only read."""

    def __init__(self, home: Path) -> None:
        self._file = home / "library.sqlite3"

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of one query."""
        with closing(sqlite3.connect(f"{self._file.as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
            return connection.execute(query, values).fetchall()

    def last_job(self) -> int:
        """The number of the newest job, 0 where there is none."""
        return int(self.rows("SELECT COALESCE(MAX(id), 0) FROM jobs")[0][0])

    def is_quiet(self) -> bool:
        """Whether no photo is waited for."""
        active = self.rows("SELECT kind FROM jobs WHERE state IN ('queued', 'running')")
        return not any(kind in IMPORTING for (kind,) in active)

    def is_imported(self, photo: Path) -> bool:
        """Whether the photo is in the library, something was seen in it, and the job that groups it is over."""
        query = "SELECT 1 FROM photos JOIN detections ON photo_id = photos.id WHERE last_path = ?"
        return bool(self.rows(query, str(photo))) and self.is_quiet()

    def groups_of(self, photo: Path) -> list[str]:
        """The concepts that the photo belongs to."""
        query = """SELECT DISTINCT COALESCE(name, 'group ' || concepts.id), status FROM photos
            JOIN detections ON photo_id = photos.id JOIN memberships ON detection_id = detections.id
            JOIN concepts ON concepts.id = concept_id WHERE last_path = ?"""
        return [f"{name} ({status})" for name, status in self.rows(query, str(photo))]

    def prefix(self, name: str) -> Path | None:
        """The folder of a concept's prefix."""
        [(folder,)] = self.rows("SELECT prefix_dir FROM concepts WHERE name = ?", name)
        return None if folder is None else Path(folder)

    def groups(self, subject_of: dict[str, str]) -> list[Group]:
        """The concepts with a subject of their own, the clearest first."""
        query = """SELECT DISTINCT concept_id, name, last_path FROM memberships
            JOIN concepts ON concepts.id = concept_id JOIN detections ON detections.id = detection_id
            JOIN photos ON photos.id = photo_id WHERE status != 'rejected'"""
        shown: dict[tuple[int, str | None], Counter[str]] = defaultdict(Counter)
        for concept_id, name, path in self.rows(query):
            shown[concept_id, name][subject_of.get(Path(path).name, "")] += 1
        groups = []
        for (concept_id, name), subjects in shown.items():
            subject, photos = subjects.most_common(1)[0]
            if subject and photos >= MIN_PHOTOS:
                groups.append(Group(concept_id, name, subject, photos, photos / subjects.total()))
        return sorted(groups, key=lambda group: (-group.share, -group.photos, group.subject))


class Samples:
    """The sample library that ships: photos to import, and others of the same subjects."""

    def __init__(self) -> None:
        manifests = list(package_folders()["personalizer"].rglob("sample_library/manifest.json"))
        if not manifests:
            raise WalkError("the sample library is missing")
        self.folder = manifests[0].parent
        entries = json.loads(manifests[0].read_text())
        self.imported = [self.folder / entry["file"] for entry in entries if entry["split"] != "held_out"]
        self.subject_of = {Path(entry["file"]).name: entry["subject"] or "" for entry in entries}

    def other_photo(self, subject: str) -> Path:
        """A photo of the subject that is not among those that are imported."""
        known = set(self.imported)
        photos = [
            self.folder / "held_out" / name for name, shown in self.subject_of.items() if shown == subject
        ]
        return next(photo for photo in photos if photo not in known and photo.exists())


# --- running the product


class Stage:
    """A home with its photos, and the processes that run in it; all end with the block."""

    def __init__(self, python: Path, folder: Path, trace: Trace | None = None) -> None:
        self.python = python
        self.home, self.photos = folder / "home", folder / "photos"
        self.trace = trace
        self.library = Library(self.home)
        self._running = ExitStack()

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def command(self, *words: str) -> list[str]:
        """A command of the front end as a child's command line."""
        return [str(self.python), "-P", "-c", FRONT_END, "--home", str(self.home), *words]

    def run(self, *words: str, patience_s: float = START_S) -> str:
        """Run a command of the front end and return what it printed."""
        done = subprocess.run(
            self.command(*words), capture_output=True, text=True, timeout=patience_s, check=False
        )
        if done.returncode:
            raise WalkError(f"familiar {' '.join(words)} ended with {done.returncode}: {done.stderr[-500:]}")
        return done.stdout

    def start(self, command: Sequence[str], **options: Any) -> subprocess.Popen[str]:
        """Start a process that is ended with the stage."""
        process = subprocess.Popen(command, text=True, **options)
        self._running.callback(_end, process)
        return process

    def start_worker(self, *, watching: bool = False) -> None:
        """Start the worker, as `familiar watch` where the folders are watched, and wait until it is idle."""
        worker = [str(self.python), "-P", "-m", WORKER, "--home", str(self.home), "--idle-exit-s", "3600"]
        command = self.command("watch", "--yes") if watching else worker
        silent = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = self.start(command, **silent)
        wait_until("the worker runs", lambda: self._is_working(process, watching), START_S)
        wait_until("the worker is idle", self.library.is_quiet, IMPORT_S)

    def _is_working(self, process: subprocess.Popen[str], watching: bool) -> bool:
        if process.poll() is not None:
            raise WalkError(f"the worker ended with {process.returncode}; see {self.home / 'logs'}")
        status = json.loads(self.run("--json", "status"))
        return bool(status["worker"]["running"] and (status["watching"] or not watching))

    def import_photo(self, photo: Path) -> Path:
        """Copy a photo into the watched folder and wait until it belongs to its groups."""
        target = self.photos / f"new-{photo.name}"
        shutil.copyfile(photo, target)
        wait_until(f"{target.name} is imported", lambda: self.library.is_imported(target), IMPORT_S)
        return target

    def group(self, name: str | None, samples: Samples) -> Group:
        """The group with this name, or the clearest that has none."""
        for group in self.library.groups(samples.subject_of):
            if group.name == name:
                return group
        raise WalkError(
            f"no group {name or 'without a name'} with {MIN_PHOTOS} photos of one subject was found"
        )

    def name_group(self, name: str, samples: Samples) -> Group:
        """Give the clearest group that has no name one."""
        group = self.group(None, samples)
        self.run("name", str(group.concept_id), name)
        return group

    def record(self, phase: int) -> AbstractContextManager[None]:
        """Record all calls during the block."""
        assert self.trace is not None
        return self.trace.window(phase)

    def be_idle(self) -> None:
        """Record what is called when nothing is asked for."""
        time.sleep(QUIET_S)
        before = self.library.last_job()
        with self.record(IDLE):
            time.sleep(IDLE_S)
        if self.library.last_job() != before:
            raise WalkError("a job was queued while nothing was asked for; measure again")


class Chat:
    """The plain chat with pipes for its lines."""

    def __init__(self, stage: Stage) -> None:
        process = stage.start(
            stage.command("chat", "--plain"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=1
        )
        assert process.stdin is not None and process.stdout is not None
        self._input: IO[str] = process.stdin
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, args=(process.stdout,), daemon=True).start()

    def _read(self, output: IO[str]) -> None:
        for line in output:
            self._lines.put(line)
        self._lines.put("Failed: the chat ended\n")

    def draw(self, request: str) -> Path:
        """Ask for a picture and return its path, once the chat has printed it."""
        self._input.write(f"{request}\n")
        self._input.flush()
        deadline_s = time.monotonic() + PICTURE_S
        while time.monotonic() < deadline_s:
            line = self._lines.get(timeout=PICTURE_S).strip()
            if line.startswith("Failed"):
                raise WalkError(f"{request}: {line}")
            if line.endswith(".png"):
                return Path(line.lstrip("· "))
        raise WalkError(f"{request}: no picture within {PICTURE_S:.0f} s")


def wait_until(what: str, condition: Callable[[], bool], patience_s: float) -> None:
    """Ask again and again. Raises WalkError when it does not become true in time."""
    deadline_s = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline_s:
            raise WalkError(f"waited {patience_s:.0f} s in vain until {what}")
        time.sleep(POLL_S)


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


# --- the walks


def walk_photo(stage: Stage, samples: Samples) -> str:
    """A new photo of a known concept, after another one has been imported."""
    bo, other = stage.group(BO, samples), stage.group(None, samples)
    stage.start_worker(watching=True)
    stage.import_photo(samples.other_photo(other.subject))
    stage.be_idle()
    with stage.record(WALK):
        photo = stage.import_photo(samples.other_photo(bo.subject))
    groups = ", ".join(stage.library.groups_of(photo)) or "no group"
    return f"{photo.name} belongs to {groups}"


def walk_imagine(stage: Stage, samples: Samples) -> str:
    """A picture with a trained concept, after one without."""
    stage.start_worker()
    chat = Chat(stage)
    chat.draw(WARM_UP)
    stage.be_idle()
    with stage.record(WALK):
        picture = chat.draw(REQUEST)
    return f"{picture.name}, {picture.stat().st_size} bytes"


def walk_train(stage: Stage, samples: Samples) -> str:
    """The training of a named group that never was trained."""
    stage.start_worker()
    stage.name_group(OTHER, samples)
    stage.be_idle()
    with stage.record(START_UP):
        stage.run("resume")
    with stage.record(WALK):
        stage.run("train", OTHER, patience_s=TRAINING_S)
    prefix = stage.library.prefix(OTHER)
    files = sorted(path.name for path in prefix.rglob("*") if path.is_file()) if prefix else []
    if not files:
        raise WalkError(f"{OTHER} has no prefix")
    return f"prefix of {OTHER}: {', '.join(files)}"


WALKS: dict[str, Callable[[Stage, Samples], str]] = {
    "photo": walk_photo,
    "imagine": walk_imagine,
    "train": walk_train,
}


def prepare(folder: Path, samples: Samples) -> None:
    """A home with the sample photos, their groups, the exported backbone and one trained concept; nothing is traced."""
    live, prepared = folder / LIVE, folder / PREPARED
    if prepared.exists():
        return
    shutil.rmtree(live, ignore_errors=True)
    with Stage(Path(sys.executable), live) as stage:
        stage.photos.mkdir(parents=True)
        stage.home.mkdir(mode=0o700)
        for photo in samples.imported:
            shutil.copyfile(photo, stage.photos / photo.name)
        # Asking for the status makes the library, which the worker is waited for in.
        stage.run("status")
        stage.start_worker()
        stage.run("add", "--yes", str(stage.photos), patience_s=IMPORT_S)
        stage.name_group(BO, samples)
        stage.run("train", BO, patience_s=TRAINING_S)
    live.rename(prepared)


def measure(walk: str, folder: Path) -> Report:
    """Take the walk in a fresh copy of the home that `folder` keeps, at the same place as it was made in."""
    folder.mkdir(parents=True, exist_ok=True)
    samples = Samples()
    prepare(folder, samples)
    shutil.rmtree(folder / LIVE, ignore_errors=True)
    shutil.copytree(folder / PREPARED, folder / LIVE)
    with tempfile.TemporaryDirectory(prefix="walk-") as temporary:
        trace = Trace(Path(temporary) / "trace")
        python = traced_interpreter(Path(temporary) / "python", trace.folder)
        with Stage(python, folder / LIVE, trace) as stage:
            outcome = WALKS[walk](stage, samples)
        shutil.rmtree(folder / LIVE)
        return Report(walk, outcome, trace)


# --- what is printed


class Report:
    """The modules of a walk, in the order of their first entry."""

    def __init__(self, walk: str, outcome: str, trace: Trace) -> None:
        calls = trace.calls()
        self.walk = walk
        self.outcome = outcome
        self.opened_ns = trace.opened_ns[WALK]
        self.elapsed_s = (trace.closed_ns[WALK] - self.opened_ns) / 1e9
        self.calls = [call for call in calls if call.phase == WALK]
        self.idle = {_entry(call): call.module for call in calls if call.phase == IDLE}
        self.start_up = {_entry(call): call.module for call in calls if call.phase == START_UP}
        self.modules: dict[str, list[Call]] = {}
        for call in self.calls:
            self.modules.setdefault(call.module, []).append(call)

    def only_in(self, *windows: Iterable[tuple[str, ...]]) -> list[str]:
        """The modules of which the walk entered no function that these windows did not enter."""
        entries = set[tuple[str, ...]]().union(*windows)
        return [module for module, calls in self.modules.items() if {*map(_entry, calls)} <= entries]

    def window(self, window: dict[tuple[str, ...], str]) -> dict[str, Any]:
        """What a window before the walk has in common with it."""
        modules = set(window.values())
        return {
            "modules": sorted(modules),
            "also_in_walk": sorted(modules & self.modules.keys()),
            "only": self.only_in(window),
        }

    def document(self) -> dict[str, Any]:
        """Everything, as JSON values."""
        only_idle, only_windows = self.only_in(self.idle), self.only_in(self.idle, self.start_up)
        only = {**dict.fromkeys(only_windows, "start-up"), **dict.fromkeys(only_idle, "idle")}
        return {
            "walk": self.walk,
            "outcome": self.outcome,
            "packages": {name: str(folder) for name, folder in package_folders().items()},
            "elapsed_s": round(self.elapsed_s, 2),
            "total": len(self.modules),
            "without_only_idle": len(self.modules) - len(only_idle),
            "without_only_idle_or_start_up": len(self.modules) - len(only_windows),
            "by_package": dict(Counter(module.partition(".")[0] for module in self.modules)),
            "idle": self.window(self.idle),
            "start_up": self.window(self.start_up),
            "modules": [self._module(name, only.get(name)) for name in self.modules],
        }

    def _module(self, name: str, only: str | None) -> dict[str, Any]:
        calls = self.modules[name]
        return {
            "module": name,
            "only": only,
            "first_s": round((calls[0].at_ns - self.opened_ns) / 1e9, 3),
            "first_in": calls[0].where,
            "processes": list(dict.fromkeys(call.process for call in calls)),
            "functions": list(dict.fromkeys(call.function for call in calls)),
        }

    def text(self, *, functions: bool) -> str:
        """For a person: totals, then the modules by the process and thread that entered them first."""
        document = self.document()
        lines = [f"{self.walk}: {self.outcome}", "", *_totals(document), ""]
        number = 0
        for where, modules in groupby(document["modules"], key=lambda module: str(module["first_in"])):
            lines.append(f"in {where}")
            for module in modules:
                number += 1
                entered, only = module["functions"], module["only"]
                lines.append(
                    f"{number:4}  {module['module']:<46} {len(entered):>3} functions"
                    f"  {module['first_s']:>8.3f} s{f' (only {only})' if only else ''}"
                )
                lines += [f"        {function}" for function in entered] if functions else []
        return "\n".join(lines)


def _entry(call: Call) -> tuple[str, ...]:
    return call.process, call.module, call.function


def _totals(document: dict[str, Any]) -> list[str]:
    packages = ", ".join(f"{name} {count}" for name, count in document["by_package"].items())
    lines = [f"total: {document['total']} modules ({packages}) in {document['elapsed_s']} s"]
    for key, name in (("idle", "idle"), ("start_up", "start-up")):
        window = document[key]
        if window["modules"]:
            lines.append(
                f"{name}: {len(window['modules'])} modules, of which {len(window['also_in_walk'])} also in the walk; "
                f"{len(window['only'])} of the walk's modules are only {name}"
            )
    lines.append(f"without those that are only idle: {document['without_only_idle']} modules")
    if document["start_up"]["modules"]:
        lines.append(
            "without those that are only idle or start-up: "
            f"{document['without_only_idle_or_start_up']} modules"
        )
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure one walk and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("walk", choices=list(WALKS))
    parser.add_argument("--home", type=Path, metavar="DIR", help="keeps what is prepared between runs")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--functions", action="store_true", help="also print the functions of each module")
    options = parser.parse_args(arguments)
    try:
        with ExitStack() as entered:
            folder = options.home or Path(entered.enter_context(tempfile.TemporaryDirectory()))
            report = measure(options.walk, folder.resolve())
    except (WalkError, subprocess.TimeoutExpired, queue.Empty) as error:
        print(f"the walk could not be measured: {error or type(error).__name__}", file=sys.stderr)
        return 1
    text = (
        json.dumps(report.document(), indent=1) if options.json else report.text(functions=options.functions)
    )
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
