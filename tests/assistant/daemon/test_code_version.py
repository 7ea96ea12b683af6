"""Processes that an update finds running: told by the code on the disk, and replaced."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import until

from assistant.daemon.client import JobClient
from assistant.daemon.code_version import PACKAGES, CodeWatch, code_version
from assistant.daemon.process import outdated_worker_pid, replace_outdated_worker, running_worker_pid
from assistant.setup.doctor import worker_check
from personalizer.home import PACKAGE_PARENT, Home
from personalizer.jobs.queue import JobQueue
from personalizer.library.library import Library
from personalizer.schemas import Progress

OLD_WORKER = """
import fcntl, os, signal, sys, time
descriptor = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(descriptor, fcntl.LOCK_EX)
os.pwrite(descriptor, f"{os.getpid()}\\n".encode(), 0)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("here", flush=True)
time.sleep(60)
"""
"""What a worker that knows of no versions shows of itself: a lock, and that it ends when it is told to."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").ensure()


@pytest.fixture
def old_worker(home: Home) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", OLD_WORKER, str(home.worker_lock)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "here\n"
        yield process
        process.kill()


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A copy of the packages, with the data that ships linked."""
    copy = tmp_path / "installed"
    for package in PACKAGES:
        shutil.copytree(PACKAGE_PARENT / package, copy / package, ignore=lambda folder, _: _left_out(folder))
    (copy / "personalizer" / "data").symlink_to(PACKAGE_PARENT / "personalizer" / "data")
    return copy


def _left_out(folder: str) -> set[str]:
    return {"__pycache__"} | ({"data"} if Path(folder).name == "personalizer" else set())


def test_the_version_is_that_of_all_sources_and_of_nothing_else(sources: Path) -> None:
    version = code_version(sources)
    assert version == code_version(sources) == code_version()
    (sources / "assistant" / "notes.txt").write_text("not code")
    assert code_version(sources) == version
    (sources / "exporters" / "runtime" / "new.py").write_text("")
    assert code_version(sources) != version


def test_other_code_counts_once_it_has_settled() -> None:
    now_s, installed = [0.0], ["a"]
    watch = CodeWatch(lambda: installed[0], lambda: now_s[0], settled_s=10)
    seen = {}
    for second in range(60):
        now_s[0] = float(second)
        installed[0] = "a" if second < 10 or 20 <= second < 30 else "b"
        seen[second] = watch.outdated()
    # Ten seconds of other code, which was then taken back, are looked at twice and do not count.
    assert not any(seen[second] for second in range(40))
    assert all(seen[second] for second in range(45, 60))


def test_a_worker_that_says_no_version_is_replaced(home: Home, old_worker: subprocess.Popen[str]) -> None:
    assert outdated_worker_pid(home, patience_s=0) == old_worker.pid
    assert "of another version" in worker_check(home).detail
    assert replace_outdated_worker(home, patience_s=0)
    assert old_worker.wait(5) == 0 and running_worker_pid(home) is None
    assert not replace_outdated_worker(home)


def test_a_front_end_has_its_job_done_by_a_worker_of_its_own_version(
    home: Home, old_worker: subprocess.Popen[str]
) -> None:
    said: list[Progress] = []
    with Library.open(home.database) as library:
        result = JobClient(home, JobQueue(library)).run("cluster", "library", {}, said.append)
    assert "cluster" in result and old_worker.wait(5) == 0
    assert "Replacing a worker of another version" in [progress.message for progress in said]
    assert outdated_worker_pid(home) is None
    pid = running_worker_pid(home)
    assert pid
    os.kill(pid, signal.SIGTERM)


def test_what_the_old_worker_failed_with_is_done_by_the_new_one(
    home: Home, old_worker: subprocess.Popen[str]
) -> None:
    """It polls more often than a front end looks at its version, and finds its modules gone."""
    with Library.open(home.database) as library:
        queue = JobQueue(library)

        def take_and_fail() -> None:
            with Library.open(home.database) as its_own:
                theirs = JobQueue(its_own)
                while (job := theirs.claim(old_worker.pid)) is None:
                    time.sleep(0.01)
                theirs.fail(job.id, "No module named 'personalizer.concepts'")

        thread = threading.Thread(target=take_and_fail)
        thread.start()
        result = JobClient(home, queue).run("cluster", "library", {}, None)
        thread.join()
        assert "cluster" in result and old_worker.wait(5) == 0
        assert queue.list("failed") == []
    pid = running_worker_pid(home)
    assert pid
    os.kill(pid, signal.SIGTERM)


def test_a_worker_of_the_version_before_begins_again_when_its_modules_are_gone(tmp_path: Path) -> None:
    """Only such a worker has the loop's old module; any other process may import the names without harm."""
    script = tmp_path / "worker.py"
    script.write_text(
        """
import os, sys, types
from pathlib import Path
sys.modules["personalizer.worker_loop"] = types.ModuleType("personalizer.worker_loop")
lives = Path(sys.argv[1])
lives.write_text(lives.read_text() + f"{os.getpid()}\\n" if lives.exists() else f"{os.getpid()}\\n")
if len(lives.read_text().split()) == 4:
    sys.exit(3)
name = ["scanner", "small_scan", "concept_training"][len(lives.read_text().split()) - 1]
__import__(f"personalizer.{name}")
sys.exit("it went on")
"""
    )
    lives = tmp_path / "lives"
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE_PARENT)}
    process = subprocess.Popen([sys.executable, str(script), str(lives)], env=environment)
    assert process.wait(30) == 3
    assert lives.read_text().split() == [str(process.pid)] * 4
    harmless = "import personalizer.scanner, personalizer.small_scan, personalizer.concept_training"
    subprocess.run([sys.executable, "-c", harmless], env=environment, check=True)


@pytest.mark.slow
def test_a_worker_that_watches_goes_on_in_the_new_code(home: Home, sources: Path) -> None:
    """The same process, as a service manager sees it; nobody has to ask."""
    environment = {**os.environ, "PYTHONPATH": str(sources)}
    command = [sys.executable, "-P", "-m", "assistant.worker", "--watch", "--home", str(home.root)]
    quick = "LOOK_EVERY_S = 0.1"
    module = sources / "assistant" / "daemon" / "code_version.py"
    text = (
        module.read_text().replace("LOOK_EVERY_S = 5.0", quick).replace("SETTLED_S = 10.0", "SETTLED_S = 0.5")
    )
    module.write_text(text)
    assert quick in text
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        lines: list[str] = []
        assert process.stderr is not None
        reader = threading.Thread(target=lambda: lines.extend(process.stderr or ()), daemon=True)
        reader.start()
        noted = home.root / "worker.version"
        until(noted.exists)
        before = noted.read_text()
        assert str(process.pid) in before
        (sources / "tui" / "new.py").write_text("# one more module\n")
        until(lambda: noted.read_text() != before)
        assert process.poll() is None and str(process.pid) in noted.read_text()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        reader.join(5)
    assert any("starting again" in line for line in lines)
