"""Makes the home of an older version that the upgrade tests unpack: tests/upgrade/home-57da412.tar.xz.

    git worktree add OLD 57da412
    PYTHONPATH=OLD python scripts/make_upgrade_home.py --out DIR

Runs only with the packages of commit 57da412, whose modules it imports by the names that they had then: it drives the
command line and the worker of that version, on photos of the sample library and, for one face, of scikit-image. All
files are made in /tmp/familiar-upgrade, the only path that the archive holds. Takes about six minutes. Needs Linux.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import io
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

COMMIT, SCHEMA = "57da412", 14
SOURCES_SHA256 = "32750308483e63b4c8b869c3e3f8503ce29ed0c6bb159cb05d0754b795c6a932"
PLACE = Path("/tmp/familiar-upgrade")
HOME, PHOTOS, BACKUP = PLACE / "home", PLACE / "photos", PLACE / "backup" / "spring.familiar-backup"
CALM_LIBRARY, CALM_LOG = PLACE / "calm.sqlite3", PLACE / "calm.log"
OLD_MODULES = ("assistant.service_unit", "exporters.runtime.generation", "personalizer.jobs", "tui.entry")
SIDE_PX, QUALITY = 300, 80
FIRST_FILE_S = 1_700_000_000
"""Modification time of the first photo, each further one a minute later: whole seconds survive a tar archive."""
KILL_AT_STEP = 120
OPTIONS = {"backbone": "pocket", "device": "auto"}
USER_PRIORITY, FORGET_PRIORITY, DERIVED_PRIORITY = 10, 20, -1

Row = dict[str, Any]
PhotosBySubject = Mapping[str, list[str]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="the folder of the archive")
    archive = parser.parse_args().out.absolute() / f"home-{COMMIT}.tar.xz"
    refuse_other_sources()
    # A shell starts background jobs with SIGINT ignored, and child processes inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if PLACE.exists():
        raise SystemExit(f"{PLACE} exists: move it away.")
    PLACE.mkdir(mode=0o700)
    familiar = Command()
    try:
        photos = write_photos()
        expected = build_library(familiar, photos)
        expected["with_jobs"] = add_jobs(familiar, photos)
    finally:
        familiar.stop_worker()
    write_unit()
    write_archive(archive, expected)
    print(f"{archive}: {archive.stat().st_size} bytes")


def refuse_other_sources() -> None:
    """Exit with a message unless the packages that Python finds are those of the commit."""
    fix = f"Put a checkout of {COMMIT} first in PYTHONPATH; see the docstring of {Path(__file__).name}."
    try:
        for module in OLD_MODULES:
            importlib.import_module(module)
    except ImportError as error:
        raise SystemExit(f"This script needs Familiar at commit {COMMIT}: {error}.\n{fix}") from None
    sources, digest = source_folder(), hashlib.sha256()
    packages = ("assistant", "exporters", "personalizer", "tui")
    for file in sorted(file for package in packages for file in (sources / package).rglob("*.py")):
        digest.update(f"{file.relative_to(sources)}\n".encode() + file.read_bytes())
    if digest.hexdigest() != SOURCES_SHA256:
        raise SystemExit(f"{sources} is not Familiar at commit {COMMIT}.\n{fix}")


def source_folder() -> Path:
    return Path(importlib.import_module("assistant").__file__ or "").resolve().parents[1]


def unpacker() -> ModuleType:
    """tests/upgrade/old_home.py, whose functions describe a library to this script and to the tests alike."""
    path = Path(__file__).resolve().parents[1] / "tests" / "upgrade" / "old_home.py"
    spec = importlib.util.spec_from_file_location("old_home", path)
    assert spec is not None and spec.loader is not None
    module = sys.modules["old_home"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Command:
    """The `familiar` program on the home under construction, and its worker."""

    def arguments(self, *arguments: str) -> list[str]:
        program = [sys.executable, "-P", "-c", "from tui.entry import main; main()"]
        return [*program, "--home", str(HOME), "--json", "--quiet", *arguments]

    def run(self, *arguments: str) -> Any:
        """The JSON document of a command that succeeds."""
        done = self._run(*arguments)
        if done.returncode:
            raise SystemExit(f"It exited with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return json.loads(done.stdout)

    def run_failing(self, *arguments: str) -> None:
        """Run a command that fails."""
        if not self._run(*arguments).returncode:
            raise SystemExit("It did not fail.")

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        print("familiar", *arguments, flush=True)
        return subprocess.run(
            self.arguments(*arguments), capture_output=True, text=True, check=False, cwd=PLACE
        )

    @contextmanager
    def waiting(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """A command while it waits for its job; killed at the end, which leaves the job in the queue."""
        print("familiar", *arguments, "&", flush=True)
        with subprocess.Popen(
            self.arguments(*arguments), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=PLACE
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def worker_pid(self) -> int | None:
        from assistant.worker_process import running_worker_pid
        from personalizer.locations import Home

        return running_worker_pid(Home(HOME)) or None

    def kill_worker(self) -> None:
        pid = self.worker_pid()
        assert pid is not None and pid != os.getpid()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.worker_pid() is None, "the worker's end")

    def stop_worker(self) -> None:
        """Let the worker finish its job and exit."""
        from assistant.worker_process import stop_worker
        from personalizer.locations import Home

        if self.worker_pid() not in (None, os.getpid()):
            assert stop_worker(Home(HOME), 60.0)


def wait_until(condition: Callable[[], object], event: str, patience_s: float = 900.0) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"Waited in vain for {event}.")
        time.sleep(0.05)


def select(query: str, *values: Any) -> list[Row]:
    with closing(sqlite3.connect(f"file:{HOME}/library.sqlite3?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query, values)]


def job(kind: str, state: str, done: int = 0) -> Row | None:
    """The newest job of this kind and state that has done so many steps."""
    query = "SELECT * FROM jobs WHERE kind = ? AND state = ? AND done >= ? ORDER BY id DESC LIMIT 1"
    return next(iter(select(query, kind, state, done)), None)


# --- photos


def write_photos() -> dict[str, list[str]]:
    """Write the photos of both folders; returns their paths by subject ("" for none)."""
    from personalizer.locations import PACKAGE_DATA

    samples = PACKAGE_DATA / "sample_library"
    counts = {"Dash": 6, "Trekker": 4, "Biscuit": 4, "Sunny": 4, "Kiwi": 3, "Honey": 4, "": 2}
    folders = {"Dash": "2023", "Biscuit": "2023", "Kiwi": "2023"}
    photos: dict[str, list[str]] = {subject: [] for subject in counts}
    for entry in json.loads((samples / "manifest.json").read_text()):
        subject = entry["subject"] or ""
        if entry["split"] == "library" and len(photos.get(subject, [])) < counts.get(subject, 0):
            target = PHOTOS / folders.get(subject, "2024/summer") / Path(entry["file"]).name
            save_small(samples / entry["file"], target)
            photos[subject].append(str(target))
    photos["Ada"] = write_portraits(PHOTOS / "2024" / "people")
    dash, dog, other = (Path(photos[subject][0]) for subject in ("Dash", "Biscuit", ""))
    # The same file twice, the same shot twice, a sidecar.
    copies = PHOTOS / "2024" / "copies"
    save_small(samples / "library" / dog.name, copies / f"small-{dog.name}", quality=60)
    shutil.copyfile(dash, copies / dash.name)
    sidecar = {
        "title": other.name,
        "description": "at my aunt's",
        "photoTakenTime": {"timestamp": "1690000000"},
    }
    other.with_name(f"{other.name}.json").write_text(json.dumps(sidecar))
    # A damaged file, an excluded one, one that is deleted before the last scan, and one in no registered folder.
    (PHOTOS / "2023" / "broken.jpg").write_bytes(dash.read_bytes()[:900])
    save_small(dog, PHOTOS / "2024" / "Screenshots" / "screen.jpg", side_px=64)
    save_small(samples / "held_out" / "IMG_0447.jpg", PHOTOS / "2024" / "gone.jpg")
    photos["validation"] = [str(PHOTOS / "elsewhere" / "IMG_0695.jpg")]
    save_small(samples / "held_out" / "IMG_0695.jpg", Path(photos["validation"][0]))
    for number, path in enumerate(sorted(path for path in PHOTOS.rglob("*") if path.is_file())):
        os.utime(path, (FIRST_FILE_S + 60 * number, FIRST_FILE_S + 60 * number))
    return photos


def save_small(source: Path, target: Path, side_px: int = SIDE_PX, quality: int = QUALITY) -> None:
    """Save a photo at a smaller size with its EXIF."""
    from PIL import Image

    target.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(source) as photo:
        exif = photo.info.get("exif", b"")
        photo.thumbnail((side_px, side_px), Image.Resampling.LANCZOS)
        photo.save(target, "JPEG", quality=quality, exif=exif)


def write_portraits(folder: Path) -> list[str]:
    """Three photos of one face: NASA's portrait of Eileen Collins, which is in the public domain."""
    from PIL import Image, ImageEnhance
    from skimage.data import astronaut

    folder.mkdir(parents=True)
    whole = Image.fromarray(astronaut())
    mirrored = whole.crop((60, 0, 360, 260)).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    portraits = [
        whole.resize((240, 240), Image.Resampling.LANCZOS),
        whole.crop((100, 0, 400, 300)).resize((240, 240), Image.Resampling.LANCZOS),
        ImageEnhance.Brightness(mirrored).enhance(0.8),
    ]
    for number, portrait in enumerate(portraits, 1):
        portrait.save(folder / f"portrait-{number}.jpg", "JPEG", quality=75)
    return [str(path) for path in sorted(folder.iterdir())]


