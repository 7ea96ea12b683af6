from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from photos import CHINA, FLOWER, package_photo
from PIL import Image
from safetensors.numpy import load_file

from personalizer.analysis import embed as embedding
from personalizer.analysis.efficientnet import FEATURES, MANIFEST_NAME, ONNX_NAME
from personalizer.analysis.embed import OBJECT_MEAN, ObjectEmbedder, ensure_object_model
from personalizer.errors import CorruptArtifactError, NotReadyError
from personalizer.faces.embedder import face_model_path


@pytest.fixture(scope="session")
def flower() -> Image.Image:
    return package_photo(*FLOWER)


@pytest.fixture(scope="session")
def china() -> Image.Image:
    return package_photo(*CHINA)


@pytest.fixture(scope="session")
def embedder(models: Path) -> ObjectEmbedder:
    return ObjectEmbedder(models)


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
    models: Path, embedder: ObjectEmbedder, flower: Image.Image, tmp_path: Path
) -> None:
    raw = ObjectEmbedder(models, mean_file=tmp_path / "none")
    assert raw.model_version[1].endswith("-raw") and "-mean-" in embedder.model_version[1]
    mean = load_file(OBJECT_MEAN)["mean"]
    assert mean.shape == (FEATURES,)
    expected = raw.embed(flower).vector - mean
    np.testing.assert_allclose(embedder.embed(flower).vector, expected / np.linalg.norm(expected), atol=1e-5)


def test_conversion_is_verified_private_and_made_once(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = json.loads((models / MANIFEST_NAME).read_text())
    assert manifest["max_difference_to_torch"] < 1e-3
    assert (models / ONNX_NAME).stat().st_mode & 0o077 == 0
    monkeypatch.setattr(embedding, "_convert", lambda folder: pytest.fail("converted again"))
    assert ensure_object_model(models) == models / ONNX_NAME


@pytest.mark.parametrize("damage", ["flipped byte", "truncated", "no manifest", "nonsense manifest"])
def test_damaged_conversion_is_noticed(
    models: Path, tmp_path: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = Path(shutil.copytree(models, tmp_path / "models"))
    onnx = copy / ONNX_NAME
    if damage == "flipped byte":
        content = bytearray(onnx.read_bytes())
        content[len(content) // 2] ^= 1
        onnx.write_bytes(content)
    elif damage == "truncated":
        onnx.write_bytes(onnx.read_bytes()[:1000])
    elif damage == "no manifest":
        (copy / MANIFEST_NAME).unlink()
    else:
        (copy / MANIFEST_NAME).write_text("[]")
    converted: list[Path] = []

    def convert(folder: Path) -> None:
        converted.append(folder)
        shutil.copytree(models, folder, dirs_exist_ok=True)

    monkeypatch.setattr(embedding, "_convert", convert)
    ensure_object_model(copy)
    assert converted == [copy]


@pytest.mark.slow
def test_damaged_conversion_is_made_again(models: Path, tmp_path: Path, flower: Image.Image) -> None:
    copy = Path(shutil.copytree(models, tmp_path / "models"))
    (copy / ONNX_NAME).write_bytes(b"not a network")
    repaired = ObjectEmbedder(copy)
    np.testing.assert_array_equal(repaired.embed(flower).vector, ObjectEmbedder(models).embed(flower).vector)
    # Written by hand and in a fixed order, so a conversion is the same file every time.
    assert (copy / ONNX_NAME).read_bytes() == (models / ONNX_NAME).read_bytes()


def test_missing_and_wrong_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CorruptArtifactError, match="force-reinstall face_recognition_models"):
        face_model_path("shape_predictor_5_face_landmarks.dat", "0000")
    find: Callable[..., object] = lambda name: None  # noqa: E731
    monkeypatch.setattr(importlib.util, "find_spec", find)
    with pytest.raises(NotReadyError, match="pip install face_recognition_models"):
        face_model_path("shape_predictor_5_face_landmarks.dat", "c4b1")
