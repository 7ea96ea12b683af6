"""New faces in real libraries; the vectors are synthetic, at distances that are chosen."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from stored_photos import store_photo

from assistant.evaluation.data.metrics import bcubed
from personalizer.clustering.recluster import recluster
from personalizer.clustering.settings import ClusterSettings
from personalizer.clustering.state import GroupingState
from personalizer.clustering.update import cluster
from personalizer.concepts import operations as concept_operations
from personalizer.library.library import Library
from personalizer.schemas import BoundingBox, Embedding, Float32Array, Int64Array, NewDetection

BOX = BoundingBox(0, 0, 50, 50)


class Faces:
    """Fills a library with photos of people who are about 0.82 apart."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.random = np.random.default_rng(11)
        self.centers: dict[str, Float32Array] = {}
        self.count = 0

    def direction(self) -> Float32Array:
        drawn = self.random.normal(size=128)
        return (drawn / np.linalg.norm(drawn)).astype(np.float32)

    def center(self, who: str) -> Float32Array:
        if who not in self.centers:
            self.centers[who] = np.float32(0.5) * self.direction()
        return self.centers[who]

    def look_alike(self, who: str, of: str, distance: float, within: float = 0.4) -> None:
        """Make `who` somebody whose photos are `distance` from those `of` another, each `within` of their own."""
        away = np.float32(np.sqrt(distance**2 - within**2))
        self.centers[who] = self.center(of) + away * self.direction()

    def vector(self, who: str, within: float = 0.4) -> Float32Array:
        return self.center(who) + np.float32(within / np.sqrt(2)) * self.direction()

    def photo(self, *found: tuple[Float32Array, float]) -> list[int]:
        """One photo with these faces of these qualities; returns their ids."""
        self.count += 1
        made = store_photo(
            self.library,
            content_hash=f"hash {self.count}",
            path=Path(f"/photos/{self.count}.jpg"),
            width_px=400,
            height_px=300,
            detections=[
                (NewDetection("face", BOX, quality, "test"), Embedding(vector, "faces", "1"))
                for vector, quality in found
            ],
        )
        return [detection.id for detection in self.library.detections(made.id)]

    def add(self, who: str, count: int, within: float = 0.4, quality: float = 1.0) -> list[int]:
        return [self.photo((self.vector(who, within), quality))[0] for _ in range(count)]


@pytest.fixture
def faces(library: Library) -> Faces:
    return Faces(library)


def _group_of(library: Library) -> dict[int, int]:
    return {m.detection_id: m.concept_id for m in library.memberships() if m.status == "confirmed"}


def _partition(library: Library) -> set[frozenset[int]]:
    groups: dict[int, set[int]] = {}
    for detection_id, concept_id in _group_of(library).items():
        groups.setdefault(concept_id, set()).add(detection_id)
    return {frozenset(group) for group in groups.values()}


def _named(library: Library, name: str, members: Sequence[int]) -> int:
    concept = library.create_concept("face", name=name)
    library.add_members(concept.id, members, source="user", status="confirmed")
    return concept.id


def _people(count: int, seed: int) -> tuple[Float32Array, Int64Array]:
    """People who are hard to tell apart: few dimensions matter, and photos differ a lot."""
    random = np.random.default_rng(seed)
    identities = np.repeat(np.arange(count), np.minimum(2 + random.pareto(1.5, count) * 2, 25).astype(int))
    scale = np.arange(1, 129.0) ** -0.45
    scale /= np.sqrt((scale**2).sum())
    centers = random.normal(size=(count, 128)) * scale * 0.5
    noise = random.normal(size=(len(identities), 128)) * scale * 0.31
    return (centers[identities] + noise).astype(np.float32), identities


def _scores(library: Library, ids: dict[int, int], identities: Int64Array) -> float:
    group_of = _group_of(library)
    labels = [group_of.get(ids[number], -1 - number) for number in range(len(identities))]
    return bcubed(labels, identities.tolist()).f


@pytest.mark.parametrize("seed", [0, 1])
def test_photos_that_come_in_parts_are_grouped_as_well_as_all_at_once(tmp_path: Path, seed: int) -> None:
    vectors, identities = _people(80, seed)
    found: list[float] = []
    for number, parts in enumerate((1, 2, 7, 40, len(vectors))):
        order = np.random.default_rng(number).permutation(len(vectors))
        with Library.open(tmp_path / f"{number}.sqlite3") as library:
            faces, state, ids = Faces(library), GroupingState(), {}
            for part in np.array_split(order, parts):
                for index in part.tolist():
                    ids[index] = faces.photo((vectors[index], 1.0))[0]
                cluster(library, state=state)
            found.append(_scores(library, ids, identities))
    at_once, *in_parts = found
    assert at_once > 0.9
    assert max(abs(at_once - score) for score in in_parts) <= 0.02, found


