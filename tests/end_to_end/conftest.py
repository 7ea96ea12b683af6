"""The installed command on drawn photos, with a tiny random checkpoint: the whole way in seconds.

The checkpoint has the bundled model's layout and knows nothing: what it says and draws is noise.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import json_here
from photos import other_thing, striped_thing
from waiting import until


class Command:
    """`familiar` as a program, with one home and one backbone."""

    def __init__(self, home: Path, backbone: Path | str) -> None:
        self.home = home
        self.backbone = backbone

    def arguments(self, *arguments: str) -> list[str]:
        program = [sys.executable, "-c", "from tui.entry import main; main()"]
        return [*program, "--home", str(self.home), "--backbone", str(self.backbone), *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.arguments(*arguments), capture_output=True, text=True, timeout=600, check=False
        )

    def json(self, *arguments: str) -> Any:
        """The JSON document of a command that has to succeed."""
        done = self.run("--json", *arguments)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{self.worker_log()}"
        return json.loads(done.stdout)

    def look(self, *arguments: str) -> Any:
        """As `json`, without the start of a program: for what is asked again and again while others work."""
        return json_here(self.home, "--backbone", str(self.backbone), *arguments)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.arguments(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def worker_pid(self) -> int | None:
        pid: int | None = self.look("status")["worker"]["pid"]
        return pid

    def worker_log(self) -> str:
        log = self.home / "logs" / "worker.log"
        return log.read_text() if log.exists() else ""

    def wait_for(self, kind: str, state: str, patience_s: float = 900, done: int = 0) -> dict[str, Any]:
        """The newest job of this kind that has this state, once it did that many steps."""

        def newest() -> dict[str, Any] | None:
            jobs = [job for job in self.look("jobs") if (job["kind"], job["state"]) == (kind, state)]
            return dict(jobs[-1]) if jobs and jobs[-1]["done"] >= done else None

        try:
            found = until(newest, patience_s)
        except AssertionError as failed:
            raise AssertionError(
                f"no {kind} job became {state}: {self.json('jobs')}\n{self.worker_log()}"
            ) from failed
        assert found is not None
        return found

    def stop_worker(self) -> None:
        lock = self.home / "worker.lock"
        text = lock.read_text().strip() if lock.exists() else ""
        if text:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(text), signal.SIGKILL)


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 drawn photos: eight of one striped thing in different places, sixteen of other things."""
    folder = tmp_path_factory.mktemp("photos")
    for number in range(8):
        striped_thing(number).save(folder / f"striped-{number}.jpg")
    for number in range(16):
        other_thing(number).save(folder / f"other-{number}.jpg")
    return folder


@pytest.fixture
def command(tmp_path: Path, pocket_like: Path) -> Iterator[Command]:
    made = Command(tmp_path / "home", pocket_like)
    yield made
    made.stop_worker()
