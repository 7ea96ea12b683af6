"""Files beside photos belong to the right photo, go where it goes, and only fill in what it lacks."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest
import raw_files
from PIL import Image
from stored_photos import mark_missing, store_photo

from personalizer.library.library import Library
from personalizer.scan.full_scan import scan
from personalizer.scan.sidecar_files import find_companions

XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:DateTimeOriginal="{date}"
exif:GPSLatitude="48,51.5N" exif:GPSLongitude="2,17,40.2E"/></rdf:RDF></x:xmpmeta>"""
TAKEOUT = '{"title": "x", "photoTakenTime": {"timestamp": "1600000000"}, "geoData": {"latitude": 1.5, "longitude": 2}}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "photos"
    path.mkdir()
    return path


def record(library: Library, path: Path, at: datetime | None = None, latitude: float | None = None) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(path.name.encode())
    return store_photo(
        library, content_hash=str(path), path=path, taken_at=at, latitude=latitude, longitude=latitude
    ).id


def touch(path: Path, content: str = "x") -> Path:
    path.write_text(content)
    return path


@pytest.mark.parametrize(
    ("photos", "companion", "belongs_to", "kind"),
    [
        (["IMG_1.HEIC"], "IMG_1.MOV", "IMG_1.HEIC", "live_video"),
        (["IMG_1.HEIC", "IMG_1.JPG", "IMG_1.DNG"], "img_1.mov", "IMG_1.HEIC", "live_video"),
        (["IMG_1.CR2", "IMG_1.JPG"], "IMG_1.mp4", "IMG_1.JPG", "motion_video"),
        (["PXL_1.MP.jpg"], "PXL_1.MP", "PXL_1.MP.jpg", "motion_video"),
        (["PXL_1.MP~2.jpg"], "PXL_1.MP~2", "PXL_1.MP~2.jpg", "motion_video"),
        (["PXL_1.MP.jpg"], "PXL_1.mp4", "PXL_1.MP.jpg", "motion_video"),
        (["IMG_0108.HEIC"], "IMG_0108_HEVC.MOV", "IMG_0108.HEIC", "live_video"),
        (["IMG_0108.HEIC", "IMG_0108_HEVC.HEIC"], "IMG_0108_HEVC.MOV", "IMG_0108_HEVC.HEIC", "live_video"),
        (["IMG_1.HEIC"], "IMG_1.AAE", "IMG_1.HEIC", "aae"),
        (["IMG_1.CR2", "IMG_1.JPG"], "IMG_1.xmp", "IMG_1.CR2", "xmp"),
        (["IMG_1.CR2", "IMG_1.JPG"], "IMG_1.JPG.xmp", "IMG_1.JPG", "xmp"),
        (["IMG_1.jpg"], "IMG_1.jpg.json", "IMG_1.jpg", "takeout"),
        (["IMG_1.jpg", "IMG_1(1).jpg"], "IMG_1.jpg(1).json", "IMG_1(1).jpg", "takeout"),
        (["IMG_1.jpg", "IMG_1(1).jpg"], "IMG_1.jpg.supplemental-metadata(1).json", "IMG_1(1).jpg", "takeout"),
        (["IMG_1.jpg"], "IMG_1.jpg.supplemental-meta.json", "IMG_1.jpg", "takeout"),
        (["a name that is much longer than what is kept of it.jpg"],
         "a name that is much longer than what is kept of.json",
         "a name that is much longer than what is kept of it.jpg", "takeout"),
        (["IMG_1.jpg"], "IMG_2.MOV", None, ""),
        (["IMG_1.jpg"], "package.json", None, ""),
        (["IMG_1.jpg"], "IMG_1.jpg(1).json", None, ""),
        (["IMG_1.jpg"], "IMG_10.xmp", None, ""),
    ],
)  # fmt: skip
def test_which_photo_a_file_belongs_to(
    library: Library, folder: Path, photos: list[str], companion: str, belongs_to: str | None, kind: str
) -> None:
    ids = {name: record(library, folder / name) for name in photos}
    path = touch(folder / companion)
    find_companions(library)
    found = [(one.path, one.photo_id, one.kind) for one in library.companion_files()]
    assert found == ([] if belongs_to is None else [(path, ids[belongs_to], kind)])


def test_a_film_with_the_name_of_a_photo_is_a_film(library: Library, folder: Path) -> None:
    record(library, folder / "a.jpg")
    with (folder / "a.mov").open("wb") as file:
        file.truncate(200 * 2**20)
    assert find_companions(library).companions == 0


