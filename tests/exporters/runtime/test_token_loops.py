"""Answers, likelihoods and pictures: right by an independent computation, repeatable, and free of torch."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from exporters.onnx.torch_session import TorchSession
from exporters.runtime.answers import answer, render, yes_no_logits
from exporters.runtime.concept import ConceptRuntime, ConceptsTogether
from exporters.runtime.images import DrawingConfig, drawing_positions, generate_images, recognition_scores
from exporters.runtime.ort_session import OrtSession
from exporters.runtime.prompt_context import PromptContext
from exporters.runtime.sampling import Sampling
from personalizer.errors import JobCancelled, UsageError
from personalizer.prefix.prompts import (
    DESCRIBE_QUESTION,
    RECOGNITION_QUESTION,
    personal_prompt,
    question,
    question_about_image,
)
from personalizer.schemas import Progress


@pytest.fixture
def concept(fp32: OrtSession, prefix_directory: Path) -> ConceptRuntime:
    return ConceptRuntime.load(fp32, prefix_directory)


@pytest.fixture
def other(fp32: OrtSession, other_prefix_directory: Path) -> ConceptRuntime:
    return ConceptRuntime.load(fp32, other_prefix_directory)


def test_greedy_answer_by_hand(fp32: OrtSession, pictures: list[Image.Image]) -> None:
    segments = question_about_image("what is this?")
    found = answer(fp32, segments, pictures[:1], max_tokens=6)
    sequence = np.concatenate(
        [fp32.embed_text(fp32.spec.begin_ids), PromptContext(fp32).embed(segments, pictures[:1])]
    )
    ids: list[int] = []
    for _ in range(6):  # without a cache
        hidden, _ = fp32.forward(np.concatenate([sequence, fp32.embed_text(ids)])[None])
        token = int(fp32.text_logits(hidden[0, -1]).argmax())
        if token == fp32.spec.end_id:
            break
        ids.append(token)
    assert found.ids == ids
    assert found.text == fp32.detokenize(ids).strip()
    assert found.stopped == ("length" if len(ids) == 6 else "end")


def test_answer_ends_at_the_end_token(fp32: OrtSession, concept: ConceptRuntime) -> None:
    endings = [
        answer(
            fp32,
            question("a?"),
            concept=concept,
            max_tokens=200,
            sampling=Sampling(temperature=3.0, seed=seed),
        )
        for seed in range(3)
    ]
    assert any(one.stopped == "end" for one in endings)
    assert all(fp32.spec.end_id not in one.ids for one in endings)


def test_sampled_answers_follow_the_seed(fp32: OrtSession) -> None:
    def ids(seed: int) -> list[int]:
        return answer(fp32, question("a dog?"), sampling=Sampling(1.0, 20, seed), max_tokens=12).ids

    assert ids(1) == ids(1)
    assert len({tuple(ids(seed)) for seed in range(4)}) > 1


def test_learned_rows_in_an_answer(concept: ConceptRuntime) -> None:
    first = concept.session.spec.text_vocabulary
    words = concept.session.tokenize("a")
    assert render(concept, [*words, first, first + 5, *words]) == "aRexa"


def test_both_names_in_an_answer(concept: ConceptRuntime, other: ConceptRuntime) -> None:
    together = ConceptsTogether([concept, other])
    names = [int(together.virtual_token_ids("name", place)[0]) for place in (0, 1)]
    words = concept.session.tokenize("a")
    silent = int(together.virtual_token_ids("generation", 1)[0])
    assert render(together, [names[1], *words, names[0], silent]) == "MikaaRex"


def test_yes_no_by_hand(fp32: OrtSession, concept: ConceptRuntime, pictures: list[Image.Image]) -> None:
    segments = question_about_image(RECOGNITION_QUESTION)
    prompt = [
        fp32.embed_text(fp32.spec.begin_ids),
        concept.embed(personal_prompt()),
        concept.embed(segments, pictures[:1]),
        concept.input_embeddings["understanding"],
    ]

    def likelihood(words: str) -> float:
        ids = fp32.tokenize(words)
        hidden, _ = fp32.forward(np.concatenate([*prompt, fp32.embed_text(ids)])[None])
        logits = concept.logits(hidden[0, -len(ids) - 1 : -1]).astype(np.float64)
        logs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
        return float(sum(row[token] for row, token in zip(logs, ids, strict=True)))

    [found] = yes_no_logits(fp32, segments, [pictures[:1]], concept=concept)
    assert found == pytest.approx(likelihood("yes.") - likelihood("no."), abs=1e-2)


@pytest.mark.parametrize("forced", [True, False])
def test_yes_no_in_a_batch_is_yes_no_alone(
    int8: OrtSession, prefix_directory: Path, pictures: list[Image.Image], forced: bool
) -> None:
    concept = ConceptRuntime.load(int8, prefix_directory)
    segments = question_about_image(RECOGNITION_QUESTION)
    batch = yes_no_logits(int8, segments, [[p] for p in pictures], concept=concept, forced=forced)
    alone = [yes_no_logits(int8, segments, [[p]], concept=concept, forced=forced)[0] for p in pictures]
    np.testing.assert_allclose(batch, alone, atol=1e-3)
    assert len(np.unique(np.round(batch, 3))) == 3
    contexts = int8.image_context(pictures)
    read_once = yes_no_logits(int8, segments, [[c] for c in contexts], concept=concept, forced=forced)
    np.testing.assert_array_equal(read_once, batch)


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_pictures_follow_the_seed_alone(int8: OrtSession, prefix_directory: Path, guidance: float) -> None:
    concept = ConceptRuntime.load(int8, prefix_directory)

    def draw(seed: int, count: int) -> Any:
        return generate_images(
            int8,
            "a photo of {name}.",
            count=count,
            seed=seed,
            concept=concept,
            config=DrawingConfig(guidance=guidance, top_k=30),
        ).codes

    three = draw(10, 3)
    assert three.shape == (3, int8.spec.tokens_per_image)
    np.testing.assert_array_equal(three, draw(10, 3))
    for index in range(3):
        np.testing.assert_array_equal(draw(10 + index, 1)[0], three[index])
    assert len({tuple(codes) for codes in three.tolist()}) == 3
    np.testing.assert_array_equal(draw(10, 9)[:3], three)  # more than one batch


@pytest.mark.parametrize("named", [True, False])
def test_of_several_candidates_the_best_recognised_one_is_kept(
    fp32: OrtSession, concept: ConceptRuntime, named: bool
) -> None:
    seed = 7
    shown = concept if named else None
    text = "a {name}." if named else "a red cup."

    def draw(number: int, count: int = 1, candidates: int = 1) -> Any:
        config = DrawingConfig(candidates=candidates)
        return generate_images(fp32, text, config, count=count, seed=number, concept=shown).codes

    first = draw(seed)[0].tolist()
    kept, scores = [], []
    for candidates in range(1, 6):
        kept.append(draw(seed, candidates=candidates)[0])
        scores.append(float(recognition_scores(fp32, text, kept[-1][None], shown)[0]))
    assert kept[0].tolist() == first, "the first candidate is what is drawn without others"
    assert scores == sorted(scores) and scores[-1] > scores[0]
    two = draw(seed, count=2, candidates=5)
    np.testing.assert_array_equal(two[0], kept[-1])
    np.testing.assert_array_equal(two[1], draw(seed + 1, candidates=5)[0])


def test_a_drawing_is_judged_by_what_is_said_of_it(
    fp32: OrtSession, concept: ConceptRuntime, pictures: list[Image.Image]
) -> None:
    codes = fp32.encode_images(pictures)
    asked = yes_no_logits(
        fp32, question_about_image(RECOGNITION_QUESTION), [[p] for p in pictures], concept=concept
    )
    np.testing.assert_allclose(recognition_scores(fp32, "a {name} here.", codes, concept), asked, atol=1e-3)
    spec, words = fp32.spec, fp32.tokenize("a red cup")
    prompt = PromptContext(fp32).embed(question_about_image(DESCRIBE_QUESTION), pictures[:1])
    ids = [*words, spec.end_id]
    written = [fp32.embed_text(spec.begin_ids), prompt, fp32.embed_text(ids)]
    hidden, _ = fp32.forward(np.concatenate(written)[None])
    logits = fp32.text_logits(hidden[0, -len(ids) - 1 : -1]).astype(np.float64)
    logs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    by_hand = sum(row[token] for row, token in zip(logs, ids, strict=True))
    assert recognition_scores(fp32, "a red cup.", codes)[0] == pytest.approx(by_hand, abs=1e-2)


def test_guided_pictures_by_hand(fp32: OrtSession, concept: ConceptRuntime) -> None:
    """The first three codes of a greedy guided picture, without caches and one request at a time."""
    spec = fp32.spec
    found = generate_images(fp32, "a {name}.", DrawingConfig(0, guidance=2.5), concept=concept).codes[0]
    begin, separator = fp32.embed_text(spec.begin_ids), fp32.embed_text(spec.separator_ids)
    begin_image = fp32.embed_text(spec.begin_image_ids)
    request = concept.embed([*personal_prompt(), *question("a {name}.")])
    wanted = np.concatenate([begin, request, concept.input_embeddings["generation"], begin_image])
    empty = np.concatenate([begin, separator, begin_image])
    codes: list[int] = []
    for _ in range(3):
        written = fp32.embed_image_codes(np.array(codes, dtype=np.int64))
        rows = [fp32.forward(np.concatenate([start, written])[None])[0][0, -1] for start in (wanted, empty)]
        with_words, without = (fp32.image_logits(row) for row in rows)
        codes.append(int((without + 2.5 * (with_words - without)).argmax()))
    assert found[:3].tolist() == codes


def test_a_picture_of_two_concepts_by_hand(
    fp32: OrtSession, concept: ConceptRuntime, other: ConceptRuntime
) -> None:
    """The first code of a greedy picture: both personal prompts, the request, both generation rows."""
    together = ConceptsTogether([concept, other])
    text = "{name:1} and {name}."
    found = generate_images(fp32, text, DrawingConfig(0), concept=together).codes[0]
    request = together.embed(question(text))
    rows = [one.input_embeddings["generation"] for one in (concept, other)]
    begin_image = fp32.embed_text(fp32.spec.begin_image_ids)
    hidden, cache = fp32.forward(np.concatenate([request, *rows, begin_image])[None], together.prompt_cache)
    assert found[0] == fp32.image_logits(hidden[0, -1]).argmax()
    longest = cache.length + fp32.spec.tokens_per_image - 1
    assert drawing_positions(together, text) == longest
    alone = generate_images(fp32, "{name}.", DrawingConfig(0), concept=concept).codes[0]
    assert found.tolist() != alone.tolist()


def test_a_drawing_of_two_is_as_good_as_the_harder_one_is_recognised(
    fp32: OrtSession, concept: ConceptRuntime, other: ConceptRuntime, pictures: list[Image.Image]
) -> None:
    codes = fp32.encode_images(pictures)
    text = "{name} and {name:1}."
    both = recognition_scores(fp32, text, codes, ConceptsTogether([concept, other]))
    single = [recognition_scores(fp32, "{name}.", codes, one) for one in (concept, other)]
    np.testing.assert_allclose(both, np.minimum(*single), atol=1e-4)


def test_torch_draws_the_same_picture(
    torch_session: TorchSession, fp32: OrtSession, prefix_directory: Path
) -> None:
    drawn = [
        generate_images(
            session,
            "a {name}.",
            count=2,
            concept=ConceptRuntime.load(session, prefix_directory),
            config=DrawingConfig(0, guidance=2.0),
        )
        for session in (torch_session, fp32)
    ]
    np.testing.assert_array_equal(drawn[0].codes, drawn[1].codes)
    assert drawn[0].images[0].size == (16, 16)


def test_drawing_reports_and_stops(fp32: OrtSession) -> None:
    seen: list[Progress] = []
    drawn = generate_images(fp32, "a dog.", count=2, on_progress=seen.append)
    assert (seen[0].done, seen[-1].done, seen[-1].total) == (0, 32, 32)
    assert drawn.sampled_tokens == drawn.codes.size and 0 < drawn.sampling_s <= drawn.elapsed_s
    chosen = generate_images(fp32, "a dog.", DrawingConfig(candidates=3), count=2)
    assert chosen.sampled_tokens == 3 * chosen.codes.size, "candidates are drawn as well"

    def stop(_progress: Progress) -> None:
        raise JobCancelled

    with pytest.raises(JobCancelled):
        generate_images(fp32, "a dog.", on_progress=stop)


def test_unusable_requests(fp32: OrtSession) -> None:
    with pytest.raises(UsageError, match="count of 0"):
        generate_images(fp32, "a dog.", count=0)
    with pytest.raises(UsageError, match="candidates of 0"):
        generate_images(fp32, "a dog.", DrawingConfig(candidates=0))
    with pytest.raises(UsageError, match="temperature"):
        generate_images(fp32, "a dog.", DrawingConfig(temperature=-1))
    with pytest.raises(UsageError, match="temperature"):
        Sampling(temperature=float("nan"))
    with pytest.raises(UsageError, match="shows image 1"):
        answer(fp32, question_about_image("what?"))


def test_serving_imports_no_torch(exports: dict[str, Path], prefix_directory: Path, tmp_path: Path) -> None:
    script = """
        import sys
        from pathlib import Path
        from PIL import Image
        from exporters.onnx.prefix import export_concept
        from exporters.runtime.answers import answer, yes_no_logits
        from exporters.runtime.concept import ConceptRuntime
        from exporters.runtime.images import DrawingConfig, generate_images
        from exporters.runtime.ort_session import OrtSession
        from personalizer.prefix.prompts import question_about_image

        session = OrtSession(Path(sys.argv[1]))
        export_concept(session, Path(sys.argv[2]), Path(sys.argv[3]))
        concept = ConceptRuntime.load(session, Path(sys.argv[3]))
        image = Image.new("RGB", (40, 30), "red")
        segments = question_about_image("is {name} in this photo?")
        answer(session, segments, [image], concept=concept, max_tokens=4)
        yes_no_logits(session, segments, [[image]], concept=concept)
        generate_images(session, "a {name}.", DrawingConfig(guidance=2.0), concept=concept)
        print(sorted({name.split(".")[0] for name in sys.modules} & {"torch", "transformers", "onnx", "onnxscript"}))
    """
    result = subprocess.run(
        [
            sys.executable,
            "-c",
            textwrap.dedent(script),
            *map(str, (exports["int8"], prefix_directory, tmp_path / "o")),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"
