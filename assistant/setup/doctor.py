"""Checks Familiar's requirements and says how to meet missing ones. Changes nothing."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from importlib import metadata, util
from pathlib import Path

from assistant.daemon.process import (
    hold_worker_lock,
    outdated_worker_pid,
    running_worker_pid,
    watching_pid,
    worker_log,
)
from assistant.presentation.printable import short_path
from assistant.results import Check
from assistant.setup.estimate import folders_within
from personalizer.analysis.efficientnet import OBJECT_NETWORK
from personalizer.analysis.embed import read_network
from personalizer.analysis.main_thing import NETWORK_FILE as MASK_NETWORK
from personalizer.analysis.main_thing import read_mask_network
from personalizer.backup.swap import restore_state
from personalizer.errors import FamiliarError, NotReadyError, counted
from personalizer.faces.mtcnn import CASCADE_DIR as FACE_CASCADE
from personalizer.faces.mtcnn import read_graphs
from personalizer.home import Home
from personalizer.library.file import quick_verdict
from personalizer.library.library import Library
from personalizer.scan.exclusions import exclusions_of
from personalizer.scan.file_system import read_mounts
from personalizer.sentences.embed import NETWORK_FOLDER as SENTENCE_NETWORK
from personalizer.sentences.embed import read_sentence_network
from personalizer.watch.polled_folders import read_polled

LOW_DISK_MIB = 1024
INOTIFY_LIMIT = Path("/proc/sys/fs/inotify/max_user_watches")
WATCH_MORE = "sudo sysctl fs.inotify.max_user_watches={} (in /etc/sysctl.d to keep it)"
INSTALL_AGAIN = "Install again: `make demo`, or pip install 'familiar-assistant[cpu]'."
INSTALL_CHAT = (
    "Only for small talk with a GGUF model of yours: `make chat MODEL=FILE`, "
    "or pip install 'familiar-assistant[chat]'; it compiles for ten minutes."
)


def examine(home: Home, backbone_check: Callable[[], Check]) -> list[Check]:
    """All checks, in order from a photo to the chat. `backbone_check` looks at the backbone."""
    return [
        _python(),
        _attempt("onnxruntime", _onnxruntime, INSTALL_AGAIN),
        _package("torch", "training and exporting", INSTALL_AGAIN),
        _package("transformers", "training and exporting", INSTALL_AGAIN),
        _shipped("object embedding", "EfficientNet-Lite0", lambda: [read_network(OBJECT_NETWORK)]),
        _shipped("object mask", "U²-Net-P", lambda: [read_mask_network(MASK_NETWORK)]),
        _shipped("face detector", "MTCNN", lambda: read_graphs(FACE_CASCADE).values()),
        _shipped("sentences", "Universal Sentence Encoder", lambda: read_sentence_network(SENTENCE_NETWORK)),
        _weights("face embedding", "face_recognition_models", "dlib face models", (".dat",)),
        _importable("dlib", "finding faces"),
        _importable("chromadb", "the vector index", load=False),
        _attempt("backbone", backbone_check),
        _package("llama_cpp", "a language model of yours", INSTALL_CHAT, "llama-cpp-python", required=False),
        _attempt("home", lambda: _home(home)),
        _attempt("restore", lambda: _restore(home), required=False),
        _attempt("library", lambda: _library(home)),
        _attempt("index", lambda: _index(home), "familiar rebuild-index", required=False),
        _attempt("disk", lambda: _disk(home)),
        _attempt("worker", lambda: worker_check(home)),
        _attempt("service", lambda: _service(home), required=False),
        _attempt("watch limit", lambda: _watch_limit(home), required=False),
    ]


def _attempt(
    name: str, check: Callable[[], Check], fix: str = "See the message.", *, required: bool = True
) -> Check:
    """A check that breaks is a check that failed: a damaged library may raise anything when it is touched."""
    try:
        return check()
    except FamiliarError as error:
        return Check(name, False, error.found, error.fix, required)
    except Exception as error:
        return Check(name, False, f"{type(error).__name__}: {error}", fix, required)


def _python() -> Check:
    return Check("python", sys.version_info >= (3, 11), sys.version.split()[0], "Use Python 3.11 or newer.")


def _onnxruntime() -> Check:
    installed = [name for name in ("onnxruntime", "onnxruntime-gpu") if _version(name)]
    if len(installed) != 1:
        found = (
            "both onnxruntime and onnxruntime-gpu: they overwrite each other"
            if installed
            else "not installed"
        )
        return Check(
            "onnxruntime", False, found, "Have exactly one: pip install 'familiar-assistant[cpu]' or [gpu]."
        )
    from personalizer.onnx_runtime import load_onnxruntime

    onnxruntime = load_onnxruntime()

    providers = ", ".join(
        provider.removesuffix("ExecutionProvider") for provider in onnxruntime.get_available_providers()
    )
    return Check("onnxruntime", True, f"{installed[0]} {_version(installed[0])} ({providers})")


def _package(
    module: str, purpose: str, fix: str, distribution: str | None = None, *, required: bool = True
) -> Check:
    """Whether a package is installed, without importing it."""

    def look() -> Check:
        present = util.find_spec(module) is not None
        found = (
            (_version(distribution or module) or "installed") if present else f"missing; needed for {purpose}"
        )
        return Check(module, present, found, fix, required)

    return _attempt(module, look, fix, required=required)


def _importable(module: str, purpose: str, *, load: bool = True) -> Check:
    check = _package(module, purpose, INSTALL_AGAIN, {"dlib": "dlib-bin"}.get(module))
    if check.ok and load:
        try:
            __import__(module)
        except Exception as error:
            found = f"cannot be loaded: {type(error).__name__}: {error}"
            return Check(module, False, found, INSTALL_AGAIN)
    return check


def _weights(
    name: str,
    package: str,
    what: str,
    suffixes: tuple[str, ...],
    fix: str = INSTALL_AGAIN,
    *,
    required: bool = True,
) -> Check:
    """Whether a package that carries weights is there, with its files. It is not imported."""

    def look() -> Check:
        spec = util.find_spec(package)
        locations = spec.submodule_search_locations if spec else None
        files = [path for path in _files(locations) if path.suffix in suffixes]
        if not files:
            return Check(name, False, f"the weights of {what} (package {package}) are missing", fix, required)
        size_mib = sum(path.stat().st_size for path in files) / 2**20
        return Check(
            name, True, f"{what}, {counted(len(files), 'file')}, {size_mib:.0f} MiB", required=required
        )

    return _attempt(name, look, fix, required=required)


def _shipped(name: str, what: str, read: Callable[[], Iterable[bytes]]) -> Check:
    """Whether a network that ships is intact: `read` compares it with its hash."""

    def look() -> Check:
        size_mib = sum(map(len, read())) / 2**20
        return Check(name, True, f"{what}, ships with Familiar, intact, {size_mib:.1f} MiB")

    return _attempt(name, look)


def _files(locations: list[str] | None) -> Iterator[Path]:
    for location in locations or ():
        yield from (path for path in Path(location).rglob("*") if path.is_file())


def _home(home: Home) -> Check:
    root = home.root
    if not root.exists():
        return Check("home", True, f"{short_path(root)} (made by the first command that writes)")
    if not os.access(root, os.W_OK | os.X_OK):
        return Check("home", False, f"{short_path(root)} is not writable", "chown it to you, or use --home.")
    mode = root.stat().st_mode & 0o777
    if mode & 0o077:
        return Check(
            "home", False, f"{short_path(root)} can be read by others ({mode:o})", f"chmod 700 '{root}'"
        )
    return Check("home", True, f"{short_path(root)}, private")


def _restore(home: Home) -> Check:
    """Whether a restore was killed, after which the files of the home may be of two libraries."""
    state = restore_state(home)
    found = {
        "none": "none is under way",
        "going on": "a backup is being restored",
        "to be finished": "one was interrupted; any command that opens the library puts the backup into its place",
        "to be taken away": "one was interrupted before it replaced anything; the next command removes what is left",
    }[state]
    return Check("restore", state in ("none", "going on"), found, "familiar status", required=False)


def _library(home: Home) -> Check:
    if not home.database.exists():
        return Check("library", True, "none yet: `familiar add FOLDER` makes one")
    verdict = quick_verdict(home.database)
    size_mib = home.database.stat().st_size / 2**20
    return Check(
        "library", verdict == "ok", f"{verdict}, {size_mib:.1f} MiB", "Restore the file from a backup."
    )


def _index(home: Home) -> Check:
    """Whether the index holds the library's vectors. Only the worker may open it, so we are that for a moment."""
    from personalizer.index.process import IndexProcess
    from personalizer.library.library import Library

    if not home.database.exists():
        return Check("index", True, "none yet")
    if running_worker_pid(home) is not None:
        return Check("index", True, "not compared with the library while the worker runs")
    with hold_worker_lock(home), Library.open(home.database, read_only=True) as library:
        if not library.vector_count():
            return Check("index", True, "nothing to index yet")
        found = IndexProcess(home.chroma).check(library)
    wrong = ", ".join(f"{found[key]} {key}" for key in ("missing", "extra", "different") if found[key])
    ok, number = not wrong, found["vectors"]
    detail = (
        f"{counted(number, 'vector')}, as in the library"
        if ok
        else f"{counted(number, 'vector')} in the library, in the index {wrong}"
    )
    return Check("index", ok, detail, "familiar rebuild-index", required=False)


