"""`familiar watch` as a process: one of it, ended within seconds, going on where it was; automatic training."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from waiting import until

WATCH_AT_ONCE = """
import sys
from pathlib import Path
from assistant.worker.auto_training import AutoTrainingConfig
from assistant.worker.idle import IdleLimits
from assistant.worker.main import WatchOptions, leave, watch_in_foreground
from personalizer.home import Home
# Whatever else this machine does, and as soon as a concept has its name.
limits = IdleLimits(load_to_begin=1, load_to_go_on=1, free_disk_mib=0, free_gpu_mib=0)
times = AutoTrainingConfig(look_every_s=0.2, settle_s=0.5, quiet_s=0.5, calm_looks=1)
watch_in_foreground(Home(Path(sys.argv[1])), WatchOptions(sys.argv[2], "cpu", limits=limits, auto_training=times))
leave(0)
"""
NEVER_STOPS = """
import sys, threading, time
from pathlib import Path
import assistant.worker.scan_jobs, assistant.worker.main
from personalizer.home import Home
assistant.worker.main.STOP_PATIENCE_S = 1.0
assistant.worker.scan_jobs.ScanJobs.scan = lambda self, job, context: time.sleep(600)
sys.exit(assistant.worker.main.main(["--home", sys.argv[1], "--watch"]))
"""


@contextmanager
def program(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Tests that run in the background of a shell would hand down that Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - before any thread
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def watching(command: Any, *options: str) -> Iterator[subprocess.Popen[str]]:
    """`familiar watch` with its lock held."""
    with program(*command.arguments("watch", *options)[1:]) as process:
        until(lambda: command.look("status")["watching"])
        yield process


def ends(process: subprocess.Popen[str], within_s: float, number: int = signal.SIGTERM) -> None:
    """The process ends well within the time after being asked to."""
    began_s = time.monotonic()
    process.send_signal(number)
    assert process.wait(timeout=60) == 0, process.communicate()
    assert time.monotonic() - began_s < within_s


def test_a_second_watch_names_the_first_and_leaves_it_alone(command: Any) -> None:
    with watching(command) as first:
        done = command.run("--json", "watch")
        assert done.returncode == 4
        assert str(first.pid) in json.loads(done.stdout)["error"]["found"]
        status = command.json("status")
        assert status["worker"]["pid"] == first.pid and status["watching"]
        ends(first, within_s=4)
    assert command.json("status")["worker"] == {"running": False, "pid": None, "paused": False}
    with watching(command) as again:
        ends(again, within_s=4, number=signal.SIGINT)


def test_it_takes_over_from_a_worker_in_the_background(command: Any) -> None:
    command.json("rebuild-index")
    before = command.worker_pid()
    assert before is not None
    with watching(command) as process:
        until(lambda: command.worker_pid() == process.pid)
        ends(process, within_s=10)


def test_a_step_that_cannot_be_stopped_does_not_keep_the_process(command: Any) -> None:
    with program("-c", NEVER_STOPS, str(command.home)) as process:
        job = command.wait_for("scan", "running", patience_s=30)
        ends(process, within_s=14)
    [left] = command.json("jobs")
    assert (left["id"], left["state"], left["attempts"]) == (job["id"], "queued", 0)


@pytest.mark.parametrize("name", ["status", "jobs"])
def test_live_views_go_into_a_pipe_until_they_are_interrupted(command: Any, name: str) -> None:
    command.json("pause")
    for as_json in (False, True):
        arguments = (["--json"] if as_json else []) + [name, "--watch"]
        with program(*command.arguments(*arguments)[1:]) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            assert (json.loads(first) is not None) if as_json else first.strip()
            if as_json:
                assert json.loads(process.stdout.readline()) is not None, "once a second"
            ends(process, within_s=10, number=signal.SIGINT)


@pytest.mark.slow
def test_ending_an_import_takes_seconds_and_loses_nothing(command: Any, photos: Path, tmp_path: Path) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for copy in range(4):
        for photo in photos.glob("*.jpg"):
            # Appending to a JPEG makes another photo of the same picture.
            (many / f"{copy}-{photo.name}").write_bytes(photo.read_bytes() + bytes([copy]))
    command.json("pause")
    with watching(command) as process:
        front = command.start("--json", "add", str(many))
        command.json("resume")
        command.wait_for("scan", "running", done=5)
        worker_pid = process.pid
        assert _analysing(worker_pid)
        ends(process, within_s=10)
        front.kill()
        front.communicate()
    seen = command.json("status")["photos"]
    assert 5 <= seen < 96
    until(lambda: not _analysing(worker_pid), patience_s=5)
    with watching(command) as process:
        until(lambda: command.json("status")["photos"] == 96, patience_s=300)
        until(lambda: command.json("status")["queue"] == {}, patience_s=60)
        ends(process, within_s=10)
    jobs = command.json("jobs")
    assert all(job["state"] == "done" for job in jobs), jobs


def _analysing(worker_pid: int) -> list[int]:
    """Processes that analyse photos for this worker, which may be gone."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = path.read_bytes().decode().split("\0")
            if (
                any("personalizer.analysis.process" in one for one in arguments)
                and str(worker_pid) in arguments
            ):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


