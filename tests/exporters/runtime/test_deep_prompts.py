"""Rows in the first layers at serving time: the cache of the personal prompt has them, whatever reads it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save

from exporters.onnx.prefix import export_concept
from exporters.onnx.torch_session import TorchSession
from exporters.runtime.concept import ConceptRuntime, ConceptsTogether, PrefixWeights
from exporters.runtime.ort_session import OrtSession
from personalizer.backbones.spec import BackboneSpec
from personalizer.errors import CorruptArtifactError
from personalizer.prefix.dual_prefix import DualPrefix, DualPrefixConfig, save_prefix
from personalizer.prefix.prompts import VirtualTokens, personal_prompt, question

CONFIG = DualPrefixConfig(generation_tokens=3, understanding_tokens=4, deep_layers=1)


def write(directory: Path, spec: BackboneSpec, config: DualPrefixConfig = CONFIG) -> DualPrefix:
    generator = torch.Generator().manual_seed(5)
    start = torch.randn(config.num_virtual_tokens, spec.hidden_size, generator=generator) * 0.15
    shape = (config.deep_layers, 2, config.num_virtual_tokens, spec.kv_heads * spec.head_dim)
    prefix = DualPrefix(config, start, 0.15, torch.randn(shape, generator=generator))
    torch.nn.init.normal_(prefix.output_offset, generator=generator)
    torch.nn.init.normal_(prefix.deep_offset, generator=generator)
    save_prefix(prefix, directory, spec=spec, concept={"id": 1, "name": "Rex"}, training={})
    return prefix


@pytest.fixture
def directory(fp32: OrtSession, tmp_path: Path) -> Path:
    write(tmp_path / "deep", fp32.spec)
    return tmp_path / "deep"


def plainly(directory: Path, target: Path) -> Path:
    """The same rows without what they add in the layers."""
    tensors = load_file(directory / "prefix.safetensors")
    del tensors["deep_rows"]
    change(directory, tensors, {"deep_layers": 0, "format": 1}, target)
    return target


def change(
    directory: Path,
    tensors: dict[str, torch.Tensor],
    entries: dict[str, Any] | None = None,
    target: Path | None = None,
) -> None:
    content = save({name: tensor.contiguous() for name, tensor in tensors.items()})
    manifest = json.loads((directory / "manifest.json").read_text()) | (entries or {})
    manifest["sha256"] = hashlib.sha256(content).hexdigest()
    folder = target or directory
    folder.mkdir(exist_ok=True)
    (folder / "prefix.safetensors").write_bytes(content)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_the_start_has_them_at_the_rows_of_the_first_layers(
    fp32: OrtSession, directory: Path, tmp_path: Path
) -> None:
    deep = ConceptRuntime.load(fp32, directory)
    plain = ConceptRuntime.load(fp32, plainly(directory, tmp_path / "plain"))
    moves = load_file(directory / "prefix.safetensors")["deep_rows"].float().numpy()
    place, length = {}, len(fp32.spec.begin_ids)
    for segment in personal_prompt():
        for _ in deep.embed([segment]):
            if isinstance(segment, VirtualTokens):
                place[length] = len(place)
            length += 1
    assert len(place) == CONFIG.num_virtual_tokens and length == deep.prompt_cache.length
    for number, (found, before) in enumerate(
        zip(deep.prompt_cache.tensors, plain.prompt_cache.tensors, strict=True)
    ):
        for position in range(length):
            expected = np.array(before[0, :, position])
            if number < 2 and position in place:
                expected = expected + moves[0, number, place[position]].reshape(expected.shape)
            np.testing.assert_allclose(found[0, :, position], expected, atol=2e-2, rtol=2e-3)
    asked = deep.embed(question("is {name} a dog?"))[None]
    moved, still = (fp32.forward(asked, one.prompt_cache)[0][0, -1] for one in (deep, plain))
    assert np.abs(moved - still).max() > 1e-2


def test_torch_and_onnxruntime_serve_the_same(
    torch_session: TorchSession, fp32: OrtSession, int8: OrtSession, directory: Path
) -> None:
    said = []
    for session in (torch_session, fp32, int8):
        concept = ConceptRuntime.load(session, directory)
        hidden, _ = session.forward(concept.embed(question("what is {name}?"))[None], concept.prompt_cache)
        said.append(concept.logits(hidden[:, -1]))
    np.testing.assert_allclose(said[0], said[1], atol=5e-3)
    # 8 bits move it no further than they move a concept without deep rows.
    assert np.corrcoef(said[0].ravel(), said[2].ravel())[0, 1] > 0.98


def test_what_is_stored_beside_the_prefix_has_them(fp32: OrtSession, directory: Path) -> None:
    computed = ConceptRuntime.load(fp32, directory)
    export_concept(fp32, directory)
    stored = ConceptRuntime.load(fp32, directory)
    assert stored.prompt_cache_was_stored
    for one, other in zip(computed.prompt_cache.tensors, stored.prompt_cache.tensors, strict=True):
        np.testing.assert_array_equal(one, other)


def test_beside_another_concept_each_keeps_its_own(
    fp32: OrtSession, directory: Path, other_prefix_directory: Path
) -> None:
    rex, mika = (ConceptRuntime.load(fp32, folder) for folder in (directory, other_prefix_directory))
    together = ConceptsTogether([mika, rex])
    for both, one, other in zip(
        together.prompt_cache.tensors, mika.prompt_cache.tensors, rex.prompt_cache.tensors, strict=True
    ):
        np.testing.assert_array_equal(both, np.concatenate([one, other[:, :, 1:]], axis=2))


@pytest.mark.parametrize("damage", ["missing", "rows", "nan", "format", "layers", "width"])
def test_deep_prompts_that_cannot_be_right(fp32: OrtSession, directory: Path, damage: str) -> None:
    tensors = load_file(directory / "prefix.safetensors")
    deep, entries = tensors.pop("deep_rows"), {}
    if damage == "rows":
        tensors["deep_rows"] = deep[:, :, 1:]
    elif damage == "nan":
        tensors["deep_rows"] = deep * float("nan")
    elif damage == "format":
        tensors["deep_rows"] = deep
        entries = {"format": 3}
    elif damage == "layers":
        tensors["deep_rows"] = deep.repeat(3, 1, 1, 1)
        entries = {"deep_layers": 3}
    elif damage == "width":
        tensors["deep_rows"] = deep[..., 1:]
    change(directory, tensors, entries)
    with pytest.raises(CorruptArtifactError, match="Train the concept again"):
        ConceptRuntime.load(fp32, directory)


def test_a_prefix_without_any_is_read_as_before(fp32: OrtSession, prefix_directory: Path) -> None:
    assert PrefixWeights.read(prefix_directory).deep_prompts is None
    manifest = json.loads((prefix_directory / "manifest.json").read_text())
    assert manifest["format"] == 1
