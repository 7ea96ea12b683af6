"""The current version takes over a home of an older one: it loses, misunderstands and repeats nothing.

The tests go through what stays where it is: the command line, `-m assistant.worker` and SQLite. Only the logits of a
prefix need our own functions, which are looked up by name in whatever module defines them.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib
import importlib.util
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from waiting import until

ROOT = Path(__file__).resolve().parents[2]
_spec = importlib.util.spec_from_file_location("old_home", Path(__file__).with_name("old_home.py"))
assert _spec is not None and _spec.loader is not None
old_home = sys.modules["old_home"] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(old_home)

Row = dict[str, Any]
KINDS = 13
"""Kinds of jobs that the older version knew."""
WHEN_IDLE = "personalise"
"""The kind that runs only while `familiar watch` finds the machine idle."""
MIGRATED_COLUMNS: dict[str, set[str]] = {}
"""By table, the columns that a migration since then changes or drops on purpose."""
STEP_BACK = (
    "DROP TRIGGER grouping_after_new_vector",
    "DROP TRIGGER grouping_after_other_vector",
    "DROP TRIGGER grouping_after_other_score",
    "ALTER TABLE detections DROP COLUMN flaw",
    "PRAGMA user_version = 13",
)
"""Reverts the last migration of the older version, so that there always is a migration to run."""
OUR_MISTAKE = re.compile(r"unknown kind|\b(Key|Attribute|Type|Name|Import|ModuleNotFound|Assertion)Error\b")
LOGIT_TOLERANCE = 0.1
"""Logits are equal on one machine; another processor may round 8-bit sums differently."""


class Familiar:
    """The `familiar` program and the worker of one home."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        # Whatever module the command is in.
        scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
        module, _, function = scripts["familiar"].partition(":")
        program = [sys.executable, "-P", "-c", f"from {module} import {function}; {function}()"]
        return subprocess.run(
            [*program, "--home", str(self.home), "--json", "--quiet", *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
            env={**os.environ, **environment},
        )

    def json(self, *arguments: str, **environment: str) -> Any:
        """The JSON document of a command that succeeds."""
        done = self.run(*arguments, **environment)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{self.log()}"
        return json.loads(done.stdout)

    def worker_command(self, *options: str) -> list[str]:
        return [sys.executable, "-P", "-m", "assistant.worker", "--home", str(self.home), *options]

    def run_jobs(self) -> None:
        """Let a worker run all jobs."""
        command = self.worker_command("--idle-exit-s", "2")
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
        assert done.returncode == 0, done.stderr + self.log()

    @contextmanager
    def worker(self, command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
        """A worker that runs during the block."""
        with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
            try:
                until(lambda: process.poll() is not None or self.worker_pid() == process.pid)
                assert process.poll() is None, process.communicate()
                yield process
            finally:
                process.kill()

    def worker_pid(self) -> int | None:
        """The process that holds the worker's lock."""
        lock = self.home / "worker.lock"
        if not lock.exists():
            return None
        with lock.open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read() or 0) or None
        return None

    def kill_worker(self) -> None:
        """Kill the worker that a command started, which else waits for more jobs."""
        if (pid := self.worker_pid()) is not None:
            os.kill(pid, signal.SIGKILL)
            until(lambda: self.worker_pid() is None)

    def log(self) -> str:
        log = self.home / "logs" / "worker.log"
        return log.read_text() if log.exists() else ""

    def rows(self, query: str, *values: Any) -> list[Row]:
        with closing(sqlite3.connect(self.home / "library.sqlite3")) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query, values)]

    def change(self, *statements: str) -> None:
        """Change the library behind the program's back."""
        with closing(sqlite3.connect(self.home / "library.sqlite3", isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)

    def tables(self) -> Any:
        return without_migrated(old_home.dump(self.home / "library.sqlite3"))


def without_migrated(tables: dict[str, list[Row]]) -> dict[str, list[Row]]:
    return {
        table: [{name: row[name] for name in row.keys() - MIGRATED_COLUMNS.get(table, set())} for row in rows]
        for table, rows in tables.items()
    }


def same_keys(document: Row, old: Row) -> Row:
    """The part of a document that the older version printed too."""
    return {key: document.get(key, "missing") for key in old}


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Any]:
    """The old home with no job that waits."""
    unpacked = old_home.unpack(tmp_path / "old")
    yield unpacked
    Familiar(unpacked.home).kill_worker()


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Any]:
    """The old home with failed, running and queued jobs of every kind."""
    unpacked = old_home.unpack(tmp_path / "busy", with_jobs=True)
    yield unpacked
    Familiar(unpacked.home).kill_worker()


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the exported backbone, which the archive leaves out. Read-only."""
    unpacked = old_home.unpack(tmp_path_factory.mktemp("prepared"), with_jobs=True)
    familiar = Familiar(unpacked.home)
    familiar.change("DELETE FROM jobs WHERE kind != 'export' OR state != 'queued'")
    familiar.run_jobs()
    familiar.kill_worker()
    assert [*unpacked.home.glob("runtimes/*/manifest.json")]
    return unpacked.home


def link_runtimes(prepared: Path, home: Path) -> None:
    """Give a home the exported backbone."""
    for file in prepared.glob("runtimes/**/*"):
        target = home / file.relative_to(prepared)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if file.is_file():
            os.link(file, target)


# --- the library


def test_unpacking_rewrites_paths_and_nothing_else(old: Any) -> None:
    assert old_home.differences(old.expected["tables"], old_home.dump(old.database)) == []
    for name, digest in old.expected["files"].items():
        if name.startswith(("photos/", "backup/")) or name.endswith(".safetensors"):
            assert hashlib.sha256((old.home.parent / name).read_bytes()).hexdigest() == digest, name
    for file in [old.database, old.unit, *old.home.rglob("*.json"), *old.home.rglob("*.log")]:
        assert old_home.NEUTRAL.encode() not in file.read_bytes(), file


def test_names_states_and_counts_are_the_same(old: Any) -> None:
    familiar, expected = Familiar(old.home), old.expected
    compared = (
        *("photos", "detections", "faces", "faces_on", "failures", "quarantined", "outdated", "shots"),
        *("concepts", "named", "ready", "jobs", "excluded", "frozen"),
    )
    status = {key: expected["status"][key] for key in compared}
    assert same_keys(familiar.json("status"), status) == status
    for command in ("concepts", "history"):
        pairs = zip(familiar.json(command), expected[command], strict=True)
        assert [same_keys(*pair) for pair in pairs] == expected[command]
    for name, profile in expected["profiles"].items():
        assert same_keys(familiar.json("profile", name), profile) == profile


@pytest.mark.parametrize("statements", [(), STEP_BACK], ids=["as made", "one step back"])
def test_migrating_keeps_every_row(old: Any, statements: tuple[str, ...]) -> None:
    familiar = Familiar(old.home)
    familiar.change(*statements)
    before = familiar.tables()
    familiar.json("concepts")
    assert old_home.differences(before, familiar.tables()) == []
    assert old_home.schema_version(old.database) >= old.expected["schema"]


def test_an_old_home_has_no_chats_and_nobody_was_asked(old: Any) -> None:
    familiar = Familiar(old.home)
    ready = {one["name"] for one in familiar.json("concepts") if one["state"] == "ready"}
    assert familiar.json("chats") == [] and ready
    assert familiar.rows("SELECT * FROM settings WHERE key LIKE 'chats.%'") == []
    # What was told before is what was trained; telling more leaves it in use.
    trained = familiar.rows(
        "SELECT name FROM trainings JOIN concepts ON id = concept_id WHERE told IS NOT NULL"
    )
    assert {row["name"] for row in trained} <= ready
    name = sorted(ready)[0]
    familiar.json("remember", name, "is fond of umbrellas")
    [after] = [one for one in familiar.json("concepts") if one["name"] == name]
    assert after["state"] == "ready"
    assert familiar.json("chats", "on") == {"chats": True, "asked": True, "kept": 0}


@pytest.mark.slow
def test_an_old_home_is_analyzed_anew_once(old: Any) -> None:
    """With the networks and words of now; names, rejections and what must not be joined stay as they were."""
    familiar, expected = Familiar(old.home), old.expected
    familiar.change(*SAID_ABOUT_FACES)
    said = {
        "concepts": "SELECT id, kind, name FROM concepts WHERE name IS NOT NULL",
        "memberships": "SELECT * FROM memberships WHERE source = 'user' OR status = 'rejected'",
        "links": "SELECT * FROM links",
        "facts": "SELECT * FROM facts",
        "files": "SELECT path, photo_id, size, mtime_ns, missing_since FROM photo_files",
    }
    before = {table: familiar.rows(query) for table, query in said.items()}
    assert {row["status"] for row in before["memberships"]} >= {"confirmed", "rejected"}
    assert "cannot" in str(before["links"])
    report = {
        key: value for key, value in expected["scan"].items() if key not in ("elapsed_s", "photos_per_s")
    }
    assert (report["new"], report["changed"], report["moved"]) == (0, 0, 0)
    assert same_keys(familiar.json("scan"), report) == report
    old_jobs = {row["id"] for row in expected["tables"]["jobs"]}

    def analyses() -> list[Row]:
        jobs = familiar.rows("SELECT id, state FROM jobs WHERE kind = 'analyse'")
        return [job for job in jobs if job["id"] not in old_jobs]

    assert len(analyses()) == 1
    familiar.kill_worker()
    familiar.run_jobs()
    assert {table: familiar.rows(query) for table, query in said.items()} == before
    versions = familiar.rows(
        """SELECT DISTINCT analysed_by FROM photos WHERE forgotten = 0
            AND id IN (SELECT photo_id FROM photo_files WHERE missing_since IS NULL)"""
    )
    assert len(versions) == 1 and versions[0]["analysed_by"] not in str(expected["tables"]["photos"])
    assert familiar.rows("SELECT word FROM photo_labels")
    waiting = """SELECT photo_id FROM unread_texts WHERE photo_id IN (
        SELECT photo_id FROM photo_files WHERE missing_since IS NULL)"""
    assert familiar.rows(waiting) == [], "titles of all photos that are there were read"
    for concept in familiar.json("concepts"):
        if concept["name"] is not None and concept["members"]:
            assert familiar.json("find", f"photos of {concept['name']}")["count"] > 0
    familiar.json("scan")
    assert [job["state"] for job in analyses()] == ["done"]


def test_old_operations_can_be_undone(old: Any) -> None:
    familiar = Familiar(old.home)
    rejected, confirmed, hidden = old.expected["undo"]
    familiar.json("undo")
    [concept] = familiar.rows("SELECT state FROM concepts WHERE id = ?", hidden["concept"])
    assert concept["state"] == hidden["before"]
    for operation in (confirmed, rejected):
        query = "SELECT detection_id, source, status FROM memberships WHERE concept_id = ?"
        before = {tuple(row.values()) for row in familiar.rows(query, operation["concept"])}
        familiar.json("undo", str(operation["operation"]))
        after = {tuple(row.values()) for row in familiar.rows(query, operation["concept"])}
        assert before - after == {tuple(row) for row in operation["after"]}
        assert after - before == {tuple(row) for row in operation["before"]}


def test_an_old_backup_can_be_restored(old: Any, tmp_path: Path) -> None:
    """Into an empty home elsewhere: the photos keep the paths that they had."""
    expected = json.loads((old.home.parent / old_home.EXPECTED).read_text())["backup"]
    familiar = Familiar(tmp_path / "new")
    try:
        restored = familiar.json("restore", str(old.backup))
    finally:
        familiar.kill_worker()
    assert (restored["schema"], restored["left_out"]) == (old.expected["schema"], {})
    tables = without_migrated(expected["tables"])
    for concept in tables["concepts"]:
        if concept["prefix_dir"]:
            concept["prefix_dir"] = str(familiar.home / "concepts" / str(concept["id"]))
    found = familiar.tables()
    # The worker that a restore starts may have suggested more photos before it was stopped.
    found["memberships"] = [
        row for row in found["memberships"] if row["status"] != "suggested" or row in tables["memberships"]
    ]
    assert old_home.differences(tables, found) == []
    for name in expected["members"]:
        if name.startswith("concepts/"):
            assert (familiar.home / name).read_bytes() == (old.home / name).read_bytes(), name


# --- jobs


def test_old_jobs_are_listed(busy: Any) -> None:
    familiar = Familiar(busy.home)
    compared = ("id", "kind", "subject", "state", "error", "error_class", "attempts")
    before = [{key: row[key] for key in compared} for row in busy.expected["with_jobs"]["tables"]["jobs"]]
    jobs = [row for row in familiar.json("jobs") if str(row["id"]).isdecimal()]
    assert [{key: row[key] for key in compared} for row in jobs] == before
    for state in ("failed", "running", "queued"):
        assert len({row["kind"] for row in before if row["state"] == state}) == KINDS
    assert sum(familiar.json("status")["queue"].values()) == len(active(busy))


def active(busy: Any) -> list[Row]:
    jobs = busy.expected["with_jobs"]["tables"]["jobs"]
    return [row for row in jobs if row["state"] in ("queued", "running")]


@pytest.mark.slow
def test_old_queued_and_running_jobs_are_run(busy: Any, prepared: Path) -> None:
    link_runtimes(prepared, busy.home)
    familiar = Familiar(busy.home)
    familiar.run_jobs()
    after = {row["id"]: row for row in familiar.rows("SELECT * FROM jobs")}
    for before in active(busy):
        row = after[before["id"]]
        if before["kind"] == WHEN_IDLE:
            assert row["state"] == "queued", row
            continue
        # 999 is the number of a concept that never was.
        assert row["state"] == ("failed" if before["subject"] == "999" else "done"), (before, row)
        assert row["attempts"] == before["attempts"] + 1, row
        assert "index_error" not in (row["result"] or ""), row
    check_new_failures(familiar, busy)


@pytest.mark.slow
def test_old_failed_jobs_can_be_retried(busy: Any, prepared: Path) -> None:
    link_runtimes(prepared, busy.home)
    familiar = Familiar(busy.home)
    familiar.change("DELETE FROM jobs WHERE state IN ('queued', 'running')")
    familiar.json("pause")
    failed = [row for row in busy.expected["with_jobs"]["tables"]["jobs"] if row["state"] == "failed"]
    retried = {row["id"]: familiar.json("jobs", "retry", str(row["id"])) for row in failed}
    assert {row["state"] for row in retried.values()} == {"queued"}
    familiar.kill_worker()
    familiar.json("resume")
    familiar.run_jobs()
    after = {row["id"]: row for row in familiar.rows("SELECT * FROM jobs")}
    # An equal job that was queued meanwhile stands for both.
    for before in [row for row in failed if retried[row["id"]]["id"] == row["id"]]:
        row = after[before["id"]]
        if before["kind"] in ("learn", "train", "export"):
            assert (row["state"], row["error"]) == ("failed", before["error"]), row
        else:
            assert row["state"] == ("queued" if before["kind"] == WHEN_IDLE else "done"), row
    check_new_failures(familiar, busy)


def check_new_failures(familiar: Familiar, busy: Any) -> None:
    """No reason and no line of the log is about our own code."""
    before = {(row["id"], row["finished_at"]) for row in busy.expected["with_jobs"]["tables"]["jobs"]}
    failed = familiar.rows("SELECT * FROM jobs WHERE state = 'failed'")
    for row in [row for row in failed if (row["id"], row["finished_at"]) not in before]:
        assert row["error_class"] != "bug" and not OUR_MISTAKE.search(row["error"]), row
    lines = [line for line in familiar.log().splitlines() if OUR_MISTAKE.search(line)]
    assert lines == []


def test_old_idle_trainings_are_withdrawn(busy: Any) -> None:
    """By a watcher that may not train, which thereby shows that it knows the kind."""
    familiar = Familiar(busy.home)
    familiar.change(f"DELETE FROM jobs WHERE kind != '{WHEN_IDLE}' OR state = 'failed'")
    assert len(familiar.rows("SELECT * FROM jobs")) == 2
    query = f"SELECT * FROM jobs WHERE kind = '{WHEN_IDLE}' AND state != 'cancelled'"
    with familiar.worker(familiar.worker_command("--watch", "--no-training")):
        until(lambda: not familiar.rows(query))


def test_an_old_unit_starts_the_worker(old: Any, tmp_path: Path) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("this system has no systemd")
    familiar = Familiar(old.home)
    installed = tmp_path / "configuration" / "systemd" / "user" / old.unit.name
    installed.parent.mkdir(parents=True)
    installed.write_bytes(old.unit.read_bytes())
    # Out of reach of a real service manager.
    alone = {"XDG_CONFIG_HOME": str(tmp_path / "configuration"), "PATH": str(tmp_path)}
    assert familiar.json("service", "status", **alone)["file"] == "ours"
    with familiar.worker(old_home.unit_command(old.unit)) as process:
        assert familiar.json("status")["watching"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    # Installing again may change the limits; it starts the same program, and finds the same packages.
    assert familiar.json("service", "install", "--yes", **alone)["file"] == "ours"
    assert old_home.unit_command(installed) == old_home.unit_command(old.unit)
    for folder in re.findall(r'^Environment="PYTHONPATH=(.*)"$', installed.read_text(), re.MULTILINE):
        assert (Path(folder) / "assistant" / "__init__.py").is_file()
    assert familiar.json("service", "uninstall", **alone)["file"] == "absent"


# --- trained prefixes


@pytest.mark.slow
def test_an_old_prefix_gives_the_same_answers(old: Any, prepared: Path) -> None:
    link_runtimes(prepared, old.home)
    familiar, prefix = Familiar(old.home), old.expected["finished"]
    # Queues a training for every prefix that is not for this version of the backbone.
    familiar.json("scan")
    [concept] = familiar.rows("SELECT * FROM concepts WHERE id = ?", prefix["concept"])
    assert (concept["state"], concept["backbone"]) == ("ready", prefix["backbone"])
    waiting = familiar.rows("SELECT kind FROM jobs WHERE state IN ('queued', 'running')")
    assert {row["kind"] for row in waiting} <= {"analyse"}
    familiar.kill_worker()
    familiar.run_jobs()
    for photo, answer in prefix["answers"].items():
        logit = yes_no_logit(old.home, prefix["concept"], Path(photo))
        assert logit == pytest.approx(answer["logit"], abs=LOGIT_TOLERANCE)
        [recognized] = familiar.json("describe", photo, "--ask", f"Is this {prefix['name']}?")["concepts"]
        # How probable that is was calibrated anew since, with other vectors of the photos.
        assert recognized["verdict"] == answer["verdict"]


def yes_no_logit(home: Path, concept_id: int, photo: Path) -> float:
    """The prefix's logit for "is it in this photo?", from the functions that serve answers."""
    [manifest] = home.glob("runtimes/*/manifest.json")
    session = definition("OrtSession")(manifest.parent)
    concept = definition("ConceptRuntime").load(session, home / "concepts" / str(concept_id), None)
    question = definition("question_about_image")(definition("RECOGNITION_QUESTION"))
    with Image.open(photo) as picture:
        [logit] = definition("yes_no_logits")(session, question, [[picture.convert("RGB")]], concept=concept)
    return float(logit)


