"""Edits that keep a file's size and time are noticed, and no photo is read again for anything else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection
from pathlib import Path

import pytest
from PIL import Image

from personalizer.library.library import Library
from personalizer.photos import decode
from personalizer.scan.file_system import Mount
from personalizer.scan.folder_scan import scan_folders
from personalizer.scan.full_scan import scan
from personalizer.scan.importer import ScanControl
from personalizer.schemas import ScanReport

MakePhoto = Callable[..., Path]
Run = Callable[[], ScanReport]
pytestmark = pytest.mark.usefixtures("known_analyses")


@pytest.fixture
def run(library: Library) -> Run:
    return lambda: scan(library, library.roots(), ScanControl(processes=1))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of files whose content was read."""
    names: list[str] = []
    read = decode.read_photo_bytes

    def noted(path: Path, *more: object) -> bytes:
        names.append(path.name)
        return read(path, *more)

    monkeypatch.setattr("personalizer.scan.importer.read_photo_bytes", noted)
    return names


def turned(content: bytes) -> bytes:
    """The photo with another orientation in as many bytes."""
    assert content.count(b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x01") == 1
    return content.replace(
        b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x01", b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06"
    )


def photo_to_turn(make_photo: MakePhoto, path: Path, number: int) -> Path:
    with Image.open(make_photo(path, number)) as image:
        exif = Image.Exif()
        exif[0x0112] = 1
        image.save(path, exif=exif)
    return path


def in_place(path: Path) -> None:
    path.write_bytes(turned(path.read_bytes()))


def by_renaming(path: Path) -> None:
    new = path.with_suffix(".tmp")
    new.write_bytes(turned(path.read_bytes()))
    new.rename(path)


def one_byte(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(-3, os.SEEK_END)
        last = file.read(1)
        file.seek(-3, os.SEEK_END)
        file.write(bytes([last[0] ^ 1]))


@pytest.mark.parametrize("edit", [in_place, by_renaming, one_byte])
@pytest.mark.parametrize("whole", [True, False])
def test_an_edit_that_keeps_size_and_time_is_noticed(
    library: Library,
    folder: Path,
    make_photo: MakePhoto,
    run: Run,
    edit: Callable[[Path], None],
    whole: bool,
) -> None:
    path = photo_to_turn(make_photo, folder / "a.jpg", 1)
    make_photo(folder / "b.jpg", 2)
    run()
    [before] = [photo for photo in library.photos() if photo.path == path]
    status = path.stat()
    edit(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    report = run() if whole else scan_folders(library, [str(folder)], ScanControl(processes=1))
    assert report is not None and (report.new, report.changed) == (0, 1)
    [after] = [photo for photo in library.photos() if photo.path == path]
    assert after.content_hash != before.content_hash
    if edit is not one_byte:
        assert (after.width_px, after.height_px) == (before.height_px, before.width_px)


def link(path: Path) -> None:
    os.link(path, path.parent.parent / "linked")


@pytest.mark.parametrize("touch", [lambda path: path.chmod(0o600), link, lambda path: path.chmod(0o644)])
def test_what_leaves_the_content_alone_is_read_once_and_not_analyzed(
    library: Library,
    folder: Path,
    make_photo: MakePhoto,
    run: Run,
    reads: list[str],
    touch: Callable[[Path], None],
) -> None:
    path = make_photo(folder / "a.jpg", 1)
    make_photo(folder / "b.jpg", 2)
    run()
    reads.clear()
    touch(path)
    report = run()
    assert (report.changed, report.new, report.photos_per_s) == (0, 0, 0.0) and reads == ["a.jpg"]
    run()
    assert reads == ["a.jpg"]


def forget_numbers(library: Library) -> None:
    """As an older version left them."""
    library.connection.execute("UPDATE photo_files SET inode = NULL, ctime_ns = NULL")


def other_machine(library: Library) -> None:
    """What restoring a backup does."""
    library.forget_places()


def other_disk(library: Library) -> None:
    library.connection.execute("UPDATE places SET file_system = 'id of the old disk'")


@pytest.mark.parametrize("happened", [forget_numbers, other_machine, other_disk])
def test_after_an_upgrade_a_restore_or_a_move_nothing_is_read_again(
    library: Library,
    folder: Path,
    make_photo: MakePhoto,
    run: Run,
    reads: list[str],
    happened: Callable[[Library], None],
) -> None:
    for number in range(3):
        photo_to_turn(make_photo, folder / f"{number}.jpg", number)
    run()
    reads.clear()
    # Every file is a copy with the time of the old one.
    shutil.copytree(folder, folder.parent / "copy")
    shutil.rmtree(folder)
    (folder.parent / "copy").rename(folder)
    happened(library)
    report = run()
    assert (report.new, report.changed, report.missing, reads) == (0, 0, 0, [])
    # From then on edits are noticed again.
    path = folder / "1.jpg"
    status = path.stat()
    in_place(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert run().changed == 1 and reads == ["1.jpg"]


@pytest.mark.parametrize("kind", ["vfat", "exfat", "nfs4", "fuse.sshfs", "fuseblk"])
def test_where_numbers_are_made_up_they_say_nothing(
    library: Library,
    folder: Path,
    make_photo: MakePhoto,
    run: Run,
    reads: list[str],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    mounts = [Mount("/", kind, "/dev/sdx")]
    monkeypatch.setattr("personalizer.scan.full_scan.read_mounts", lambda: mounts)
    monkeypatch.setattr("personalizer.scan.file_system.Settling.network_look_s", 0.0, raising=False)
    path = make_photo(folder / "a.jpg", 1)
    run()
    reads.clear()
    path.chmod(0o600)
    assert run().changed == 0 and reads == []


@pytest.mark.parametrize(
    ("kind", "keeps"), [("ext4", True), ("btrfs", True), ("tmpfs", True), ("vfat", False), ("9p", False)]
)
def test_which_file_systems_keep_numbers(kind: str, keeps: bool) -> None:
    assert Mount("/", kind, "x").keeps_numbers is keeps


def numbers(library: Library) -> Collection[tuple[object, ...]]:
    return {tuple(row) for row in library.connection.execute("SELECT path, inode, ctime_ns FROM photo_files")}


def test_numbers_are_those_of_the_files(
    library: Library, folder: Path, make_photo: MakePhoto, run: Run
) -> None:
    paths = [make_photo(folder / f"{number}.jpg", number) for number in range(2)]
    run()
    paths[0] = paths[0].rename(folder / "moved.jpg")
    run()
    expected = {(str(path), str(path.stat().st_ino), path.stat().st_ctime_ns) for path in paths}
    assert numbers(library) == expected
