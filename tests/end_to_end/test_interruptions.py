"""Killed workers, Ctrl-C, two front ends at once, locked homes: nothing is lost and nothing is done twice."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

HOLD_LOCK = """
import sys, time
from pathlib import Path
from assistant.daemon.process import hold_worker_lock
from personalizer.home import Home
with hold_worker_lock(Home(Path(sys.argv[1])).ensure()):
    print("held", flush=True)
    time.sleep(120)
"""


def many_of(photos: Path, folder: Path) -> tuple[Path, int]:
    """So many photos in `folder` that scanning them takes a while, and how many that are."""
    folder.mkdir()
    for copy in range(12):
        for photo in photos.iterdir():
            # Appending to a JPEG makes another photo of the same picture.
            (folder / f"{copy}-{photo.name}").write_bytes(photo.read_bytes() + bytes([copy]))
    return folder, len(list(folder.iterdir()))


def test_watch_in_a_home_that_has_a_worker_is_not_ready(command: Any) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_LOCK, str(command.home)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        # The holder ignores no signal, so watch may stop it; a stopped process keeps its lock.
        os.kill(holder.pid, signal.SIGSTOP)
        done = command.run("--json", "watch", "--patience", "1")
        assert done.returncode == 4
        assert str(holder.pid) in json.loads(done.stdout)["error"]["found"]
    finally:
        holder.kill()
        holder.wait()


@pytest.mark.slow
def test_a_folder_added_while_another_is_scanned_is_scanned_too(
    command: Any, photos: Path, tmp_path: Path
) -> None:
    added = tmp_path / "added"
    added.mkdir()
    (added / "new.jpg").write_bytes((photos / "other-1.jpg").read_bytes() + b"new")
    many, number = many_of(photos, tmp_path / "many")
    front = command.start("--json", "add", str(many))
    command.wait_for("scan", "running", done=2)
    assert command.json("add", str(added))["seen"] == number + 1
    output, errors = front.communicate(timeout=1800)
    assert front.returncode == 0, errors
    assert json.loads(output)["seen"] == number
    assert command.json("status")["photos"] == number + 1
    _nothing_twice(command.home)


@pytest.mark.slow
def test_refusals_have_their_exit_codes(command: Any, photos: Path) -> None:
    shots = [str(photos / f"striped-{number}.jpg") for number in range(3)]
    # Refused before the worker is asked; what the worker refuses is in tests/assistant/worker/test_handlers.py.
    command.backbone = "/nope"
    assert command.run("--json", "learn", "Bo", *shots).returncode == 4
    command.backbone = "pocket"
    assert command.run("--json", "learn", "", *shots).returncode == 2


@pytest.mark.slow
def test_a_worker_killed_while_scanning_loses_nothing(command: Any, photos: Path, tmp_path: Path) -> None:
    many, number = many_of(photos, tmp_path / "many")
    front = command.start("--json", "add", str(many))
    job = command.wait_for("scan", "running", done=2)
    assert job["done"] < number
    os.kill(command.worker_pid(), signal.SIGKILL)
    output, errors = front.communicate(timeout=1800)
    assert front.returncode == 0, errors
    assert json.loads(output)["seen"] == number
    assert command.json("status")["photos"] == number
    assert command.json("jobs")[-1]["attempts"] == 2
    _nothing_twice(command.home)


@pytest.mark.slow
def test_training_survives_a_killed_worker_an_interrupt_and_two_front_ends(
    command: Any, photos: Path
) -> None:
    command.json("add", str(photos))
    shots = [str(photos / f"striped-{number}.jpg") for number in range(3)]

    # Ctrl-C: asks to cancel, exits with 130, and leaves a checkpoint.
    front = command.start("--json", "learn", "Bo", *shots)
    command.wait_for("train", "running", done=5)
    front.send_signal(signal.SIGINT)
    output, _ = front.communicate(timeout=900)
    assert front.returncode == 130
    assert json.loads(output)["error"]["found"] == "interrupted"
    cancelled = command.wait_for("train", "cancelled")

    # Killed: the front ends that wait notice, start another worker, and both get the result of one training.
    waiting = [command.start("--json", "train", "Bo") for _ in range(2)]
    again = command.wait_for("train", "running", done=cancelled["done"])
    assert again["done"] >= cancelled["done"], "it goes on from the checkpoint"
    os.kill(command.worker_pid(), signal.SIGKILL)
    results = []
    for front in waiting:
        output, errors = front.communicate(timeout=1800)
        assert front.returncode == 0, errors + command.worker_log()
        results.append(json.loads(output))
    for key in ("concept", "steps", "trained_values", "bytes", "recognition_augmented"):
        assert results[0][key] == results[1][key]
    # The second request joined the first, or came when that ran already and waited behind it for nothing to do.
    trainings = [job["state"] for job in command.json("jobs") if job["kind"] == "train"]
    assert trainings in (["cancelled", "done"], ["cancelled", "done", "done"])
    assert command.json("concepts")[0]["state"] == "ready"

    # Training what is trained repeats nothing.
    started = time.monotonic()
    assert command.json("train", "Bo")["steps"] == results[0]["steps"]
    assert time.monotonic() - started < 60
    _nothing_twice(command.home)


def _nothing_twice(home: Path) -> None:
    connection = sqlite3.connect(f"file:{home / 'library.sqlite3'}?mode=ro", uri=True)
    try:
        for query in (
            "SELECT content_hash, COUNT(*) FROM photos GROUP BY 1 HAVING COUNT(*) > 1",
            "SELECT photo_id, kind, box_left, box_top FROM detections GROUP BY 1, 2, 3, 4 HAVING COUNT(*) > 1",
            "SELECT kind, subject, COUNT(*) FROM jobs WHERE state IN ('queued', 'running') GROUP BY 1, 2",
        ):
            assert connection.execute(query).fetchall() == []
    finally:
        connection.close()
