"""Damaged, foreign and unfinished exports are errors that say what to do."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exporters.manifest import Manifest
from exporters.onnx import export as export_module
from exporters.runtime.ort_session import OrtSession
from personalizer.errors import CorruptArtifactError, NotReadyError
from personalizer.schemas import Progress


@pytest.fixture
def copied(exports: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(exports["fp32"], tmp_path / "copy"))


def test_manifest_round_trip(exports: dict[str, Path], backbone: Any) -> None:
    manifest = Manifest.read(exports["int8"])
    assert manifest.spec == backbone.spec
    assert manifest.scaling == backbone.scaling
    assert manifest.precision == "int8"
    assert manifest.validation["codes_equal"] == 1.0
    assert set(manifest.versions) == {"torch", "transformers", "onnx", "onnxruntime"}
    manifest.verify(exports["int8"])


def test_files_are_private(exports: dict[str, Path]) -> None:
    assert stat.S_IMODE(exports["fp32"].stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in exports["fp32"].iterdir()} == {0o600}


@pytest.mark.parametrize(
    "name",
    ["decoder.onnx", "text_head.onnx", "image_encoder.onnx", "embeddings.safetensors", "tokenizer.json"],
)
@pytest.mark.parametrize("damage", ["truncate", "remove", "flip"])
def test_damage_is_noticed(copied: Path, name: str, damage: str) -> None:
    path = copied / name
    if damage == "remove":
        path.unlink()
    elif damage == "truncate":
        path.write_bytes(path.read_bytes()[:-5])
    else:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0xFF
        path.write_bytes(content)
    with pytest.raises(CorruptArtifactError, match=r"[Ee]xport the backbone again"):
        OrtSession(copied)


def test_hashes_are_read_once(copied: Path) -> None:
    OrtSession(copied)
    path = copied / "decoder.onnx"
    status = path.stat()
    content = bytearray(path.read_bytes())
    content[-1] ^= 0xFF
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    manifest = Manifest.read(copied)
    manifest.verify(copied)  # same size and time as when it was hashed
    path.touch()
    with pytest.raises(CorruptArtifactError, match="content changed"):
        manifest.verify(copied)


def test_no_manifest_is_no_export(copied: Path) -> None:
    (copied / "manifest.json").unlink()
    with pytest.raises(NotReadyError, match="Export the backbone first"):
        OrtSession(copied)


def _cut(text: str) -> str:
    return text[: len(text) // 2]


def _without_spec(text: str) -> str:
    content = json.loads(text)
    del content["spec"]["layers"]
    return json.dumps(content)


@pytest.mark.parametrize("change", [_cut, _without_spec, lambda _: "[]", lambda _: ""])
def test_damaged_manifest(copied: Path, change: Callable[[str], str]) -> None:
    path = copied / "manifest.json"
    path.write_text(change(path.read_text()))
    with pytest.raises(CorruptArtifactError, match="damaged manifest"):
        OrtSession(copied)


def test_other_format(copied: Path) -> None:
    path = copied / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(NotReadyError, match="format 99"):
        OrtSession(copied)


def test_failed_export_leaves_the_old_one(
    copied: Path, backbone: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object, directory: Path, *__: object) -> None:
        (directory / "decoder.onnx").write_bytes(b"half")
        raise RuntimeError("disk full")

    before = sorted(copied.parent.iterdir())
    monkeypatch.setattr(export_module, "_write_graph", fail)
    with pytest.raises(RuntimeError, match="disk full"):
        export_module.export_backbone(backbone, copied, precision="fp32")
    OrtSession(copied)
    assert sorted(copied.parent.iterdir()) == before


def test_export_replaces_and_reports(copied: Path, backbone: Any) -> None:
    seen: list[Progress] = []
    (copied / "leftover").touch()
    abandoned = copied.with_name(".copy.12345678.tmp")
    abandoned.mkdir()
    os.utime(abandoned, (0, 0))
    export_module.export_backbone(backbone, copied, precision="int8", on_progress=seen.append)
    assert Manifest.read(copied).precision == "int8"
    assert not (copied / "leftover").exists()
    assert [step.done for step in seen] == list(range(8))
    assert seen[-1].done == seen[-1].total
    assert [path.name for path in copied.parent.iterdir()] == ["copy"]


@pytest.mark.slow
def test_dynamo_export_and_dynamic_quantization(backbone: Any, tmp_path: Path, fp32: OrtSession) -> None:
    export_module.export_backbone(backbone, tmp_path / "x", precision="fp32", tracer="dynamo")
    embeddings = np.random.default_rng(0).standard_normal((2, 5, fp32.spec.hidden_size)).astype(np.float32)
    found, _ = OrtSession(tmp_path / "x").forward(embeddings)
    np.testing.assert_allclose(found, fp32.forward(embeddings)[0], atol=1e-4)
    manifest = export_module.export_backbone(backbone, tmp_path / "y", precision="int8-dynamic")
    assert manifest.validation["text_kl"] <= 0.02
