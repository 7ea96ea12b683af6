"""Rates and time left, from what is seen of jobs; status in words; what doctor says of the service and the limit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant import doctor, live_status
from assistant.cli_output import status_lines, training_line
from assistant.live_status import Paces, told
from assistant.service import Familiar
from personalizer.job_pace import JobPace, note_began, paces
from personalizer.locations import Home
from personalizer.schemas import Job


def job(done: int, total: int = 100, job_id: int = 1, state: str = "running") -> Job:
    return Job(job_id, "scan", "library", {}, state, 1, done, total, "Reading", None, None)  # type: ignore[arg-type]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the monotonic clock says: the last entry."""
    times = [0.0]
    monkeypatch.setattr(live_status.time, "monotonic", lambda: times[-1])
    return times


def test_the_pace_is_that_of_the_last_minute(clock: list[float]) -> None:
    seen = Paces()
    for second in range(0, 200):
        clock.append(float(second))
        # Slow at first: ten minutes a step would be its average for long.
        seen.see([job(0 if second < 100 else 2 * (second - 100), 1000)])
    pace = seen.of(job(198, 1000))
    assert pace is not None and pace.per_s == pytest.approx(2.0)
    assert pace.left_s == pytest.approx(401)
    assert told(pace) == " (2.0/s, 7 min left)"
    clock.append(201.0)
    seen.see([job(3, 500)])
    assert seen.of(job(3, 500)) is None, "another part of the job counts anew"
    assert seen.of(job(3, 500, job_id=2)) is None and told(None) == ""


def test_a_job_that_goes_on_from_a_checkpoint_is_not_taken_for_a_fast_one(tmp_path: Path) -> None:
    familiar = Familiar(Home(tmp_path / "home"))
    queue = familiar.queue
    job_id = queue.enqueue("train", "1", {})
    queue.claim(1)
    note_began(familiar.library, job_id, 90, 100)
    queue.progress(job_id, 90, 100, "Learning")
    began = json.loads(familiar.library.setting("jobs.began") or "{}")
    began["at"] = "2020-01-01T00:00:00+00:00"
    familiar.library.set_setting("jobs.began", json.dumps(began))
    assert paces(familiar.library, queue.list()) == {}, "it did nothing yet"
    queue.progress(job_id, 91, 100, "Learning")
    [pace] = paces(familiar.library, queue.list()).values()
    assert pace.per_s < 0.001
    status = familiar.status()
    assert list(status.pace) == [job_id] and status.queue == {"train": 1}
    assert "train 1  running 91/100" in status_lines(status) and "left" in status_lines(status)
    queue.finish(job_id, {})
    assert familiar.status().pace == {}
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


def test_time_left_is_unknown_without_an_end() -> None:
    assert JobPace.of(0, 10.0, 5) is None
    assert JobPace.of(5, 10.0, -5) == JobPace(0.5, None)


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