# --- the library of a user


def build_library(familiar: Command, photos: PhotosBySubject) -> Row:
    """Scan, name, correct, train, interrupt a training, back up and forget; returns what the tests expect."""
    familiar.run("exclude", "Screenshots")
    familiar.run("add", "--yes", str(PHOTOS / "2023"), str(PHOTOS / "2024"))
    concept_ids = name_groups(familiar, photos, ("Dash", "Biscuit", "Sunny", "Kiwi", "Ada"))
    for fact in ("Dash has orange laces", "we bought it in Ghent", "she is afraid of water"):
        familiar.run("remember", "Dash", fact)
    familiar.run("profile", "Dash", "--remove", "3")
    familiar.run("remember", "Biscuit", "is afraid of water")
    familiar.run("remember", "Ada", "my sister")
    familiar.run("train", "Dash")
    interrupt_training(familiar, "Trekker", photos["Trekker"])
    undo = correct_groups(familiar, concept_ids, photos)
    BACKUP.parent.mkdir()
    familiar.run("backup", str(BACKUP))
    # The backup still holds what is forgotten now.
    familiar.run("forget", "Kiwi", "--yes")
    (PHOTOS / "2024" / "gone.jpg").unlink()
    familiar.run("recluster")
    familiar.run("rebuild-index")
    familiar.run("scan")
    finished = describe_prefix(familiar, concept_ids["Dash"], [photos["validation"][0], photos[""][0]])
    documents = {name: familiar.run(name) for name in ("scan", "status", "concepts", "history")}
    documents["profiles"] = {name: familiar.run("profile", name) for name in ("Dash", "Biscuit", "Ada")}
    familiar.stop_worker()
    shutil.copyfile(HOME / "library.sqlite3", CALM_LIBRARY)
    shutil.copyfile(HOME / "logs" / "worker.log", CALM_LOG)
    tables = unpacker().dump(CALM_LIBRARY)
    assert not {row["key"] for row in tables["settings"]} & {"clustering.due", "scan.due", "scan.folders"}
    return {
        **documents,
        "schema": SCHEMA,
        "tables": tables,
        "groups": groups(tables),
        "undo": undo,
        "finished": finished,
        "backup": describe_backup(),
    }


