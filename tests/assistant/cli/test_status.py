"""Rates and time left of jobs; status in words; what doctor says of the service and the limit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stored_photos import store_photo

from assistant.presentation.lines import job_lines, status_lines, training_line
from assistant.service.familiar import Familiar
from assistant.setup import doctor
from personalizer.errors import NotFoundError
from personalizer.home import Home
from personalizer.schemas import BoundingBox, Embedding, NewDetection


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


def test_photos_that_newer_models_failed_with_are_listed_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.daemon.process.ensure_worker", lambda home: None)
    familiar = Familiar(Home(tmp_path / "home"))
    library = familiar.library
    paths = [tmp_path / name for name in ("damaged.jpg", "deadly.jpg", "good.jpg")]
    for path in paths:
        path.touch()
    vector = Embedding(np.ones(4, "f4"), "m", "1")
    damaged, deadly, good = (
        store_photo(
            library,
            content_hash=path.name,
            path=path,
            analysed_by="older",
            detections=[(NewDetection("photo", BoundingBox(0, 0, 9, 9), 1, "t"), vector)],
        ).id
        for path in paths
    )

    def fail() -> None:
        for _ in range(10):
            library.begin_analysis(deadly, "newer")
        library.begin_analysis(damaged, "newer")
        library.end_analysis(damaged, "it is cut short")
        assert library.photos_to_analyze("newer") == [good]

    fail()
    listed = {job.id: job for job in familiar.jobs()}
    assert listed.keys() == {f"analysis:{damaged}", f"analysis:{deadly}"}
    assert "it is cut short" in job_lines(listed.values()) and "deadly.jpg" in job_lines(listed.values())
    assert "outdated  2 photos" in status_lines(familiar.status())

    job = familiar.retry(f"analysis:{damaged}")
    assert (job.kind, job.state) == ("analyse", "queued")
    assert library.photos_to_analyze("newer") == [good, damaged]
    assert familiar.retry(str(paths[1])).id == job.id, "the same job"
    assert library.photos_to_analyze("newer") == [good, deadly, damaged]
    assert familiar.status().outdated == 0
    fail()
    library.mark_forgotten([damaged])
    assert [photo.photo_id for photo in library.outdated_photos()] == [deadly], "nothing is looked for in it"
    library.connection.execute("UPDATE photos SET forgotten = 0")
    assert familiar.retry("photos").kind == "scan"
    assert library.photos_to_analyze("newer") == [good, deadly, damaged]
    for nothing in (f"analysis:{good}", str(paths[2])):
        with pytest.raises(NotFoundError, match="familiar jobs"):
            familiar.retry(nothing)
    familiar.close()


@pytest.mark.parametrize(
    ("training", "line"),
    [
        (
            {"state": "waiting", "reason": "on battery", "due": 2},
            "waiting: on battery (2 people and things to train: ",
        ),
        ({"state": "nothing to do", "reason": "", "due": 0}, "nothing to do"),
        ({"state": "off", "reason": "", "due": 0, "given_up": 0}, "off"),
        (
            {"state": "waiting", "reason": "x", "due": 1, "given_up": 1},
            "waiting: x (1 person or thing to train: familiar train NAME); 1 gave up",
        ),
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
