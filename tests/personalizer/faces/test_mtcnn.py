"""The three networks that ship find a face and its five points, and are refused when they are not what was shipped."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from personalizer.errors import CorruptArtifactError
from personalizer.faces import mtcnn as face_cascade
from personalizer.faces.embedder import FaceLandmarks
from personalizer.faces.mtcnn import CASCADE_DIR, CascadeConfig, FaceCascade, read_graphs, suppress


@pytest.mark.parametrize("who", ["portrait", "astronaut"])
def test_points_are_where_dlib_sees_them(request: pytest.FixtureRequest, who: str) -> None:
    image = request.getfixturevalue(who)
    pixels = np.asarray(image)
    found = FaceCascade().find(pixels)
    assert found.boxes.shape == (1, 4) and found.points.shape == (1, 5, 2)
    assert found.probabilities[0] > 0.99
    points = found.points[0]
    seen = FaceLandmarks().find(pixels, *found.boxes[0].tolist())
    corners = np.array([(seen.part(number).x, seen.part(number).y) for number in range(4)], float)
    # dlib begins with the eye at the right of the picture.
    eyes = np.stack([corners[2:].mean(axis=0), corners[:2].mean(axis=0)])
    apart = np.linalg.norm(eyes[1] - eyes[0])
    assert np.linalg.norm(points[:2] - eyes, axis=1).max() < 0.12 * apart
    assert points[0, 0] < points[2, 0] < points[1, 0], "the nose is between the eyes"
    assert points[:2, 1].max() < points[2, 1] < points[3:, 1].min(), "eyes, nose, mouth from top to bottom"
    # The last network alone finds them again in a box that is known.
    again = FaceCascade().points(pixels, found.boxes[0])
    assert np.abs(again - points).max() < 0.12 * apart


def test_whole_picture_order_and_sizes_do_not_matter(portrait: Image.Image, astronaut: Image.Image) -> None:
    both = Image.new("RGB", (1600, 700))
    both.paste(portrait.resize((512, 600)), (20, 40))
    both.paste(astronaut.resize((256, 256)), (1200, 300))
    for picture in (both, both.transpose(Image.Transpose.FLIP_LEFT_RIGHT)):
        found = FaceCascade().find(np.asarray(picture))
        # Medals on a chest look like faces a little.
        assert (found.probabilities > 0.985).sum() == 2
        assert list(found.probabilities) == sorted(found.probabilities, reverse=True)


@pytest.mark.parametrize("size", [(1, 1), (11, 500), (500, 11), (12, 12), (13, 3000)])
def test_pictures_too_small_for_a_face(size: tuple[int, int]) -> None:
    found = FaceCascade().find(np.full((*size, 3), 128, np.uint8))
    assert found.boxes.shape == (0, 4) and found.points.shape == (0, 5, 2)


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CASCADE_DIR, tmp_path / "cascade"))


def flip_a_bit(folder: Path) -> None:
    content = bytearray((folder / "output.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "output.onnx").write_bytes(content)


def cut(folder: Path) -> None:
    content = (folder / "proposal.onnx").read_bytes()
    (folder / "proposal.onnx").write_bytes(content[:-1])


def remove(folder: Path) -> None:
    (folder / "refinement.onnx").unlink()


def other_version(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"graph_version": 0}))


def without_a_network(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["graphs"]["refinement"]
    (folder / "manifest.json").write_text(json.dumps(manifest))


def no_json(folder: Path) -> None:
    (folder / "manifest.json").write_text("{")


@pytest.mark.parametrize("damage", [flip_a_bit, cut, remove, other_version, without_a_network, no_json])
def test_graphs_that_are_not_what_was_shipped_are_refused(
    shipped: Path, damage, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert set(read_graphs(shipped)) == {"proposal", "refinement", "output"}
    damage(shipped)
    monkeypatch.setattr(face_cascade, "CASCADE_DIR", shipped)
    with pytest.raises(CorruptArtifactError) as caught:
        FaceCascade().find(np.zeros((64, 64, 3), np.uint8))
    assert "force-reinstall" in caught.value.fix


def test_of_boxes_that_overlap_the_likeliest_is_kept() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [30, 30, 40, 40], [2, 2, 6, 6]], np.float32)
    scores = np.array([0.8, 0.9, 0.7, 0.6], np.float32)
    assert suppress(boxes, scores, 0.5).tolist() == [1, 2, 3], "the small one is a sixth of the union"
    assert suppress(boxes, scores, 0.5, of_smaller=True).tolist() == [1, 2], "and lies within the other"
    assert suppress(boxes[:0], scores[:0], 0.5).tolist() == []


@pytest.mark.parametrize("wrong", [{"min_face_px": 5}, {"step": 1.0}, {"proposal": 0.0}, {"output": 1.0}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        CascadeConfig(**wrong)


@pytest.mark.parametrize("height", [12, 211, 223, 224, 425, 700])
def test_a_picture_in_bands_is_the_same_picture(height: int) -> None:
    pixels = np.random.default_rng(height).integers(0, 255, (height, 40, 3)).astype(np.uint8)
    cascade = FaceCascade()
    whole = cascade.sessions["proposal"].run(None, {"pixels": pixels[None]})
    for part, expected in zip(cascade.proposals(pixels), whole, strict=True):
        np.testing.assert_allclose(part, expected[0], atol=1e-5)
