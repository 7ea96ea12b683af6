"""A poor face is kept with the reason, and says nothing about who else is who."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest
from photos import package_photo
from PIL import Image, ImageFilter
from stored_photos import store_photo, vector_of

from personalizer.clustering.settings import ClusterSettings
from personalizer.clustering.update import cluster
from personalizer.faces.detector import FaceDetector
from personalizer.faces.embedder import FaceEmbedder
from personalizer.faces.quality import QUALITY_GATE, QualityLimits, frontality, judge_face, sharpness
from personalizer.library.library import Library
from personalizer.schemas import BoundingBox, Embedding, NewDetection

DETECTOR, EMBEDDER = FaceDetector(), FaceEmbedder()


def only_face(image: Image.Image) -> NewDetection:
    [face] = DETECTOR.detect(image)
    return face


def reduced(image: Image.Image, side_px: float) -> Image.Image:
    """With a face of about `side_px`."""
    scale = side_px / only_face(image).box.width_px
    return image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)


def unfocused(image: Image.Image, share: float) -> Image.Image:
    """Blurred by a share of the face."""
    return image.filter(ImageFilter.GaussianBlur(share * only_face(image).box.width_px))


def shaken(image: Image.Image, across: int, down: int) -> Image.Image:
    return Image.fromarray(cv2.blur(np.asarray(image), (across, down)))


@pytest.mark.parametrize("who", ["portrait", "astronaut"])
def test_what_a_face_lacks_is_named(request: pytest.FixtureRequest, who: str) -> None:
    image = request.getfixturevalue(who)
    face = only_face(image)
    assert face.flaw is None and face.score > 2 * QUALITY_GATE
    small = only_face(reduced(image, 21))
    assert small.flaw in ("small", "blurred") and 0 < small.score < QUALITY_GATE
    assert only_face(unfocused(image, 0.04)).flaw == "blurred"
    across, down = (round(share * face.box.width_px) for share in (0.16, 0.22))
    assert only_face(shaken(image, across, 1)).flaw == "blurred"
    assert only_face(shaken(image, 1, down)).score < face.score / 2
    # Neither the light nor the size nor a tilt makes a good face a poor one.
    for good in (
        reduced(image, 60),
        image.point(lambda value: value * 0.5),
        image.rotate(12, Image.Resampling.BICUBIC),
        image.resize((image.width * 2, image.height * 2), Image.Resampling.BICUBIC),
    ):
        assert only_face(good).flaw is None


def test_a_profile_is_turned() -> None:
    face = only_face(package_photo("skimage", "data/camera.png"))
    assert face.flaw == "turned" and face.score < QUALITY_GATE


def test_sharpness_is_of_the_face_whatever_its_size(astronaut: Image.Image) -> None:
    box = only_face(astronaut).box
    sharp = sharpness(np.asarray(astronaut), box)
    larger = astronaut.resize((1024, 1024), Image.Resampling.BICUBIC)
    twice = BoundingBox(*(2 * edge for edge in (box.left, box.top, box.right, box.bottom)))
    assert sharpness(np.asarray(larger), twice) == pytest.approx(sharp, rel=0.5)
    levels = [sharpness(np.asarray(unfocused(astronaut, share)), box) for share in (0.01, 0.02, 0.04, 0.08)]
    assert [sharp, *levels] == sorted([sharp, *levels], reverse=True)
    dark = Image.fromarray((np.asarray(astronaut) * 0.4).astype(np.uint8))
    assert sharpness(np.asarray(dark), box) == pytest.approx(sharp, rel=0.3)
    # Nothing to see: outside of the picture, a hair's breadth, or one colour.
    assert sharpness(np.asarray(astronaut), BoundingBox(600, 600, 700, 700)) == 0
    assert sharpness(np.asarray(astronaut), BoundingBox(5, 5, 6, 90)) == 0
    assert sharpness(np.full((90, 90, 3), 77, np.uint8), BoundingBox(5, 5, 85, 85)) == 0


def test_frontality_goes_from_a_profile_to_a_frontal_face() -> None:
    def face(nose: float) -> np.ndarray:
        return np.array([[10, 10], [30, 10], [nose, 20], [12, 30], [28, 30]], np.float32)

    assert frontality(face(20)) == 1
    assert frontality(face(15)) == pytest.approx(0.5)
    assert frontality(face(10)) == frontality(face(3)) == frontality(face(40)) == 0
    assert frontality(np.zeros((5, 2), np.float32)) == 0
    turn = np.array([[0, -1], [1, 0]], np.float32)
    assert frontality(face(15) @ turn) == pytest.approx(0.5), "a tilt is no turn"


def test_the_worst_property_decides() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (200, 200, 3)).astype(np.uint8)
    points = np.array([[70, 80], [130, 80], [100, 110], [80, 140], [120, 140]], np.float32)
    box = BoundingBox(40, 40, 160, 160)
    assert judge_face(pixels, box, points).flaw is None
    limits = QualityLimits(side_px=150)
    poor = judge_face(pixels, box, points, limits)
    assert poor.flaw == "small" and poor.score == pytest.approx(QUALITY_GATE * 120 / 150, abs=1e-3)
    with pytest.raises(ValueError, match="side_px"):
        QualityLimits(side_px=0)


def take(library: Library, image: Image.Image) -> int:
    """Put the only face of the picture into the library, with its real quality and vector; returns its number."""
    face = only_face(image)
    number = len(library.photos())
    photo = store_photo(
        library,
        content_hash=f"{number}",
        path=Path(f"/{number}.jpg"),
        width_px=image.width,
        height_px=image.height,
        detections=[(face, EMBEDDER.embed(image, face.box))],
    )
    [stored] = library.detections(photo.id)
    assert (stored.score, stored.flaw) == (face.score, face.flaw), "kept with its reason"
    return stored.id


def partition(library: Library) -> set[frozenset[int]]:
    groups: dict[int, set[int]] = {}
    for membership in library.memberships():
        if membership.status == "confirmed":
            groups.setdefault(membership.concept_id, set()).add(membership.detection_id)
    return {frozenset(group) for group in groups.values()}


def test_blurred_photos_of_two_people_are_not_one_person(
    library: Library, portrait: Image.Image, astronaut: Image.Image
) -> None:
    def blurred(image: Image.Image) -> list[Image.Image]:
        return [unfocused(image, share) for share in (0.04, 0.05)]

    poor = [take(library, image) for who in (portrait, astronaut) for image in blurred(who)]
    vectors = np.stack([vector_of(library, number) for number in poor])
    apart = np.linalg.norm(vectors[:2, None] - vectors[None, 2:], axis=2)
    assert apart.min() < 0.55, "to the network they look alike, which is what the gate is for"
    without_a_gate = ClusterSettings(face=dataclasses.replace(ClusterSettings().face, min_quality=0.0))
    cluster(library, without_a_gate)
    assert any(group & set(poor[:2]) and group & set(poor[2:]) for group in partition(library))
    # With the gate nothing comes of them, alone or together.
    for concept in library.concepts():
        library.delete_concept(concept.id)
    cluster(library)
    assert partition(library) == set()
    # Beside good photos neither: people are founded by those, and what is too poor to tell waits.
    good = {
        who: {take(library, image), take(library, image.transpose(Image.Transpose.FLIP_LEFT_RIGHT))}
        for who, image in (("portrait", portrait), ("astronaut", astronaut))
    }
    cluster(library)
    assert {group - set(poor) for group in partition(library)} == {frozenset(g) for g in good.values()}
    for group in partition(library):
        mine = set(poor[:2]) if group & good["portrait"] else set(poor[2:])
        assert group & set(poor) <= mine


def test_a_poor_face_joins_somebody_who_was_named_only_when_it_is_very_close(library: Library) -> None:
    random = np.random.default_rng(5)

    def direction() -> np.ndarray:
        drawn = random.normal(size=128)
        return drawn / np.linalg.norm(drawn)

    center = 0.5 * direction()

    def add(distance: float, score: float) -> int:
        """A face that is so far from the members of Ada on average."""
        off = np.sqrt(max(distance**2 - spread**2, 0.0))
        vector = (center + off * direction()).astype(np.float32)
        photo = store_photo(
            library,
            content_hash=f"{len(library.photos())}",
            path=Path(f"/{len(library.photos())}.jpg"),
            detections=[
                (NewDetection("face", BoundingBox(0, 0, 9, 9), score, "x"), Embedding(vector, "f", "1"))
            ],
        )
        return library.detections(photo.id)[0].id

    spread = 0.0
    members = [add(0.34, 0.9) for _ in range(6)]
    ada = library.create_concept("face", name="Ada")
    library.add_members(ada.id, members, source="user", status="confirmed")
    spread = 0.34
    settings = ClusterSettings()
    between = 1 - settings.face.sure - settings.face.poor / 2
    good, poor, close = add(between, 0.9), add(between, 0.1), add(between - 0.06, 0.1)
    cluster(library)
    confirmed = {member.id for member in library.members(ada.id)}
    assert good in confirmed and close in confirmed and poor not in confirmed
    assert poor in {member.id for member in library.members(ada.id, "suggested")}, "a person is asked"
