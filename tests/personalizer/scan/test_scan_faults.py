"""What goes wrong with folders and files while they are looked at: nothing is lost or taken for deleted."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from stored_photos import file_rows, store_photo

from personalizer.analysis.process import AnalysisProcess, Broken
from personalizer.errors import FamiliarError, NotReadyError
from personalizer.jobs.loop import run_worker_loop
from personalizer.jobs.queue import JobQueue
from personalizer.library.library import Library
from personalizer.scan import file_system
from personalizer.scan import importer as photo_import
from personalizer.scan.file_system import Mount, Settling, is_being_written
from personalizer.scan.full_scan import scan
from personalizer.scan.importer import ScanControl
from personalizer.scan.notes import read_notes
from personalizer.schemas import Progress, ScanReport
from personalizer.storage_errors import storage_error

MakePhoto = Callable[..., Path]
Run = Callable[..., ScanReport]
AsNobody = Callable[..., AbstractContextManager[None]]
pytestmark = pytest.mark.usefixtures("known_analyses")


@pytest.fixture
def run(library: Library) -> Run:
    return lambda accept_missing=False, **options: scan(
        library, library.roots(), ScanControl(processes=1, **options), accept_missing=accept_missing
    )


# --- permission lost


@pytest.mark.parametrize("mode", [0o000, 0o444, 0o111], ids=["nothing", "names only", "no names"])
@pytest.mark.parametrize("whole", [False, True], ids=["a folder", "the root"])
def test_photos_in_a_folder_that_lost_its_permission_are_not_missing(
    library: Library,
    folder: Path,
    make_photo: MakePhoto,
    run: Run,
    mode: int,
    whole: bool,
    caplog: pytest.LogCaptureFixture,
    as_nobody: AsNobody,
) -> None:
    make_photo(folder / "open.jpg", 1)
    private = folder / "private"
    make_photo(private / "deep" / "a.jpg", 2)
    (private / "broken.jpg").write_bytes(b"\xff\xd8\xff and no more")
    assert run().new == 2
    before, failures = file_rows(library), library.failures()
    closed = folder if whole else private
    caplog.set_level(logging.INFO)
    with as_nobody(folder, library.path.parent):
        closed.chmod(mode)
        try:
            report = run()
            accepted = run(accept_missing=True)
        finally:
            closed.chmod(0o755)
    for found in (report, accepted):
        assert (found.missing, found.new, found.changed, found.moved) == (0, 0, 0, 0)
        assert {"path": str(closed), "reason": "permission denied"} in found.unlisted
    assert file_rows(library) == before and library.failures() == failures
    assert read_notes(library).unlisted == accepted.unlisted
    assert "listed" in caplog.text or whole
    assert str(folder) not in caplog.text
    report = run()
    assert (report.unlisted, report.missing, report.new, report.frozen) == ([], 0, 0, [])
    assert file_rows(library) == before
    assert read_notes(library).unlisted == []


def test_what_is_gone_beside_a_closed_folder_is_missing(
    library: Library, folder: Path, make_photo: MakePhoto, run: Run, as_nobody: AsNobody
) -> None:
    for number in range(4):
        make_photo(folder / f"{number}.jpg", number)
    private = make_photo(folder / "private" / "a.jpg", 9).parent
    run()
    (folder / "1.jpg").unlink()
    with as_nobody(folder, library.path.parent):
        private.chmod(0o444)
        try:
            assert run().missing == 1
        finally:
            private.chmod(0o755)


def test_a_copy_of_a_photo_in_a_closed_folder_has_not_moved_from_there(
    library: Library, folder: Path, make_photo: MakePhoto, run: Run, as_nobody: AsNobody
) -> None:
    private = make_photo(folder / "private" / "a.jpg", 1).parent
    run()
    shutil.copy(private / "a.jpg", folder / "copy.jpg")
    with as_nobody(folder, library.path.parent):
        private.chmod(0)
        try:
            report = run()
        finally:
            private.chmod(0o755)
    assert (report.moved, report.new) == (0, 1)
    assert {path.name for path in library.files()} == {"a.jpg", "copy.jpg"}


# --- links


def test_links_that_lead_in_circles_end_nowhere(
    library: Library, folder: Path, tmp_path: Path, make_photo: MakePhoto, run: Run
) -> None:
    make_photo(folder / "a" / "a.jpg", 1)
    outside = make_photo(tmp_path / "outside" / "b.jpg", 2)
    (folder / "a" / "up").symlink_to(folder)
    (folder / "self").symlink_to("self")
    (folder / "one").symlink_to("two")
    (folder / "two").symlink_to("one")
    (folder / "loop.jpg").symlink_to("loop.jpg")
    (folder / "out").symlink_to(outside.parent)
    (folder / "b.jpg").symlink_to(outside)
    report = run()
    assert (report.seen, report.new, report.failed, report.unlisted) == (1, 1, [], [])


def test_a_link_in_place_of_a_root_is_not_followed(
    library: Library, folder: Path, tmp_path: Path, make_photo: MakePhoto, run: Run
) -> None:
    make_photo(folder / "a.jpg", 1)
    run()
    before = file_rows(library)
    elsewhere = tmp_path / "elsewhere"
    folder.rename(elsewhere)
    make_photo(elsewhere / "private.jpg", 2)
    for target in (elsewhere, folder):
        folder.symlink_to(target)
        report = run()
        assert (report.seen, report.new, report.missing) == (0, 0, 0)
        assert [one["path"] for one in report.frozen] == [str(folder)]
        assert file_rows(library) == before
        folder.unlink()
    elsewhere.rename(folder)
    assert (run().new, library.frozen_roots()) == (1, {})


# --- files that are not at rest


def test_a_file_that_grows_while_it_is_read_is_left_for_later(
    library: Library, folder: Path, make_photo: MakePhoto, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where what could be read so far is an error: an empty file, one that is too large."""
    whole = make_photo(folder / "whole.jpg", 1).read_bytes()
    empty = folder / "empty.jpg"
    empty.touch()
    read = photo_import.read_photo_bytes

    def read_and_grow(path: Path) -> bytes:
        try:
            return read(path)
        finally:
            with path.open("ab") as file:
                file.write(whole)

    monkeypatch.setattr(photo_import, "read_photo_bytes", read_and_grow)
    report = run()
    assert (report.new, report.failed, report.waiting) == (0, [], 2)
    assert library.failures() == [] and library.photos() == []
    assert read_notes(library).want_a_look
    monkeypatch.undo()
    (folder / "whole.jpg").write_bytes(whole)
    report = run()
    assert (report.failed, report.waiting) == ([], 0)
    assert {path.name for path in library.files()} == {"whole.jpg", "empty.jpg"}
    assert not read_notes(library).want_a_look


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell")
def test_a_file_that_a_program_is_still_writing_is_left_for_later(
    library: Library, folder: Path, tmp_path: Path, make_photo: MakePhoto, run: Run
) -> None:
    content = make_photo(tmp_path / "whole.jpg", 1).read_bytes()
    with (folder / "slow.jpg").open("wb") as file:
        file.write(content[:-1000])
        file.flush()
        assert is_being_written(folder / "slow.jpg")
        # The copy stands still for longer than two looks are apart.
        report = run()
        assert (report.waiting, report.new, report.failed) == (1, 0, [])
        file.write(content[-1000:])
    assert not is_being_written(folder / "slow.jpg")
    report = run()
    assert (report.waiting, report.new) == (0, 1)
    assert library.photos()[0].width_px == 320


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell")
def test_a_program_that_keeps_a_file_open_for_hours_keeps_nobody_waiting(
    folder: Path, make_photo: MakePhoto, run: Run
) -> None:
    photo = make_photo(folder / "a.jpg", 1)
    os.utime(photo, (time.time() - 3600,) * 2)
    with photo.open("r+b"):
        assert run().new == 1


