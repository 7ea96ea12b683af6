from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import ChameleonForConditionalGeneration

from assistant.evaluation.corpora import Picture, Record, load_arrays, with_article
from personalizer.errors import FamiliarError
from scripts.pocket import corpus
from scripts.pocket.checkpoint import chameleon_config
from scripts.pocket.code_embeddings import merge_levels, share_levels
from scripts.pocket.config import PocketConfig
from scripts.pocket.corpus import read_renders, write
from scripts.pocket.sequences import SequenceMaker
from scripts.pocket.vocabulary import image_token, reserved_token, special_tokens, train_vocabulary

REPOSITORY = Path(__file__).resolve().parents[2]


def pictures(count: int = 6) -> list[Picture]:
    """Every other one with a label."""
    random = np.random.default_rng(0)
    return [
        Picture(
            Record("test", "photo", "apple", "a photo of an apple", "grocery:apple")
            if number % 2
            else Record("test", "photo", None, None),
            random.integers(0, 256, (24, 32, 3), dtype=np.uint8),
        )
        for number in range(count)
    ]


# --- corpus ------------------------------------------------------------------------------------------------------


def test_pictures_become_arrays_and_records(tmp_path: Path) -> None:
    assert write(pictures(), tmp_path / "out") == 6
    [array], records = load_arrays([tmp_path / "out"])
    assert array.shape == (6, corpus.SIZE_PX, corpus.SIZE_PX, 3) and array.dtype == np.uint8
    assert [record.label for record in records] == [None, "apple"] * 3
    assert records[0].caption is None and records[1].caption == "a photo of an apple"
    assert records[0].subject is None and records[1].subject == "grocery:apple"
    arrays, twice = load_arrays([tmp_path / "out", tmp_path / "out"])
    assert len(arrays) == 2 and twice == records * 2


def test_nothing_to_write_is_said(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="out"):
        write(iter(()), tmp_path / "out")