def name_groups(familiar: Command, photos: PhotosBySubject, names: Collection[str]) -> dict[str, int]:
    """Name the groups that show these subjects; returns their ids by name."""
    unnamed = groups(unpacker().dump(HOME / "library.sqlite3"))
    ids = {}
    for name in names:
        kind, own = "face" if name == "Ada" else "object", set(photos[name])
        shares = {
            concept_id: len(own & {path for path, _ in group["photos"]})
            for concept_id, group in unnamed.items()
            if group["kind"] == kind
        }
        ids[name] = int(max(shares, key=lambda concept_id: shares[concept_id]))
        assert shares[str(ids[name])] >= 2, f"{name} has no group: {unnamed}"
        familiar.run("name", str(ids[name]), name)
    return ids


def interrupt_training(familiar: Command, name: str, photos: list[str]) -> None:
    """Learn a concept and press Ctrl-C in the middle of its training."""
    with familiar.waiting("learn", name, *photos) as front_end:
        wait_until(lambda: job("train", "running", done=20), "step 20 of the training")
        front_end.send_signal(signal.SIGINT)
        front_end.wait()
    wait_until(lambda: job("train", "cancelled"), "the end of the training", 60.0)


def correct_groups(familiar: Command, ids: Mapping[str, int], photos: PhotosBySubject) -> list[Row]:
    """Do every kind of correction; returns three operations for the tests to undo, with what each changed."""
    dog, mug, other = photos["Biscuit"], photos["Sunny"], photos[""][1]
    familiar.run("confirm", "Biscuit", dog[2])
    familiar.run("confirm", "Biscuit", dog[3])
    rejected = run_recorded(familiar, "reject", ids["Biscuit"], dog[1])
    split = familiar.run("split", "Biscuit", dog[2])["concepts"][-1]["id"]
    familiar.run("merge", "Biscuit", str(split))
    familiar.run("split", "Sunny", mug[2])
    confirmed = run_recorded(familiar, "confirm", ids["Biscuit"], other)
    familiar.run("feature", "Biscuit", dog[0])
    familiar.run("together", photos["Ada"][0])
    familiar.run("name", str(ids["Sunny"]), "Captain Sunny")
    familiar.run("undo")
    familiar.run("hide", "Ada")
    familiar.run("unhide", "Ada")
    familiar.run("undo")
    # Undoing an operation is one itself.
    familiar.run("undo", str(familiar.run("history")[0]["id"]))
    unnamed = next(concept for concept in familiar.run("concepts") if concept["name"] is None)
    assert unnamed["members"] > 1
    operation = familiar.run("hide", str(unnamed["id"]))["operation"]
    hidden = {"operation": operation, "kind": "hide", "concept": unnamed["id"], "before": unnamed["state"]}
    return [rejected, confirmed, hidden]