def test_a_file_that_went_away_before_it_was_read_is_neither_failed_nor_waiting(
    library: Library, folder: Path, make_photo: MakePhoto, run: Run
) -> None:
    for number in range(3):
        photo = make_photo(folder / f"{number}.jpg", number)
        os.utime(photo, (time.time() - 100 - number,) * 2)

    def go_away(progress: Progress) -> None:
        if progress.done == 1:
            (folder / "1.jpg").unlink(missing_ok=True)
            if (folder / "2.jpg").exists():
                (folder / "2.jpg").rename(folder / "moved.jpg")

    report = run(progress=go_away)
    assert (report.new, report.waiting, report.failed, report.missing) == (1, 0, [], 0)
    assert library.failures() == []
    report = run()
    assert (report.new, report.missing) == (1, 0)
    assert {path.name for path in library.files()} == {"0.jpg", "moved.jpg"}


def test_another_file_of_the_same_size_and_time_is_noticed_before_it_is_read(
    library: Library, folder: Path, tmp_path: Path, make_photo: MakePhoto, run: Run
) -> None:
    at = (time.time() - 100,) * 2
    contents = [make_photo(tmp_path / f"{number}.jpg", number).read_bytes() for number in range(3)]
    size = max(map(len, contents)) + 10
    for name, content in zip(("first.jpg", "second.jpg"), contents, strict=False):
        (folder / name).write_bytes(content.ljust(size, b"\0"))
        os.utime(folder / name, at)
    other = tmp_path / "other.jpg"
    other.write_bytes(contents[2].ljust(size, b"\0"))
    os.utime(other, at)

    def replace_it(progress: Progress) -> None:
        if progress.done == 1 and other.exists():
            other.rename(folder / "second.jpg")

    assert run(progress=replace_it).waiting == 1
    assert (run().new, len(library.photos())) == (1, 2)


