"""Faces and regions in real photos that packages carry."""

from __future__ import annotations

import numpy as np
import pytest
from photos import CHINA, package_photo
from PIL import Image

from personalizer.analysis.analyzer import PhotoAnalyzer, propose_region
from personalizer.faces.detector import FaceDetector
from personalizer.faces.embedder import FaceEmbedder
from personalizer.photos.decode import DecodedPhoto
from personalizer.schemas import BoundingBox


@pytest.fixture(scope="session")
def landscape() -> Image.Image:
    return package_photo(*CHINA)


def overlap(a: BoundingBox, b: BoundingBox) -> float:
    width = min(a.right, b.right) - max(a.left, b.left)
    height = min(a.bottom, b.bottom) - max(a.top, b.top)
    both = max(width, 0) * max(height, 0)
    return both / (a.width_px * a.height_px + b.width_px * b.height_px - both)


def test_finds_the_face_and_only_the_face(portrait: Image.Image, landscape: Image.Image) -> None:
    detector = FaceDetector()
    [face] = detector.detect(portrait)
    assert face.kind == "face" and 0.3 < face.score <= 1 and face.flaw is None
    assert face.detector == detector.name
    assert 0 <= face.box.left < face.box.right <= portrait.width
    assert detector.detect(landscape) == []


def test_same_person_in_other_sizes_and_light(portrait: Image.Image) -> None:
    detector, embedder = FaceDetector(), FaceEmbedder()
    [face] = detector.detect(portrait)
    vector = embedder.embed(portrait, face.box).vector
    assert vector.shape == (128,) and vector.dtype == np.float32
    small = portrait.resize((portrait.width // 2, portrait.height // 2))
    dark = portrait.point(lambda value: value * 0.6)
    for other in (small, dark, portrait.transpose(Image.Transpose.FLIP_LEFT_RIGHT), portrait.rotate(8)):
        [found] = detector.detect(other)
        assert np.linalg.norm(embedder.embed(other, found.box).vector - vector) < 0.45


def test_small_face_in_a_large_picture(portrait: Image.Image) -> None:
    scene = Image.new("RGB", (1024, 768), (90, 120, 90))
    [face] = FaceDetector().detect(portrait)
    scale = 75 / face.box.width_px
    pasted = portrait.resize((round(portrait.width * scale), round(portrait.height * scale)))
    scene.paste(pasted, (600, 300))
    [found] = FaceDetector().detect(scene)
    expected = BoundingBox(
        600 + face.box.left * scale,
        300 + face.box.top * scale,
        600 + face.box.right * scale,
        300 + face.box.bottom * scale,
    )
    assert overlap(found.box, expected) > 0.6


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (900, 3)])
def test_degenerate_pictures_have_no_face(size: tuple[int, int]) -> None:
    assert FaceDetector().detect(Image.new("RGB", size, "grey")) == []


def test_region_follows_the_activation() -> None:
    activation = np.zeros((7, 7), np.float32)
    activation[1:3, 4:6] = 1
    region = propose_region(activation, (700, 350))
    assert region.kind == "object" and region.score > 0.5
    assert overlap(region.box, BoundingBox(400, 50, 600, 150)) > 0.4
    assert region.box.left > 300 and region.box.bottom < 250


@pytest.mark.parametrize("activation", [np.zeros((7, 7)), np.full((7, 7), -3.0), np.eye(7)])
def test_there_is_always_a_region_inside_the_picture(activation: np.ndarray) -> None:
    box = propose_region(activation.astype(np.float32), (40, 30)).box
    assert 0 <= box.left < box.right <= 40 and 0 <= box.top < box.bottom <= 30


def test_analysis_reports_original_pixels(portrait: Image.Image) -> None:
    analyzer = PhotoAnalyzer()
    plain = analyzer.analyze(portrait).detections
    assert [detection.kind for detection, _ in plain] == ["photo", "object", "face"]
    decoded = DecodedPhoto(portrait, portrait.width * 4, portrait.height * 4)
    for (small, first), (large, second) in zip(plain, analyzer.analyze(decoded).detections, strict=True):
        assert large.box.right == pytest.approx(small.box.right * 4)
        assert large.box.top == pytest.approx(small.box.top * 4)
        np.testing.assert_allclose(first.vector, second.vector, atol=1e-5)
    assert {(e.model, e.version) for d, e in plain if d.kind != "face"} == {analyzer.object_model}
    assert [(e.model, e.version) for d, e in plain if d.kind == "face"] == [analyzer.face_model]


@pytest.mark.parametrize("size", [(1, 1), (2000, 2)])
def test_analysis_of_degenerate_pictures(size: tuple[int, int]) -> None:
    found = PhotoAnalyzer().analyze(Image.new("RGB", size, "teal")).detections
    assert [detection.kind for detection, _ in found] == ["photo", "object"]
    assert all(np.isfinite(each.vector).all() for _, each in found)
