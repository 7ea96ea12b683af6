"""After a person's word the photos in which the recognizer accepts a concept, or is unsure, wait for an answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stored_photos import mark_missing, store_faces, store_photo

from personalizer.clustering.state import GroupingState
from personalizer.concepts import operations
from personalizer.concepts.suggestions import SuggestionPass, suggest_recognized, waiting
from personalizer.concepts.undo import undo
from personalizer.library.library import Library
from personalizer.recognition.calibration import shipped_calibration
from personalizer.recognition.recognizer import Recognizer
from personalizer.schemas import BoundingBox, Concept, ConceptKind, Embedding, Float32Array, NewDetection

_BOX = BoundingBox(0, 0, 9, 9)
_VERSION = "1"


def looks(like: float, axis: int = 1) -> Float32Array:
    """A unit vector with this cosine to Bo's."""
    vector = np.zeros(16, np.float32)
    vector[0], vector[axis] = like, np.sqrt(1 - like**2)
    return vector


def thing(library: Library, whole: Float32Array, *regions: Float32Array, colors: bytes | None = None) -> int:
    """A photo of a thing, with regions of these colors; returns the id of its whole picture."""
    number = library.newest_detection_id()
    found = [(NewDetection("photo", _BOX, 1.0, "test"), Embedding(whole, "o", _VERSION))]
    found += [
        (NewDetection("object", _BOX, 0.5, "test", colors=colors), Embedding(one, "o", _VERSION))
        for one in regions
    ]
    path = Path(f"/photos/thing {number}.jpg")
    photo = store_photo(library, content_hash=f"thing {number}", path=path, detections=found)
    return library.detections(photo.id, "photo")[0].id


def face(distance: float, axis: int = 1) -> list[float]:
    """A face so far from Amy's."""
    vector = np.zeros(128)
    vector[axis] = distance
    return vector.tolist()


def group(library: Library, kind: ConceptKind, members: list[int]) -> Concept:
    made = library.create_concept(kind)
    library.add_members(made.id, members, source="cluster", status="confirmed")
    return made


def suggested(library: Library, concept: Concept) -> set[int]:
    return {one.id for one in library.members(concept.id, "suggested")}


@pytest.fixture
def bo(library: Library) -> Concept:
    return group(library, "object", [thing(library, looks(1.0)) for _ in range(2)])


@pytest.fixture
def amy(library: Library) -> Concept:
    return group(library, "face", [store_faces(library, face(0.0))[0] for _ in range(2)])


def test_naming_suggests_what_a_description_would_recognise(library: Library, bo: Concept) -> None:
    photos = {like: thing(library, looks(like)) for like in (0.1, 0.3, 0.38, 0.45, 0.8)}
    operations.name_concept(library, bo.id, "Bo")
    asked = suggested(library, bo)
    recognizer = Recognizer(library)
    for like, whole in photos.items():
        [evidence] = recognizer.evidence(
            [(NewDetection("photo", _BOX, 1.0, "test"), Embedding(looks(like), "o", _VERSION))]
        )
        calibration = shipped_calibration()
        verdict = calibration.verdict(calibration.combine(evidence.log_odds, None))
        assert (whole in asked) == (verdict != "no"), (like, verdict)
    assert 0 < len(asked) < len(photos)


def test_the_best_view_of_a_photo_counts(library: Library, bo: Concept) -> None:
    hidden = thing(library, looks(0.0), looks(0.1, 2), looks(0.9, 3))
    operations.name_concept(library, bo.id, "Bo")
    assert suggested(library, bo) == {hidden}


def test_undo_takes_the_suggestions_back(library: Library, bo: Concept) -> None:
    thing(library, looks(0.8))
    operations.name_concept(library, bo.id, "Bo")
    assert len(suggested(library, bo)) == 1
    undo(library)
    assert suggested(library, bo) == set()


def test_an_answer_stands_when_the_naming_is_undone(library: Library, bo: Concept) -> None:
    whole = thing(library, looks(0.8))
    named = operations.name_concept(library, bo.id, "Bo")
    operations.confirm(library, library.concept(bo.id), library.detection(whole).photo_id)
    undo(library, named.operation)
    assert library.concept(bo.id).name is None
    assert whole in {member.id for member in library.members(bo.id)}


def test_what_was_rejected_is_never_asked_again(library: Library, bo: Concept) -> None:
    no, other = thing(library, looks(0.9)), thing(library, looks(0.9, 2))
    operations.name_concept(library, bo.id, "Bo")
    assert suggested(library, bo) == {no, other}
    operations.reject(library, library.concept(bo.id), library.detection(no).photo_id)
    operations.name_concept(library, bo.id, "Max")
    assert suggested(library, bo) == {other}


def test_confirming_brings_what_resembles_the_new_photo(library: Library, bo: Concept) -> None:
    operations.name_concept(library, bo.id, "Bo")
    side = thing(library, looks(0.6, 5))
    like_side = thing(library, looks(0.2, 5))
    operations.confirm(library, library.concept(bo.id), library.detection(side).photo_id)
    assert suggested(library, bo) == {like_side}