def test_a_new_process_goes_on_where_the_last_one_stopped(library: Library, faces: Faces) -> None:
    for part in range(4):
        for who in ("Amy", "Ben", "Cleo"):
            faces.add(who, 2 if part else 1)
        cluster(library)  # a state of its own each time, as after a restart
    assert sorted(map(len, _partition(library))) == [7, 7, 7]


def test_two_faces_of_one_photo_are_one_person_only_where_that_was_said(
    library: Library, faces: Faces
) -> None:
    faces.add("Amy", 3)
    mirror = faces.photo((faces.vector("Amy"), 1.0), (faces.vector("Amy"), 1.0))
    state = GroupingState()
    cluster(library, state=state)
    group_of = _group_of(library)
    assert len({group_of.get(face) for face in mirror}) == 2
    photo_id = library.detection(mirror[0]).photo_id
    library.set_shows_twice([photo_id], True)
    recluster(library, apply=True, state=state)
    assert _partition(library) == {frozenset({1, 2, 3, *mirror})}
    # The word is taken back: the group is taken apart by the next clustering, however it is asked for.
    library.set_shows_twice([photo_id], False)
    cluster(library, state=state)
    assert all(not set(mirror) <= group for group in _partition(library))
    assert {1, 2, 3} <= _group_of(library).keys()


def test_a_word_that_two_are_not_one_is_never_forgotten(library: Library, faces: Faces) -> None:
    own = faces.add("Amy", 6)
    state = GroupingState()
    cluster(library, state=state)
    library.add_links([(own[0], other) for other in own[1:]], "cannot")
    for _ in range(3):
        cluster(library, state=state)
        assert _partition(library) == {frozenset(own[1:])}
        recluster(library, apply=True)
        own += faces.add("Amy", 1)
    cluster(library)
    assert own[0] not in _group_of(library) or _group_of(library)[own[0]] != _group_of(library)[own[1]]
    # Those that came later were never compared by a person, and go where most are.
    assert len({_group_of(library)[face] for face in own[1:6]}) == 1


def test_a_word_that_two_are_one_joins_what_looks_different(library: Library, faces: Faces) -> None:
    child, adult = faces.add("Amy as a child", 3), faces.add("Amy", 3)
    state = GroupingState()
    cluster(library, state=state)
    assert len(_partition(library)) == 2
    library.add_links([(child[0], adult[0])], "must")
    cluster(library, state=state)
    assert _partition(library) == {frozenset(child + adult)}
    recluster(library, apply=True, state=state)
    assert _partition(library) == {frozenset(child + adult)}
    # Another word about the same pair: the newest wins, and nothing has to be repaired by hand.
    library.add_links([(child[0], adult[0])], "cannot")
    cluster(library, state=state)
    assert _partition(library) == {frozenset(child), frozenset(adult)}


def test_contradictions_are_reported(library: Library, faces: Faces) -> None:
    one, two, three = faces.add("Amy", 3)
    library.add_links([(one, two)], "cannot")
    library.connection.execute("UPDATE links SET created_at = '2000'")
    library.add_links([(one, three), (two, three)], "must")
    report = cluster(library)
    assert [(c.first_id, c.second_id, c.kind) for c in report.contradictions] == [(one, two, "cannot")]
    assert _partition(library) == {frozenset({one, two, three})}


def test_a_link_to_a_named_person_takes_the_face_there(library: Library, faces: Faces) -> None:
    own = faces.add("Amy", 3)
    named = _named(library, "Amy", own)
    strange = faces.add("Amy in a costume", 3)
    cluster(library)
    library.add_links([(strange[0], own[0])], "must")
    cluster(library)
    assert _group_of(library)[strange[0]] == named
    assert {_group_of(library)[face] for face in strange[1:]} != {named}


def test_what_was_attached_leaves_when_a_person_says_so(library: Library, faces: Faces) -> None:
    own = faces.add("Amy", 5)
    named = _named(library, "Amy", own)
    new = faces.photo((faces.center("Amy"), 1.0))[0]
    assert cluster(library).assigned == 1
    library.add_links([(own[0], new)], "cannot")
    for _ in range(2):
        cluster(library)
        assert {m.id for m in library.members(named)} == set(own)
        assert new not in {m.id for m in library.members(named, "suggested")}


