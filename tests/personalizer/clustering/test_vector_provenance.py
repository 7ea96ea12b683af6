"""Every vector says by which model it was made, and is compared with those of the same model only."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from stored_photos import store_photo

from personalizer.clustering.state import GroupingState
from personalizer.clustering.update import cluster
from personalizer.concepts.learn import learn_members
from personalizer.library.library import Library
from personalizer.recognition.recognizer import Recognizer
from personalizer.schemas import BoundingBox, Embedding, Float32Array, NewDetection

OLD, NEW = ("faces", "1"), ("faces", "2")
BOX = BoundingBox(10, 10, 60, 60)
WHOLE = BoundingBox(0, 0, 100, 100)


def vector(seed: int, who: int = 0) -> Float32Array:
    """One person's photos are hardly apart, two people far."""
    center = np.random.default_rng(who).normal(size=128)
    drawn = np.random.default_rng(1000 + seed).normal(size=128)
    made = 0.5 * center / np.linalg.norm(center) + 0.1 * drawn / np.linalg.norm(drawn)
    return made.astype(np.float32)


def add(library: Library, model: tuple[str, str], who: int = 0) -> int:
    """A photo of a face whose vector is by `model`; returns the face."""
    number = len(library.photos())
    photo = store_photo(
        library,
        content_hash=f"{number}",
        path=Path(f"/{number}.jpg"),
        width_px=100,
        height_px=100,
        detections=[
            (NewDetection("photo", WHOLE, 1.0, "whole"), Embedding(np.ones(4, "f4"), "things", "1")),
            (NewDetection("face", BOX, 0.9, "finder-1"), Embedding(vector(number, who), *model)),
        ],
    )
    return library.detections(photo.id, "face")[0].id


def test_a_vector_without_a_model_cannot_be_stored(library: Library) -> None:
    face = add(library, NEW)
    for model, version in ((None, "1"), ("faces", None)):
        with pytest.raises(sqlite3.IntegrityError):
            library.connection.execute(
                "INSERT INTO vectors(detection_id, model, version, vector) VALUES (?, ?, ?, x'00')",
                (face, model, version),
            )
    rows = library.connection.execute("SELECT detector FROM detections WHERE id = ?", (face,)).fetchall()
    assert [row["detector"] for row in rows] == ["finder-1"]


def test_vectors_of_two_models_are_never_grouped(library: Library) -> None:
    old = [add(library, OLD) for _ in range(3)]
    new = [add(library, NEW) for _ in range(3)]
    cluster(library)
    groups = {m.detection_id: m.concept_id for m in library.memberships() if m.status == "confirmed"}
    assert len({groups[face] for face in new}) == 1
    assert not {groups[face] for face in old if face in groups} & {groups[face] for face in new}


def test_a_face_is_evidence_only_for_people_known_by_the_same_model(library: Library) -> None:
    ada = library.create_concept("face", name="Ada")
    library.add_members(ada.id, [add(library, OLD) for _ in range(3)], source="user", status="confirmed")

    def seen_as(model: tuple[str, str]) -> list[str]:
        face = (NewDetection("face", BOX, 0.9, "finder-2"), Embedding(vector(77), *model))
        return [evidence.name for evidence in Recognizer(library).evidence([face])]

    assert seen_as(OLD) == ["Ada"]
    assert seen_as(NEW) == []
    assert seen_as(("others", "1")) == []


def test_while_models_change_what_most_have_is_compared(library: Library) -> None:
    faces = [add(library, OLD) for _ in range(3)]
    assert library.comparable_vectors(faces)[0] == OLD
    assert library.comparable_vectors([]) == (None, {})

    def look_again(face: int) -> None:
        photo = library.detection(face).photo_id
        found = (NewDetection("face", BOX, 0.9, "finder-2"), Embedding(vector(face), *NEW))
        library.replace_faces(photo, [found])

    look_again(faces[2])
    source, vectors = library.comparable_vectors(faces)
    assert source == OLD and set(vectors) == set(faces)
    # The newest detection has a vector of both: the later one says which model is at work.
    assert library.vectors("face")[0].tolist() == [faces[2]]
    look_again(faces[1])
    look_again(faces[0])
    source, vectors = library.comparable_vectors(faces)
    assert source == NEW and set(vectors) == set(faces)
    library.drop_superseded_vectors([NEW])
    assert library.comparable_vectors(faces)[0] == NEW


def test_teaching_a_person_compares_no_vectors_of_two_models(library: Library) -> None:
    def photo(model: tuple[str, str]) -> int:
        return library.detection(add(library, model)).photo_id

    ada = learn_members(library, "Ada", [photo(OLD) for _ in range(3)], kind="face").concept
    assert len(library.members(ada.id)) == 3
    same, other = photo(OLD), photo(NEW)
    taught = learn_members(library, "Ada", [same, other])
    assert [skipped["photo"] for skipped in taught.skipped] == [other], "nothing says that it is she"
    assert {library.detection(face).photo_id for face in taught.detection_ids} == {same}
    # Where there is nothing to compare with, the only face in a photo is whom the person says it is.
    alone = learn_members(library, "Ada", [other])
    assert {library.detection(face).photo_id for face in alone.detection_ids} == {other}


def groups_of(library: Library) -> dict[int, int]:
    return {m.detection_id: m.concept_id for m in library.memberships() if m.status == "confirmed"}


def test_a_worker_that_grouped_before_sees_what_a_newer_detector_changed(library: Library) -> None:
    """The same network makes the vectors: only boxes, qualities and what follows from them are others."""
    state = GroupingState()
    ada = [add(library, NEW) for _ in range(3)]
    stranger = add(library, NEW, who=9)
    poor = [add(library, NEW, who=5) for _ in range(2)]
    library.connection.execute("UPDATE detections SET score = 0.05 WHERE id IN (?, ?)", poor)
    add(library, NEW, who=7)
    cluster(library, state=state)
    assert set(groups_of(library)) == set(ada)

    def look_again(face: int, seen: Float32Array) -> None:
        found = (NewDetection("face", BOX, 0.9, "finder-2"), Embedding(seen, *NEW))
        library.replace_faces(library.detection(face).photo_id, [found])

    look_again(stranger, vector(stranger))
    for face in poor:
        look_again(face, vector(face, who=5))
    cluster(library, state=state)
    groups = groups_of(library)
    assert groups[stranger] == groups[ada[0]], "its vector says so now"
    assert groups[poor[0]] == groups[poor[1]] != groups[ada[0]], "they are no longer poor"


def test_photos_looked_at_by_a_newer_model_one_after_the_other_are_all_grouped(library: Library) -> None:
    state = GroupingState()
    faces = [add(library, OLD) for _ in range(4)]
    cluster(library, state=state)
    assert len(groups_of(library)) == 4
    # Newest first, and grouping comes in between.
    for number, face in enumerate(reversed(faces)):
        found = (NewDetection("face", BOX, 0.9, "finder-2"), Embedding(vector(face), *NEW))
        library.replace_faces(library.detection(face).photo_id, [found])
        if number == 1:
            cluster(library, state=state)
    library.drop_superseded_vectors([NEW])
    cluster(library, state=state)
    assert len(set(groups_of(library).values())) == 1 and set(groups_of(library)) == set(faces)