def test_only_what_a_photo_lacks_is_filled_in(library: Library, folder: Path) -> None:
    own = datetime(2001, 1, 2)
    dated = record(library, folder / "dated.jpg", own)
    placed = record(library, folder / "placed.jpg", None, 10.0)
    bare = record(library, folder / "bare.jpg")
    for name in ("dated", "placed", "bare"):
        touch(folder / f"{name}.xmp", XMP.format(date="2010-02-03T04:05:06"))
    report = find_companions(library)
    assert (report.companions, report.dates, report.places) == (3, 2, 2)
    assert library.photo(dated).taken_at == own and library.photo(dated).latitude == 48.8583333
    assert library.photo(placed).latitude == library.photo(placed).longitude == 10.0
    assert library.photo(bare).taken_at == datetime(2010, 2, 3, 4, 5, 6)
    # What it filled in itself, it may correct; nothing else.
    for name in ("dated", "bare"):
        touch(folder / f"{name}.xmp", XMP.format(date="2011-12-13T14:15:16+09:00"))
    assert find_companions(library).dates == 1
    assert library.photo(dated).taken_at == own
    assert library.photo(bare).taken_at == datetime(2011, 12, 13, 14, 15, 16)
    assert find_companions(library) == find_companions(library)


def test_companions_go_where_their_photo_goes(library: Library, folder: Path) -> None:
    photo = record(library, folder / "old" / "a.jpg")
    touch(folder / "old" / "a.xmp", XMP.format(date="2010-02-03T04:05:06"))
    touch(folder / "old" / "a.mov")
    find_companions(library)
    shutil.move(folder / "old", folder / "new")
    library.move_file(folder / "old" / "a.jpg", folder / "new" / "a.jpg", size=1, mtime_ns=1)
    find_companions(library)
    found = library.companion_files(photo)
    assert [one.path for one in found] == [folder / "new" / "a.mov", folder / "new" / "a.xmp"]
    # It is still known that the date came from there.
    touch(folder / "new" / "a.xmp", XMP.format(date="2015-02-03T04:05:06"))
    find_companions(library)
    assert library.photo(photo).taken_at == datetime(2015, 2, 3, 4, 5, 6)
    (folder / "new" / "a.xmp").unlink()
    find_companions(library)
    assert [one.path.name for one in library.companion_files()] == ["a.mov"]
    assert library.photo(photo).taken_at == datetime(2015, 2, 3, 4, 5, 6)


def test_a_folder_that_is_not_there_says_nothing(library: Library, folder: Path) -> None:
    record(library, folder / "drive" / "a.jpg")
    touch(folder / "drive" / "a.mov")
    find_companions(library)
    (folder / "drive").rename(folder / "unmounted")
    assert find_companions(library).companions == 1
    mark_missing(library, [folder / "drive" / "a.jpg"])
    assert find_companions(library).companions == 1


def test_after_a_scan_of_real_files(library: Library, folder: Path, make_photo: Callable[..., Path]) -> None:
    make_photo(folder / "a.jpg", 1)
    touch(folder / "a.jpg.json", TAKEOUT)
    make_photo(folder / "b.jpg", 2)
    touch(folder / "b.MOV")
    (folder / "c.dng").write_bytes(
        raw_files.dng(raw_files.jpeg(Image.new("RGB", (600, 400), "teal")), (600, 400))
    )
    touch(folder / "c.xmp", XMP.format(date="2010-02-03T04:05:06"))
    report = scan(library, [folder])
    assert (report.seen, report.new, report.failed) == (3, 3, [])
    assert find_companions(library).companions == 3
    first, raw = library.photo_by_path(folder / "a.jpg"), library.photo_by_path(folder / "c.dng")
    assert first is not None and (first.latitude, first.longitude) == (1.5, 2.0)
    assert raw is not None and raw.taken_at == datetime(2021, 5, 6, 7, 8, 9), (
        "what the RAW file itself says stands"
    )


def test_a_renamed_folder_of_thousands_takes_seconds(library: Library, folder: Path) -> None:
    (folder / "old").mkdir()
    (folder / "new").mkdir()
    with library.transaction():
        for number in range(3000):
            path = folder / "old" / f"{number}.jpg"
            store_photo(library, content_hash=str(number), path=path)
            path.with_suffix(".xmp").write_text(XMP.format(date="2010-02-03T04:05:06"))
    report = find_companions(library)
    assert (report.companions, report.dates) == (3000, 3000)
    with library.transaction():
        for number in range(3000):
            (folder / "old" / f"{number}.xmp").rename(folder / "new" / f"{number}.xmp")
            library.move_file(
                folder / "old" / f"{number}.jpg", folder / "new" / f"{number}.jpg", size=1, mtime_ns=1
            )
    started = time.process_time()
    report = find_companions(library)
    assert (report.companions, report.dates) == (3000, 3000) and time.process_time() - started < 5
    assert {one.path.parent for one in library.companion_files()} == {folder / "new"}
    assert all(one.gave_date for one in library.companion_files())


