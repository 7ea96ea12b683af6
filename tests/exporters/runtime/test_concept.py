"""A trained prefix at serving time: its rows, its stored keys and values, and what is wrong with a wrong one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from exporters.onnx.prefix import export_concept
from exporters.onnx.torch_session import TorchSession
from exporters.runtime.concept import ConceptRuntime, ConceptsTogether
from exporters.runtime.ort_session import OrtSession
from exporters.runtime.prompt_context import PromptContext
from personalizer.errors import CorruptArtifactError, NotReadyError, UsageError
from personalizer.prefix.prompts import Separator, Text, VirtualTokens, name_slot, personal_prompt, question


@pytest.fixture
def directory(prefix_directory: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(prefix_directory, tmp_path / "prefix"))


def test_rows_are_embedded_and_predicted(fp32: OrtSession, prefix_directory: Path) -> None:
    concept = ConceptRuntime.load(fp32, prefix_directory)
    first = fp32.spec.text_vocabulary
    assert concept.virtual_token_ids("name").tolist() == [first]
    assert concept.virtual_token_ids("generation").tolist() == [first + 1, first + 2, first + 3]
    assert concept.virtual_token_ids("understanding").tolist() == [first + 4, first + 5, first + 6, first + 7]
    embedded = concept.embed(
        [VirtualTokens("name"), Text("a dog"), VirtualTokens("generation", 2), Separator()]
    )
    expected = [
        concept.input_embeddings["name"],
        fp32.embed_text(fp32.tokenize("a dog")),
        concept.input_embeddings["generation"][:2],
        fp32.embed_text(fp32.spec.separator_ids),
    ]
    np.testing.assert_array_equal(embedded, np.concatenate(expected))
    ids = np.array([[9, first], [first + 4, 10]])
    np.testing.assert_array_equal(concept.embed_ids(ids)[0, 1], concept.input_embeddings["name"][0])
    np.testing.assert_array_equal(concept.embed_ids(ids)[1, 0], concept.input_embeddings["understanding"][0])
    hidden = np.random.default_rng(0).standard_normal((2, fp32.spec.hidden_size)).astype(np.float32)
    logits = concept.logits(hidden)
    np.testing.assert_array_equal(logits[:, :first], fp32.text_logits(hidden))
    np.testing.assert_allclose(logits[:, first], hidden @ concept.output_embeddings["name"][0], atol=1e-5)


def test_cached_personal_prompt_equals_the_whole_sequence(fp32: OrtSession, prefix_directory: Path) -> None:
    concept = ConceptRuntime.load(fp32, prefix_directory)
    request = concept.embed(question("is {name} a dog?"))
    cached, _ = fp32.forward(request[None], concept.prompt_cache)
    begin = fp32.embed_text(fp32.spec.begin_ids)
    whole, _ = fp32.forward(np.concatenate([begin, concept.embed(personal_prompt()), request])[None])
    # The cache is kept in float16.
    np.testing.assert_allclose(cached[0], whole[0, -len(request) :], atol=5e-3)


def test_stored_cache_is_the_computed_one(int8: OrtSession, directory: Path, tmp_path: Path) -> None:
    computed = ConceptRuntime.load(int8, directory)
    files = export_concept(int8, directory, tmp_path / "out")
    assert all(path.is_file() and path.stat().st_mode & 0o077 == 0 for path in files)
    stored = ConceptRuntime.load(int8, tmp_path / "out")
    assert stored.prompt_cache_was_stored
    for one, other in zip(computed.prompt_cache.tensors, stored.prompt_cache.tensors, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("damage", ["cut", "flip", "other session"])
def test_unusable_cache_is_computed_again(
    fp32: OrtSession, int8: OrtSession, directory: Path, damage: str
) -> None:
    export_concept(fp32, directory)
    path = directory / "prompt_cache.safetensors"
    content = bytearray(path.read_bytes())
    if damage == "cut":
        path.write_bytes(content[:-9])
    elif damage == "flip":
        content[-9] ^= 0xFF
        path.write_bytes(content)
    session = int8 if damage == "other session" else fp32
    concept = ConceptRuntime.load(session, directory)
    assert not concept.prompt_cache_was_stored
    assert concept.prompt_cache.length == 1 + len(concept.embed(personal_prompt()))


def test_untrained_concept(fp32: OrtSession, tmp_path: Path) -> None:
    with pytest.raises(NotReadyError, match="Train the concept first"):
        ConceptRuntime.load(fp32, tmp_path)


def test_prefix_of_another_version(fp32: OrtSession, directory: Path) -> None:
    path = directory / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["backbone"]["version"] = "older"
    path.write_text(json.dumps(manifest))
    with pytest.raises(NotReadyError, match=f"trained for version older, not {fp32.spec.version}"):
        ConceptRuntime.load(fp32, directory)


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "manifest", "rows"])
def test_damaged_prefix(fp32: OrtSession, directory: Path, damage: str) -> None:
    weights, manifest = directory / "prefix.safetensors", directory / "manifest.json"
    content = bytearray(weights.read_bytes())
    if damage == "cut":
        weights.write_bytes(content[:-4])
    elif damage == "flip":
        content[-1] ^= 0xFF
        weights.write_bytes(content)
    elif damage == "empty":
        weights.write_bytes(b"")
    elif damage == "manifest":
        manifest.write_text(manifest.read_text()[:40])
    else:
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"understanding_rows": 5}))
    with pytest.raises(CorruptArtifactError, match="Train the concept again"):
        ConceptRuntime.load(fp32, directory)


def test_naming_a_concept_that_is_not_there(fp32: OrtSession) -> None:
    with pytest.raises(UsageError, match="names a concept"):
        PromptContext(fp32).embed(question("is {name} a dog?"))


def test_torch_serves_the_same_concept(
    torch_session: TorchSession, fp32: OrtSession, prefix_directory: Path
) -> None:
    results = []
    for session in (torch_session, fp32):
        concept = ConceptRuntime.load(session, prefix_directory)
        hidden, _ = session.forward(concept.embed(question("what is {name}?"))[None], concept.prompt_cache)
        results.append(concept.logits(hidden[:, -1]))
    np.testing.assert_allclose(results[0], results[1], atol=5e-3)


@pytest.fixture
def two(fp32: OrtSession, prefix_directory: Path, other_prefix_directory: Path) -> list[ConceptRuntime]:
    """Rex and Mika, with 8 and 8 rows of other kinds."""
    return [ConceptRuntime.load(fp32, directory) for directory in (prefix_directory, other_prefix_directory)]


def test_rows_of_two_concepts_are_addressed_by_their_place(
    fp32: OrtSession, two: list[ConceptRuntime]
) -> None:
    rex, mika = two
    together = ConceptsTogether(two)
    first = fp32.spec.text_vocabulary
    assert (
        together.virtual_token_ids("understanding").tolist()
        == rex.virtual_token_ids("understanding").tolist()
    )
    assert together.virtual_token_ids("name", 1).tolist() == [first + 8]
    assert together.virtual_token_ids("understanding", 1).tolist() == [first + 11 + n for n in range(5)]
    assert together.virtual_token_ids("name", 2).tolist() == []
    embedded = together.embed(question("{name}{name:1}?"))
    np.testing.assert_array_equal(embedded[0], rex.input_embeddings["name"][0])
    np.testing.assert_array_equal(embedded[1], mika.input_embeddings["name"][0])
    ids = np.array([first + 8, first + 11, first, 9])
    expected = [
        mika.input_embeddings["name"][0],
        mika.input_embeddings["understanding"][0],
        rex.input_embeddings["name"][0],
    ]
    np.testing.assert_array_equal(together.embed_ids(ids)[:3], expected)
    hidden = np.random.default_rng(0).standard_normal((1, fp32.spec.hidden_size)).astype(np.float32)
    logits = together.logits(hidden)[0]
    assert len(logits) == first + 16
    np.testing.assert_allclose(
        logits[first + 9], hidden[0] @ mika.output_embeddings["generation"][0], atol=1e-4
    )
    with pytest.raises(UsageError, match="2 were given"):
        together.embed(question(f"is {name_slot(2)} a dog?"))


def test_the_rows_that_come_first_are_those_of_the_named_concepts(two: list[ConceptRuntime]) -> None:
    rex, _ = two
    together = ConceptsTogether(two)

    def rows(text: str) -> list[int]:
        return together.self_prompt("generation", question(text)).tolist()

    of_rex = together.virtual_token_ids("generation").tolist()
    of_mika = together.virtual_token_ids("generation", 1).tolist()
    assert rows("a photo of {name:1}.") == of_mika
    assert rows("a photo of {name}, {name} and nobody else.") == of_rex
    assert rows("{name:1} beside {name}.") == of_rex + of_mika
    assert rows("both of them.") == of_rex + of_mika
    assert (
        rex.self_prompt("generation", question("a cup.")).tolist()
        == rex.virtual_token_ids("generation").tolist()
    )


def test_each_personal_prompt_is_read_as_it_is_alone(fp32: OrtSession, two: list[ConceptRuntime]) -> None:
    together = ConceptsTogether(two)
    lengths = [len(one.embed(personal_prompt())) for one in two]
    assert together.prompt_cache.length == together.prompt_length == 1 + sum(lengths)
    for both, rex, mika in zip(
        together.prompt_cache.tensors, two[0].prompt_cache.tensors, two[1].prompt_cache.tensors, strict=True
    ):
        np.testing.assert_array_equal(both[:, :, : 1 + lengths[0]], rex)
        np.testing.assert_array_equal(both[:, :, 1 + lengths[0] :], mika[:, :, 1:])


def test_answers_do_not_depend_on_the_order_of_the_concepts(
    fp32: OrtSession, two: list[ConceptRuntime]
) -> None:
    rex, mika = two
    hidden = []
    for concepts, place in (([rex, mika], 0), ([mika, rex], 1), ([rex], 0)):
        context = ConceptsTogether(concepts)
        asked = context.embed(question(f"is {name_slot(place)} a dog?"))
        hidden.append(fp32.forward(asked[None], context.prompt_cache)[0][0, -1])
    np.testing.assert_allclose(hidden[0], hidden[1], atol=1e-4)
    assert np.abs(hidden[0] - hidden[2]).max() > 1e-2, "the other concept is read as well"


def test_without_self_prompting_no_answer_begins_with_rows(fp32: OrtSession, directory: Path) -> None:
    usual = ConceptRuntime.load(fp32, directory)
    manifest = directory / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"self_prompting": False}))
    plain = ConceptRuntime.load(fp32, directory)
    asked = question("is {name} a dog?")
    assert usual.self_prompt("understanding", asked).size == 4
    assert plain.self_prompt("understanding", asked).size == plain.self_prompt("generation", asked).size == 0
    both = ConceptsTogether([plain, usual])
    assert both.self_prompt("understanding", [Separator()]).tolist() == (
        both.virtual_token_ids("understanding", 1).tolist()
    )


def test_a_full_disk_keeps_the_stored_cache(
    int8: OrtSession, directory: Path, largest_file: Callable[[int], AbstractContextManager[None]]
) -> None:
    export_concept(int8, directory)
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    with largest_file(512), pytest.raises(OSError):
        export_concept(int8, directory)
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before
