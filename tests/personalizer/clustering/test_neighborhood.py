"""What is found around new items: faces on axes of their own, so that every distance is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from stored_photos import store_faces

from personalizer.clustering.neighborhood import Neighborhood
from personalizer.clustering.settings import ClusterSettings
from personalizer.clustering.state import GroupingState
from personalizer.library.library import Library
from personalizer.schemas import Float32Array

FACES = ClusterSettings().face


def point(*coordinates: float) -> Float32Array:
    return np.array([*coordinates, *[0.0] * (8 - len(coordinates))], np.float32)


def around(library: Library, *new: int) -> Neighborhood:
    """The neighborhood of the faces with these ids."""
    state = GroupingState()
    state.refresh(library)
    faces = state.kinds["face"]
    return Neighborhood(library, state, faces, faces.store.positions(np.array(new, np.int64)), FACES)


def items(near: Neighborhood) -> list[int]:
    return near.store.ids[near.items].tolist()


def group(library: Library, *ids: int, name: str | None = None) -> int:
    made = library.create_concept("face", name=name).id
    library.add_members(made, ids, source="user" if name else "cluster", status="confirmed")
    return made


def test_what_resembles_a_new_item_is_around_it(library: Library) -> None:
    """Faces within 0.58, the distance at which one is still asked about; others at 0.9 are not."""
    new, near, far = (store_faces(library, point(x))[0] for x in (0.0, 0.5, 0.9))
    in_sight = group(library, store_faces(library, point(0, 0.3))[0], store_faces(library, point(0, 0.4))[0])
    group(library, store_faces(library, point(0, 0, 0.9))[0], store_faces(library, point(0, 0, 1.0))[0])
    found = around(library, new)
    assert set(items(found)) == {new, near} and far not in items(found)
    assert items(found)[0] == new
    assert found.groups == [in_sight]


def test_distances_are_the_means_over_the_members(library: Library) -> None:
    members = [point(0, 0.3), point(0, 0.4, 0.1)]
    concept = group(library, *(store_faces(library, one)[0] for one in members), name="Amy")
    vectors = [point(0.1), point(0.2, 0, 0.1)]
    near = around(library, *(store_faces(library, one)[0] for one in vectors))
    assert near.groups == [concept] and near.is_labeled.tolist() == [True]
    expected = cdist(vectors, members, "sqeuclidean").mean(1)
    np.testing.assert_allclose(near.squared[:, 0], expected, rtol=1e-4)
    assert near.similarity(float(near.squared[0, 0])) == pytest.approx(1 - expected[0] ** 0.5, rel=1e-4)
    assert not near.blocked.any()


def test_a_photo_and_a_no_block_a_group(library: Library) -> None:
    member, beside = store_faces(library, point(0, 0.3), point(0.1))
    amy = group(library, member, store_faces(library, point(0, 0.4))[0], name="Amy")
    refused = store_faces(library, point(0.2))[0]
    library.add_members(amy, [refused], source="user", status="rejected")
    distinct = store_faces(library, point(0.3))[0]
    library.add_links([(distinct, member)], "cannot")
    free = store_faces(library, point(0.25))[0]
    near = around(library, beside, refused, distinct, free)
    blocked = dict(zip(items(near), near.blocked[:, 0].tolist(), strict=True))
    assert blocked == {beside: True, refused: True, distinct: True, free: False}


def test_a_photo_that_may_show_one_person_twice_blocks_nothing(library: Library) -> None:
    member, beside = store_faces(library, point(0, 0.3), point(0.1))
    group(library, member, store_faces(library, point(0, 0.4))[0], name="Amy")
    library.set_shows_twice([library.detection(member).photo_id], True)
    near = around(library, beside)
    assert near.exclusive_photos(near.items).tolist() == [-1]
    assert not near.blocked.any()


def test_what_is_tied_to_a_new_item_is_around_it_however_far(library: Library) -> None:
    new, tied, member = (store_faces(library, point(x))[0] for x in (0.0, 3.0, 5.0))
    amy = group(library, member, name="Amy")
    library.add_links([(new, tied), (new, member)], "must")
    near = around(library, new)
    assert set(items(near)) == {new, tied} and near.groups == [amy]
    of = {found: near.concepts_of(position) for found, position in zip(items(near), near.items, strict=True)}
    assert of == {new: [], tied: []}
    assert near.concepts_of(int(near.store.positions(np.array([member]))[0])) == [amy]


def test_members_of_a_small_cluster_that_is_touched_are_linked_anew(library: Library) -> None:
    """A large cluster stays as it is, and so does a concept with a name."""
    members = [store_faces(library, point(0, y))[0] for y in (0.3, 0.4)]
    touched = group(library, *members)
    group(library, *(store_faces(library, point(0, 0, 0.3 + n / 1000))[0] for n in range(25)))
    group(library, store_faces(library, point(0, 0, 0, 0.3))[0], name="Amy")
    new = store_faces(library, point())[0]
    near = around(library, new)
    assert len(near.groups) == 3
    assert [near.groups[column] for column in near.loose] == [touched]
    assert near.store.ids[near.positions].tolist() == [new, *members]
    assert len(near.features) == 3 and sorted(near.index.values()) == [0, 1, 2]