def run_recorded(familiar: Command, kind: str, concept_id: int, photo: str) -> Row:
    """Confirm or reject a photo; returns the operation with the membership before and after it."""

    def memberships() -> set[tuple[int, str, str]]:
        query = "SELECT detection_id, source, status FROM memberships WHERE concept_id = ?"
        return {tuple(row.values()) for row in select(query, concept_id)}

    before = memberships()
    operation = familiar.run(kind, str(concept_id), photo)["operation"]
    after = memberships()
    return {
        "operation": operation,
        "kind": kind,
        "concept": concept_id,
        "before": sorted(before - after),
        "after": sorted(after - before),
    }


def groups(tables: dict[str, list[Row]]) -> dict[str, Row]:
    """The photos of every concept as a person reads them: `{id: {name, kind, photos: [[path, status]]}}`."""
    paths = {row["id"]: row["last_path"] for row in tables["photos"]}
    path = {row["id"]: paths[row["photo_id"]] for row in tables["detections"]}
    return {
        str(concept["id"]): {
            "name": concept["name"],
            "kind": concept["kind"],
            "photos": sorted(
                [path[row["detection_id"]], row["status"]]
                for row in tables["memberships"]
                if row["concept_id"] == concept["id"]
            ),
        }
        for concept in tables["concepts"]
    }


def describe_prefix(familiar: Command, concept_id: int, photos: list[str]) -> Row:
    """What the trained prefix is, and its answers about these photos."""
    manifest = json.loads((HOME / "concepts" / str(concept_id) / "manifest.json").read_text())
    assert manifest["training"]["report"]["questions"], "the facts gave no question"
    answers = {photo: answer(familiar, concept_id, manifest["concept"]["name"], photo) for photo in photos}
    logits = [answer["logit"] for answer in answers.values()]
    assert max(logits) - min(logits) > 1, f"the prefix does not tell the photos apart: {answers}"
    return {
        "name": manifest["concept"]["name"],
        "concept": concept_id,
        "backbone": manifest["backbone"]["version"],
        "fingerprint": manifest["training"]["fingerprint"],
        "steps": manifest["training"]["report"]["steps"],
        "answers": answers,
    }


