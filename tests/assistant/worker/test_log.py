"""The worker's log: what may stand in it, rotation, permissions; and a real import whose names must not be in it."""

from __future__ import annotations

import ast
import json
import logging
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from assistant.daemon.process import stop_worker
from assistant.worker.log import PrivateFiles, logging_to_files, numbers_in
from personalizer.home import Home
from personalizer.library.library import Library

ROOT = Path(__file__).parents[3]
SECRET = "Zorblatt"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").ensure()


def lines_of(home: Home) -> list[dict[str, object]]:
    return [json.loads(line) for line in (home.logs / "worker.log").read_text().splitlines()]


def say_everything(secret: str) -> None:
    """All the ways in which a name can come near a log."""
    ours, theirs = logging.getLogger("personalizer.scan.walk"), logging.getLogger("PIL.Image")
    ours.warning("cannot list %s: %s", Path(f"/home/{secret}"), os.strerror(13))
    ours.info("%(number)d photos of %(who)s", {"number": 3, "who": secret})
    theirs.error(f"cannot open /home/{secret}.jpg")
    logging.getLogger().warning("no such file: %s", secret)
    ours.info("scanned", extra={"fields": {"photos": 4, "path": f"/home/{secret}", "kind": "scan"}})
    try:
        try:
            Path(f"/nowhere/{secret}.jpg").read_bytes()
        except OSError as error:
            raise ValueError(f"about {secret}") from error
    except ValueError:
        ours.exception("reading failed")
    warnings.warn(f"{secret} is deprecated", stacklevel=1)
    print(f"reading {secret}", flush=True)
    print(f"{secret}: bad image", file=sys.stderr, flush=True)
    subprocess.run(
        [sys.executable, "-c", f"import sys; sys.stderr.write('{secret} in a child\\n')"], check=True
    )


def run_and_say(home: Home, level: int, capfd: pytest.CaptureFixture[str]) -> str:
    with capfd.disabled(), logging_to_files(home, level):
        say_everything(SECRET)
    return (home.logs / "worker.log").read_text()


def test_at_info_nothing_that_names_anything_gets_into_the_log(
    home: Home, capfd: pytest.CaptureFixture[str]
) -> None:
    text = run_and_say(home, logging.INFO, capfd)
    assert SECRET not in text
    lines = lines_of(home)
    events = [line["event"] for line in lines]
    assert "cannot list …: Permission denied" in events, "what the system says is kept"
    assert "3 photos of …" in events
    scanned = next(line for line in lines if line["event"] == "scanned")
    assert (scanned["photos"], scanned["kind"], scanned.get("path")) == (4, "scan", None)
    failed = next(line for line in lines if line["event"] == "reading failed")
    error = failed["error"]
    assert isinstance(error, dict)
    assert (error["type"], error["cause"]["type"], error["cause"]["errno"]) == (
        "ValueError",
        "FileNotFoundError",
        2,
    )
    assert any("say_everything" in frame for frame in error["frames"])
    assert sum("PIL is withheld" in str(event) for event in events) == 1
    assert "printed" in events, "that something was printed is known"
    assert all({"time", "level", "event"} <= set(line) and str(line["time"]).endswith("Z") for line in lines)


def test_at_debug_everything_is_there(home: Home, capfd: pytest.CaptureFixture[str]) -> None:
    text = run_and_say(home, logging.DEBUG, capfd)
    for said in ("cannot list /home/", "cannot open /home/", "about Zorblatt", "reading Zorb", "in a child"):
        assert said in text, said


def test_files_are_rotated_by_size_and_private(tmp_path: Path) -> None:
    handler = PrivateFiles(tmp_path / "worker.log", max_bytes=2000, kept=3)
    log = logging.Logger("assistant.x")
    log.addHandler(handler)
    for number in range(900):
        log.info("line %d of many", number)
    handler.close()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["worker.1.log", "worker.2.log", "worker.3.log", "worker.log"]
    assert all(
        path.stat().st_size <= 2000 and path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir()
    )
    assert "line 899 of many" in (tmp_path / "worker.log").read_text()


