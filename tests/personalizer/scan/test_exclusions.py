"""What is never looked at, and what a person leaves out: it keeps its name and comes back as it was."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from photos import package_photo

from personalizer.analysis.analyzer import PhotoAnalyzer, analysis_version
from personalizer.library.library import Library
from personalizer.scan.exclusions import exclusions_of
from personalizer.scan.full_scan import scan
from personalizer.scan.importer import ScanControl
from personalizer.scan.walk import Walk
from personalizer.schemas import ScanReport

MakePhoto = Callable[..., Path]
Run = Callable[[], ScanReport]
pytestmark = pytest.mark.usefixtures("known_analyses")


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "photos" / "home" / "library.sqlite3") as opened:
        yield opened


@pytest.fixture
def folder(library: Library, tmp_path: Path) -> Path:
    path = tmp_path / "photos"
    library.add_root(path)
    return path


@pytest.fixture
def run(library: Library) -> Run:
    return lambda: scan(library, library.roots(), ScanControl(processes=1))


def test_what_other_programs_keep_for_themselves_is_never_looked_at(
    folder: Path, library: Library, make_photo: MakePhoto, run: Run
) -> None:
    kept = make_photo(folder / "a.jpg", 1)
    originals = make_photo(folder / "Mine.photoslibrary" / "originals" / "a" / "c.jpg", 2)
    for number, place in enumerate(
        (".hidden/a.jpg", "@eaDir/a.jpg", "x/@EADIR/a.jpg", "#recycle/a.jpg", "$RECYCLE.BIN/a.jpg", ".b.jpg")
    ):
        make_photo(folder / place, 10 + number)
    make_photo(folder / "Cat Previews.lrdata" / "a.jpg", 3)
    make_photo(folder / "Mine.photoslibrary" / "resources" / "derivatives" / "a.jpg", 4)
    make_photo(library.path.parent / "crops" / "a.jpg", 5)
    walk = Walk([folder], exclusions_of(library))
    assert {file.path for file in walk.files()} == {kept, originals}
    library.add_root(library.path.parent)
    library.add_root(library.path.parent / "crops")
    assert (run().new, set(library.files())) == (2, {kept, originals})


def test_what_is_left_out_keeps_its_name_and_comes_back(
    folder: Path, library: Library, make_photo: MakePhoto, run: Run
) -> None:
    kept = make_photo(folder / "a.jpg", 1)
    for number in range(4):
        make_photo(folder / "Screenshots" / f"{number}.jpg", 10 + number)
    (folder / "Screenshots" / "broken.jpg").write_bytes(b"\xff\xd8\xff and no more")
    assert run().new == 5
    photo = next(photo for photo in library.photos() if photo.path.name == "0.jpg")
    [detection, *_] = library.detections(photo_id=photo.id)
    concept = library.create_concept("object", "Mug")
    library.add_members(concept.id, [detection.id], source="user", status="confirmed")
    assert library.add_exclusion("Screenshots") and not library.add_exclusion("Screenshots")
    report = run()
    # All of a folder at once, but a person said so: no question is asked.
    assert (report.excluded, report.missing, report.frozen, report.failed) == (4, 0, [], [])
    assert [photo.path for photo in library.photos()] == [kept]
    assert library.failures() == []
    assert (run().excluded, run().missing) == (0, 0)
    assert library.remove_exclusion("Screenshots") and not library.remove_exclusion("Screenshots")
    report = run()
    assert (report.new, report.changed, len(library.photos())) == (0, 0, 5)
    assert [member.id for member in library.members(concept.id)] == [detection.id]
    assert len(report.failed) == 1, "it is looked at again"


def test_words_and_colors_of_what_is_left_out_go_and_are_made_again(
    folder: Path, library: Library, run: Run
) -> None:
    cat, copy = folder / "Screenshots" / "cat.png", folder / "cat.png"
    cat.parent.mkdir(parents=True)
    package_photo("skimage", "data/chelsea.png").save(cat)
    run()
    [photo] = library.photos()

    def kept() -> tuple[int, int, int]:
        source = library.newest_vector_source("photo")
        assert source is not None
        cutouts = library.cutouts_of([photo.id], *source)
        return len(library.labels(photo.id)), len(library.colors_of([photo.id])), len(cutouts)

    assert min(kept()) > 0
    library.replace_texts(photo.id, {"title": "A tabby"})
    library.store_lettering(photo.id, "MEOW")
    version = analysis_version(PhotoAnalyzer())
    shutil.copy(cat, copy)
    run()
    library.add_exclusion("Screenshots")
    run()
    assert min(kept()) > 0, "the copy shows the same"
    copy.unlink()
    run()
    library.remove_exclusion("Screenshots")
    run()
    assert library.photos_to_analyze(version) == []
    library.add_exclusion("Screenshots")
    assert run().excluded == 1
    assert kept() == (0, 0, 0)
    assert library.texts(photo.id) == [] and library.photos_written_about([["tabby"], ["meow"]]) == {}
    library.remove_exclusion("Screenshots")
    run()
    assert library.photos_to_analyze(version) == [photo.id]


def test_exclusions_hold_for_files_with_odd_names(
    folder: Path, library: Library, make_photo: MakePhoto, run: Run
) -> None:
    odd = folder / os.fsdecode(b"caf\xe9 [1].jpg")
    make_photo(folder / "a.jpg", 1).rename(odd)
    library.add_exclusion("Caf* [[]1].jpg")
    assert run().seen == 0