def test_cancelled_it_keeps_what_is_known(library: Library, folder: Path) -> None:
    record(library, folder / "a.jpg")
    touch(folder / "a.xmp", XMP.format(date="2010-02-03T04:05:06"))
    find_companions(library)
    (folder / "a.xmp").rename(folder / "a.jpg.xmp")
    answers = iter([False, True])
    find_companions(library, lambda: next(answers))
    assert [one.path.name for one in library.companion_files()] == ["a.xmp"]
    find_companions(library)
    assert [one.path.name for one in library.companion_files()] == ["a.jpg.xmp"]


def test_a_hostile_sidecar_leaves_its_photo_alone(library: Library, folder: Path) -> None:
    photo = record(library, folder / "a.jpg")
    bomb = "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>" + "".join(
        f"<!ENTITY {new} '{f'&{old};' * 10}'>" for old, new in pairwise("abcdefghij")
    )
    touch(folder / "a.xmp", f"<?xml version='1.0'?>{bomb}]><x>&j;</x>")
    (folder / "a.jpg.xmp").symlink_to("/etc/hostname")
    with (folder / "a.jpg.json").open("wb") as file:
        file.truncate(2**33)
    started = time.process_time()
    report = find_companions(library)
    assert (report.companions, report.dates, report.places) == (2, 0, 0), "the link is none of its files"
    assert time.process_time() - started < 2 and library.photo(photo).taken_at is None


def test_a_date_of_an_unset_clock_makes_way(library: Library, folder: Path) -> None:
    unset = record(library, folder / "unset.jpg", datetime(2000, 1, 1))
    alone = record(library, folder / "alone.jpg", datetime(2000, 1, 1))
    zone = record(library, folder / "zone.jpg", datetime(2000, 1, 1))
    touch(folder / "unset.xmp", XMP.format(date="2010-02-03T04:05:06"))
    touch(folder / "zone.xmp", XMP.format(date="2000-01-01T06:00:00"))
    assert find_companions(library).dates == 1
    assert library.photo(unset).taken_at == datetime(2010, 2, 3, 4, 5, 6)
    assert library.photo(alone).taken_at == library.photo(zone).taken_at == datetime(2000, 1, 1)
    # The date is the sidecar's from now on.
    touch(folder / "unset.xmp", XMP.format(date="2011-12-13T14:15:16+09:00"))
    find_companions(library)
    assert library.photo(unset).taken_at == datetime(2011, 12, 13, 14, 15, 16)


def test_a_date_after_now_is_not_taken(library: Library, folder: Path) -> None:
    photo = record(library, folder / "a.jpg")
    touch(folder / "a.xmp", XMP.format(date="2010-02-03T04:05:06"))
    assert find_companions(library, now=datetime(2009, 1, 1)).dates == 0
    assert library.photo(photo).taken_at is None


def test_an_edited_copy_gets_the_date_of_its_original(library: Library, folder: Path) -> None:
    original = record(library, folder / "a.jpg")
    touch(folder / "a.jpg.json", TAKEOUT)
    assert find_companions(library).dates == 1
    # Imported later, while the file beside its original has not changed.
    edited = record(library, folder / "a-edited.jpg")
    dated = record(library, folder / "a-bearbeitet.jpg", datetime(2021, 5, 6))
    assert find_companions(library).dates == 1 and find_companions(library).dates == 0
    assert library.photo(edited).taken_at == library.photo(original).taken_at is not None
    assert library.photo(edited).latitude == 1.5
    assert library.photo(dated).taken_at == datetime(2021, 5, 6)
    assert [one.photo_id for one in library.companion_files()] == [original]


def test_a_camera_of_1904_with_googles_date(
    library: Library, folder: Path, make_photo: Callable[..., Path]
) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "1904:01:01 00:00:00"
    with Image.open(make_photo(folder / "a.jpg", 1)) as image:
        image.load()
        image.save(folder / "a.jpg", exif=exif)
    touch(folder / "a.jpg.json", TAKEOUT)
    scan(library, [folder])
    find_companions(library)
    photo = library.photo_by_path(folder / "a.jpg")
    assert photo is not None and photo.taken_at is not None and photo.taken_at.year == 2020