def definition(name: str) -> Any:
    """The class, function or constant of this name in the module that defines it."""
    pattern = re.compile(rf"^(class {name}\b|def {name}\(|{name}\b.* = )", re.MULTILINE)
    for package in ("exporters", "personalizer"):
        folder = Path(importlib.import_module(package).__file__ or "").parent
        for file in sorted(folder.rglob("*.py")):
            if pattern.search(file.read_text()):
                module = ".".join(file.relative_to(folder.parent).with_suffix("").parts)
                return getattr(importlib.import_module(module), name)
    raise AssertionError(f"nothing is called {name} any more: use its new name here")


@pytest.mark.slow
def test_an_interrupted_training_is_finished(busy: Any, prepared: Path) -> None:
    """From its beginning: its checkpoint belongs to settings that no longer ship."""
    link_runtimes(prepared, busy.home)
    familiar, interrupted = Familiar(busy.home), busy.expected["with_jobs"]["interrupted"]
    familiar.change("DELETE FROM jobs WHERE kind != 'train' OR state != 'running'")
    query = "SELECT * FROM jobs WHERE kind = 'train' AND attempts = 2"
    with familiar.worker(familiar.worker_command("--idle-exit-s", "2")) as process:
        until(lambda: familiar.rows(f"{query} AND message LIKE 'Learning%'"), 300)
        assert process.wait(600) == 0
    assert [row["state"] for row in familiar.rows(query)] == ["done"]
    [concept] = [row for row in familiar.json("concepts") if row["name"] == interrupted["name"]]
    assert concept["state"] == "ready"
    folder = busy.home / "concepts" / str(concept["id"])
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["training"]["fingerprint"] != interrupted["fingerprint"]
    assert not (folder / "checkpoint.safetensors").exists()


