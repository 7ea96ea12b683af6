from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from personalizer.backbones.spec import BackboneSpec
from personalizer.errors import CorruptArtifactError, NotReadyError, UsageError
from personalizer.prefix.dual_prefix import (
    MANIFEST_FILE,
    WEIGHTS_FILE,
    DualPrefix,
    DualPrefixConfig,
    finished_training,
    read_manifest,
    save_prefix,
)

SPEC = BackboneSpec("tiny", "v1", "chameleon", 8, 1, 1, 8, 64, 100, 32, 16, 16, 16, (0,), (1,), (2,), (3,), 4)
PREFIX_CONFIG = DualPrefixConfig(generation_tokens=3, understanding_tokens=2)


def prefix(seed: int = 0, scale: float = 1.0) -> DualPrefix:
    start = torch.randn(6, 8, generator=torch.Generator().manual_seed(seed)) * scale
    return DualPrefix(PREFIX_CONFIG, start, output_scale=0.5)


def save(directory: Path, seed: int = 0, fingerprint: str = "f") -> int:
    training = {"fingerprint": fingerprint, "report": {"steps": 5}}
    return save_prefix(
        prefix(seed), directory, spec=SPEC, concept={"id": 1, "name": "Zoë"}, training=training
    )


@pytest.mark.parametrize("count", [0, -1, 257])
def test_row_counts_are_limited(count: int) -> None:
    with pytest.raises(UsageError):
        DualPrefixConfig(generation_tokens=count)
    with pytest.raises(UsageError):
        DualPrefixConfig(understanding_tokens=count)
    assert DualPrefixConfig().num_virtual_tokens == 33


def test_untrained_rows_are_where_they_start_and_are_never_emitted() -> None:
    start = torch.randn(6, 8)
    fresh = DualPrefix(PREFIX_CONFIG, start, output_scale=0.5)
    assert torch.equal(fresh.input_embeddings, start)
    assert not fresh.output_embeddings.any()
    with pytest.raises(ValueError, match="6"):
        DualPrefix(PREFIX_CONFIG, start[:5], output_scale=0.5)


def test_only_offsets_are_parameters_and_always_float32() -> None:
    made = DualPrefix(PREFIX_CONFIG, torch.randn(6, 8, dtype=torch.bfloat16), output_scale=0.5)
    assert {name for name, _ in made.named_parameters()} == {"input_offset", "output_offset"}
    assert sum(parameter.numel() for parameter in made.parameters()) == 2 * 6 * 8
    assert made.input_embeddings.dtype == made.output_embeddings.dtype == torch.float32


def test_one_unit_of_offset_is_one_row_size_of_the_backbone() -> None:
    for scale in (0.01, 1.0, 30.0):
        made = prefix(scale=scale)
        with torch.no_grad():
            made.input_offset.fill_(1.0)
            made.output_offset.fill_(1.0)
        moved = (made.input_embeddings - made.input_initialization).pow(2).mean().sqrt()
        torch.testing.assert_close(moved, made.input_initialization.pow(2).mean().sqrt())
        assert torch.all(made.output_embeddings == 0.5)
    assert torch.isfinite(DualPrefix(PREFIX_CONFIG, torch.zeros(6, 8), 0.5).input_embeddings).all()


def test_artifact_tensors_are_split_in_order() -> None:
    made = prefix()
    with torch.no_grad():
        made.output_offset.copy_(torch.arange(48.0).view(6, 8))
    tensors = made.tensors()
    for side, rows in (("input", made.input_embeddings), ("output", made.output_embeddings)):
        parts = [tensors.pop(f"{kind}_{side}") for kind in ("name", "generation", "understanding")]
        assert [tuple(part.shape) for part in parts] == [(1, 8), (3, 8), (2, 8)]
        assert torch.equal(torch.cat(parts), rows)
        assert all(part.dtype == torch.float32 for part in parts)
    assert not tensors


