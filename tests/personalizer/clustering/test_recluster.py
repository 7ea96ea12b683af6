"""Grouping everything anew: what is shown first is what happens then."""

from pathlib import Path

import numpy as np
from stored_photos import store_photo

from personalizer.clustering.recluster import recluster
from personalizer.clustering.update import cluster
from personalizer.concepts import operations as concept_operations
from personalizer.library.library import Library
from personalizer.schemas import BoundingBox, Embedding, Float32Array, NewDetection

BOX = BoundingBox(0, 0, 50, 50)


def _add(library: Library, person: int, count: int) -> list[int]:
    random = np.random.default_rng([person, 7])
    center = random.normal(size=128)
    added = []
    for _ in range(count):
        number = library.counts()["photos"]
        noise = np.random.default_rng(number).normal(size=128)
        vector: Float32Array = (0.5 * _unit(center) + 0.25 * _unit(noise)).astype(np.float32)
        photo = store_photo(
            library,
            content_hash=str(number),
            path=Path(f"/p/{number}.jpg"),
            width_px=100,
            height_px=100,
            detections=[(NewDetection("face", BOX, 1.0, "t"), Embedding(vector, "f", "1"))],
        )
        added.append(library.detections(photo.id)[0].id)
    return added


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def _state(library: Library) -> tuple[object, object]:
    return library.concepts(), library.memberships()


def _mix_up(library: Library, group: int, stranger: int) -> None:
    """Put somebody else's face into a group, as a worse version might have."""
    for concept in library.concepts():
        library.remove_members(concept.id, [stranger])
    library.add_members(group, [stranger], source="cluster", status="confirmed")


def test_a_preview_changes_nothing_and_tells_what_applying_does(library: Library) -> None:
    amy, ben, cleo = _add(library, 1, 5), _add(library, 2, 4), _add(library, 3, 3)
    cluster(library)
    group_of = {m.detection_id: m.concept_id for m in library.memberships()}
    _mix_up(library, group_of[amy[0]], ben[0])
    concept_operations.name_concept(library, group_of[cleo[0]], "Cleo")
    # A group that nothing holds together.
    odd = library.create_concept("face")
    _mix_up(library, odd.id, ben[1])
    before = _state(library)
    shown = recluster(library)
    assert _state(library) == before
    assert not shown.applied
    assert shown.names_kept == ["Cleo"]
    assert [one.id for one in shown.vanish] == [odd.id]
    changed = {one.id: one for one in shown.change}
    assert (changed[group_of[amy[0]]].before, changed[group_of[amy[0]]].after) == (6, 5)
    assert (changed[group_of[ben[0]]].before, changed[group_of[ben[0]]].after) == (2, 4)
    assert changed[group_of[ben[0]]].joined == 2

    done = recluster(library, apply=True)
    assert done.applied
    assert (done.appear, done.vanish, done.change) == (shown.appear, shown.vanish, shown.change)
    after = {m.detection_id: m.concept_id for m in library.memberships()}
    # Everybody is back in the group that they had, under the same number, and the name is kept.
    assert {face: after[face] for face in amy + ben + cleo} == {
        face: group_of[face] for face in amy + ben + cleo
    }
    named = library.concept_by_name("cleo")
    assert named is not None and named.id == group_of[cleo[0]]
    assert recluster(library).change == []


def test_members_of_named_and_hidden_concepts_do_not_move(library: Library) -> None:
    amy, ben = _add(library, 1, 4), _add(library, 2, 4)
    cluster(library)
    group_of = {m.detection_id: m.concept_id for m in library.memberships()}
    concept_operations.name_concept(library, group_of[amy[0]], "Amy")
    _mix_up(library, group_of[amy[0]], ben[0])
    library.set_state(group_of[ben[1]], "hidden")
    before = _state(library)
    assert recluster(library, apply=True).decided_kept == 2
    assert _state(library) == before


def test_an_empty_library_has_nothing_to_change(library: Library) -> None:
    found = recluster(library, apply=True)
    assert (found.appear, found.vanish, found.change, found.unchanged) == ([], [], [], 0)


def test_a_first_import_of_thousands_is_grouped_at_once(library: Library) -> None:
    with library.transaction():
        people = {person: _add(library, person, 3) for person in range(400)}
    assert cluster(library).faces == 400
    group_of = {m.detection_id: m.concept_id for m in library.memberships()}
    assert all(len({group_of[face] for face in own}) == 1 for own in people.values())
    assert recluster(library).unchanged == 400