def answer(familiar: Command, concept_id: int, name: str, photo: str) -> Row:
    """What the command answers to "Is this NAME?", and the logit of the prefix alone."""
    from PIL import Image

    from exporters.runtime.concept import ConceptRuntime
    from exporters.runtime.generation import yes_no_logits
    from exporters.runtime.ort import OrtSession
    from personalizer.prompts import RECOGNITION_QUESTION, question_about_image

    [recognized] = familiar.run("describe", photo, "--ask", f"Is this {name}?")["concepts"]
    [runtime] = HOME.glob("runtimes/*/manifest.json")
    backbone = OrtSession(runtime.parent)
    concept = ConceptRuntime.load(backbone, HOME / "concepts" / str(concept_id), name)
    question = question_about_image(RECOGNITION_QUESTION)
    with Image.open(photo) as picture:
        [logit] = yes_no_logits(backbone, question, [[picture.convert("RGB")]], concept=concept)
    return {
        "logit": float(logit),
        "probability": recognized["probability"],
        "verdict": recognized["verdict"],
    }


def describe_backup() -> Row:
    """The members of the backup and the rows of its library."""
    copy = PLACE / "backed-up.sqlite3"
    with zipfile.ZipFile(BACKUP) as archive:
        members = sorted(archive.namelist())
        copy.write_bytes(archive.read("library.sqlite3"))
    tables = unpacker().dump(copy)
    copy.unlink()
    compared = ("concepts", "memberships", "facts", "links", "operations", "photos", "photo_files")
    return {"members": members, "tables": {name: tables[name] for name in compared}}


# --- queued, running and failed jobs


@dataclass(frozen=True, slots=True)
class Shape:
    """A job of some kind with one of the payloads that this version gives it."""

    kind: str
    subject: str
    payload: Row
    priority: int = USER_PRIORITY
    command: tuple[str, ...] = ()
    """The command that queues it. Without one the script puts it into the queue, as the code of this version does."""
    input_hash: str = ""
    model_version: str = ""


def shapes(photos: PhotosBySubject, ids: Mapping[str, int], backbone: str) -> list[Shape]:
    """Every payload that this version queues, by who queues it."""
    member, root = photos["Dash"][1], str(PHOTOS / "2024")
    dash, trekker, sunny = (ids[name] for name in ("Dash", "Trekker", "Sunny"))
    learn_member = {**OPTIONS, "name": "Dash", "photos": [member]}
    learn_new = {**OPTIONS, "name": "Honey", "photos": photos["Honey"], "settings": {"steps": 3}}
    train, train_other = {**OPTIONS, "concept": dash}, {**OPTIONS, "concept": trekker}
    accept, accept_root = {**OPTIONS, "accept_missing": True}, {**OPTIONS, "accept_missing": [root]}
    erase = ("faces", "off", "--erase", "--yes")
    commands = [
        Shape("scan", "library", OPTIONS, command=("scan",)),
        Shape("scan", "library", accept, command=("scan", "--accept-missing")),
        Shape("scan", "library", accept_root, command=("scan", "--accept-missing", root)),
        Shape("rebuild_index", "library", OPTIONS, command=("rebuild-index",)),
        Shape("recluster", "preview", {**OPTIONS, "apply": False}, command=("recluster",)),
        Shape("recluster", "apply", {**OPTIONS, "apply": True}, command=("recluster", "--apply")),
        Shape("learn", "Dash", learn_member, command=("learn", "Dash", member)),
        Shape("train", str(dash), train, command=("train", "Dash")),
        Shape("export", "pocket", OPTIONS, command=("describe", member)),
        Shape("find_faces", "library", OPTIONS, command=("faces", "on")),
        Shape("forget", str(sunny), {"concept": sunny}, FORGET_PRIORITY, ("forget", "Sunny", "--yes")),
        Shape("erase_faces", "library", {}, FORGET_PRIORITY, erase),
    ]
    others = [
        # `jobs retry photos` and `faces use`, which here have nothing to do.
        Shape("analyse", "library", {}),
        # A program that calls the façade with settings of the trainer, which `learn` passes to the training.
        Shape("learn", "Honey", learn_new),
        Shape("train", str(trekker), {**train_other, "settings": {"steps": 3}}),
        # A concept that is gone by now.
        Shape("train", "999", {**OPTIONS, "concept": 999}),
        # A file-system notification.
        Shape("scan", "folders", OPTIONS, 0),
        # A new version of the backbone.
        Shape("export", "pocket", OPTIONS, DERIVED_PRIORITY),
        Shape("train", str(dash), {**train, "renew_for": backbone}, DERIVED_PRIORITY),
        # Training on an idle machine.
        Shape("personalise", str(dash), train, -2),
    ]
    missing_work = [
        Shape("scan", "library", OPTIONS),
        Shape("scan", "library", accept),
        Shape("scan", "folders", OPTIONS),
        Shape("analyse", "library", {}, model_version="an older model"),
        Shape("index", "library", {}),
        Shape("cluster", "library", {}),
    ]
    hashed = [
        replace(shape, priority=DERIVED_PRIORITY, input_hash=hashlib.sha256(bytes([number])).hexdigest())
        for number, shape in enumerate(missing_work)
    ]
    return [*commands, *others, *hashed]


