"""What is gone from a folder at once is not taken for deleted, and comes back as if nothing had been."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from personalizer.library.library import Library
from personalizer.scan.full_scan import scan
from personalizer.scan.importer import ScanControl
from personalizer.scan.mass_removal import FolderCount, why_frozen
from personalizer.schemas import ScanReport

pytestmark = pytest.mark.usefixtures("known_analyses")


class Folder:
    """A registered folder of small photos."""

    def __init__(self, library: Library, root: Path, make: Callable[..., Path]) -> None:
        self.library, self.root, self.make = library, root, make
        root.mkdir(parents=True)
        library.add_root(root)

    def fill(self, count: int, first: int = 0) -> None:
        for number in range(first, first + count):
            self.make(self.root / f"{number:03}.jpg", number)

    def scan(self, **options: bool) -> ScanReport:
        return scan(self.library, self.library.roots(), ScanControl(processes=1), **options)

    @property
    def missing(self) -> int:
        return self.library.counts()["missing"]


@pytest.fixture
def folder(library: Library, tmp_path: Path, make_photo: Callable[..., Path]) -> Folder:
    return Folder(library, tmp_path / "photos", make_photo)


def count(known: int, gone: int, before: int | None = 1, now: int | None = 1) -> FolderCount:
    return FolderCount(known, gone, before, now)


@pytest.mark.parametrize(
    "found",
    [
        count(100, 0),
        count(2, 2),
        count(50, 10),
        count(1000, 100),
        count(0, 0, None, None),
        count(9, 0, 1, 2),
        count(20, 4, None, 2),
    ],
)
def test_what_a_person_does_in_an_evening_is_no_loss(found: FolderCount) -> None:
    assert why_frozen(found) is None


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (count(3, 3), "all 3"),
        (count(50, 11), "11 of 50"),
        (count(1000, 101), "101 of 1000"),
        (count(50, 1, 1, 2), "another disk"),
        (count(5, 5, 1, None), "not there"),
    ],
)
def test_what_an_unmounted_disk_does_is(found: FolderCount, why: str) -> None:
    reason = why_frozen(found)
    assert reason is not None and why in reason


def test_an_empty_mount_point_loses_nothing_and_the_photos_come_back(folder: Folder) -> None:
    folder.fill(4)
    folder.scan()
    away = folder.root.with_name("unmounted")
    folder.root.rename(away)
    folder.root.mkdir()
    report = folder.scan()
    assert (report.missing, folder.missing) == (0, 0)
    assert [one["path"] for one in report.frozen] == [str(folder.root)]
    assert folder.library.frozen_roots() == {folder.root: "all 4 photos are gone at once"}
    folder.root.rmdir()
    assert "not there" in folder.scan().frozen[0]["reason"]
    away.rename(folder.root)
    report = folder.scan()
    assert (report.frozen, report.new, report.missing, folder.library.frozen_roots()) == ([], 0, 0, {})


def test_what_failed_in_a_frozen_folder_is_not_forgotten(folder: Folder) -> None:
    folder.fill(4)
    (folder.root / "broken.jpg").write_bytes(b"\xff\xd8\xff and no more")
    folder.scan()
    [failure] = folder.library.failures()
    away = folder.root.with_name("unmounted")
    folder.root.rename(away)
    folder.root.mkdir()
    assert folder.scan().frozen
    assert folder.library.failures() == [failure]


def test_a_person_may_say_that_they_are_gone(folder: Folder) -> None:
    folder.fill(4)
    folder.scan()
    shutil.rmtree(folder.root)
    assert folder.scan().frozen
    report = folder.scan(accept_missing=True)
    assert (report.frozen, report.missing, folder.missing) == ([], 4, 4)
    assert folder.library.counts()["photos"] == 4, "the photos stay known"


def test_moving_everything_is_no_loss(folder: Folder) -> None:
    folder.fill(4)
    folder.scan()
    (folder.root / "2024").mkdir()
    for photo in folder.root.glob("*.jpg"):
        photo.rename(folder.root / "2024" / photo.name)
    report = folder.scan()
    assert (report.moved, report.missing, report.frozen) == (4, 0, [])


def test_one_folder_does_not_freeze_another(
    folder: Folder, library: Library, tmp_path: Path, make_photo: Callable[..., Path]
) -> None:
    other = Folder(library, tmp_path / "other", make_photo)
    folder.fill(4)
    other.fill(4, first=10)
    folder.scan()
    shutil.rmtree(folder.root)
    (other.root / "010.jpg").unlink()
    report = folder.scan()
    assert [one["path"] for one in report.frozen] == [str(folder.root)]
    assert report.missing == 1


def test_photos_in_a_folder_that_may_not_be_listed_any_more_are_not_missing(
    folder: Folder, tmp_path: Path
) -> None:
    folder.fill(1)
    hidden = folder.root / "private"
    for number in (1, 2):
        folder.make(hidden / f"{number}.jpg", 50 + number)
    folder.scan()
    hidden.chmod(0)
    program = """
import os, sys
from pathlib import Path
from personalizer.scan.exclusions import Exclusions
from personalizer.scan.walk import Walk
if os.getuid() == 0:
    os.setgid(65534); os.setuid(65534)
walk = Walk([Path(sys.argv[1]).resolve()], Exclusions())
print([file.path.name for file in walk.files()], [Path(path).name for path in walk.unlisted])
"""
    for parent in [folder.root, *folder.root.parents]:
        if parent.stat().st_uid == os.getuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o055)
    try:
        found = subprocess.run(
            [sys.executable, "-c", program, str(folder.root)], capture_output=True, text=True, check=False
        )
    finally:
        hidden.chmod(0o700)
    assert found.stdout.strip() == "['000.jpg'] ['private']", found.stderr


def test_a_file_that_is_still_written_is_left_for_the_next_scan(folder: Folder, tmp_path: Path) -> None:
    whole = folder.make(tmp_path / "whole.jpg", 7).read_bytes()
    growing = folder.root / "growing.jpg"
    growing.write_bytes(whole[:100])
    stop = threading.Event()

    def write() -> None:
        with growing.open("ab") as file:
            while not stop.is_set():
                file.write(b"x")
                file.flush()
                time.sleep(0.01)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        report = folder.scan()
    finally:
        stop.set()
        writer.join()
    assert (report.waiting, report.new, report.failed) == (1, 0, [])
    growing.write_bytes(whole)
    report = folder.scan()
    assert (report.waiting, report.new, report.failed) == (0, 1, [])


def test_a_time_in_the_future_defers_no_file(folder: Folder) -> None:
    folder.fill(1)
    os.utime(folder.root / "000.jpg", (time.time() + 1e6, time.time() + 1e6))
    assert folder.scan().new == 1


def test_the_newest_are_read_first(folder: Folder) -> None:
    folder.fill(3)
    for number, age_s in enumerate((300, 100, 200)):
        os.utime(folder.root / f"{number:03}.jpg", (time.time() - age_s,) * 2)
    folder.scan()
    assert [photo.path.name for photo in folder.library.photos()] == ["001.jpg", "002.jpg", "000.jpg"]