def test_merging_suggests_for_the_one_that_stays(library: Library, bo: Concept) -> None:
    operations.name_concept(library, bo.id, "Bo")
    side = [thing(library, looks(0.0, 5)) for _ in range(2)]
    whole = thing(library, looks(0.05, 5))
    assert suggested(library, bo) == set()
    operations.merge_concepts(library, bo.id, group(library, "object", side).id)
    assert suggested(library, bo) == {whole}


def test_what_has_no_name_or_is_hidden_gets_none(library: Library, bo: Concept) -> None:
    thing(library, looks(0.9))
    suggest_recognized(library, bo)
    assert suggested(library, bo) == set()
    library.set_state(bo.id, "hidden")
    operations.name_concept(library, bo.id, "Bo")
    assert suggested(library, bo) == set()


def test_a_photo_whose_file_is_gone_is_not_asked_about(library: Library, bo: Concept) -> None:
    whole = thing(library, looks(0.9))
    mark_missing(library, library.photo_paths(library.detection(whole).photo_id))
    operations.name_concept(library, bo.id, "Bo")
    assert suggested(library, bo) == set()


def test_a_face_is_suggested_for_the_nearest_person(library: Library, amy: Concept) -> None:
    [near_amy] = store_faces(library, face(0.3))
    [near_eve] = store_faces(library, face(0.45))
    eve = group(library, "face", [store_faces(library, face(0.6))[0] for _ in range(2)])
    operations.name_concept(library, eve.id, "Eve")
    operations.name_concept(library, amy.id, "Amy")
    assert near_amy in suggested(library, amy) and near_eve not in suggested(library, amy)


def test_one_person_has_one_face_in_a_photo(library: Library, amy: Concept) -> None:
    far, near = store_faces(library, face(0.4), face(0.2))
    operations.name_concept(library, amy.id, "Amy")
    assert suggested(library, amy) == {near}
    operations.confirm(library, library.concept(amy.id), library.detection(far).photo_id)
    assert suggested(library, amy) == set()


def test_a_face_of_somebody_known_is_not_asked_about(library: Library, amy: Concept) -> None:
    [face_of_eve] = store_faces(library, face(0.1))
    eve = group(library, "face", [face_of_eve, *store_faces(library, face(0.9))])
    library.rename_concept(eve.id, "Eve")
    operations.name_concept(library, amy.id, "Amy")
    assert suggested(library, amy) == set()


def test_no_face_is_suggested_while_faces_are_off(library: Library, amy: Concept) -> None:
    store_faces(library, face(0.1))
    library.switch_faces(False)
    operations.name_concept(library, amy.id, "Amy")
    assert suggested(library, amy) == set()


def test_what_waits_has_its_probability_likeliest_first(library: Library, bo: Concept) -> None:
    unsure, sure = thing(library, looks(0.4)), thing(library, looks(0.8))
    operations.name_concept(library, bo.id, "Bo")
    first, second = waiting(library, [library.concept(bo.id)])
    assert (first.detection.id, second.detection.id) == (sure, unsure)
    assert first.likeness is not None and second.likeness is not None
    assert first.likeness.similarity == pytest.approx(0.8, abs=1e-3)
    assert first.likeness.probability > 0.9 > second.likeness.probability


def test_a_pass_finds_new_photos_and_drops_stale_ones(library: Library, bo: Concept) -> None:
    library.rename_concept(bo.id, "Bo")
    stale = thing(library, looks(0.0))
    library.add_members(bo.id, [stale], source="cluster", status="suggested")
    first = thing(library, looks(0.9))
    compared = SuggestionPass(library)
    assert compared.run() and suggested(library, bo) == {first}
    assert not compared.run()
    later = thing(library, looks(0.9, 3))
    assert compared.run() and suggested(library, bo) == {first, later}


def test_what_a_pass_suggests_is_not_read_anew(library: Library, bo: Concept) -> None:
    """Groups need not be read again for it: that would take long in a large library, at each new photo."""
    library.rename_concept(bo.id, "Bo")
    whole = thing(library, looks(0.9))
    state = GroupingState()
    state.refresh(library)
    state.take_over_suggestions(library, SuggestionPass(library).run)
    kind = state.kinds["object"]
    assert [int(kind.store.ids[p]) for p in kind.suggested[bo.id]] == [whole]
    assert not state.refresh(library)


def test_what_has_other_colors_is_not_asked_about(library: Library) -> None:
    yellow, green = bytes([200] + [0] * 255), bytes([0] * 255 + [200])
    members = [thing(library, looks(1.0), looks(1.0), colors=yellow) for _ in range(2)]
    bo = group(library, "object", members)
    operations.name_concept(library, bo.id, "Bo")
    same = thing(library, looks(0.95), looks(0.95), colors=yellow)
    unknown = thing(library, looks(0.95))
    thing(library, looks(0.95), looks(0.95), colors=green)
    suggest_recognized(library, library.concept(bo.id))
    assert suggested(library, bo) == {same, unknown}
    # As `describe` decides: one rule for both.
    recognizer = Recognizer(library)
    assert recognizer.object_references(("o", _VERSION))[0][1].colors is not None
