"""What a scan does not read is counted and said: pictures of other kinds, and symbolic links."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from assistant.presentation.lines import scan_lines
from personalizer.library.library import Library
from personalizer.scan.full_scan import scan
from personalizer.scan.importer import ScanControl
from personalizer.scan.notes import read_notes
from personalizer.schemas import ScanReport

MakePhoto = Callable[..., Path]
Run = Callable[[], ScanReport]
pytestmark = pytest.mark.usefixtures("known_analyses")


@pytest.fixture
def run(library: Library) -> Run:
    return lambda: scan(library, library.roots(), ScanControl(processes=1))


@pytest.mark.parametrize(
    ("names", "kinds", "said"),
    [
        (
            ["a.jxl", "b.JXL", "x/c.jxl", "d.psd"],
            {".jxl": 3, ".psd": 1},
            "4 files of kinds that cannot be read: 3 .jxl, 1 .psd",
        ),
        (["a.exr"], {".exr": 1}, "1 file of kinds that cannot be read: 1 .exr"),
        (["a.txt", ".hidden.psd", "@eaDir/a.jxl", "a.mp4"], {}, "0 files seen: nothing new"),
    ],
)
def test_kinds_that_cannot_be_read_are_counted(
    library: Library, folder: Path, run: Run, names: list[str], kinds: dict[str, int], said: str
) -> None:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"\xff\x0a and so on")
    report = run()
    assert (report.seen, report.unread_kinds, report.failed) == (0, kinds, [])
    assert read_notes(library).unread_kinds == kinds
    assert said in scan_lines(report)


def test_excluded_kinds_are_not_counted(library: Library, folder: Path, run: Run) -> None:
    (folder / "a.jxl").touch()
    library.add_exclusion("*.jxl")
    assert run().unread_kinds == {}


def annexed(folder: Path, make_photo: MakePhoto) -> int:
    """As git-annex keeps photos: in a hidden folder, by their hash."""
    for number in range(3):
        content = make_photo(folder / ".git" / "annex" / "objects" / f"SHA256-{number}.jpg", number)
        (folder / f"{number}.jpg").symlink_to(os.path.relpath(content, folder))
    return 3


def outside(folder: Path, make_photo: MakePhoto) -> int:
    secret = make_photo(folder.parent / "secret" / "s.jpg", 1)
    (folder / "s.jpg").symlink_to(secret)
    (folder / "whole").symlink_to(secret.parent)
    return 2


def broken(folder: Path, make_photo: MakePhoto) -> int:
    (folder / "gone.jpg").symlink_to(folder / "nowhere.jpg")
    (folder / "film.mp4").symlink_to(folder / "nowhere.mp4")
    (folder / ".hidden").symlink_to(folder / "nowhere")
    return 1


@pytest.mark.parametrize("links", [annexed, outside, broken])
def test_links_are_counted_and_not_followed(
    library: Library, folder: Path, make_photo: MakePhoto, run: Run, links: Callable[[Path, MakePhoto], int]
) -> None:
    number = links(folder, make_photo)
    report = run()
    assert (report.seen, report.links, library.files()) == (0, number, {})
    assert read_notes(library).links == number
    what = "link was" if number == 1 else "links were"
    assert f"{number} symbolic {what} not followed" in scan_lines(report)
