"""A worker of the version before starts its child by the old name, and must not count a photo as failed for it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from personalizer.analysis_process import Broken, Request

AS_IT_WAS_STARTED = "from personalizer.analysis_process import main; main()"


def test_every_photo_is_answered_with_the_update_as_the_reason(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    arguments = [str(theirs.fileno()), str(os.getpid()), str(tmp_path), "1"]
    with subprocess.Popen(
        [sys.executable, "-P", "-c", AS_IT_WAS_STARTED, *arguments], pass_fds=[theirs.fileno()], cwd=tmp_path
    ) as child:
        theirs.close()
        connection = Connection(ours.detach())
        for number in range(5):
            connection.send(Request(tmp_path / f"{number}.jpg"))
            connection.send_bytes(b"the photo")
            answer = connection.recv()
            assert isinstance(answer, Broken) and "updated" in answer.message
        connection.close()
        assert child.wait(30) == 0


def test_requests_and_answers_have_the_names_that_the_version_before_knows() -> None:
    names = [f"{one.__module__}.{one.__qualname__}" for one in (Request, Broken)]
    assert names == ["personalizer.analysis_process.Request", "personalizer.analysis_process.Broken"]


@pytest.mark.skipif(sys.platform != "linux", reason="systemd runs on Linux")
@pytest.mark.parametrize("name", ["systemd", "bash"])
def test_only_what_systemd_runs_is_a_service(tmp_path: Path, name: str) -> None:
    parent = shutil.copy(shutil.which("sh") or "/bin/sh", tmp_path / name)
    look = (
        "import os; from personalizer.analysis_process import is_run_by_systemd as it; print(it(os.getpid()))"
    )
    done = subprocess.run(
        [parent, "-c", '"$0" -c "$1"; exit $?', sys.executable, look],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(name == "systemd")