def test_a_full_disk_does_not_make_the_log_talk_to_itself(small_disk: Any) -> None:
    home = Home(small_disk.folder / "home").ensure()
    with logging_to_files(home):
        small_disk.fill()
        for _ in range(2000):
            logging.getLogger("assistant.x").info("a line of the log that finds no room on the disk any more")
        small_disk.free()
        logging.getLogger("assistant.x").info("there is room again")
    assert "there is room again" in (home.logs / "worker.log").read_text()
    assert (home.logs / "worker.log").stat().st_size < 500_000


def test_numbers_of_a_result() -> None:
    result = {
        "scan": {"new": 3, "failed": [{"path": "/x"}], "where": "/x"},
        "elapsed_s": 1.23456,
        "name": "Bo",
    }
    assert numbers_in(result) == {"new": 3, "failed": 1, "elapsed_s": 1.235}


def test_every_message_of_ours_is_constant() -> None:
    """The log trusts the words of our own messages, so nothing may be put into them before they come to it."""
    calls = 0
    for package in ("personalizer", "exporters", "assistant", "tui"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
                    continue
                who = node.func.value
                name = who.id if isinstance(who, ast.Name) else ""
                if name not in ("logger", "_log", "log", "output", "logging"):
                    continue
                if node.func.attr not in (
                    "debug",
                    "info",
                    "warning",
                    "error",
                    "exception",
                    "critical",
                    "log",
                ):
                    continue
                message = node.args[1] if node.func.attr == "log" else node.args[0]
                calls += 1
                assert isinstance(message, ast.Constant), f"{path}:{node.lineno}"
    assert calls > 15


@pytest.mark.slow
def test_a_real_import_with_telling_names_leaves_none_of_them_in_the_log(home: Home, exported: Any) -> None:
    """Good, broken and unreadable files, a folder that cannot be listed, a taught and then described concept."""
    folder = home.root.parent / "Flurbwick holidays"
    sample = ROOT / "personalizer" / "data" / "sample_library" / "library"
    shutil.copytree(sample, folder / "Mibbleton")
    photos = sorted((folder / "Mibbleton").rglob("*.jpg"))[:4]
    for number, photo in enumerate(photos):
        photo.rename(photo.with_name(f"Quazzle-{number}.jpg"))
    taught = sorted((folder / "Mibbleton").rglob("Quazzle-*.jpg"))
    (folder / "Wobbegong.jpg").write_bytes(b"no photo")
    whole = taught[0].read_bytes()
    (folder / "Drindle.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "Snarfle.tif").write_bytes(b"II*\0" + whole[:500])
    (folder / "Grompet.png").write_bytes(b"\x89PNG\r\n\x1a\n" + whole[:500])
    program = [sys.executable, "-c", "from tui.entry import main; main()"]
    familiar = [*program, "--home", str(home.root), "--backbone", str(exported.checkpoint), "--json"]

    def run(*arguments: str) -> None:
        done = subprocess.run(
            [*familiar, *arguments], capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr

    run("add", str(folder))
    run("learn", "Plimsolio", *map(str, taught[:3]))
    run("remember", "Plimsolio", "is fond of Trundlewix")
    run("describe", str(taught[3]), "--ask", "does Plimsolio like Trundlewix?")
    assert stop_worker(home, 30)
    words = [
        "Flurbwick", "Mibbleton", "Quazzle", "Wobbegong", "Drindle", "Snarfle", "Grompet",
        "Plimsolio", "Trundlewix", home.root.parent.name,
    ]  # fmt: skip
    logs = sorted(home.logs.iterdir())
    text = "\n".join(path.read_text() for path in logs)
    assert {word for word in words if word.lower() in text.lower()} == set()
    lines = lines_of(home)
    done = {line.get("kind") for line in lines if line.get("state") == "done"}
    assert {"scan", "learn", "train"} <= done, text
    scanned = next(line for line in lines if line.get("kind") == "scan" and line.get("state") == "done")
    assert isinstance(scanned["new"], int) and scanned["new"] > 50 and scanned["failed"] == 4
    assert all(path.stat().st_mode & 0o077 == 0 for path in logs)
    with Library.open(home.database, read_only=True) as library:
        assert library.concept_by_name("Plimsolio") is not None