FAILURES = {
    "scan": ("writing the library did not work: the disk is full", "environment"),
    "analyse": ("the models for photos could not be loaded", "environment"),
    "cluster": ("ValueError: a group without members", "bug"),
    "recluster": ("writing the library did not work: the disk is full", "environment"),
    "index": ("the index cannot be written: the disk is full", "environment"),
    "rebuild_index": ("writing the vector index: its process ended with status -9", "environment"),
    "forget": ("another program holds the library", "environment"),
    "find_faces": ("the models for photos could not be loaded", "environment"),
    "erase_faces": ("another program holds the library", "environment"),
    "personalise": ("MemoryError", "bug"),
}
"""Reason and class of failures that cannot be provoked here quickly; `learn`, `train` and `export` really fail."""


def add_jobs(familiar: Command, photos: PhotosBySubject) -> Row:
    """Leave failed, running and queued jobs of every kind in the library; returns what the tests expect.

    A worker runs one job at a time and the next one requeues it, so one worker is killed in a training. For the other
    kinds a process claims the job from the queue and is killed.
    """
    from assistant.worker_process import hold_worker_lock
    from personalizer.faces_switch import note_faceless
    from personalizer.jobs import JobQueue
    from personalizer.library import Library
    from personalizer.locations import Home

    with Library.open(HOME / "library.sqlite3") as library:
        queue = JobQueue(library)
        concepts = {concept.name: concept for concept in library.concepts() if concept.name}
        fail_naturally(familiar, queue)
        # Groups what the failed `learn` left due.
        familiar.run("scan")
        familiar.stop_worker()
        kill_training(familiar, concepts["Trekker"].id)
        # This process is the worker now, and does nothing.
        with hold_worker_lock(Home(HOME)):
            ids = {name: concept.id for name, concept in concepts.items()}
            every = shapes(photos, ids, str(concepts["Dash"].backbone))
            first = {shape.kind: shape for shape in reversed(every)}
            for kind, (reason, error_class) in FAILURES.items():
                fail(queue, with_other_hash(first[kind], "failed"), reason, error_class)
            quarantine(library, first["analyse"])
            for kind in [kind for kind in first if kind != "train"]:
                claim_and_die(queue, with_other_hash(first[kind], "running"))
            # Gives `faces on` a photo to look at.
            note_faceless(library, int(select("SELECT MIN(id) AS id FROM photos")[0]["id"]))
            notice_folder(queue)
            for shape in every:
                enqueue_or_run(familiar, queue, shape)
            put_off(library, next(shape for shape in every if shape.subject == "999"))
            states = {(row.kind, row.state) for row in queue.list()}
            missing = {(k, state) for k in first for state in ("failed", "running", "queued")} - states
            assert not missing, missing
    tables, calm = unpacker().dump(HOME / "library.sqlite3"), unpacker().dump(CALM_LIBRARY)
    record = checkpoint_record(ids["Trekker"])
    return {
        "tables": {name: rows for name, rows in tables.items() if rows != calm[name]},
        "interrupted": {"name": "Trekker", "step": record["step"], "fingerprint": record["fingerprint"]},
    }


