from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from personalizer.errors import CorruptArtifactError
from personalizer.recognition.picture_bank import BANK_FILE, PictureBank


def test_no_bank_is_no_error(tmp_path: Path) -> None:
    assert PictureBank.load(tmp_path) is None


def test_codes_and_vectors_are_widened(tmp_path: Path) -> None:
    codes = np.arange(12, dtype=np.int16).reshape(3, 4)
    vectors = np.eye(3, 5, dtype=np.float16)
    save_file(
        {"codes": codes, "vectors": vectors}, tmp_path / BANK_FILE, metadata={"embedding_version": "e1"}
    )
    bank = PictureBank.load(tmp_path)
    assert bank is not None and bank.embedding_version == "e1"
    assert bank.codes.dtype == np.int64 and bank.vectors.dtype == np.float32
    np.testing.assert_array_equal(bank.codes, codes)
    np.testing.assert_array_equal(bank.vectors, vectors)


def test_a_bank_without_a_version_loads_with_an_empty_one(tmp_path: Path) -> None:
    save_file(
        {"codes": np.zeros((1, 4), np.int16), "vectors": np.zeros((1, 2), np.float16)}, tmp_path / BANK_FILE
    )
    bank = PictureBank.load(tmp_path)
    assert bank is not None and bank.embedding_version == ""


@pytest.mark.parametrize("damage", ["cut", "empty", "no vectors", "counts"])
def test_a_damaged_bank_names_its_file(tmp_path: Path, damage: str) -> None:
    path = tmp_path / BANK_FILE
    tensors = {"codes": np.zeros((3, 4), np.int16), "vectors": np.zeros((3, 2), np.float16)}
    if damage == "no vectors":
        del tensors["vectors"]
    if damage == "counts":
        tensors["vectors"] = tensors["vectors"][:2].copy()
    save_file(tensors, path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-5])
    if damage == "empty":
        path.write_bytes(b"")
    with pytest.raises(CorruptArtifactError, match=BANK_FILE):
        PictureBank.load(tmp_path)
