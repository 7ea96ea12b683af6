"""What is said about the photos of a concept, on photos of the sample library and their real embeddings."""

import json
from pathlib import Path

import numpy as np
import pytest
from stored_photos import store_photo

from personalizer.analysis.analyzer import PhotoAnalyzer
from personalizer.concepts import learn as concepts
from personalizer.home import PACKAGE_DATA
from personalizer.library.library import Library
from personalizer.photos.decode import load_photo
from personalizer.recognition.check_members import check_members
from personalizer.schemas import BoundingBox, Embedding, NewDetection

SAMPLES = PACKAGE_DATA / "sample_library"
FACES = ("faces", "1")


@pytest.fixture(scope="module")
def analyzer() -> PhotoAnalyzer:
    return PhotoAnalyzer()


def _photos_of(subject: str) -> list[Path]:
    entries = json.loads((SAMPLES / "manifest.json").read_text())
    return [SAMPLES / entry["file"] for entry in entries if entry["subject"] == subject]


def _add(library: Library, analyzer: PhotoAnalyzer, path: Path) -> int:
    photo = load_photo(path)
    return _record(library, path, analyzer.analyze(photo).detections)


def _record(library: Library, path: Path, detections: list[tuple[NewDetection, Embedding]]) -> int:
    return store_photo(library, content_hash=path.name, path=path, detections=detections).id


def _notes(library: Library, analyzer: PhotoAnalyzer, photos: list[int]) -> list[str]:
    concept = concepts.learn_members(library, "Sunny", photos, kind="object").concept
    return check_members(library, concept, analyzer.object_model, analyzer.face_model)


def test_good_photos_need_no_note(library: Library, analyzer: PhotoAnalyzer) -> None:
    photos = [_add(library, analyzer, path) for path in _photos_of("Sunny")[:4]]
    assert _notes(library, analyzer, photos) == []


def test_a_single_photo_is_said_to_be_little(library: Library, analyzer: PhotoAnalyzer) -> None:
    (note,) = _notes(library, analyzer, [_add(library, analyzer, _photos_of("Sunny")[0])])
    assert "1 photo only" in note and "less sure" in note


def test_a_photo_of_something_else_is_named(library: Library, analyzer: PhotoAnalyzer) -> None:
    odd = _photos_of("Marmalade")[0]
    photos = [_add(library, analyzer, path) for path in [*_photos_of("Sunny")[:3], odd]]
    (note,) = _notes(library, analyzer, photos)
    assert note.startswith(odd.name) and "does not look like the others" in note


def test_photos_that_have_nothing_in_common_are_doubted_together(
    library: Library, analyzer: PhotoAnalyzer
) -> None:
    paths = [_photos_of(name)[0] for name in ("Sunny", "Marmalade", "Trekker")]
    notes = _notes(library, analyzer, [_add(library, analyzer, path) for path in paths])
    assert notes == ["The photos do not look like one another: do they all show the same one?"]


def test_the_same_picture_twice_is_said(library: Library, analyzer: PhotoAnalyzer, tmp_path: Path) -> None:
    paths = _photos_of("Sunny")[:3]
    again = tmp_path / "again.jpg"
    load_photo(paths[0]).image.save(again, quality=80)
    photos = [_add(library, analyzer, path) for path in [*paths, again]]
    (note,) = _notes(library, analyzer, photos)
    assert paths[0].name in note and "again.jpg" in note and "count for one" in note


def test_a_face_far_from_the_others_is_named(library: Library) -> None:
    face = np.zeros(128, dtype=np.float32)
    faces = [face + 0.01 * number for number in range(3)] + [face + 0.1]
    box = BoundingBox(0, 0, 9, 9)
    photos = [
        _record(
            library,
            Path(f"/photos/{number}.jpg"),
            [
                (NewDetection("photo", box, 1.0, "test"), Embedding(np.ones(4, np.float32), "objects", "1")),
                (NewDetection("face", box, 1.0, "test"), Embedding(vector, *FACES)),
            ],
        )
        for number, vector in enumerate(faces)
    ]
    amy = library.create_concept("face", name="Amy")
    ids = [library.detections(photo_id=photo, kind="face")[0].id for photo in photos]
    library.add_members(amy.id, ids, source="user", status="confirmed")
    (note,) = check_members(library, amy, ("objects", "1"), FACES)
    assert note.startswith("3.jpg")