def test_across_a_network_every_file_is_given_more_time(
    library: Library, folder: Path, make_photo: MakePhoto, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = make_photo(folder / "a.jpg", 1)
    os.utime(photo, (time.time() - 1e5,) * 2)
    monkeypatch.setattr(
        "personalizer.scan.full_scan.read_mounts", lambda: [Mount(str(folder), "nfs4", "nas:/p")]
    )
    growing = threading.Timer(0.3, lambda: photo.write_bytes(photo.read_bytes() + b"more"))
    growing.start()
    report = run(settling=Settling(network_look_s=1.0))
    growing.join()
    assert (report.waiting, report.new) == (1, 0)
    assert run(settling=Settling(network_look_s=0.1)).new == 1
    place = library.places()[folder]
    assert place.file_system == "nfs4 nas:/p"


def test_a_clock_that_was_put_back_keeps_nothing_waiting(
    library: Library, folder: Path, make_photo: MakePhoto, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_photo(folder / "a.jpg", 1)
    run()
    before = time.time() - 30 * 86400
    monkeypatch.setattr(time, "time", lambda: before)
    make_photo(folder / "b.jpg", 2)
    make_photo(folder / "a.jpg", 3)
    os.utime(folder / "a.jpg", (before - 5, before - 5))
    report = run()
    assert (report.new, report.changed, report.waiting, report.failed) == (1, 1, 0, [])
    (folder / "b.jpg").rename(folder / "c.jpg")
    report = run()
    assert (report.moved, report.missing) == (1, 0)


def test_how_long_a_file_is_given() -> None:
    file = photo_import.SeenFile("a.jpg", 1, time.time_ns())
    old = photo_import.SeenFile("a.jpg", 1, time.time_ns() - 10**12)
    future = photo_import.SeenFile("a.jpg", 1, time.time_ns() + 10**12)
    times = Settling()
    assert [file_system.rest_s(one, times, network=False) for one in (file, future, old)] == [0.3, 0.3, 0.0]
    assert file_system.rest_s(old, times, network=True) == 3.0
    with pytest.raises(ValueError, match="look_s"):
        Settling(look_s=-1)


# --- mounts


@pytest.fixture
def drive(folder: Path, tmp_path: Path) -> Iterator[Callable[[bool], None]]:
    """`drive(True)` mounts a file system at photos/usb, `drive(False)` takes it away and leaves its content."""
    disk, point = tmp_path / "disk", folder / "usb"
    for path in (disk, point):
        path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)]
    if sys.platform != "linux" or shutil.which("mount") is None:
        pytest.skip("there is no small file system to be had")
    if (done := subprocess.run(mount, capture_output=True, text=True, check=False)).returncode:
        pytest.skip(f"mounting is not allowed: {done.stderr.strip()}")

    def switch(there: bool) -> None:
        command = ["mount", "--bind", str(disk), str(point)] if there else ["umount", str(point)]
        subprocess.run(command, check=True)

    try:
        yield switch
    finally:
        subprocess.run(["umount", str(point)], check=False, capture_output=True)
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_drive_below_the_root_that_is_unmounted_loses_nothing(
    library: Library, folder: Path, make_photo: MakePhoto, run: Run, drive: Callable[[bool], None]
) -> None:
    drive(True)
    for number in range(3):
        make_photo(folder / f"{number}.jpg", number)
    for number in (10, 11):
        make_photo(folder / "usb" / f"{number}.jpg", number)
    (folder / "usb" / "broken.jpg").write_bytes(b"\xff\xd8\xff and no more")
    assert run().new == 5
    failures = library.failures()
    shutil.copy(folder / "usb" / "11.jpg", folder / "copy.jpg")
    drive(False)
    (folder / "1.jpg").unlink()
    report = run()
    assert [one["path"] for one in report.frozen] == [str(folder / "usb")]
    assert "another disk" in report.frozen[0]["reason"]
    assert (report.missing, report.moved, report.new) == (1, 0, 1), "a copy has not moved from there"
    assert library.failures() == failures
    drive(True)
    report = run()
    assert (report.frozen, report.new, report.missing, library.frozen_roots()) == ([], 0, 0, {})
    assert library.counts()["missing"] == 1


