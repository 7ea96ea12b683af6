"""Looking again with newer models keeps what people said, whatever the models find now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from photos import ASTRONAUT, package_photo
from PIL import Image
from stored_photos import store_photo

from personalizer.analysis.analyzer import PhotoAnalyzer, analysis_version
from personalizer.analysis.process import Unreadable
from personalizer.library.library import Library
from personalizer.scan import reanalysis
from personalizer.scan.full_scan import scan
from personalizer.scan.importer import ScanControl
from personalizer.scan.reanalysis import Reanalysis, analyze_again, look_for_faces
from personalizer.scan.sidecar_files import find_companions
from personalizer.schemas import BoundingBox, Embedding, NewDetection, Progress

TAKEOUT = '{"title": "x", "photoTakenTime": {"timestamp": "1600000000"}, "geoData": {"latitude": 1.5, "longitude": 2}}'


def found(kind: str, *edges: float, version: str = "2") -> tuple[NewDetection, Embedding]:
    return NewDetection(kind, BoundingBox(*edges), 0.9, "new"), Embedding(np.full(4, 2.0, "f4"), "m", version)


def test_detections_that_are_where_older_ones_were_keep_their_numbers(library: Library) -> None:
    photo = store_photo(
        library,
        content_hash="a",
        path=Path("/a.jpg"),
        width_px=100,
        height_px=100,
        detections=[
            found("photo", 0, 0, 100, 100, version="1"),
            found("face", 10, 10, 30, 30, version="1"),
            found("face", 60, 10, 80, 30, version="1"),
            found("face", 60, 60, 80, 80, version="1"),
            found("object", 0, 0, 20, 20, version="1"),
        ],
        analysed_by="older",
    )
    whole, same, gone, confirmed, thing = (detection.id for detection in library.detections(photo.id))
    concept = library.create_concept("face", "Bo")
    library.add_members(concept.id, [same, confirmed], source="user", status="confirmed")
    library.add_members(concept.id, [gone], source="cluster", status="suggested")
    library.set_indexed(None, indexed=True)
    now = [
        found("photo", 0, 0, 100, 100),
        found("face", 12, 11, 32, 30),
        found("face", 40, 40, 50, 50),
        found("object", 50, 50, 90, 90),
    ]
    library.replace_analysis(photo.id, now, "newer")
    left = {detection.id: detection for detection in library.detections(photo.id)}
    assert left[whole].score == 0.9 and left[same].box == BoundingBox(12, 11, 32, 30)
    assert gone not in left and thing not in left
    assert left[confirmed].box == BoundingBox(60, 60, 80, 80), "a person said who that is"
    assert {member.id for member in library.members(concept.id)} == {same, confirmed}
    assert len(left) == 5
    assert library.counts()["not_indexed"] == 4, "the new vectors"
    assert {removed for removed, _, _ in library.index_removals(9)} == {gone, thing}
    assert library.drop_superseded_vectors([("m", "2")]) == 2
    assert set(library.vectors_of([whole, same, confirmed], "m", "1")) == {confirmed}
    assert library.photos_to_analyze("newer") == []


def test_the_real_models_look_again(
    library: Library,
    tmp_path: Path,
    make_photo: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path / "photos"
    for number in range(4):
        make_photo(folder / f"{number}.jpg", number)
    scan(library, [folder])
    version = analysis_version(PhotoAnalyzer())
    assert library.photos_to_analyze(version) == [], "the scan notes by what it looked"
    before = {photo.id: [d.id for d in library.detections(photo.id)] for photo in library.photos()}
    library.connection.execute("UPDATE photos SET analysed_by = 'older'")
    make_photo(folder / "3.jpg", 33)
    (folder / "2.jpg").unlink()
    advanced: list[int] = []
    monkeypatch.setattr(reanalysis, "PROCESSES", 1)

    def again(stop_after: int = 99) -> Reanalysis:
        return analyze_again(
            library,
            version,
            progress=lambda progress: None,
            cancelled=lambda: len(advanced) >= stop_after,
            advanced=lambda: advanced.append(1),
        )

    stopped = again(stop_after=1)
    assert stopped.analysed == 1, "stopped in between"
    rest = again()
    assert (rest.analysed, rest.changed, rest.failed) == (1, 2, [])
    assert {photo.id: [d.id for d in library.detections(photo.id)] for photo in library.photos()} == {
        photo.id: before[photo.id] for photo in library.photos()
    }
    left = set(library.photos_to_analyze(version))
    assert left == {library.photo_by_path(folder / name).id for name in ("2.jpg", "3.jpg")}


@pytest.mark.usefixtures("known_analyses")
def test_looking_again_reads_date_place_and_camera_anew(
    library: Library, tmp_path: Path, make_photo: Callable[..., Path]
) -> None:
    """An earlier version could not read these dates, and believed 1904; what came from a file beside a photo stays."""
    folder = tmp_path / "photos"
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Fuji", "X100"
    exif.get_ifd(0x8769)[0x9003] = "2015:08:22 24:08:19"
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 30.0, 0.0), 3: "E", 4: (2.0, 15.0, 0.0)})
    for number, name in enumerate(["own", "beside", "unset", "both"]):
        with Image.open(make_photo(folder / f"{name}.jpg", number)) as image:
            image.load()
            image.save(folder / f"{name}.jpg", **({"exif": exif} if name in ("own", "both") else {}))
    for name in ("beside", "unset", "both"):
        (folder / f"{name}.jpg.json").write_text(TAKEOUT)
    scan(library, [folder])
    ids = {path.stem: library.photo_by_path(path).id for path in folder.glob("*.jpg")}
    empty = {"latitude": None, "longitude": None, "camera": None, "own_date": False, "own_place": False}
    for name in ("own", "both", "beside"):
        library.refresh_metadata(ids[name], taken_at=None, **empty)
    find_companions(library)
    library.refresh_metadata(ids["unset"], taken_at=datetime(1904, 1, 1), **{**empty, "own_date": True})
    library.connection.execute("UPDATE photos SET analysed_by = 'older'")
    version = analysis_version(PhotoAnalyzer())
    report = analyze_again(
        library,
        version,
        progress=lambda progress: None,
        cancelled=lambda: False,
        advanced=lambda: None,
    )
    assert report.analysed == 4
    given = datetime.fromtimestamp(1_600_000_000)
    midnight = datetime(2015, 8, 22, 0, 8, 19)
    for name, taken_at in {"own": midnight, "both": midnight, "beside": given, "unset": None}.items():
        assert library.photo(ids[name]).taken_at == taken_at, name
    for name in ("own", "both"):
        photo = library.photo(ids[name])
        assert (photo.latitude, photo.longitude, photo.camera) == (48.5, 2.25, "Fuji X100")
    assert library.photo(ids["beside"]).latitude == 1.5
    assert find_companions(library).dates == 2, "the files beside them are read anew"
    assert library.photo(ids["unset"]).taken_at == library.photo(ids["beside"]).taken_at == given
    assert library.photo(ids["both"]).taken_at == midnight, "its own date is not the sidecar's to correct"


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A folder with three photos of one face."""
    folder = tmp_path / "people"
    folder.mkdir()
    face = package_photo(*ASTRONAUT)
    for number in range(3):
        face.crop((number, 0, 512, 400)).save(folder / f"{number}.png")
    return folder


