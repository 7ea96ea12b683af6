from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from photos import CHINA, FLOWER, package_photo
from PIL import Image
from safetensors.numpy import load_file

from personalizer.analysis import embed as embedding
from personalizer.analysis.efficientnet import FEATURES, OBJECT_NETWORK
from personalizer.analysis.embed import OBJECT_MEAN, ObjectEmbedder, object_network, read_network
from personalizer.analysis.removed_conversion import remove_conversion
from personalizer.errors import CorruptArtifactError, NotReadyError
from personalizer.faces.embedder import face_model_path
from personalizer.home import child_environment


@pytest.fixture(scope="session")
def flower() -> Image.Image:
    return package_photo(*FLOWER)


@pytest.fixture(scope="session")
def china() -> Image.Image:
    return package_photo(*CHINA)


@pytest.fixture(scope="session")
def embedder() -> ObjectEmbedder:
    return ObjectEmbedder()


def test_vectors_are_unit_and_say_what_is_shown(
    embedder: ObjectEmbedder, flower: Image.Image, china: Image.Image
) -> None:
    width, height = flower.size
    closer = flower.crop((width // 8, height // 8, width * 7 // 8, height * 7 // 8))
    views = embedder.view([flower, closer, china])
    vectors = np.stack([view.embedding.vector for view in views])
    assert vectors.shape == (3, FEATURES) and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2
    assert views[0].activation.shape == (7, 7)
    # Batched or alone, small or large: the same picture gives the same vector.
    np.testing.assert_allclose(embedder.embed(china).vector, vectors[2], atol=1e-4)
    assert embedder.view([]) == []


def test_knows_imagenet_classes(embedder: ObjectEmbedder, flower: Image.Image) -> None:
    """That the weights sit where they belong: a dahlia-like flower is a daisy to ImageNet, or at least a plant."""
    [logits] = embedder.session.run(["logits"], {"images": embedding.network_input(flower)[None]})
    daisy, ladys_slipper = 985, 986
    assert {daisy, ladys_slipper} & set(np.argsort(-logits[0])[:5].tolist())


def test_shipped_mean_is_subtracted_and_named_in_the_version(
    embedder: ObjectEmbedder, flower: Image.Image, tmp_path: Path
) -> None:
    raw = ObjectEmbedder(mean_file=tmp_path / "none")
    assert raw.model_version[1].endswith("-raw") and "-mean-" in embedder.model_version[1]
    mean = load_file(OBJECT_MEAN)["mean"]
    assert mean.shape == (FEATURES,)
    expected = raw.embed(flower).vector - mean
    np.testing.assert_allclose(embedder.embed(flower).vector, expected / np.linalg.norm(expected), atol=1e-5)


def test_the_version_of_stored_vectors_stays(embedder: ObjectEmbedder) -> None:
    """Libraries and the picture bank that ships hold vectors of it; those of float32 weights are as near as 1e-5."""
    assert embedder.model_version == ("efficientnet-lite0", "57934424-g1-squash-mean-296b33d1")


@pytest.mark.parametrize("damage", ["flipped byte", "truncated", "missing"])
def test_a_damaged_network_is_named(tmp_path: Path, damage: str) -> None:
    copy = Path(shutil.copy(OBJECT_NETWORK, tmp_path))
    assert read_network(copy) == object_network()
    content = bytearray(copy.read_bytes())
    content[len(content) // 2] ^= 1
    copy.write_bytes(content if damage == "flipped byte" else content[:1000])
    if damage == "missing":
        copy.unlink()
    with pytest.raises(CorruptArtifactError, match=r"efficientnet_lite0\.onnx.*force-reinstall"):
        read_network(copy)


def test_the_network_is_read_and_checked_once(
    embedder: ObjectEmbedder, flower: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder.load()
    monkeypatch.setattr(embedding, "read_network", lambda path: pytest.fail("read again"))
    np.testing.assert_array_equal(ObjectEmbedder().embed(flower).vector, embedder.embed(flower).vector)


def test_it_ships_small_and_computes_in_float32() -> None:
    model = onnx.load(OBJECT_NETWORK)
    assert OBJECT_NETWORK.stat().st_size <= 10 * 2**20
    assert {value.type.tensor_type.elem_type for value in (*model.graph.input, *model.graph.output)} == {
        onnx.TensorProto.FLOAT
    }
    halves = {one.name for one in model.graph.initializer if one.data_type == onnx.TensorProto.FLOAT16}
    assert len(halves) > 50
    readers = [node.op_type for node in model.graph.node if halves & set(node.input)]
    assert readers == ["Cast"] * len(halves)


def test_what_was_converted_on_first_use_is_removed(tmp_path: Path) -> None:
    remove_conversion(tmp_path / "none")
    for name in (
        "efficientnet_lite0.onnx",
        "efficientnet_lite0.json",
        ".conversion.lock",
        "efficientnet_lite2.onnx",
    ):
        (tmp_path / name).write_bytes(b"anything")
    remove_conversion(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["efficientnet_lite2.onnx"]


@pytest.mark.parametrize(
    "name", ["personalizer.analysis.convert_efficientnet", "personalizer.efficientnet_conversion"]
)
def test_a_conversion_for_an_older_worker_is_refused(tmp_path: Path, name: str) -> None:
    """As its worker starts it; the last line is what that passes on."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", name, "--out", str(tmp_path / "models")],
        env=child_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "updated" in done.stderr.splitlines()[-1]
    assert not (tmp_path / "models").exists()


def test_missing_and_wrong_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CorruptArtifactError, match="force-reinstall face_recognition_models"):
        face_model_path("shape_predictor_5_face_landmarks.dat", "0000")
    find: Callable[..., object] = lambda name: None  # noqa: E731
    monkeypatch.setattr(importlib.util, "find_spec", find)
    with pytest.raises(NotReadyError, match="pip install face_recognition_models"):
        face_model_path("shape_predictor_5_face_landmarks.dat", "c4b1")
