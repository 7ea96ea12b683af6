"""Recognition in real libraries; the vectors are synthetic so that what resembles what is known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from stored_photos import store_photo

from personalizer.analysis.embed import ObjectEmbedder
from personalizer.concepts import learn as concepts
from personalizer.library.library import Library
from personalizer.recognition.calibration import Calibration, ColorVeto, LevelledLogistic, Logistic
from personalizer.recognition.discriminant import RIDGE, Contrast
from personalizer.recognition.recognizer import (
    FaceReference,
    ObjectReference,
    Recognizer,
    References,
    shipped_contrast,
)
from personalizer.schemas import BoundingBox, Embedding, Float32Array, NewDetection

CALIBRATION = Calibration(
    object=Logistic(20.0, -8.0),
    learned=LevelledLogistic(5.0, -2.0, 0.5, 0.25),
    colors=ColorVeto(10.0, 0.8),
    face=Logistic(30.0, -15.0),
    absent_log_odds=-2.0,
    prefix_weight=0.0,
    prefix_offset=0.0,
    abstain_from=0.3,
    yes_from=0.6,
)
WHOLE, REGION, OTHER = BoundingBox(0, 0, 9, 9), BoundingBox(1, 1, 5, 5), BoundingBox(5, 5, 9, 9)
Found = list[tuple[NewDetection, Embedding]]


def _axis(number: int, dimensions: int = 16) -> Float32Array:
    return np.eye(dimensions, dtype=np.float32)[number]


def _thing(whole: Float32Array, *regions: Float32Array, version: str = "1") -> Found:
    found = [(NewDetection("photo", WHOLE, 1.0, "test"), Embedding(whole, "objects", version))]
    for box, region in zip((REGION, OTHER), regions, strict=False):
        found.append((NewDetection("object", box, 0.5, "test"), Embedding(region, "objects", version)))
    return found


def _faces(*vectors: Float32Array) -> Found:
    return [
        (NewDetection("face", box, 1.0, "test"), Embedding(vector, "faces", "1"))
        for box, vector in zip((REGION, OTHER), vectors, strict=False)
    ]


def _record(library: Library, found: Found) -> int:
    number = library.counts()["photos"] + 1
    return store_photo(
        library, content_hash=str(number), path=Path(f"/photos/{number}.jpg"), detections=found
    ).id


def test_similarity_of_a_thing_is_that_of_the_best_view() -> None:
    reference = ObjectReference.from_views([np.stack([_axis(0), _axis(0)])], None)
    similarity, best = reference.similarity(0.3 * _axis(0), np.stack([0.2 * _axis(0), 0.6 * _axis(0)]))
    assert (similarity, best) == (pytest.approx(0.6), 1)
    similarity, best = reference.similarity(0.8 * _axis(0), np.stack([0.2 * _axis(0), 0.6 * _axis(0)]))
    assert (similarity, best) == (pytest.approx(0.8), 1)
    assert reference.similarity(0.8 * _axis(0), np.zeros((0, 16), np.float32)) == (pytest.approx(0.8), -1)


def test_similarity_of_a_person_is_about_the_nearer_half_of_the_members() -> None:
    reference = FaceReference(np.stack([_axis(0) * 0.1, _axis(0) * 0.2, _axis(1) * 9]))
    similarity, best = reference.similarity(np.stack([_axis(3) * 5, np.zeros(16, np.float32)]))
    assert similarity == pytest.approx(1 - 0.15)
    assert best == 1


def test_a_known_thing_is_found_where_it_is(library: Library) -> None:
    shots = [_record(library, _thing(_axis(0), _axis(1))) for _ in range(3)]
    concepts.learn_members(library, "mug", shots)
    (evidence,) = Recognizer(library, calibration=CALIBRATION).evidence(_thing(_axis(0), _axis(5), _axis(1)))
    assert (evidence.name, evidence.kind) == ("mug", "object")
    assert evidence.similarity == pytest.approx(1 / np.sqrt(2))
    assert evidence.threshold == pytest.approx(0.4)
    assert evidence.box == OTHER


def test_something_else_gives_low_evidence(library: Library) -> None:
    concepts.learn_members(library, "mug", [_record(library, _thing(_axis(0), _axis(1)))])
    (evidence,) = Recognizer(library, calibration=CALIBRATION).evidence(_thing(_axis(7), _axis(8)))
    assert evidence.similarity < evidence.threshold


def _colored(found: Found, *bins: int) -> Found:
    """The same with a region of these colors."""
    colors = bytes(200 if place in bins else 0 for place in range(256))
    return [
        (replace(detection, colors=colors) if detection.kind == "object" else detection, embedding)
        for detection, embedding in found
    ]


def test_other_colors_speak_against_a_thing_and_its_own_say_nothing(library: Library) -> None:
    mug = _thing(_axis(0), _axis(1))
    shots = [_record(library, _colored(mug, *bins)) for bins in ((3, 4), (5,))]
    concepts.learn_members(library, "mug", [*shots, _record(library, mug)])
    recognizer = Recognizer(library, calibration=CALIBRATION)
    [unknown], [own], [half], [other] = (
        recognizer.evidence(found)
        for found in (mug, _colored(mug, 3, 4), _colored(mug, 3, 99), _colored(mug, 99))
    )
    assert (unknown.color_likeness, own.color_likeness) == (None, pytest.approx(1.0))
    assert own.log_odds == unknown.log_odds
    assert half.color_likeness == pytest.approx(0.5)
    assert half.log_odds == pytest.approx(own.log_odds + 10.0 * (0.5 - 0.8))
    assert other.color_likeness == 0
    assert other.log_odds == pytest.approx(own.log_odds - 10.0 * 0.8)
    assert other.similarity == own.similarity, "the colors are another witness"
    # The control compares with the mean alone.
    [plain] = Recognizer(library, calibration=CALIBRATION, learns=False).evidence(_colored(mug, 99))
    assert plain.color_likeness is None
    assert plain.log_odds == pytest.approx(CALIBRATION.object.log_odds(plain.similarity))


def _cut_out(found: Found, vector: Float32Array) -> Found:
    """The same with this vector of its regions on another ground."""
    return [
        (detection, replace(embedding, cutout=vector) if detection.kind == "object" else embedding)
        for detection, embedding in found
    ]


def test_things_are_known_from_their_cutouts_too(library: Library) -> None:
    _, version = ObjectEmbedder().model_version
    shots = [
        _record(library, _cut_out(_thing(_axis(n, 1280), _axis(9, 1280), version=version), _axis(5, 1280)))
        for n in (1, 2)
    ]
    concepts.learn_members(library, "mug", shots)
    assert np.array_equal(library.cutouts_of(shots, "objects", version)[shots[0]], _axis(5, 1280))
    assert library.cutouts_of(shots, "objects", "other") == {}
    elsewhere = _thing(_axis(7, 1280), _axis(5, 1280), version=version)
    [found] = Recognizer(library, calibration=CALIBRATION).evidence(elsewhere)
    [plain] = Recognizer(library, calibration=CALIBRATION, learns=False).evidence(elsewhere)
    assert found.similarity > 0.5, "nothing but the cut-out has this direction"
    assert plain.similarity == pytest.approx(0)


def test_a_single_photo_is_compared_as_it_is(library: Library) -> None:
    whole, region = _axis(1), _axis(2)
    shot = _record(library, _cut_out(_thing(whole, region), _axis(5)))
    concepts.learn_members(library, "mug", [shot])
    [found] = Recognizer(library, calibration=CALIBRATION).evidence(_thing(_axis(7), _axis(5)))
    assert found.similarity == pytest.approx(0)


def test_a_face_is_evidence_for_the_nearest_person_only(library: Library) -> None:
    amy, bob = 0.6 * _axis(0, 128), 0.6 * _axis(0, 128) + 0.3 * _axis(1, 128)
    concepts.learn_members(library, "Amy", [_record(library, _faces(amy) + _thing(_axis(0)))], kind="face")
    concepts.learn_members(library, "Bob", [_record(library, _faces(bob) + _thing(_axis(0)))], kind="face")
    recognizer = Recognizer(library, calibration=CALIBRATION)
    (evidence,) = recognizer.evidence(_faces(amy + 0.02))
    assert evidence.name == "Amy"
    both = recognizer.evidence(_faces(bob, amy))
    assert {(e.name, e.box) for e in both} == {("Bob", REGION), ("Amy", OTHER)}


def test_a_face_of_somebody_else_says_who_it_resembles_more(library: Library) -> None:
    amy, bob = 0.6 * _axis(0, 128), 0.6 * _axis(0, 128) + 0.3 * _axis(1, 128)
    concepts.learn_members(library, "Amy", [_record(library, _faces(amy) + _thing(_axis(0)))], kind="face")
    concepts.learn_members(library, "Bob", [_record(library, _faces(bob) + _thing(_axis(0)))], kind="face")
    recognizer = Recognizer(library, calibration=CALIBRATION)
    (found,) = recognizer.outranked(_faces(bob))
    assert (found.evidence.name, found.likelier.name) == ("Amy", "Bob")
    assert found.evidence.similarity == pytest.approx(0.7)
    assert found.likelier.similarity == pytest.approx(1.0)
    assert found.evidence.box == found.likelier.box == REGION
    (found,) = recognizer.outranked(_faces(amy - 9 * _axis(1, 128), amy))
    assert (found.evidence.name, found.evidence.box, found.likelier.name) == ("Bob", OTHER, "Amy")
    assert recognizer.outranked(_faces(bob, amy)) == [], "each has a face of their own"
    assert recognizer.outranked(_thing(_axis(0))) == []


def test_a_person_without_a_face_in_the_photo_gives_no_evidence(library: Library) -> None:
    photo = _record(library, _faces(0.6 * _axis(0, 128)) + _thing(_axis(0)))
    concepts.learn_members(library, "Amy", [photo], kind="face")
    assert Recognizer(library, calibration=CALIBRATION).evidence(_thing(_axis(0))) == []


def test_vectors_of_another_model_version_are_never_compared(library: Library) -> None:
    concepts.learn_members(library, "mug", [_record(library, _thing(_axis(0), _axis(1)))])
    recognizer = Recognizer(library, calibration=CALIBRATION)
    assert recognizer.evidence(_thing(_axis(0), _axis(1), version="2")) == []
    assert len(recognizer.evidence(_thing(_axis(0), _axis(1)))) == 1


def test_unnamed_and_hidden_concepts_are_not_reported(library: Library) -> None:
    photo = _record(library, _thing(_axis(0), _axis(1)))
    whole = library.detections(photo_id=photo, kind="photo")[0].id
    library.add_members(library.create_concept("object").id, [whole], source="cluster", status="confirmed")
    hidden = concepts.learn_members(library, "mug", [photo]).concept
    library.set_state(hidden.id, "hidden")
    assert Recognizer(library, calibration=CALIBRATION).evidence(_thing(_axis(0), _axis(1))) == []


def test_only_confirmed_members_count(library: Library) -> None:
    first, second = (_record(library, _thing(_axis(n), _axis(n))) for n in (0, 1))
    mug = concepts.learn_members(library, "mug", [first]).concept
    other = library.detections(photo_id=second, kind="photo")[0].id
    library.add_members(mug.id, [other], source="cluster", status="suggested")
    (evidence,) = Recognizer(library, calibration=CALIBRATION).evidence(_thing(_axis(1), _axis(1)))
    assert evidence.similarity == pytest.approx(0.0)


def _general(count: int = 300, dimensions: int = 32) -> Float32Array:
    """Unit vectors that share a direction, as pictures of one camera do."""
    random = np.random.default_rng(3)
    vectors = random.normal(size=(count, dimensions)).astype(np.float32)
    vectors[:, 0] += 4.0
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def test_what_every_picture_shares_does_not_make_a_thing() -> None:
    general = _general()
    member = general[:3] * 0.6 + 0.4 * _axis(5, 32)
    views = [one[None] / np.linalg.norm(one) for one in member]
    learned, plain = (
        ObjectReference.from_views(views, Contrast(general[3:200])),
        ObjectReference.from_views(views, None),
    )
    strangers, more = general[200:], general[200:203] * 0.6 + 0.4 * _axis(5, 32)
    more = more / np.linalg.norm(more, axis=1, keepdims=True)

    def gap(reference: ObjectReference) -> float:
        scores = reference.discriminant.scores
        return float((scores(more).min() - scores(strangers).max()) / scores(strangers).std())

    assert gap(learned) > gap(plain)
    assert learned.level is not None and learned.learned
    assert plain.level is None and not plain.learned


def test_a_rejected_look_alike_scores_less_than_before() -> None:
    general = _general()
    members = [general[n][None] for n in range(3)]
    look_alike = general[:1] + 0.3 * general[40]
    look_alike /= np.linalg.norm(look_alike)
    contrast = Contrast(general[3:])
    before = ObjectReference.from_views(members, contrast)
    after = ObjectReference.from_views(members, contrast, look_alike)
    assert after.discriminant.scores(look_alike)[0] < before.discriminant.scores(look_alike)[0] - 0.2
    assert after.discriminant.scores(np.concatenate(members)).mean() > 0.3


def test_a_discriminant_is_the_ridge_regression_that_it_says_it_is() -> None:
    general, members = _general(60), _general(6)
    rejected = _general(62)[60:]
    discriminant, left_out = Contrast(general).learn([members[:2], members[2:4], members[4:]], rejected)
    rows = np.concatenate([members, rejected, general]).astype(np.float64)
    target = np.array([1.0] * 6 + [-1.0] * 62)
    weight = np.array([0.5 / 6] * 8 + [0.5 / 60] * 60)

    def loss(weights: np.ndarray, bias: float) -> float:
        return float(weight @ (rows @ weights + bias - target) ** 2 + RIDGE * weights @ weights)

    best = loss(discriminant.weights.astype(np.float64), discriminant.bias)
    random = np.random.default_rng(0)
    for _ in range(50):
        step = 1e-3 * random.normal(size=33)
        assert loss(discriminant.weights + step[:-1], discriminant.bias + step[-1]) > best
    assert left_out.shape == (3,)
    assert left_out.mean() < discriminant.scores(members).mean()


def test_a_single_member_is_compared_with_as_it_is() -> None:
    one = ObjectReference.from_views([_axis(2, 32)[None]], Contrast(_general()))
    assert (one.learned, one.level) == (False, None)
    assert one.similarity(_axis(2, 32), np.zeros((0, 32), np.float32))[0] == pytest.approx(1.0)
    assert ObjectReference.from_views([_axis(2, 32)[None], _axis(3, 32)[None]], Contrast(_general())).learned


def test_references_are_learned_once_until_members_change(library: Library) -> None:
    first, second = (_record(library, _thing(_axis(n), _axis(n))) for n in (0, 1))
    mug = concepts.learn_members(library, "mug", [first]).concept
    kept: References = {}
    Recognizer(library, calibration=CALIBRATION, references=kept).evidence(_thing(_axis(0)))
    ((_, learned),) = kept.values()
    Recognizer(library, calibration=CALIBRATION, references=kept).evidence(_thing(_axis(0)))
    ((_, before),) = kept.values()
    assert before is learned
    other = library.detections(photo_id=second, kind="photo")[0].id
    library.add_members(mug.id, [other], source="user", status="confirmed")
    (evidence,) = Recognizer(library, calibration=CALIBRATION, references=kept).evidence(_thing(_axis(1)))
    ((_, after),) = kept.values()
    assert after is not before
    assert evidence.similarity > 0.5


def test_general_pictures_of_another_embedding_are_not_used() -> None:
    assert shipped_contrast("another") is None
    _, version = ObjectEmbedder().model_version
    assert shipped_contrast(version) is not None
