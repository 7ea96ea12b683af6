"""Scans of the few folders that files came into: they take these in, and hand on whatever else may have happened."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from stored_photos import file_rows

from personalizer.library.library import Library
from personalizer.scan import folder_scan as small_scan
from personalizer.scan.file_system import Mount
from personalizer.scan.folder_scan import scan_folders
from personalizer.scan.full_scan import scan
from personalizer.scan.importer import ScanControl
from personalizer.scan.notes import ScanNotes, read_notes, write_notes
from personalizer.schemas import ScanReport

MakePhoto = Callable[..., Path]
Full = Callable[..., ScanReport]
Small = Callable[..., ScanReport | None]
pytestmark = pytest.mark.usefixtures("known_analyses")


@pytest.fixture
def full(library: Library) -> Full:
    return lambda **options: scan(library, library.roots(), ScanControl(processes=1), **options)


@pytest.fixture
def small(library: Library) -> Small:
    def run(*folders: Path) -> ScanReport | None:
        texts = [os.fspath(one) for one in folders]
        return scan_folders(library, texts, ScanControl(processes=1))

    return run


def names(library: Library) -> set[str]:
    return {path.name for path in library.files()}


def test_only_what_came_into_the_folders_is_taken_in(
    library: Library, folder: Path, make_photo: MakePhoto, full: Full, small: Small
) -> None:
    make_photo(folder / "a" / "1.jpg", 1)
    make_photo(folder / "b" / "2.jpg", 2)
    make_photo(folder / "b" / "deep" / "3.jpg", 3)
    full()
    for path, seed in (("a/4.jpg", 4), ("b/5.jpg", 5), ("b/deep/6.jpg", 6)):
        make_photo(folder / path, seed)
    (folder / "b" / "notes.txt").touch()
    report = small(folder / "b")
    assert report is not None and (report.seen, report.new, report.missing) == (2, 1, 0)
    assert names(library) == {"1.jpg", "2.jpg", "3.jpg", "5.jpg"}
    report = small(folder / "b", folder / "a", folder / "b" / "deep")
    assert report is not None and (report.seen, report.new) == (6, 2)
    report = small(folder)
    assert report is not None and (report.seen, report.new) == (0, 0), "the root itself has no file"
    before = file_rows(library)
    report = full()
    assert (report.new, report.changed, report.moved, report.missing) == (0, 0, 0, 0)
    assert file_rows(library) == before


def test_changed_and_touched_files_and_such_that_came_back(
    library: Library, folder: Path, tmp_path: Path, make_photo: MakePhoto, full: Full, small: Small
) -> None:
    for number in range(3):
        make_photo(folder / f"{number}.jpg", number)
    full()
    (folder / "2.jpg").rename(tmp_path / "2.jpg")
    assert full().missing == 1
    (tmp_path / "2.jpg").rename(folder / "2.jpg")
    make_photo(folder / "0.jpg", 10)
    (folder / "1.jpg").touch()
    report = small(folder)
    assert report is not None and (report.new, report.changed, report.missing) == (0, 1, 0)
    assert not any(row["missing_since"] for row in library.connection.execute("SELECT * FROM photo_files"))
    assert {path.name for path in library.files()} == {"0.jpg", "1.jpg", "2.jpg"}


def test_what_is_gone_is_for_a_scan_of_everything(
    library: Library, folder: Path, make_photo: MakePhoto, full: Full, small: Small
) -> None:
    for number in range(3):
        make_photo(folder / "a" / f"{number}.jpg", number)
    full()
    before = file_rows(library)
    (folder / "a" / "1.jpg").unlink()
    make_photo(folder / "a" / "new.jpg", 9)
    assert small(folder / "a") is None
    assert file_rows(library) == before
    assert (full().missing, small(folder / "a") is not None) == (1, True)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
@pytest.mark.parametrize("place", ["plain", "caf\udce9"])
def test_names_that_are_not_utf8(
    library: Library, folder: Path, make_photo: MakePhoto, full: Full, small: Small, place: str
) -> None:
    make_photo(folder / place / "a\udce9.jpg", 1, format="JPEG")
    make_photo(folder / place / "deep" / "b.jpg", 2)
    full()
    make_photo(folder / place / "c\udce9.jpg", 3, format="JPEG")
    report = small(folder / place)
    assert report is not None and (report.seen, report.new) == (2, 1)
    (folder / place / "a\udce9.jpg").unlink()
    assert small(folder / place) is None


def test_folders_that_nobody_has_looked_into(
    library: Library,
    folder: Path,
    make_photo: MakePhoto,
    full: Full,
    small: Small,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(small_scan, "_CLOCK_S", 0.05)
    make_photo(folder / "a.jpg", 1)
    (folder / "papers").mkdir()
    time.sleep(0.1)
    assert small(folder) is None, "before the first scan of everything"
    full()
    report = small(folder)
    assert report is not None, "the one without photos was looked into"
    make_photo(folder / "new" / "b.jpg", 2)
    assert small(folder) is None
    assert full().new == 1
    assert small(folder) is not None
    make_photo(folder / "papers" / "c.jpg", 3)
    assert small(folder) is None, "something came into it"
    monkeypatch.setattr(time, "time", lambda: 1.0)
    assert small(folder) is None, "the clock was put back"


def test_a_moved_file_is_for_a_scan_of_everything_and_a_copy_is_not(
    library: Library, folder: Path, make_photo: MakePhoto, full: Full, small: Small
) -> None:
    moved = make_photo(folder / "a" / "moved.jpg", 1)
    kept = make_photo(folder / "a" / "kept.jpg", 2)
    make_photo(folder / "b" / "x.jpg", 3)
    full()
    before = {photo.content_hash: photo.id for photo in library.photos()}
    (folder / "b" / "copy.jpg").write_bytes(kept.read_bytes())
    report = small(folder / "b")
    assert report is not None and (report.new, report.moved) == (1, 0)
    assert len(library.photos()) == 3
    moved.rename(folder / "b" / "moved.jpg")
    make_photo(folder / "b" / "new.jpg", 4)
    assert small(folder / "b") is None
    assert folder / "a" / "moved.jpg" in library.files()
    assert folder / "b" / "moved.jpg" not in library.files()
    report = full()
    assert (report.moved, report.missing) == (1, 0)
    assert before.items() <= {photo.content_hash: photo.id for photo in library.photos()}.items()
    assert library.failures() == [], "what was in hand meanwhile was finished"


def test_what_is_excluded(
    library: Library, folder: Path, make_photo: MakePhoto, full: Full, small: Small
) -> None:
    make_photo(folder / "Screenshots" / "a.jpg", 1)
    make_photo(folder / "b.jpg", 2)
    full()
    library.add_exclusion("Screenshots")
    library.add_exclusion("secret*")
    before = file_rows(library)
    assert small(folder / "Screenshots") is None
    assert file_rows(library) == before
    assert full().excluded == 1
    make_photo(folder / "secret.jpg", 3)
    make_photo(folder / "c.jpg", 4)
    report = small(folder)
    assert report is not None and (report.seen, report.new) == (2, 1)
    library.add_exclusion("b.jpg")
    assert small(folder) is None, "one that the library has is left out now"


def test_links_are_not_followed(
    library: Library, folder: Path, tmp_path: Path, make_photo: MakePhoto, full: Full, small: Small
) -> None:
    make_photo(folder / "a" / "1.jpg", 1)
    make_photo(folder / "b.jpg", 2)
    full()
    private = make_photo(tmp_path / "private" / "2.jpg", 3)
    (folder / "a" / "link.jpg").symlink_to(private)
    report = small(folder / "a")
    assert report is not None and (report.seen, report.new) == (1, 0)
    (folder / "a").rename(tmp_path / "a")
    (folder / "a").symlink_to(tmp_path / "private")
    assert small(folder / "a") is None
    (folder / "a").unlink()
    assert small(folder / "a") is None, "nothing is there"
    assert names(library) == {"1.jpg", "b.jpg"}


def test_places_in_doubt(
    library: Library,
    folder: Path,
    tmp_path: Path,
    make_photo: MakePhoto,
    full: Full,
    small: Small,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(4):
        make_photo(folder / "a" / f"{number}.jpg", number)
    full()
    make_photo(folder / "a" / "new.jpg", 9)
    assert small(tmp_path) is None, "none of the library's"
    other = tmp_path / "other"
    make_photo(other / "b.jpg", 10)
    library.add_root(other)
    assert small(other) is None, "not scanned yet"
    monkeypatch.setattr(small_scan, "read_mounts", lambda: [Mount(str(folder), "nfs4", "nas:/photos")])
    assert small(folder / "a") is None, "across a network"
    monkeypatch.setattr(small_scan, "read_mounts", lambda: [Mount(str(folder / "a"), "ext4", "/dev/sdz1")])
    assert small(folder / "a") is None, "mounted since"
    monkeypatch.undo()
    file_system = library.places()[folder].file_system
    assert file_system is not None
    library.note_place(folder, "another disk")
    assert small(folder / "a") is None
    library.note_place(folder, file_system)
    library.freeze_place(folder, "all 4 photos are gone at once", 4)
    assert small(folder / "a") is None
    assert folder in library.frozen_roots()
    assert full().new == 2
    assert small(folder / "a", other) is not None


def test_what_the_scan_of_everything_left_open_stays_noted(
    library: Library, folder: Path, make_photo: MakePhoto, full: Full, small: Small
) -> None:
    make_photo(folder / "a.jpg", 1)
    full()
    unlisted = [{"path": "/p/x", "reason": "permission denied"}]
    write_notes(library, ScanNotes(3, True, unlisted, time.time()))
    before = read_notes(library)
    make_photo(folder / "b.jpg", 2)
    assert small(folder) is not None
    assert read_notes(library) == before


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell")
def test_a_file_that_is_being_written_is_looked_at_again(
    library: Library, folder: Path, tmp_path: Path, make_photo: MakePhoto, full: Full, small: Small
) -> None:
    make_photo(folder / "a.jpg", 1)
    full()
    content = make_photo(tmp_path / "whole.jpg", 2).read_bytes()
    with (folder / "slow.jpg").open("wb") as file:
        file.write(content[:-1000])
        file.flush()
        report = small(folder)
        assert report is not None and (report.waiting, report.new) == (1, 0)
        assert read_notes(library).want_a_look
        file.write(content[-1000:])
    report = full()
    assert (report.new, read_notes(library).want_a_look) == (1, False)


def test_files_that_cannot_be_read(
    library: Library, folder: Path, make_photo: MakePhoto, full: Full, small: Small
) -> None:
    make_photo(folder / "a" / "1.jpg", 1)
    (folder / "a" / "broken.jpg").write_bytes(b"no photo")
    (folder / "other.jpg").write_bytes(b"no photo")
    full()
    (folder / "a" / "also.jpg").write_bytes(b"no photo either")
    report = small(folder / "a")
    assert report is not None
    assert [Path(one["path"]).name for one in report.failed] == ["also.jpg", "broken.jpg"]
    assert len(library.failures()) == 3
    (folder / "a" / "broken.jpg").unlink()
    assert small(folder / "a") is None
    full()
    assert len(library.failures()) == 2


def test_no_folder_at_all(library: Library, folder: Path, small: Small) -> None:
    """Somebody else has looked at them meanwhile."""
    report = small()
    assert report is not None and (report.seen, report.new) == (0, 0)