# --- killed migrations and newer versions

KILLER = '''
"""Kills the process at a statement of a transaction. Python imports this module by itself at its start."""
import os, re, signal, sqlite3
connect, pattern, statements = sqlite3.connect, re.compile(os.environ["KILL_AT"]), []
def trace(statement):
    statements.append(statement)
    if "BEGIN IMMEDIATE" in statements and pattern.search(statement):
        os.kill(os.getpid(), signal.SIGKILL)
def traced(*arguments, **options):
    connection = connect(*arguments, **options)
    connection.set_trace_callback(trace)
    return connection
sqlite3.connect = traced
'''


@pytest.mark.parametrize("kill_at", ["CREATE TRIGGER", "PRAGMA user_version = ", "^COMMIT"])
def test_a_killed_migration_runs_again(old: Any, tmp_path: Path, kill_at: str) -> None:
    familiar = Familiar(old.home)
    familiar.change(*STEP_BACK)
    before = familiar.tables()
    kill_at_statement(familiar, kill_at, tmp_path)
    assert old_home.schema_version(old.database) == 13, "a migration is applied as a whole or not at all"
    assert old_home.differences(before, familiar.tables()) == []
    assert len(familiar.json("concepts")) == len(old.expected["concepts"])
    assert old_home.differences(before, familiar.tables()) == []
    assert old_home.schema_version(old.database) >= old.expected["schema"]