def test_an_unmounted_drive_may_be_given_up_by_its_name(
    library: Library, folder: Path, make_photo: MakePhoto, run: Run, drive: Callable[[bool], None]
) -> None:
    drive(True)
    make_photo(folder / "0.jpg", 0)
    make_photo(folder / "usb" / "1.jpg", 1)
    run()
    drive(False)
    assert run().frozen
    assert run(accept_missing=[folder / "elsewhere"]).frozen
    report = run(accept_missing=[folder / "usb"])
    assert (report.frozen, report.missing) == ([], 1)


def test_an_answer_covers_what_was_asked_and_no_more(
    library: Library, folder: Path, make_photo: MakePhoto, run: Run
) -> None:
    for number in range(40):
        store_photo(
            library,
            content_hash=f"{number:064}",
            path=make_photo(folder / f"{number}.jpg", 0),
            size=(folder / f"{number}.jpg").stat().st_size,
            mtime_ns=(folder / f"{number}.jpg").stat().st_mtime_ns,
            width_px=320,
            height_px=240,
        )
    for number in range(11):
        (folder / f"{number}.jpg").unlink()
    assert "11 of 40" in run().frozen[0]["reason"]
    shutil.rmtree(folder)
    folder.mkdir()
    report = run(accept_missing=True)
    assert report.missing == 0 and "all 40" in report.frozen[0]["reason"]
    report = run(accept_missing=True)
    assert (report.missing, report.frozen) == (40, [])


# --- a library that cannot be written


def test_a_library_that_may_not_be_written_is_left_as_it_is(
    library: Library, folder: Path, make_photo: MakePhoto, run: Run
) -> None:
    make_photo(folder / "a.jpg", 1)
    run()
    before = file_rows(library)
    make_photo(folder / "b.jpg", 2)
    queue = JobQueue(library)
    job = queue.enqueue("scan", "library")

    def scans(job: object, context: object) -> dict[str, Any]:
        library.connection.execute("PRAGMA query_only = ON")
        try:
            return {"new": run().new}
        finally:
            library.connection.execute("PRAGMA query_only = OFF")

    run_worker_loop(queue, {"scan": scans}, threading.Event(), idle_exit_s=0)
    failed = queue.get(job)
    assert (failed.state, failed.error_class) == ("failed", "environment")
    assert "readonly" in (failed.error or "") and "Allow yourself" in (failed.error or "")
    assert file_rows(library) == before and library.failures() == []
    assert run().new == 1