def test_no_named_person_takes_in_a_group_without_asking(library: Library, faces: Faces) -> None:
    named = _named(library, "Amy", faces.add("Amy", 4))
    faces.look_alike("Amy later", "Amy", 0.5)
    later = faces.add("Amy later", 4)
    # A group of the same person that came to be before anything was named.
    group = library.create_concept("face")
    library.add_members(group.id, later, source="cluster", status="confirmed")
    state = GroupingState()
    for _ in range(2):
        cluster(library, state=state)
        recluster(library, apply=True, state=state)
        assert {m.id for m in library.members(group.id)} == set(later)
        assert {m.id for m in library.members(named, "suggested")} == set(later)
    # What a person answers is not asked again.
    library.add_members(named, later[:1], source="user", status="rejected")
    cluster(library, state=state)
    assert {m.id for m in library.members(named, "suggested")} == set(later[1:])


def test_two_named_people_are_never_joined(library: Library, faces: Faces) -> None:
    first, second = faces.add("twin", 4, within=0.2), faces.add("twin", 4, within=0.2)
    named = _named(library, "Amy", first), _named(library, "Zoe", second)
    faces.add("twin", 6, within=0.2)
    cluster(library)
    recluster(library, apply=True)
    assert {m.id for m in library.members(named[0])} == set(first)
    assert {m.id for m in library.members(named[1])} == set(second)


@pytest.mark.parametrize("distance", [0.5, 0.55, 0.6])
def test_photos_of_siblings_do_not_join_the_named_one(
    library: Library, faces: Faces, distance: float
) -> None:
    named: dict[int, str] = {}
    for number in range(12):
        faces.look_alike(f"sibling {number}", f"person {number}", distance)
        named[_named(library, f"Person {number}", faces.add(f"person {number}", 5))] = f"sibling {number}"
    siblings: dict[int, str] = {}
    state = GroupingState()
    for _ in range(5):
        for number in range(12):
            siblings |= dict.fromkeys(faces.add(f"sibling {number}", 1), f"sibling {number}")
        cluster(library, state=state)
    recluster(library, apply=True)
    group_of = _group_of(library)
    assert [face for face in siblings if group_of.get(face) in named] == []
    # They are not lost either: they are people of their own.
    assert sum(face in group_of for face in siblings) > 0.9 * len(siblings)


def test_more_photos_of_a_named_person_join_without_asking(library: Library, faces: Faces) -> None:
    named = {n: _named(library, f"Person {n}", faces.add(f"person {n}", 6)) for n in range(10)}
    state = GroupingState()
    later: dict[int, int] = {}
    for _ in range(12):
        for number in named:
            later |= dict.fromkeys(faces.add(f"person {number}", 1), number)
        cluster(library, state=state)
    said = {(m.detection_id, m.concept_id): m.status for m in library.memberships()}
    about_own = [said.get((face, named[number])) for face, number in later.items()]
    assert about_own.count("confirmed") > 0.7 * len(later)
    assert about_own.count(None) == 0
    # Those that are asked about are not shown as people of their own meanwhile.
    assert len(library.concepts()) == len(named)


def test_poor_faces_join_but_neither_found_nor_link_groups(library: Library, faces: Faces) -> None:
    low = ClusterSettings().face.min_quality / 2
    poor = faces.add("Ben", 4, quality=low)
    cluster(library)
    assert _partition(library) == set()
    good = faces.add("Ben", 3)
    cluster(library)
    close = faces.photo((faces.center("Ben"), low))[0]
    cluster(library)
    assert _group_of(library)[good[0]] == _group_of(library)[close]
    # Between two people, a poor face makes them no one.
    faces.look_alike("Cleo", "Ben", 0.7)
    other = faces.add("Cleo", 3)
    middle = (faces.center("Ben") + faces.center("Cleo")) / 2
    bridge = [faces.photo((middle, low))[0] for _ in range(4)]
    cluster(library)
    recluster(library, apply=True)
    group_of = _group_of(library)
    assert group_of[good[0]] != group_of[other[0]]
    assert not {group_of.get(face) for face in bridge} & {group_of[good[0]], group_of[other[0]]}
    assert all(group_of.get(face, group_of[good[0]]) == group_of[good[0]] for face in poor)