def test_a_killed_first_start_runs_again(tmp_path: Path) -> None:
    familiar = Familiar(tmp_path / "new")
    kill_at_statement(familiar, "PRAGMA user_version = 7", tmp_path)
    assert old_home.schema_version(familiar.home / "library.sqlite3") == 6
    assert familiar.json("concepts") == []


def kill_at_statement(familiar: Familiar, pattern: str, folder: Path) -> None:
    """Run a command that migrates the library, and kill it before a statement."""
    site = folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(KILLER)
    paths = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = familiar.run("concepts", PYTHONPATH=paths, KILL_AT=pattern)
    assert done.returncode == -signal.SIGKILL, f"no statement is like {pattern!r}: {done.stderr}"


def test_a_newer_library_is_refused_unchanged(old: Any) -> None:
    Familiar(old.home).change("PRAGMA user_version = 9999")
    content = old.database.read_bytes()
    done = Familiar(old.home).run("concepts")
    assert done.returncode > 0 and json.loads(done.stdout)["error"]
    assert "newer" in done.stderr and "Traceback" not in done.stderr
    assert old.database.read_bytes() == content


# --- face networks that could be downloaded


DOWNLOADED_NETWORKS = (
    """UPDATE detections SET detector = 'yunet-8f2383e4+hog-1', box_left = box_left + 2, box_top = box_top - 1
       WHERE kind = 'face'""",
    "UPDATE vectors SET model = 'sface', version = '0ba9fbfa-1' WHERE model LIKE 'dlib%'",
    "UPDATE photos SET analysed_by = replace(replace(analysed_by, 'mtcnn-1', 'yunet-8f2383e4'), "
    "'dlib-resnet-v1:55533b28', 'sface:0ba9fbfa-1')",
)
MOST_OTHER_PHOTOS = (
    "PRAGMA foreign_keys = ON",
    """DELETE FROM photos WHERE forgotten = 0 AND id NOT IN (SELECT photo_id FROM detections WHERE kind = 'face')
       AND id % 5 != 0""",
)
"""Of those without a face: a few do as well."""
SAID_ABOUT_FACES = (
    "UPDATE memberships SET source = 'user' WHERE detection_id = 31",
    "INSERT INTO concepts(id, name, name_key, kind, state, created_at) "
    "VALUES (99, 'Eve', 'eve', 'face', 'named', '2026')",
    "INSERT INTO memberships SELECT 99, 34, source, 'rejected' FROM memberships WHERE detection_id = 31",
    "INSERT INTO links SELECT 31, 37, 'cannot', created_at FROM links LIMIT 1",
)


