"""Concepts in real libraries; the vectors are synthetic so that who is who is known."""

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from stored_photos import mark_missing, store_photo, vector_of

from personalizer.clustering.update import cluster
from personalizer.concepts import learn as concepts
from personalizer.concepts import operations as concept_operations
from personalizer.concepts.lookup import find_concept, summaries
from personalizer.errors import NotFoundError, UsageError
from personalizer.library.library import Library
from personalizer.schemas import BoundingBox, Embedding, Float32Array, NewDetection

WHOLE = BoundingBox(0, 0, 400, 300)
SMALL_FACE = BoundingBox(10, 10, 60, 60)
LARGE_FACE = BoundingBox(100, 50, 300, 250)


class Photos:
    """Fills a library with photos that show chosen people and things."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.random = np.random.default_rng(5)
        self.count = 0
        self.centers: dict[str, Float32Array] = {}

    def _vector(self, who: str, dimensions: int, spread: float) -> Float32Array:
        """Around a centre per identity; unit length times .6 for faces, which then lie ~.85 apart."""
        if who not in self.centers:
            center = self.random.normal(size=dimensions)
            self.centers[who] = (center / np.linalg.norm(center)).astype(np.float32)
        noise = self.random.normal(size=dimensions)
        vector = self.centers[who] + spread * noise / np.linalg.norm(noise)
        return (vector / np.linalg.norm(vector)).astype(np.float32)

    def add(
        self, thing: str | None = None, faces: dict[str, BoundingBox] | None = None, spread: float = 0.3
    ) -> int:
        """One photo of `thing` (a thing of its own when None) with these people in it; returns its id."""
        self.count += 1
        shown = thing or f"scene {self.count}"
        found = [
            (
                NewDetection(kind, WHOLE, 1.0, "test"),
                Embedding(self._vector(shown, 64, spread), "objects", "1"),
            )
            for kind in ("photo", "object")
        ]
        for who, box in (faces or {}).items():
            vector = 0.6 * self._vector("face of " + who, 128, spread)
            found.append((NewDetection("face", box, 1.0, "test"), Embedding(vector, "faces", "1")))
        return store_photo(
            self.library,
            content_hash=f"hash {self.count}",
            path=Path(f"/photos/{self.count}.jpg"),
            width_px=400,
            height_px=300,
            detections=found,
        ).id

    def whole(self, photo_id: int) -> int:
        return self.library.detections(photo_id=photo_id, kind="photo")[0].id


@pytest.fixture
def photos(library: Library) -> Photos:
    return Photos(library)


def _shown(library: Library, concept_id: int) -> set[int]:
    return {detection.photo_id for detection in library.members(concept_id)}


def test_people_and_things_become_concepts_and_strangers_do_not(library: Library, photos: Photos) -> None:
    mug = [photos.add("mug") for _ in range(4)]
    bear = [photos.add("bear") for _ in range(3)]
    amy = [photos.add(faces={"Amy": SMALL_FACE}) for _ in range(3)]
    for _ in range(5):
        photos.add()
    photos.add(faces={"a stranger": SMALL_FACE})
    report = cluster(library)
    assert (report.faces, report.objects) == (1, 2)
    found = {(c.kind, frozenset(_shown(library, c.id))) for c in library.concepts()}
    assert found == {("object", frozenset(mug)), ("object", frozenset(bear)), ("face", frozenset(amy))}
    assert [(s.members, s.state) for s in summaries(library)] == [
        (4, "suggested"),
        (3, "suggested"),
        (3, "suggested"),
    ]


def test_an_empty_library_has_no_concepts(library: Library) -> None:
    report = cluster(library)
    assert (report.faces, report.objects, report.unassigned) == (0, 0, 0)


def test_two_faces_in_one_photo_are_two_people(library: Library, photos: Photos) -> None:
    # Twins: the same centre, so only the rule can tell them apart.
    twins = [photos.add(faces={"twin": SMALL_FACE}) for _ in range(2)]
    box = np.float32(0.6) * photos.centers["face of twin"]
    both = store_photo(
        library,
        content_hash="both",
        path=Path("/photos/both.jpg"),
        width_px=400,
        height_px=300,
        detections=[
            (NewDetection("face", SMALL_FACE, 1.0, "test"), Embedding(box, "faces", "1")),
            (NewDetection("face", LARGE_FACE, 1.0, "test"), Embedding(box + 0.001, "faces", "1")),
        ],
    )
    cluster(library)
    for concept in library.concepts():
        of_both = [m for m in library.members(concept.id) if m.photo_id == both.id]
        assert len(of_both) <= 1
    assert twins


def test_a_portrait_is_a_person_not_a_thing(library: Library, photos: Photos) -> None:
    for _ in range(4):
        photos.add("studio", faces={"Amy": LARGE_FACE})
    report = cluster(library)
    assert (report.faces, report.objects) == (1, 0)


def test_clustering_again_changes_nothing(library: Library, photos: Photos) -> None:
    for thing in ("mug", "bear", "clock"):
        for _ in range(4):
            photos.add(thing)
    cluster(library)
    before = library.concepts(), library.memberships()
    cluster(library)
    assert (library.concepts(), library.memberships()) == before


def test_new_photos_join_a_named_concept_and_unsure_ones_ask(library: Library, photos: Photos) -> None:
    for _ in range(4):
        photos.add("mug")
    cluster(library)
    mug = concept_operations.name_concept(library, library.concepts()[0].id, "Mug").concepts[0]
    sure = photos.add("mug", spread=0.1)
    unsure = photos.add("mug", spread=1.6)
    report = cluster(library)
    assert (report.assigned, report.suggested, report.objects) == (1, 1, 0)
    assert sure in _shown(library, mug.id)
    assert [d.photo_id for d in library.members(mug.id, "suggested")] == [unsure]
    assert summaries(library)[0].suggested == 1


def test_what_the_user_rejected_never_comes_back(library: Library, photos: Photos) -> None:
    for _ in range(4):
        photos.add("mug")
    cluster(library)
    mug = concept_operations.name_concept(library, library.concepts()[0].id, "Mug").concepts[0]
    other = photos.whole(photos.add("mug"))
    library.add_members(mug.id, [other], source="user", status="rejected")
    for _ in range(2):
        cluster(library)
        assert other not in [m.id for m in library.members(mug.id)]
        assert [m.id for m in library.members(mug.id, "rejected")] == [other]


def test_named_members_stay_even_when_nothing_resembles_them(library: Library, photos: Photos) -> None:
    strange = [photos.add() for _ in range(3)]
    concepts.learn_members(library, "things", strange)
    cluster(library)
    named = library.concept_by_name("things")
    assert named is not None and _shown(library, named.id) == set(strange)


def test_names_are_unique_in_any_case(library: Library) -> None:
    first, second = library.create_concept("object"), library.create_concept("object")
    assert concept_operations.name_concept(library, first.id, "Zoe\u0308").concepts[0].name == "Zoë"
    with pytest.raises(UsageError, match="already called"):
        concept_operations.name_concept(library, second.id, "ZOË")
    assert concept_operations.name_concept(library, first.id, "ZOË").concepts[0].name == "ZOË"
    assert find_concept(library, "zoë").id == first.id
    assert find_concept(library, str(second.id)).id == second.id
    with pytest.raises(NotFoundError, match="ZOË"):
        find_concept(library, "nobody")
    with pytest.raises(NotFoundError):
        concept_operations.name_concept(library, 999, "anybody")
    assert [operation.kind for operation in library.operations()] == ["name", "name"]


def _pair(library: Library, photos: Photos) -> tuple[int, int]:
    made = []
    for thing in ("front of mug", "back of mug"):
        concept = library.create_concept("object")
        members = [photos.whole(photos.add(thing)) for _ in range(3)]
        library.add_members(concept.id, members, source="cluster", status="confirmed")
        made.append(concept.id)
    return made[0], made[1]


@pytest.mark.parametrize("named", [0, 1])
@pytest.mark.parametrize("reverse", [False, True])
def test_merging_keeps_the_name_in_both_directions(
    library: Library, photos: Photos, named: int, reverse: bool
) -> None:
    pair = _pair(library, photos)
    concept_operations.name_concept(library, pair[named], "Mug")
    [merged] = concept_operations.merge_concepts(library, *(reversed(pair) if reverse else pair)).concepts
    assert (merged.id, merged.name) == (pair[named], "Mug")
    assert len(library.members(merged.id)) == 6
    assert [c.id for c in library.concepts()] == [merged.id]
    # The user joined them: clustering, which would part them, must not.
    cluster(library)
    assert len(library.members(merged.id)) == 6


def test_merging_two_unnamed_ones_lasts(library: Library, photos: Photos) -> None:
    first, second = _pair(library, photos)
    assert concept_operations.merge_concepts(library, first, second).concepts[0].id == first
    cluster(library)
    assert len(library.members(first)) == 6


def test_merging_two_names_needs_a_choice(library: Library, photos: Photos) -> None:
    first, second = _pair(library, photos)
    concept_operations.name_concept(library, first, "Mug")
    concept_operations.name_concept(library, second, "Cup")
    with pytest.raises(UsageError, match="both have a name"):
        concept_operations.merge_concepts(library, first, second)
    with pytest.raises(UsageError, match="neither"):
        concept_operations.merge_concepts(library, first, second, target=77)
    assert concept_operations.merge_concepts(library, first, second, target=second).concepts[0].name == "Cup"


def test_merging_nonsense_is_refused(library: Library) -> None:
    thing, person = library.create_concept("object"), library.create_concept("face")
    with pytest.raises(UsageError, match="the same"):
        concept_operations.merge_concepts(library, thing.id, thing.id)
    with pytest.raises(UsageError, match="one is a person and the other a thing"):
        concept_operations.merge_concepts(library, thing.id, person.id)


def test_a_users_no_survives_a_merge(library: Library, photos: Photos) -> None:
    first, second = _pair(library, photos)
    contested = library.members(second)[0].id
    library.add_members(first, [contested], source="user", status="rejected")
    concept_operations.merge_concepts(library, first, second)
    assert contested in [m.id for m in library.members(first, "rejected")]


def test_learning_a_thing_takes_it_out_of_its_group(library: Library, photos: Photos) -> None:
    mug = [photos.add("mug") for _ in range(4)]
    cluster(library)
    learned = concepts.learn_members(library, "my mug", mug[:3])
    assert (learned.concept.kind, learned.concept.state, learned.skipped) == ("object", "named", [])
    assert [c.name for c in library.concepts()] == ["my mug"]
    more = concepts.learn_members(library, "MY MUG", mug[3:])
    assert more.concept.id == learned.concept.id
    assert _shown(library, learned.concept.id) == set(mug)
    assert library.operations()[0].payload["detections"] == more.detection_ids


@pytest.mark.parametrize("kind", ["object", "face"])
@pytest.mark.parametrize("status", ["confirmed", "suggested"])
def test_learning_takes_photos_out_of_what_only_clustering_put_them_in(
    library: Library, photos: Photos, kind: str, status: str
) -> None:
    def shots(who: str) -> list[int]:
        return [photos.add(who, {who: LARGE_FACE} if kind == "face" else None) for _ in range(3)]

    rex = concepts.learn_members(library, "Rex", shots("Rex")).concept
    assert rex.kind == kind
    own = _shown(library, rex.id)
    bo = shots("Bo")
    of_bo = [
        d.id for photo in bo for d in library.detections(photo) if d.kind == ("photo", "face")[kind == "face"]
    ]
    library.add_members(rex.id, of_bo, source="cluster", status=status)
    library.add_members(rex.id, of_bo[:1], source="user", status="confirmed")
    library.set_state(rex.id, "ready")
    learned = concepts.learn_members(library, "Bo", bo)
    assert learned.detection_ids == of_bo
    assert _shown(library, rex.id) == own | {bo[0]}, "what the user said stands"
    assert library.members(rex.id, "suggested") == []
    assert library.concept(rex.id).state == ("stale" if status == "confirmed" else "ready")
    cluster(library)
    assert _shown(library, rex.id) == own | {bo[0]}


def test_learning_more_of_a_concept_keeps_its_other_members(library: Library, photos: Photos) -> None:
    bo = [photos.add("Bo") for _ in range(3)]
    learned = concepts.learn_members(library, "Bo", bo)
    more = photos.whole(photos.add("Bo"))
    library.add_members(learned.concept.id, [more], source="cluster", status="confirmed")
    concepts.learn_members(library, "Bo", [*bo, library.detection(more).photo_id])
    assert more in [member.id for member in library.members(learned.concept.id)]


def test_learning_finds_the_person_all_photos_share(library: Library, photos: Photos) -> None:
    shots = [
        photos.add(faces={"Amy": SMALL_FACE}),
        photos.add(faces={"Bob": LARGE_FACE, "Amy": SMALL_FACE}),
        photos.add(faces={"Amy": SMALL_FACE, "Cat": SMALL_FACE}),
    ]
    learned = concepts.learn_members(library, "Amy", shots)
    assert learned.concept.kind == "face"
    center = 0.6 * photos.centers["face of Amy"]
    for detection_id in learned.detection_ids:
        assert np.linalg.norm(vector_of(library, detection_id) - center) < 0.3


def test_learning_portraits_forgives_a_face_that_was_not_found(library: Library, photos: Photos) -> None:
    portraits = [photos.add(faces={"Amy": LARGE_FACE}) for _ in range(2)]
    learned = concepts.learn_members(library, "Amy", [*portraits, photos.add()])
    assert (learned.concept.kind, len(learned.detection_ids), len(learned.skipped)) == ("face", 2, 1)
    held = [photos.add("dog", faces={"Bob": SMALL_FACE}) for _ in range(2)]
    assert concepts.learn_members(library, "dog", [*held, photos.add("dog")]).concept.kind == "object"


def test_learning_without_a_shared_face_is_about_a_thing(library: Library, photos: Photos) -> None:
    shots = [photos.add("dog", faces={who: SMALL_FACE}) for who in ("Amy", "Bob", "Cat")]
    assert concepts.learn_members(library, "dog", shots).concept.kind == "object"


def test_learning_more_of_a_person_says_which_photos_show_nobody(library: Library, photos: Photos) -> None:
    concepts.learn_members(library, "Amy", [photos.add(faces={"Amy": SMALL_FACE}) for _ in range(3)])
    empty = photos.add()
    bob = photos.add(faces={"Bob": LARGE_FACE})
    more = concepts.learn_members(library, "Amy", [photos.add(faces={"Amy": SMALL_FACE}), empty, bob])
    assert [entry["photo"] for entry in more.skipped] == [empty, bob]
    with pytest.raises(UsageError, match="no face"):
        concepts.learn_members(library, "Amy", [bob])


def test_learning_from_nothing_is_refused(library: Library, photos: Photos) -> None:
    with pytest.raises(UsageError, match="no photo"):
        concepts.learn_members(library, "x", [])
    with pytest.raises(NotFoundError):
        concepts.learn_members(library, "x", [12345])
    assert library.concepts() == []


@pytest.mark.parametrize("name", ["Zoë 🐶", "שרה", "محمد Ali"])
def test_learning_a_known_name_in_another_spelling_adds_to_it(
    library: Library, photos: Photos, name: str
) -> None:
    first = concepts.learn_members(library, name, [photos.add("Bo")])
    other = unicodedata.normalize("NFD", f"  {name.upper()} ").replace(" ", "  ")
    again = concepts.learn_members(library, other, [photos.add("Bo")])
    assert again.concept == first.concept and again.concept.name == name
    assert len(library.members(first.concept.id)) == 2


@pytest.mark.parametrize("name", ["Bo\x07", "\u202eoB", "Bo\n"])
def test_learning_a_name_that_cannot_be_shown_leaves_nothing(
    library: Library, photos: Photos, name: str
) -> None:
    photo = photos.add("Bo")
    with pytest.raises(UsageError, match="cannot be shown"):
        concepts.learn_members(library, name, [photo])
    assert library.concepts() == []


def test_a_photo_by_which_to_tell_a_concept_is_listed(library: Library, photos: Photos) -> None:
    mug = [photos.add("mug") for _ in range(3)]
    cluster(library)
    [listed] = summaries(library)
    paths = [library.photo(photo_id).path for photo_id in mug]
    assert listed.example == paths[0]
    library.set_feature(listed.id, photos.whole(mug[1]))
    assert summaries(library)[0].example == paths[1], "the chosen one"
    mark_missing(library, [paths[1]])
    assert summaries(library)[0].example == paths[0], "one that is gone shows nothing"
    mark_missing(library, paths)
    assert summaries(library)[0].example is None