def _disk(home: Home) -> Check:
    existing = next(path for path in (home.root, *home.root.parents) if path.exists())
    free_mib = shutil.disk_usage(existing).free / 2**20
    return Check("disk", free_mib >= LOW_DISK_MIB, f"{free_mib / 1024:.1f} GiB free", "Free a gigabyte.")


def worker_check(home: Home) -> Check:
    pid = running_worker_pid(home)
    found = f"running (pid {pid})" if pid is not None else "not running; started when needed"
    if pid is not None and outdated_worker_pid(home) == pid:
        found += ", of another version: the next command that needs it replaces it"
    return Check("worker", True, f"{found}; log: {short_path(worker_log(home))}")


def _service(home: Home) -> Check:
    from assistant.daemon.service_unit import service_of_this_system

    fix = "familiar service install"
    try:
        state = service_of_this_system().state()
    except NotReadyError as error:
        return Check("service", True, error.found, required=False)
    if state.file == "foreign":
        return Check(
            "service",
            False,
            f"{short_path(state.path)} was not written by Familiar",
            "Look at it.",
            required=False,
        )
    if not state.installed:
        # Somebody may start `familiar watch` otherwise, or not want it.
        return Check("service", True, f"not installed; `{fix}` has new photos noticed", required=False)
    here = str(home.root) in state.path.read_text(errors="replace")
    doing = {True: "running", False: "not running", None: "cannot be asked from here"}[state.running]
    whose = "" if here else ", for another home"
    return Check("service", state.running is not False, f"{state.kind}, {doing}{whose}", fix, required=False)


