"""What an import is said to take, and how the first photos correct that."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.cli.daemon import estimate_lines
from assistant.presentation.lines import duration
from assistant.setup.estimate import (
    PHOTOS_PER_S,
    Estimate,
    Measuring,
    estimate_import,
    folders_within,
    note_rate,
)
from personalizer.library.library import Library
from personalizer.schemas import Progress


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "home" / "library.sqlite3") as opened:
        yield opened


def fill(folder: Path, photos: int, size: int = 1000) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(photos):
        (folder / f"{number}.jpg").write_bytes(b"x" * size)
    (folder / "notes.txt").write_text("no photo")
    (folder / ".hidden.jpg").write_text("hidden")


def test_new_photos_are_counted_and_known_ones_are_not(tmp_path: Path, library: Library) -> None:
    fill(tmp_path / "photos", 300)
    fill(tmp_path / "photos" / "more", 60, size=2000)
    found = estimate_import(library, [tmp_path / "photos", tmp_path / "nowhere"])
    assert (found.files, found.new, found.bytes, found.basis) == (360, 360, 420_000, "default")
    assert found.minutes == pytest.approx(360 / PHOTOS_PER_S / 60, abs=0.1)
    assert found.disk_mib > 0 and found.fits
    status = (tmp_path / "photos" / "1.jpg").stat()
    library.connection.execute(
        "INSERT INTO photos(id, content_hash, last_path, width_px, height_px, added_at) VALUES (1, 'a', '/x', 1, 1, '')"
    )
    library.record_file(tmp_path / "photos" / "1.jpg", 1, status.st_size, status.st_mtime_ns)
    assert estimate_import(library, [tmp_path / "photos"]).new == 359


def test_the_next_estimate_rests_on_the_last_scan(tmp_path: Path, library: Library) -> None:
    fill(tmp_path / "photos", 60)
    note_rate(library, 3, 100.0)
    assert estimate_import(library, [tmp_path / "photos"]).basis == "default", "three photos say little"
    note_rate(library, 100, 10.0)
    found = estimate_import(library, [tmp_path / "photos"])
    assert (found.basis, found.photos_per_s, found.minutes) == ("earlier scan", 10.0, 0.1)


def test_the_first_photos_correct_it_once(
    monkeypatch: pytest.MonkeyPatch, library: Library, tmp_path: Path
) -> None:
    fill(tmp_path / "photos", 1)
    clock = itertools.count(0, 2.0)
    monkeypatch.setattr("assistant.setup.estimate.time.monotonic", lambda: next(clock))
    said: list[Estimate] = []
    passed: list[Progress] = []
    before = estimate_import(library, [tmp_path / "photos"])
    measuring = Measuring(before, passed.append, said.append)
    for done in range(0, 101):
        measuring(Progress(done, 100, "Reading"))
    assert len(passed) == 101 and len(said) == 1
    assert (said[0].basis, said[0].photos_per_s) == ("first photos", 0.5)
    assert said[0].minutes == pytest.approx(100 / 0.5 / 60, abs=0.1)


def test_what_a_person_reads(library: Library, tmp_path: Path) -> None:
    fill(tmp_path / "photos", 2)
    found = estimate_import(library, [tmp_path / "photos"])
    assert estimate_lines(replace(found, new=0)) == "2 files that may be photos, none of them new."
    assert "2 new photos" in estimate_lines(found) and "a guess" in estimate_lines(found)
    tight = estimate_lines(replace(found, free_mib=1.0, disk_mib=50.0))
    assert "does not fit" in tight and "--home" in tight
    assert [duration(m) for m in (0, 0.5, 12, 89.6, 190, 3000)] == [
        "1 s",
        "30 s",
        "12 min",
        "1 h 30 min",
        "3 h 10 min",
        "2 days 2 h",
    ]


def test_folders_are_counted_up_to_the_limit(tmp_path: Path) -> None:
    for number in range(9):
        (tmp_path / f"a{number}" / "b").mkdir(parents=True)
    (tmp_path / "loop").symlink_to(tmp_path)
    assert folders_within([tmp_path], 1000) == 19
    assert folders_within([tmp_path], 10) == 10