def fail_naturally(familiar: Command, queue: Any) -> None:
    """Fail on an unreadable photo, an unnamed concept and a missing backbone."""
    familiar.run_failing("learn", "Nobody", str(PHOTOS / "2023" / "broken.jpg"))
    unnamed = next(concept["id"] for concept in familiar.run("concepts") if concept["name"] is None)
    queue.enqueue("train", str(unnamed), {**OPTIONS, "concept": unnamed}, USER_PRIORITY)
    missing = str(PLACE / "no-backbone")
    queue.enqueue("export", missing, {"backbone": missing, "device": "auto"}, USER_PRIORITY)
    familiar.run_failing("--backbone", missing, "train", "Trekker")
    wait_until(lambda: not queue.list("queued") and not queue.list("running"), "the failures", 60.0)
    assert {row.kind for row in queue.list("failed")} == {"learn", "train", "export"}


def kill_training(familiar: Command, concept_id: int) -> None:
    """Resume the interrupted training and kill the worker after a later checkpoint."""
    with familiar.waiting("train", str(concept_id)):
        wait_until(
            lambda: job("train", "running") and checkpoint_record(concept_id)["step"] >= KILL_AT_STEP,
            f"step {KILL_AT_STEP}",
        )
        familiar.kill_worker()
    assert job("train", "running"), "the training ended before the kill"


def checkpoint_record(concept_id: int) -> Row:
    content = (HOME / "concepts" / str(concept_id) / "checkpoint.safetensors").read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    record: Row = json.loads(header["__metadata__"]["training"])
    return record


def with_other_hash(shape: Shape, mark: str) -> Shape:
    """The same work about other input: the queue holds work about one input once."""
    if not shape.input_hash:
        return shape
    return replace(shape, input_hash=hashlib.sha256(f"{shape.input_hash} {mark}".encode()).hexdigest())


def enqueue(queue: Any, shape: Shape) -> int:
    job_id: int = queue.enqueue(
        shape.kind,
        shape.subject,
        shape.payload,
        shape.priority,
        input_hash=shape.input_hash,
        model_version=shape.model_version,
    )
    return job_id


def claim(queue: Any, job_id: int) -> Any:
    """Claim this job, before all others of its kind."""
    claimed = queue.claim(os.getpid(), [queue.get(job_id).kind])
    assert claimed is not None and claimed.id == job_id, claimed
    return claimed


def fail(queue: Any, shape: Shape, reason: str, error_class: str) -> None:
    """Claim a job and fail it, as the worker's loop does."""
    claimed = claim(queue, enqueue(queue, shape))
    assert queue.fail(claimed.id, reason, 1, lease=claimed.lease, why=error_class)


def quarantine(library: Any, shape: Shape) -> None:
    """Fail a job for a transient reason until the queue gives it up."""
    from personalizer.jobs import JobQueue

    now_s = time.time() - 100_000
    queue = JobQueue(library, clock=lambda: now_s)
    job_id = enqueue(queue, shape)
    while queue.get(job_id).state == "queued":
        now_s += 10_000
        lease = claim(queue, job_id).lease
        queue.fail(job_id, "OSError: [Errno 5] Input/output error", 1, lease=lease, why="transient")
    assert queue.get(job_id).quarantined


def put_off(library: Any, shape: Shape) -> None:
    """Fail a queued job once for a transient reason, so long ago that its next attempt is due."""
    from personalizer.jobs import JobQueue

    queue = JobQueue(library, clock=lambda: time.time() - 100_000)
    job_id = queue.enqueue(shape.kind, shape.subject, shape.payload, 1000)
    lease = claim(queue, job_id).lease
    queue.fail(job_id, "another program holds the library", 4, lease=lease, why="transient")
    library.connection.execute("UPDATE jobs SET priority = ? WHERE id = ?", (shape.priority, job_id))
    assert queue.get(job_id).retry_at


CLAIM = """
import os, signal, sys
from pathlib import Path
from personalizer.jobs import JobQueue
from personalizer.library import Library
library = Library.open(Path(sys.argv[1]))
claimed = JobQueue(library).claim(os.getpid(), [sys.argv[2]])
assert claimed is not None and claimed.id == int(sys.argv[3]), claimed
os.kill(os.getpid(), signal.SIGKILL)
"""


def claim_and_die(queue: Any, shape: Shape) -> None:
    """Have a process claim the job through the queue's own code and be killed."""
    job_id = enqueue(queue, shape)
    arguments = [str(HOME / "library.sqlite3"), shape.kind, str(job_id)]
    status = subprocess.run([sys.executable, "-P", "-c", CLAIM, *arguments], check=False).returncode
    assert status == -signal.SIGKILL and queue.get(job_id).state == "running"