def test_a_library_of_somebody_else_is_said_to_be(tmp_path: Path, as_nobody: AsNobody) -> None:
    path = tmp_path / "home" / "library.sqlite3"
    with Library.open(path):
        pass
    (tmp_path / "other").mkdir()
    path.parent.chmod(0o755)
    path.chmod(0o444)
    with as_nobody(tmp_path / "other"), pytest.raises((NotReadyError, OSError, sqlite3.Error)) as raised:
        Library.open(path)
    said = raised.value if isinstance(raised.value, NotReadyError) else storage_error(raised.value)
    assert said is not None and ("Allow yourself" in said.fix or "writable" in said.fix)


# --- what a scan dies of


class Killed(BaseException):
    """Stands for the end of the process: whatever was stored before it stays."""


def test_a_file_whose_reading_ends_the_worker_holds_nothing_up_and_is_given_up(
    library: Library, folder: Path, make_photo: MakePhoto, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a drive that never answers does, until the worker ends itself."""
    for number in range(3):
        make_photo(folder / f"{number}.jpg", number)
    deadly = make_photo(folder / "deadly.jpg", 9)
    os.utime(deadly, (2e9, 2e9))  # the newest is read first
    read = photo_import.read_photo_bytes

    def read_or_die(path: Path) -> bytes:
        if path == deadly:
            raise Killed
        return read(path)

    monkeypatch.setattr(photo_import, "read_photo_bytes", read_or_die)
    for attempt in range(20):
        try:
            report = run()
            break
        except Killed:
            assert attempt == 0 or library.counts()["photos"] == 3, "all others were read"
    else:
        pytest.fail("it goes on for ever")
    assert [failure["path"] for failure in report.failed] == [str(deadly)]
    assert "ended the program" in report.failed[0]["reason"]
    monkeypatch.undo()
    library.retry_unreadable(None)
    assert run().failed == [] and library.counts()["photos"] == 4


def test_only_what_will_not_have_to_be_done_again_is_said_to_advance_a_scan(
    library: Library, folder: Path, make_photo: MakePhoto, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is told forgives the deaths before that: a scan that always dies after these would do so for ever."""
    closed = make_photo(folder / "closed.jpg", 1)
    open_file = os.open

    def refuse(path: object, *arguments: Any, **options: Any) -> int:
        if path == closed:
            raise PermissionError(13, "Permission denied")
        return open_file(path, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refuse)
    steps: list[int] = []
    advanced: list[int] = []

    def scanned() -> int:
        steps.clear()
        advanced.clear()
        run(progress=lambda step: steps.append(step.done), advanced=lambda: advanced.append(1))
        assert steps[-1] > 0
        return len(advanced)

    assert scanned() == 0, "every scan tries it again"
    (folder / "damaged.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a photo")
    assert scanned() == 1
    make_photo(folder / "good.jpg", 2)
    assert scanned() == 1
    shutil.copy(folder / "good.jpg", folder / "copy.jpg")
    assert scanned() == 1
    assert scanned() == 0


def test_a_damaged_network_is_no_photos_fault(
    library: Library, folder: Path, make_photo: MakePhoto, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_photo(folder / "a.jpg", 1)
    damaged = (
        "from personalizer.analysis import embed, process\n"
        "embed.OBJECT_NETWORK_SHA256 = 'another'\n"
        "process.main()\n"
    )
    with monkeypatch.context() as patched:
        patched.setattr("personalizer.analysis.process._CHILD", damaged)
        patched.setattr(photo_import, "AnalysisProcess", AnalysisProcess)
        for _ in range(5):
            with pytest.raises(FamiliarError, match="not what was shipped"):
                run()
    assert library.failures() == []
    assert run().new == 1


def test_what_was_in_hand_when_the_models_turned_out_broken_keeps_its_attempts(
    library: Library, folder: Path, make_photo: MakePhoto, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2):
        make_photo(folder / f"{number}.jpg", number)
    monkeypatch.setattr(AnalysisProcess, "receive", lambda _: Broken("the models are damaged"))
    with pytest.raises(FamiliarError, match="the models are damaged"):
        scan(library, library.roots(), ScanControl(processes=2))
    assert library.failures() == []