def faces_of(library: Library) -> list[int]:
    return [detection.id for detection in library.detections(kind="face")]


@pytest.mark.usefixtures("known_analyses")
def test_faces_that_are_switched_off_meanwhile_are_kept_and_none_is_added(
    library: Library, people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reanalysis, "PROCESSES", 1)
    scan(library, [people])
    known = faces_of(library)
    assert len(known) == 3
    version = analysis_version(PhotoAnalyzer())
    library.connection.execute("UPDATE photos SET analysed_by = 'older'")
    last = library.photos_to_analyze(version)[-1]
    # The older models overlooked it.
    library.delete_detections([face.id for face in library.detections(last) if face.kind == "face"])
    kept = faces_of(library)
    report = analyze_again(
        library,
        version,
        progress=lambda progress: library.switch_faces(False),
        cancelled=lambda: False,
        advanced=lambda: None,
    )
    assert report.analysed == 3 and faces_of(library) == kept
    assert last in library.faceless_photos(), "for when they are switched on again"


@pytest.mark.usefixtures("known_analyses")
def test_faces_that_are_switched_off_during_an_import_are_not_stored(library: Library, people: Path) -> None:
    def off(progress: Progress) -> None:
        if progress.done:
            library.switch_faces(False)

    scan(library, [people], ScanControl(off, processes=1))
    assert len(library.photos()) == 3 and len(faces_of(library)) == 1
    assert len(library.faceless_photos()) == 2


@pytest.mark.usefixtures("known_analyses")
def test_a_photo_for_which_memory_was_short_is_looked_at_for_faces_another_time(
    library: Library, people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan(library, [people])
    photos = [photo.id for photo in library.photos()]
    for photo_id in photos:
        library.note_faceless(photo_id)
    # What a process says where its memory is not limited and the machine has none left.
    short = Unreadable("not enough memory to decode it", passing=True)
    monkeypatch.setattr(reanalysis.AnalysisProcess, "receive", lambda process: short)
    found = look_for_faces(
        library, progress=lambda progress: None, cancelled=lambda: False, advanced=lambda: None
    )
    assert found == {"looked_at": 0, "faces": 0, "left": 3}
