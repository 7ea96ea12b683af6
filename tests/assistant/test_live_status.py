"""Rates and time left of jobs; status in words; what doctor says of the service and the limit."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant import doctor
from assistant.cli_output import status_lines, training_line
from assistant.service import Familiar
from personalizer.locations import Home


def test_how_fast_a_job_goes_and_what_is_left_is_told(tmp_path: Path) -> None:
    familiar = Familiar(Home(tmp_path / "home"))
    queue = familiar.queue
    job_id = queue.enqueue("train", "1", {})
    queue.claim(1)
    queue.progress(job_id, 90, 100, "Learning")
    status = familiar.status()
    assert status.running[0].rate_per_s is None and status.queue == {"train": 1}
    assert "left" not in status_lines(status), "it did nothing yet"
    queue.progress(job_id, 91, 100, "Learning", 0.025)
    status = familiar.status()
    assert status.running[0].left_s == 360
    assert "train 1  running 91/100 – Learning (0.0/s, 6 min left)" in status_lines(status)
    queue.finish(job_id, {})
    assert "left" not in status_lines(familiar.status())
    familiar.close()


def test_files_that_are_left_alone_are_counted(tmp_path: Path) -> None:
    familiar = Familiar(Home(tmp_path / "home"))
    familiar.library.record_failure(Path("/a"), 1, 1, "broken")
    familiar.library.record_failure(Path("/b"), 1, 1, "locked", retry=True)
    status = familiar.status()
    assert (status.failures, status.quarantined) == (2, 1)
    assert "2 unreadable, 1 left alone" in status_lines(status)
    familiar.close()


@pytest.mark.parametrize(
    ("training", "line"),
    [
        ({"state": "waiting", "reason": "on battery", "due": 2}, "waiting: on battery (2 concepts)"),
        ({"state": "nothing to do", "reason": "", "due": 0}, "nothing to do"),
        ({"state": "off", "reason": "", "due": 0, "given_up": 0}, "off"),
        ({"state": "waiting", "reason": "x", "due": 1, "given_up": 1}, "waiting: x (1 concept); 1 gave up"),
    ],
)
def test_why_training_waits(training: dict[str, object], line: str) -> None:
    assert training_line(training).startswith(line)


def test_doctor_knows_whether_all_folders_can_be_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "home")
    limit = tmp_path / "max_user_watches"
    monkeypatch.setattr(doctor, "INOTIFY_LIMIT", limit)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for number in range(20):
        (tmp_path / "photos" / str(number)).mkdir(parents=True)
    familiar = Familiar(home)
    familiar.library.add_root(tmp_path / "photos")
    for allowed, enough in ((10, False), (1000, True)):
        limit.write_text(f"{allowed}\n")
        checks = {check.name: check for check in familiar.doctor()}
        assert checks["watch limit"].ok is enough
        assert "max_user_watches" in checks["watch limit"].fix
    assert checks["service"].ok and "not installed" in checks["service"].detail
    assert not checks["watch limit"].required
    familiar.close()