@pytest.mark.slow
def test_downloaded_face_networks_give_way(old: Any) -> None:
    """Their owner is told, photos are analysed anew with what ships, and all that people said stays.

    The object network that was converted on first use gives way as well.
    """
    familiar = Familiar(old.home)
    familiar.change(*SAID_ABOUT_FACES, *DOWNLOADED_NETWORKS, *MOST_OTHER_PHOTOS)
    models = old.home / "models"
    models.mkdir(exist_ok=True)
    (models / "face_models.json").write_text('{"use": ["yunet", "sface"]}\n')
    for name in ("face_detection_yunet_2023mar.onnx", "face_recognition_sface_2021dec.onnx"):
        (models / name).write_bytes(b"a network")
    for name in ("efficientnet_lite0.onnx", "efficientnet_lite0.json", ".conversion.lock"):
        (models / name).write_bytes(b"converted")
    said = {
        "concepts": "SELECT id, kind, name FROM concepts WHERE name IS NOT NULL",
        "memberships": "SELECT * FROM memberships WHERE source = 'user'",
        "links": "SELECT * FROM links",
    }
    before = {table: familiar.rows(query) for table, query in said.items()}
    assert {row["detection_id"] for row in before["memberships"]} >= {31, 34}
    [notice] = familiar.json("status")["notices"]
    [photos] = familiar.rows("SELECT COUNT(*) AS number FROM photos WHERE forgotten = 0")
    assert photos["number"] > 3
    assert "yunet and sface" in notice and f"{photos['number']} photos still to be analysed anew" in notice

    familiar.run_jobs()
    assert {table: familiar.rows(query) for table, query in said.items()} == before
    faces = "SELECT detection_id, model FROM vectors JOIN detections ON id = detection_id WHERE kind = 'face'"
    assert {row["detection_id"]: row["model"] for row in familiar.rows(faces)} == dict.fromkeys(
        (31, 34, 37), "dlib-resnet-v1"
    )
    assert sorted(file.name for file in models.iterdir()) == ["face_models.json"]
    read = familiar.json("faces")["notice"]
    assert "yunet and sface" in read and "all photos were analysed anew" in read
    assert familiar.json("faces")["notice"] is None and familiar.json("status")["notices"] == []
