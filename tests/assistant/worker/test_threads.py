"""Training shares the processors with what else runs: torch's threads do not spin for long while they wait."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

RUN_AND_LOAD_TORCH = """
import sys, threading
from pathlib import Path
from assistant.worker.main import run_worker
from personalizer.home import Home
run_worker(Home(Path(sys.argv[1])), threading.Event(), 0.0)
assert "torch" not in sys.modules, "its threads were set up before anybody said how they wait"
import torch
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks the runtime of GNU how it waits")
@pytest.mark.parametrize(("set_by_hand", "soon"), [(None, True), ("ACTIVE", False)])
def test_threads_in_the_worker_soon_sleep_unless_a_person_wants_otherwise(
    tmp_path: Path, set_by_hand: str | None, soon: bool
) -> None:
    environment = {**os.environ, "OMP_DISPLAY_ENV": "VERBOSE"}
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        environment.pop(name, None)
    if set_by_hand is not None:
        environment["OMP_WAIT_POLICY"] = set_by_hand
    done = subprocess.run(
        [sys.executable, "-c", RUN_AND_LOAD_TORCH, str(tmp_path / "home")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # What the runtime of the threads says of itself when it is loaded: how often they look before they sleep.
    assert "GOMP_SPINCOUNT" in done.stderr
    assert ("GOMP_SPINCOUNT = '1000'" in done.stderr) == soon