def test_saved_files_are_private_and_belong_together(tmp_path: Path) -> None:
    directory = tmp_path / "concepts" / "1"
    size = save(directory)
    files = {path.name: path for path in directory.iterdir()}
    assert set(files) == {WEIGHTS_FILE, MANIFEST_FILE}
    assert size == sum(path.stat().st_size for path in files.values())
    assert {stat.S_IMODE(path.stat().st_mode) for path in files.values()} == {0o600}
    manifest = read_manifest(directory)
    assert manifest["sha256"] == hashlib.sha256(files[WEIGHTS_FILE].read_bytes()).hexdigest()
    assert manifest["backbone"] == {"name": "tiny", "version": "v1", "family": "chameleon"}
    assert (manifest["generation_rows"], manifest["understanding_rows"], manifest["hidden_size"]) == (3, 2, 8)
    assert manifest["concept"] == {"id": 1, "name": "Zoë"}
    stored = load_file(files[WEIGHTS_FILE])
    assert all(torch.equal(stored[name], tensor) for name, tensor in prefix().tensors().items())


def content(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.mark.parametrize("there_was_one", [True, False])
@pytest.mark.parametrize("failing", ["fsync 1", "fsync 2", "replace 1", "replace 2", "manifest"])
def test_a_failed_save_leaves_the_previous_pair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str, there_was_one: bool
) -> None:
    if there_was_one:
        save(tmp_path, seed=1)
    before = content(tmp_path)
    calls = {"left": int(failing[-1]) if failing[-1].isdigit() else 0}
    name = failing.split()[0]
    real = {"fsync": os.fsync, "replace": os.replace, "manifest": Path.replace}[name]

    def full(*arguments: object) -> object:
        calls["left"] -= 1
        if calls["left"] == 0 or (name == "manifest" and str(arguments[-1]).endswith(MANIFEST_FILE)):
            raise OSError(28, "No space left on device")
        return real(*arguments)

    monkeypatch.setattr(Path if name == "manifest" else os, "replace" if name == "manifest" else name, full)
    with pytest.raises(OSError, match="No space"):
        save(tmp_path, seed=2)
    monkeypatch.undo()
    assert content(tmp_path) == before
    save(tmp_path, seed=2)
    assert content(tmp_path) != before and len(content(tmp_path)) == 2


def test_missing_and_damaged_manifests_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotReadyError, match="familiar train"):
        read_manifest(tmp_path)
    for damage in (b"{", b"\xff\xfe"):
        (tmp_path / MANIFEST_FILE).write_bytes(damage)
        with pytest.raises(CorruptArtifactError, match="familiar train"):
            read_manifest(tmp_path)


def test_finished_training_is_recognised_only_while_it_is_whole(tmp_path: Path) -> None:
    assert finished_training(tmp_path, "f") is None
    size = save(tmp_path)
    assert finished_training(tmp_path, "f") == {"steps": 5, "bytes": size}
    assert finished_training(tmp_path, "other") is None
    weights, manifest = tmp_path / WEIGHTS_FILE, tmp_path / MANIFEST_FILE
    whole, described = weights.read_bytes(), json.loads(manifest.read_text())
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert finished_training(tmp_path, "f") is None
    weights.unlink()
    assert finished_training(tmp_path, "f") is None
    weights.write_bytes(whole)
    for damaged in (
        "{",
        "[]",
        json.dumps({key: value for key, value in described.items() if key != "training"}),
    ):
        manifest.write_text(damaged)
        assert finished_training(tmp_path, "f") is None


def test_a_shared_set_is_trained_once_and_stands_in_both_places(tmp_path: Path) -> None:
    config = DualPrefixConfig(generation_tokens=3, understanding_tokens=3, shared=True)
    assert (config.num_virtual_tokens, config.num_learned_tokens) == (7, 4)
    made = DualPrefix(config, torch.randn(4, 8), output_scale=0.5)
    assert sum(parameter.numel() for parameter in made.parameters()) == 2 * 4 * 8
    torch.nn.init.normal_(made.input_offset)
    torch.nn.init.normal_(made.output_offset)
    save_prefix(made, tmp_path, spec=SPEC, concept={"id": 1, "name": "Zoë"}, training={})
    stored = load_file(tmp_path / WEIGHTS_FILE)
    for side, rows in (("input", made.input_embeddings), ("output", made.output_embeddings)):
        assert stored[f"generation_{side}"].shape == (3, 8)
        assert torch.equal(stored[f"generation_{side}"], stored[f"understanding_{side}"])
        assert torch.equal(rows[1:4], rows[4:]) and not torch.equal(rows[1:4], rows[:3])
    assert read_manifest(tmp_path)["shared"] is True
    with pytest.raises(UsageError, match="generation_tokens=3 and understanding_tokens=2"):
        DualPrefixConfig(generation_tokens=3, understanding_tokens=2, shared=True)