def test_a_face_between_two_groups_waits(library: Library, faces: Faces) -> None:
    faces.look_alike("Cleo", "Ben", 0.58, within=0.3)
    first, second = faces.add("Ben", 30, within=0.3), faces.add("Cleo", 30, within=0.3)
    cluster(library)
    between = faces.photo(((faces.center("Ben") + faces.center("Cleo")) / 2, 1.0))[0]
    cluster(library)
    group_of = _group_of(library)
    assert group_of[first[0]] != group_of[second[0]]
    assert between not in group_of
    nearer = faces.photo((faces.center("Ben"), 1.0))[0]
    cluster(library)
    assert _group_of(library)[nearer] == group_of[first[0]]


def test_what_others_change_is_seen_by_a_state_that_is_kept(library: Library, faces: Faces) -> None:
    state = GroupingState()
    own = faces.add("Amy", 4)
    cluster(library, state=state)
    with Library.open(library.path) as front_end:
        concept_id = _group_of(library)[own[0]]
        concept_operations.name_concept(front_end, concept_id, "Amy")
        front_end.add_members(concept_id, [own[3]], source="user", status="rejected")
    faces.photo((faces.center("Amy"), 1.0))
    cluster(library, state=state)
    assert [m.id for m in library.members(concept_id)] == [*own[:3], own[3] + 1]
    assert [m.id for m in library.members(concept_id, "rejected")] == [own[3]]


def test_an_id_that_is_handed_out_again_is_another_face(library: Library, faces: Faces) -> None:
    state = GroupingState()
    amy, ben = faces.add("Amy", 3), faces.add("Ben", 3)
    cluster(library, state=state)
    library.delete_detections([ben[2]])
    again = faces.add("Amy", 1)
    assert again == [ben[2]]
    cluster(library, state=state)
    assert _partition(library) == {frozenset([*amy, *again]), frozenset(ben[:2])}


class _Interrupted(GroupingState):
    """As if another process wrote right after the library was read, once."""

    def __init__(self, change: object) -> None:
        super().__init__()
        self.change = change

    def refresh(self, library: Library) -> bool:
        read = super().refresh(library)
        change, self.change = self.change, None
        if callable(change):
            change()
        return read


def test_nothing_computed_before_a_change_is_written(library: Library, faces: Faces) -> None:
    own = faces.add("Amy", 4)

    def forget_one() -> None:
        with Library.open(library.path) as other:
            other.add_links([(own[0], face) for face in own[1:]], "cannot")

    cluster(library, state=_Interrupted(forget_one))
    assert _partition(library) == {frozenset(own[1:])}


def test_another_models_vectors_start_anew_and_names_stay(library: Library, faces: Faces) -> None:
    own = faces.add("Amy", 3)
    named = _named(library, "Amy", own)
    cluster(library)
    for number in range(4):
        store_photo(
            library,
            content_hash=f"new {number}",
            path=Path(f"/new/{number}.jpg"),
            width_px=100,
            height_px=100,
            detections=[
                (NewDetection("face", BOX, 1.0, "t"), Embedding(faces.vector("Ben"), "another", "2"))
            ],
        )
    report = cluster(library)
    assert report.faces == 1
    assert {m.id for m in library.members(named)} == set(own)


def test_a_photo_whose_file_shows_something_else_now_is_no_item(library: Library, faces: Faces) -> None:
    state = GroupingState()
    own = faces.add("Amy", 3)
    cluster(library, state=state)
    library.connection.execute(
        "DELETE FROM photo_files WHERE photo_id = ?", (library.detection(own[0]).photo_id,)
    )
    new = faces.add("Amy", 1)
    cluster(library, state=state)
    assert frozenset([*own[1:], *new]) <= next(g for g in _partition(library) if new[0] in g)
    assert len(state.kinds["face"].store) == 3


@pytest.mark.slow
def test_a_new_photo_costs_little_more_in_a_large_library(library: Library, faces: Faces) -> None:
    import time

    random = np.random.default_rng(0)
    centers = (0.5 * random.normal(size=(4000, 128)) / np.sqrt(128)).astype(np.float32)
    state = GroupingState()

    def fill(count: int) -> None:
        with library.transaction():
            for _ in range(count):
                noise = np.float32(0.28) * faces.direction()
                faces.photo((centers[int(random.integers(len(centers)))] + noise, 1.0))
        cluster(library, state=state)

    def per_photo_s() -> float:
        taken = []
        for _ in range(9):
            faces.photo(
                (centers[int(random.integers(len(centers)))] + np.float32(0.28) * faces.direction(), 1.0)
            )
            started = time.perf_counter()
            cluster(library, state=state)
            taken.append(time.perf_counter() - started)
        return float(np.median(taken))

    fill(100)
    small = per_photo_s()
    fill(20_000)
    # Analysing one photo takes about a second.
    assert per_photo_s() - small < 0.1