def test_renders_are_read_across_shards(tmp_path: Path) -> None:
    for shard in range(2):
        np.save(tmp_path / f"{shard}.npy", np.full((2, 8, 8, 3), shard * 100 + 7, np.uint8))
    lines = [
        {"index": index, "caption": f"a red cup {index}.", "label": "cup", "subject_id": index // 2}
        for index in range(4)
    ]
    lines[3]["questions"] = [["is there a cup in this photo?", "yes"]]
    (tmp_path / "captions.jsonl").write_text("\n".join(map(json.dumps, lines)))
    pictures = list(read_renders(tmp_path))
    assert [picture.image().getpixel((0, 0))[0] for picture in pictures] == [7, 7, 107, 107]
    assert [picture.record.subject for picture in pictures] == [
        "render:0",
        "render:0",
        "render:1",
        "render:1",
    ]
    assert pictures[3].record.questions == [["is there a cup in this photo?", "yes"]]
    assert len({picture.record.held_out for picture in pictures[:2]}) == 1, "a subject is never on both sides"
    (tmp_path / "1.npy").unlink()
    with pytest.raises(SystemExit, match=re.escape(str(tmp_path))):
        list(read_renders(tmp_path))


def test_counts_that_do_not_fit_name_the_folder(tmp_path: Path) -> None:
    write(pictures(), tmp_path / "out")
    records = tmp_path / "out" / "records.jsonl"
    records.write_text("\n".join(records.read_text().splitlines()[:-1]))
    with pytest.raises(FamiliarError, match=re.escape(str(tmp_path / "out")) + ".*6 pictures but 5 records"):
        load_arrays([tmp_path / "out"])


# --- vocabulary and sequences ------------------------------------------------------------------------------------

SMALL = PocketConfig(levels=(4, 4), text_vocabulary=300, reserved=6)
QUESTIONS = [["is the cup red?", "yes"]]


def records() -> list[Record]:
    """Two pictures of each of five cups, then ten labelled photos of two kinds."""
    cups = [
        Record("render", "render", "cup", f"a red cup {n}.", f"render:{n // 2}", questions=QUESTIONS)
        for n in range(10)
    ]
    photos = [
        Record("open", "photo", label, f"a photo of {with_article(label)}") for label in ["dog", "apple"] * 5
    ]
    return [*cups, *photos]


@pytest.fixture(scope="module")
def maker() -> SequenceMaker:
    found = records()
    texts = [record.caption or "" for record in found]
    codes = np.random.default_rng(0).integers(0, 16, (20, 2, 64)).astype(np.int16)
    return SequenceMaker(SMALL, train_vocabulary(texts, SMALL), codes, found, list(range(20)))


def test_special_tokens_have_chameleons_names_and_come_first() -> None:
    tokenizer = train_vocabulary(["a red cup"], SMALL)
    vocabulary = tokenizer.get_vocab()
    special = special_tokens(SMALL)
    assert [vocabulary[token] for token in special] == list(range(len(special)))
    assert image_token(305) == "IMGIMGDAFZ" and image_token(0) == "IMGIMGAZ"
    assert reserved_token(0) == "<reserved08706>"
    assert len(set(special)) == len(special) == 4 + 16 + 3 + 6
    text = tokenizer.encode("A Red Cup", add_special_tokens=False).ids
    assert tokenizer.decode(text) == "a red cup" and min(text) >= len(special)


@pytest.mark.parametrize("kind", ["short", "long"])
def test_sequences_fit_and_grade_answers_only(maker: SequenceMaker, kind: str) -> None:
    special = {token: number for number, token in enumerate(special_tokens(SMALL))}
    begin, end = special["<racm3:break>"], special["<eoss>"]
    separator, eos = special["<reserved08706>"], special["</s>"]
    answers = set()
    for step in range(200):
        sequence = getattr(maker, kind)(np.random.default_rng((11, step)))
        ids, graded = sequence.ids, sequence.answer
        assert len(ids) == len(graded) <= SMALL.max_positions
        assert ids[0] == special["<s>"] and ids[-1] == eos and graded[-1]
        assert ids.count(separator) == 1 and not any(graded[: ids.index(separator) + 1])
        assert ids.count(begin) == ids.count(end)
        for start in (place for place, token in enumerate(ids) if token == begin):
            picture = ids[start + 1 : start + 65]
            assert ids[start + 65] == end
            assert all(maker.first_code <= token < maker.first_code + 16 for token in picture)
        answers.add(tuple(token for token, answer in zip(ids, graded, strict=True) if answer))
    assert len(answers) > 2


def test_yes_means_the_same_thing(maker: SequenceMaker) -> None:
    """In context, a yes shows another picture of the example's subject, a no never does."""
    yes, no = maker.text("yes."), maker.text("no.")
    found = records()
    seen = {True: 0, False: 0}
    for step in range(300):
        rng = np.random.default_rng((5, step))
        example, same = maker._pair(rng)
        assert example == same or found[example].subject == found[same].subject
        different = maker._different(example, rng)
        assert different != example
        assert found[example].subject is None or found[different].subject != found[example].subject
        answer = [
            token
            for token, graded in zip(*_parts(maker.long(np.random.default_rng(step))), strict=True)
            if graded
        ][:-1]
        if answer in (yes, no):
            seen[answer == yes] += 1
    assert min(seen.values()) > 50


def test_an_answer_in_context_starts_with_half_of_the_rows_stand_ins(maker: SequenceMaker) -> None:
    """As self-prompting does: a drawing repeats the first half, an answer about a picture the second."""
    special = {token: number for number, token in enumerate(special_tokens(SMALL))}
    begin, end, separator = (special[t] for t in ("<racm3:break>", "<eoss>", "<reserved08706>"))
    codes = range(maker.first_code, maker.first_code + 16)
    seen = {True: 0, False: 0}
    for step in range(200):
        sequence = maker.long(np.random.default_rng(step))
        ids = sequence.ids
        assert ids[sequence.shown_until] == maker.text(".")[0], "the example has been read, and nothing else"
        assert ids[: sequence.shown_until].count(separator) == 0 and len(sequence.same) == 1 + 66
        outside, inside = [], False
        for token in ids:
            inside = token == begin or (inside and token != end)
            outside.append(token in codes and not inside)
        turn = ids.index(separator)
        shown = [token for token, loose in zip(ids[:turn], outside, strict=False) if loose]
        repeated = [token for token, loose in zip(ids[turn:], outside[turn:], strict=True) if loose]
        assert len(shown) == 2 * len(repeated) and len(shown) <= 32
        if shown:
            draws = begin in ids[turn:]
            assert repeated == (shown[: len(repeated)] if draws else shown[len(repeated) :])
            seen[draws] += 1
    assert min(seen.values()) > 20


def _parts(sequence: Any) -> tuple[list[int], list[bool]]:
    return sequence.ids, sequence.answer


def test_one_subject_alone_is_refused_instead_of_searched_forever() -> None:
    alone = [Record("render", "render", "cup", "a cup.", "render:1") for _ in range(4)]
    tokenizer = train_vocabulary(["a cup."], SMALL)
    with pytest.raises(SystemExit, match="two subjects"):
        SequenceMaker(SMALL, tokenizer, np.zeros((4, 2, 64), np.int16), alone, [0, 1, 2, 3])


def test_codes_that_share_levels_share_what_they_learn_and_merge_into_ordinary_rows() -> None:
    tokenizer = train_vocabulary(["a red cup"], SMALL)
    first_code = tokenizer.get_vocab()[image_token(0)]
    model = ChameleonForConditionalGeneration(chameleon_config(SMALL, tokenizer))
    before = model.get_input_embeddings().weight.detach().clone()
    share_levels(model, SMALL.levels, first_code)
    ids = torch.tensor([[first_code + 1, 0]])
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    start = model.get_input_embeddings().weight.detach().clone()
    model.get_input_embeddings()(ids).sum().backward()
    optimiser.step()
    after = model.get_input_embeddings().weight.detach().clone()
    moved = (after - start).abs().sum(dim=1) > 1e-6
    # Code 1 is level 0 of the first axis and level 1 of the second; text row 0 moves alone.
    assert moved[first_code : first_code + 16].nonzero().flatten().tolist() == [0, 1, 2, 3, 5, 9, 13]
    assert (~moved[:first_code]).sum() == first_code - 1 and moved[0]
    assert torch.equal(before[:first_code], start[:first_code])
    merge_levels(model)
    assert torch.equal(model.get_input_embeddings().weight, after)
    assert not any("parametrizations" in name for name in model.state_dict())


# --- training, interrupted and resumed ---------------------------------------------------------------------------


def write_corpus(folder: Path, count: int = 300, held_out: int = 260) -> None:
    """Random pictures; the image tokenizer looks at 256 held-out ones."""
    rng = np.random.default_rng(0)
    np.save(folder / "images.npy", rng.integers(0, 256, (count, 96, 96, 3), dtype=np.uint8))
    np.save(folder / "features.npy", rng.normal(size=(count, 5)).astype(np.float32))
    lines = []
    for number in range(count):
        label = ["cup", "dog", "apple"][number % 3]
        subject = f"render:{number // 2}" if number % 3 == 0 else None
        lines.append(
            {
                "source": "test",
                "kind": "render",
                "label": label,
                "caption": f"{with_article(label)}.",
                "subject": subject,
                "held_out": number < held_out,
                "questions": [["is it red?", "no"]] if number % 4 == 0 else [],
            }
        )
    (folder / "records.jsonl").write_text("\n".join(map(json.dumps, lines)))


def start(module: str, *arguments: object, save_every_s: float = 0.0) -> subprocess.Popen[str]:
    program = f"import scripts.pocket.{module} as m; m.SAVE_EVERY_S = {save_every_s}; m.main()"
    return subprocess.Popen(
        [sys.executable, "-u", "-c", program, *map(str, arguments), "--threads", "1"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def saved_step(checkpoint: Path) -> int:
    import torch

    return int(torch.load(checkpoint, weights_only=True)["step"])


def interrupt_then_resume(module: str, checkpoint: Path, *arguments: object) -> None:
    """Kills training after it saved, and expects the next run to go on from that step."""
    first = start(module, *arguments, "--minutes", 60)
    deadline = time.monotonic() + 900
    while not checkpoint.exists() and time.monotonic() < deadline and first.poll() is None:
        time.sleep(0.05)
    os.kill(first.pid, signal.SIGKILL)
    printed = first.communicate()[0]
    assert checkpoint.exists(), printed
    step = saved_step(checkpoint)
    assert step >= 1 and "resumed" not in printed
    import torch

    spent_s = float(torch.load(checkpoint, weights_only=True)["spent_s"])
    second = start(module, *arguments, "--minutes", (spent_s + 1.0) / 60, save_every_s=1e9)
    printed = second.communicate(timeout=900)[0]
    assert second.returncode == 0, printed
    assert f"resumed at step {step}," in printed
    assert saved_step(checkpoint) > step
    # All its time is used up: nothing is left to do.
    third = start(module, *arguments, "--minutes", (spent_s + 1.0) / 60)
    assert third.wait(timeout=900) == 0


@pytest.mark.slow
def test_image_tokenizer_training_resumes_and_encodes_the_corpus(tmp_path: Path) -> None:
    folder, out = tmp_path / "corpus", tmp_path / "out"
    folder.mkdir()
    write_corpus(folder)
    interrupt_then_resume(
        "train_image_tokenizer", out / "image_tokenizer.pt", "--corpus", folder, "--out", out
    )
    codes = tmp_path / "codes.npy"
    encode = start(
        "encode_corpus", "--corpus", folder, "--tokenizer", out / "image_tokenizer.pt", "--out", codes
    )
    printed = encode.communicate(timeout=900)[0]
    assert encode.returncode == 0, printed
    found = np.load(codes)
    assert found.shape == (300, 2, 64) and found.min() >= 0 and found.max() < 2160


@pytest.mark.slow
def test_language_model_training_resumes(tmp_path: Path) -> None:
    folder, out, codes = tmp_path / "corpus", tmp_path / "out", tmp_path / "codes.npy"
    folder.mkdir()
    write_corpus(folder, 40, held_out=20)
    np.save(codes, np.random.default_rng(0).integers(0, 2048, (40, 2, 64)).astype(np.int16))
    language = ("--corpus", folder, "--codes", codes, "--out", out)
    interrupt_then_resume("train_language_model", out / "language_model.pt", *language)


@pytest.mark.slow
def test_codes_of_another_corpus_are_refused_by_name(tmp_path: Path) -> None:
    write_corpus(tmp_path, 12)
    codes = tmp_path / "codes.npy"
    np.save(codes, np.zeros((11, 2, 64), np.int16))
    training = start(
        "train_language_model",
        *("--corpus", tmp_path, "--codes", codes, "--out", tmp_path / "out", "--minutes", 1),
    )
    printed = training.communicate(timeout=900)[0]
    assert training.returncode != 0 and str(codes) in printed and "11 pictures" in printed
