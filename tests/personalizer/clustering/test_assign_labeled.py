"""What joins a labeled concept without asking and what is asked about; every distance is chosen."""

from __future__ import annotations

import numpy as np
import pytest
from stored_photos import store_faces

from personalizer.clustering.assign_labeled import LabeledAssignment
from personalizer.clustering.assignment import Assignment
from personalizer.clustering.neighborhood import Neighborhood
from personalizer.clustering.settings import ClusterSettings
from personalizer.clustering.state import GroupingState
from personalizer.library.library import Library
from personalizer.schemas import Float32Array

FACES = ClusterSettings().face


def point(*coordinates: float) -> Float32Array:
    return np.array([*coordinates, *[0.0] * (12 - len(coordinates))], np.float32)


def named(library: Library, name: str, *vectors: Float32Array) -> int:
    made = library.create_concept("face", name=name).id
    members = [store_faces(library, vector)[0] for vector in vectors]
    library.add_members(made, members, source="user", status="confirmed")
    return made


@pytest.fixture
def amy(library: Library) -> int:
    """Three photos, each 0.2 from a middle that is none of them: 0.28 from each other."""
    return named(library, "Amy", point(0.2), point(0, 0.2), point(0, 0, 0.2))


def assign(library: Library, *new: int) -> tuple[dict[int, int], dict[int, int]]:
    """The concept that each of these faces joins, and the one that it is suggested for."""
    state = GroupingState()
    state.refresh(library)
    faces = state.kinds["face"]
    near = Neighborhood(library, state, faces, faces.store.positions(np.array(new, np.int64)), FACES)
    assignment = Assignment()
    settled = LabeledAssignment(near, assignment).assign()
    ids = near.store.ids
    joined = {int(ids[position]): concept for concept, position in assignment.assigned}
    suggested = {int(ids[p]): concept for concept, found in assignment.suggested.items() for p in found}
    assert {int(ids[near.items[number]]) for number in settled} >= joined.keys()
    return joined, suggested


def test_one_more_of_them_joins_an_odd_one_is_asked_about_a_stranger_neither(
    library: Library, amy: int
) -> None:
    like_them, odd, stranger = (
        store_faces(library, vector)[0]
        for vector in (point(0, 0, 0, 0.2), point(0, 0, 0, 0, 0.42), point(0, 0, 0, 0, 0, 0.9))
    )
    assert assign(library, like_them, odd, stranger) == ({like_them: amy}, {odd: amy})


def test_where_another_could_claim_it_a_person_is_asked(library: Library) -> None:
    """In the middle between the two, and as near to each as they are to their own."""
    amy = named(library, "Amy", point(0.4), point(0, 0.4), point(0, 0, 0.4))
    between = store_faces(library, point(0.13, 0.13, 0.13, 0.3))[0]
    assert assign(library, between) == ({between: amy}, {})
    ben = named(library, "Ben", point(0.4, 0, 0, 0.6), point(0, 0.4, 0, 0.6), point(0, 0, 0.4, 0.6))
    joined, suggested = assign(library, between)
    assert joined == {} and suggested.keys() == {between}
    assert suggested[between] in (amy, ben)


def test_a_concept_of_one_photo_needs_more(library: Library) -> None:
    """1 - distance of 0.6 instead of 0.5."""
    bo = named(library, "Bo", point())
    surer, less = store_faces(library, point(0.38))[0], store_faces(library, point(0, 0.45))[0]
    assert assign(library, surer, less) == ({surer: bo}, {less: bo})


def test_a_poor_photo_needs_more(library: Library) -> None:
    """At the same distance, 0.47: its flaws might be all that it resembles them by."""
    bo = named(library, "Bo", point(0.33), point(0, 0.33), point(0, 0, 0.33))
    good = store_faces(library, point(0, 0, 0, 0.33))[0]
    poor = store_faces(library, point(0, 0, 0, 0, 0.33), quality=FACES.min_quality / 2)[0]
    assert assign(library, good, poor) == ({good: bo}, {poor: bo})


def test_a_photo_gives_a_person_one_face(library: Library, amy: int) -> None:
    first, second = store_faces(library, point(0, 0, 0, 0.2), point(0, 0, 0, 0, 0.21))
    assert assign(library, first, second)[0] == {first: amy}
    library.set_shows_twice([library.detection(first).photo_id], True)
    assert assign(library, first, second)[0] == {first: amy, second: amy}


def test_what_somebody_refused_is_not_asked_again(library: Library, amy: int) -> None:
    refused = store_faces(library, point(0, 0, 0, 0.2))[0]
    library.add_members(amy, [refused], source="user", status="rejected")
    assert assign(library, refused) == ({}, {})


def test_what_somebody_said_is_one_with_a_member_joins_however_far(library: Library, amy: int) -> None:
    far = store_faces(library, point(0, 0, 0, 4.0))[0]
    member = next(m.detection_id for m in library.memberships() if m.concept_id == amy)
    assert assign(library, far) == ({}, {})
    library.add_links([(far, member)], "must")
    assert assign(library, far) == ({far: amy}, {})