def _watch_limit(home: Home) -> Check:
    """Whether the system lets us watch all folders: beyond the limit it is the hourly scan that finds new photos."""
    if not INOTIFY_LIMIT.exists() or not home.database.exists():
        return Check("watch limit", True, "nothing to be watched, or no limit", required=False)
    limit = int(INOTIFY_LIMIT.read_text())
    network = tuple(mount.point for mount in read_mounts() if mount.is_network)
    with Library.open(home.database, read_only=True) as library:
        rules = exclusions_of(library)
        # Across a network nothing is watched.
        rules = replace(rules, private=(*rules.private, *network))
        folders = folders_within(library.roots(), limit, rules)
        refused = [polled for polled in read_polled(library) if polled.refused]
    if refused and watching_pid(home) is not None:
        folders_are = counted(len(refused), "folder is", "folders are")
        found = f"{refused[0].reason}: {folders_are} scanned every {refused[0].every_s:.0f} s instead"
        if refused[0].reason == os.strerror(errno.EMFILE):
            fix = "sudo sysctl fs.inotify.max_user_instances=1024, or end other programs that watch folders"
        else:
            fix = WATCH_MORE.format(max(2 * limit, 524288))
        return Check("watch limit", False, found, fix, required=False)
    return Check(
        "watch limit",
        # Others watch folders too.
        folders < limit * 0.9,
        f"{counted(folders, 'folder')}{' or more' if folders >= limit else ''}, and {limit:,} may be watched",
        WATCH_MORE.format(max(2 * limit, 524288)),
        required=False,
    )


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