@pytest.mark.slow
def test_a_named_concept_is_trained_makes_way_and_survives_restarts(
    command: Any, photos: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(photos, folder)
    command.json("add", str(folder))
    biggest = max(command.json("concepts"), key=lambda concept: concept["members"])
    assert biggest["members"] >= 3
    at_once = ("-c", WATCH_AT_ONCE, str(command.home), str(command.backbone))
    with program(*at_once) as process:
        until(lambda: command.look("status")["watching"])
        command.json("name", str(biggest["id"]), "Bo")
        command.wait_for("personalise", "running", done=5)

        # A front end does not wait for minutes.
        began_s = time.monotonic()
        command.json("scan")
        assert time.monotonic() - began_s < 15
        before = command.wait_for("personalise", "running", done=6)["done"]

        # Ended in the middle of it.
        ends(process, within_s=10)
    left = [job for job in command.json("jobs") if job["kind"] == "personalise"]
    assert [(job["state"], job["attempts"]) for job in left] == [("queued", 0)]
    assert command.json("status")["training"]["reason"] == "only while `familiar watch` runs"

    with program(*at_once) as process:
        again = command.wait_for("personalise", "running", done=1)
        assert again["done"] >= before, "it goes on from its checkpoint"
        done = command.wait_for("personalise", "done", patience_s=600)
        assert done["result"]["steps"] > before
        assert command.json("concepts")[0]["state"] == "ready"

        # Nothing changed, nothing is trained; a photo that is gone changes nothing either.
        next(folder.glob("striped-*.jpg")).unlink()
        time.sleep(5)
        trainings = [job for job in command.json("jobs") if job["kind"] == "personalise"]
        assert len(trainings) == 1 and command.json("status")["training"]["state"] == "nothing to do"
        ends(process, within_s=10)
    log = command.worker_log()
    assert "Bo" not in log and "striped" not in log and str(folder) not in log
    assert '"kind": "personalise"' in log


@pytest.mark.slow
def test_killed_in_the_middle_of_a_training_it_goes_on(command: Any, photos: Path) -> None:
    command.json("add", str(photos))
    biggest = max(command.json("concepts"), key=lambda concept: concept["members"])
    command.json("name", str(biggest["id"]), "Bo")
    at_once = ("-c", WATCH_AT_ONCE, str(command.home), str(command.backbone))
    with program(*at_once) as process:
        command.wait_for("personalise", "running", done=5)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    with program(*at_once) as process:
        # What may have been its fault waits a while; somebody who asks does not.
        trained = command.json("train", "Bo")
        assert trained["concept"] == "Bo"
        until(lambda: command.json("status")["training"]["state"] == "nothing to do")
        ends(process, within_s=10)