def notice_folder(queue: Any) -> None:
    """Record a change in a folder that no scan has looked at; its job was cancelled."""
    from personalizer.noticed_folders import ask_for_scan

    queue.request_cancel(ask_for_scan(queue, OPTIONS, [str(PHOTOS / "2023")]))


def enqueue_or_run(familiar: Command, queue: Any, shape: Shape) -> None:
    """Queue the job, through its command where it has one. Nobody runs it."""

    def is_queued() -> bool:
        content = (shape.kind, shape.subject, shape.payload, shape.input_hash, shape.model_version)
        return content in [
            (row.kind, row.subject, row.payload, row.input_hash, row.model_version)
            for row in queue.list("queued")
        ]

    if not shape.command:
        enqueue(queue, shape)
    else:
        assert not is_queued(), shape
        with without_runtimes(shape.kind == "export"), familiar.waiting(*shape.command) as front_end:
            wait_until(lambda: is_queued() or front_end.poll() is not None, f"{shape.command}", 60.0)
    assert is_queued(), f"{shape} is not in {queue.list('queued')}"


@contextmanager
def without_runtimes(hidden: bool) -> Iterator[None]:
    """Hide the exported backbone, so that a command asks for an export."""
    runtimes, aside = HOME / "runtimes", PLACE / "runtimes-aside"
    if hidden:
        runtimes.rename(aside)
    yield
    if hidden:
        shutil.rmtree(runtimes)
        aside.rename(runtimes)


# --- the archive


def write_unit() -> None:
    """Write the systemd unit of `familiar service install`, with placeholders for interpreter and packages."""
    from assistant.service_unit import SystemdUnit, Watched
    from personalizer.locations import Home

    unit = PLACE / "systemd" / "familiar.service"
    unit.parent.mkdir()
    text = SystemdUnit(unit.parent, namespaces=True).text(Watched(Home(HOME))).decode()
    placeholders = {sys.executable: unpacker().PYTHON, str(source_folder()): unpacker().SOURCES}
    for path, placeholder in placeholders.items():
        assert path in text, f"{path} is not in the unit"
        text = text.replace(path, placeholder)
    unit.write_text(text)


def write_archive(archive: Path, expected: Row) -> None:
    """Pack everything but what can be made again: exported backbone, models, prompt caches and vector index."""
    kept = [*HOME.glob("concepts/*/*"), *PHOTOS.rglob("*"), BACKUP, *(PLACE / "systemd").iterdir()]
    files = {
        str(path.relative_to(PLACE)): path
        for path in kept
        if path.is_file() and not path.name.startswith("prompt_cache.")
    }
    files[f"home/{unpacker().LIBRARY}"] = CALM_LIBRARY
    files[f"home/{unpacker().LIBRARY_WITH_JOBS}"] = HOME / "library.sqlite3"
    files["home/logs/worker.log"] = CALM_LOG
    contents = {name: path.read_bytes() for name, path in files.items()}
    expected["files"] = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    contents[unpacker().EXPECTED] = json.dumps(expected, indent=1, sort_keys=True).encode()
    refuse_other_paths(contents)
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:xz", preset=9, format=tarfile.USTAR_FORMAT) as tar:
        for name, content in sorted(contents.items()):
            # Owner, group and their names stay 0 and empty.
            entry = tarfile.TarInfo(name)
            is_photo = name.startswith("photos/")
            entry.size, entry.mode = len(content), 0o600
            entry.mtime = int(files[name].stat().st_mtime) if is_photo else FIRST_FILE_S
            tar.addfile(entry, io.BytesIO(content))


def refuse_other_paths(contents: Mapping[str, bytes]) -> None:
    """Exit when a file holds a path of this machine."""
    repository = Path(__file__).resolve().parents[1]
    for path in {Path.home(), source_folder(), repository, repository.parent, Path(sys.prefix)} - {Path("/")}:
        for name, content in contents.items():
            if (at := content.find(f"{path}/".encode())) >= 0:
                raise SystemExit(f"{name} holds {path}: {content[max(at - 60, 0) : at + 60]!r}")


if __name__ == "__main__":
    main()
