"""How many faces are found, pinned on real photos that packages carry, and that nothing else is taken for one.

Photos of twelve megapixels are put together from them: two people in many sizes among photos of other things.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from photos import package_photo
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from personalizer.faces.detector import FaceDetector
from personalizer.home import PACKAGE_DATA
from personalizer.photos.decode import FOR_ANALYSIS, decode_photo
from personalizer.schemas import BoundingBox, NewDetection

SIZES_PX = (64, 84, 110, 125, 150, 190, 250, 330, 450, 600)
WITHOUT_FACES = (
    ("sklearn", "datasets/images/china.jpg"),
    ("sklearn", "datasets/images/flower.jpg"),
    *(
        ("skimage", f"data/{name}")
        for name in (
            "brick.png",
            "chelsea.png",
            "coffee.png",
            "coins.png",
            "grass.png",
            "gravel.png",
            "horse.png",
            "hubble_deep_field.jpg",
            "ihc.png",
            "moon.png",
            "motorcycle_left.png",
            "motorcycle_right.png",
            "page.png",
            "phantom.png",
            "retina.jpg",
            "rocket.jpg",
            "text.png",
        )
    ),
)


def overlap(a: BoundingBox, b: BoundingBox) -> float:
    width = max(min(a.right, b.right) - max(a.left, b.left), 0)
    height = max(min(a.bottom, b.bottom) - max(a.top, b.top), 0)
    both = width * height
    return both / (a.width_px * a.height_px + b.width_px * b.height_px - both)


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector()


@pytest.fixture(scope="module")
def scene(
    portrait: Image.Image,
    astronaut: Image.Image,
    detector: FaceDetector,
) -> tuple[Image.Image, list[BoundingBox]]:
    """A photo of 4000 x 3000 and where its twenty faces are."""
    random = np.random.default_rng(3)
    photo = Image.new("RGB", (4000, 3000))
    grounds = [package_photo(*name) for name in WITHOUT_FACES]
    for number in range(20):
        ground = grounds[number % len(grounds)].resize((800, 750), Image.Resampling.BICUBIC)
        photo.paste(ground, (number % 5 * 800, number // 5 * 750))
    grain = random.normal(0, 3, (3000, 4000, 1))
    photo = Image.fromarray((np.asarray(photo) + grain).clip(0, 255).astype(np.uint8))
    # Tight enough that the largest fits its place.
    people = [portrait.crop((130, 0, 370, 300)), astronaut.crop((150, 0, 300, 190))]
    expected = []
    for number in range(20):
        person = people[number % 2]
        [face] = detector.detect(person)
        scale = SIZES_PX[number // 2] / face.box.width_px
        size = (min(round(person.width * scale), 800), min(round(person.height * scale), 750))
        scale = min(size[0] / person.width, size[1] / person.height)
        size = (round(person.width * scale), round(person.height * scale))
        pasted = person.resize(size, Image.Resampling.BICUBIC)
        mask = Image.new("L", size, 0)
        edge = max(2, size[0] // 25)
        ImageDraw.Draw(mask).rectangle((edge, edge, size[0] - edge, size[1] - edge), fill=255)
        mask = mask.filter(ImageFilter.GaussianBlur(edge / 2))
        x = number % 5 * 800 + int(random.integers(0, 801 - size[0]))
        y = number // 5 * 750 + int(random.integers(0, 751 - size[1]))
        photo.paste(pasted, (x, y), mask)
        box = face.box
        edges = (x + box.left * scale, y + box.top * scale, x + box.right * scale, y + box.bottom * scale)
        expected.append(BoundingBox(*edges))
    return photo, expected


def test_faces_of_all_sizes_in_twelve_megapixels_are_found(
    tmp_path: Path, scene: tuple[Image.Image, list[BoundingBox]], detector: FaceDetector
) -> None:
    """As the import sees them: in the picture that decoding reduces."""
    import dlib

    photo, expected = scene
    photo.save(tmp_path / "photo.jpg", quality=92)
    decoded = decode_photo((tmp_path / "photo.jpg").read_bytes(), tmp_path / "photo.jpg", FOR_ANALYSIS)
    assert max(decoded.image.size) <= photo.width / 2
    found = [
        BoundingBox(*(edge * decoded.scale for edge in (box.left, box.top, box.right, box.bottom)))
        for box in (face.box for face in detector.detect(decoded.image))
    ]
    seen = [any(overlap(box, face) > 0.4 for box in found) for face in expected]
    large = [face.width_px > 105 for face in expected]
    assert all(hit for hit, is_large in zip(seen, large, strict=True) if is_large)
    assert sum(seen) >= 18
    false = [box for box in found if all(overlap(box, face) <= 0.4 for face in expected)]
    assert false == []

    # What dlib's own detector finds with more than twice the pixels, enlarged twice.
    reduced = photo.copy()
    reduced.thumbnail((1600, 1600), Image.Resampling.LANCZOS)
    scale = photo.width / reduced.width
    theirs = [
        BoundingBox(box.left() * scale, box.top() * scale, box.right() * scale, box.bottom() * scale)
        for box in dlib.get_frontal_face_detector()(np.asarray(reduced), 1)
    ]
    by_dlib = [any(overlap(box, face) > 0.4 for box in theirs) for face in expected]
    assert sum(by_dlib) >= 12, "else it is no measure"
    assert all(ours for ours, other in zip(seen, by_dlib, strict=True) if other)


def test_a_large_picture_is_searched_in_small_and_judged_in_full(
    scene: tuple[Image.Image, list[BoundingBox]], detector: FaceDetector
) -> None:
    photo, expected = scene
    found = {side: detector.detect(_no_wider(photo, side)) for side in (1024, 2048)}
    assert len(expected) == len(found[2048]) >= len(found[1024])
    hits = [
        [overlap(_times(face.box, photo.width / side), box) > 0.4 for face in faces]
        for side, faces in found.items()
        for box in expected[-4:]
    ]
    assert all(sum(hit) == 1 for hit in hits), "the same boxes, in pixels of the given picture"
    # A face of 64 px has 16 of them in the one, and 33 in the other.
    flawed = {side: sum(face.flaw is not None for face in faces) for side, faces in found.items()}
    assert flawed[2048] == 0 < flawed[1024]


def _no_wider(image: Image.Image, side_px: int) -> Image.Image:
    reduced = image.copy()
    reduced.thumbnail((side_px, side_px), Image.Resampling.BICUBIC)
    return reduced


def _times(box: BoundingBox, scale: float) -> BoundingBox:
    return BoundingBox(*(edge * scale for edge in (box.left, box.top, box.right, box.bottom)))


@pytest.mark.parametrize("name", WITHOUT_FACES, ids=lambda name: Path(name[1]).stem)
def test_nothing_else_is_a_face(detector: FaceDetector, name: tuple[str, str]) -> None:
    assert detector.detect(package_photo(*name)) == []


def test_the_sample_library_has_no_faces(detector: FaceDetector) -> None:
    photos = sorted((PACKAGE_DATA / "sample_library").rglob("*.jpg"))
    assert len(photos) > 90
    assert [photo.name for photo in photos if detector.detect(Image.open(photo).convert("RGB"))] == []


VARIANTS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "as it is": lambda image: image,
    "dark": lambda image: ImageEnhance.Brightness(image).enhance(0.4),
    "bright": lambda image: ImageEnhance.Brightness(image).enhance(1.8),
    "flat": lambda image: ImageEnhance.Contrast(image).enhance(0.4),
    "grey": lambda image: image.convert("L").convert("RGB"),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "tilted left": lambda image: image.rotate(15, Image.Resampling.BICUBIC),
    "tilted right": lambda image: image.rotate(-15, Image.Resampling.BICUBIC),
    "small": lambda image: image.resize((image.width // 3, image.height // 3), Image.Resampling.LANCZOS),
    "large": lambda image: image.resize((image.width * 2, image.height * 2), Image.Resampling.BICUBIC),
    "wide": lambda image: image.resize((round(image.width * 1.2), image.height), Image.Resampling.BICUBIC),
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("who", ["portrait", "astronaut"])
def test_one_face_whatever_the_light_the_size_and_the_tilt(
    request: pytest.FixtureRequest, detector: FaceDetector, who: str, variant: str
) -> None:
    image = request.getfixturevalue(who)
    changed = VARIANTS[variant](image)
    assert len(detector.detect(changed)) == 1


def test_a_doubtful_face_counts_only_where_dlib_sees_it_too(astronaut: Image.Image) -> None:
    """The cascade says the same of both pictures; only one of them is of a face."""
    from personalizer.faces.mtcnn import FaceCascade, FoundFaces

    class Doubting(FaceCascade):
        """Gives the boxes of the real cascade the same low probability, and one more beside the face."""

        def find(self, pixels: np.ndarray) -> FoundFaces:
            real = super().find(pixels)
            beside = real.boxes + np.array([0, 250, 0, 250], np.float32)
            boxes = np.concatenate([real.boxes, beside])
            points = np.concatenate([real.points, real.points + np.array([0, 250], np.float32)])
            return FoundFaces(boxes, np.full(2, 0.8, np.float32), points)

    [sure] = FaceDetector().detect(astronaut)
    found: list[NewDetection] = FaceDetector(cascade=Doubting()).detect(astronaut)
    assert [face.box for face in found] == [sure.box]
