"""dlib's face network as ONNX gives dlib's vectors, and other files are refused."""

from __future__ import annotations

import dlib
import numpy as np
import pytest
from PIL import Image

from personalizer.faces.dlib_resnet import CHIP_PX, face_graph
from personalizer.faces.embedder import FaceEmbedder, face_model_path
from personalizer.schemas import BoundingBox

NETWORK = ("dlib_face_recognition_resnet_model_v1.dat", "55533b28a95800a5")


@pytest.fixture(scope="module")
def chips() -> np.ndarray:
    """Pictures as the network takes them: any will do for comparing numbers."""
    rng = np.random.default_rng(5)
    coarse = rng.integers(0, 256, (4, 9, 9, 3), np.uint8)
    return np.stack([np.asarray(Image.fromarray(one).resize((CHIP_PX, CHIP_PX))) for one in coarse])


def test_vectors_are_those_of_dlib(chips: np.ndarray) -> None:
    import onnxruntime

    path = face_model_path(*NETWORK)
    session = onnxruntime.InferenceSession(face_graph(path.read_bytes()))
    found = session.run(None, {"faces": chips})[0]
    network = dlib.face_recognition_model_v1(str(path))
    expected = np.stack([np.array(network.compute_face_descriptor(chip)) for chip in chips])
    assert np.ptp(expected, axis=0).max() > 0.05
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(session.run(None, {"faces": chips[2:3]})[0], expected[2:3], atol=1e-5)


def test_a_face_is_cut_out_as_dlib_does_it(portrait: Image.Image) -> None:
    pixels = np.asarray(portrait)
    [box] = dlib.get_frontal_face_detector()(pixels, 1)
    landmarks = dlib.shape_predictor(
        str(face_model_path("shape_predictor_5_face_landmarks.dat", "c4b1e9804792707d"))
    )
    network = dlib.face_recognition_model_v1(str(face_model_path(*NETWORK)))
    expected = np.array(network.compute_face_descriptor(pixels, landmarks(pixels, box)))
    embedder = FaceEmbedder()
    edges = (box.left(), box.top(), box.right() + 1, box.bottom() + 1)
    found = embedder.embed(portrait, BoundingBox(*map(float, edges))).vector
    # Ours is cut out of an enlarged crop: a little sharper, the same face.
    assert np.linalg.norm(found - expected) < 0.2
    side = float(box.width())
    elsewhere = embedder.embed(
        portrait, BoundingBox(0.0, portrait.height - side, side, portrait.height)
    ).vector
    assert np.linalg.norm(elsewhere - expected) > 0.6


def test_another_file_is_refused() -> None:
    content = face_model_path(*NETWORK).read_bytes()
    with pytest.raises(ValueError, match="too few layers"):
        face_graph(b"not a network")
    with pytest.raises(ValueError):
        face_graph(content[:5_000_000])
