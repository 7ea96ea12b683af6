"""`evaluate sentences`: the pairs that ship, and how what is found is counted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.cli.evaluate import sentences_lines
from assistant.evaluation.data.options import EvaluationRun, SentencesOptions
from assistant.evaluation.data.sentence_pairs import PAIRS_FILE, Case, read_cases
from assistant.evaluation.recognition.sentences import (
    choose_threshold,
    evaluate_sentences,
    rows_of,
    score_cases,
    words_in_common,
)
from assistant.evaluation.report.report import write_report
from personalizer.home import Home
from personalizer.schemas import Float32Array


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = Home(tmp_path_factory.mktemp("home")).ensure()
    return evaluate_sentences(SentencesOptions(), EvaluationRun(home))


def case(query: str, right: Sequence[int], half: int = 0) -> Case:
    return Case("search", "en", query, ("dog", "cat"), frozenset(right), half, query)


def fixed(scores: dict[str, list[float]], queries: Sequence[str], _: Sequence[str]) -> Float32Array:
    return np.array([scores[query] for query in queries], dtype=np.float32)


def row(report: dict[str, Any], method: str, task: str, languages: str) -> dict[str, Any]:
    return next(
        one
        for one in report["rows"]
        if (one["task"], one["languages"]) == (task, languages) and one["method"].startswith(method)
    )


def test_the_pairs_are_many_and_of_three_languages() -> None:
    cases = read_cases()
    assert len(cases) >= 250
    assert sum(case.language != "en" for case in cases) >= 60
    assert sum(not case.right for case in cases) >= 80
    assert {case.half for case in cases} == {0, 1}
    assert all(place < len(case.candidates) for case in cases for place in case.right)
    for entry in json.loads(PAIRS_FILE.read_text("utf-8"))["told"]:
        assert all(entry["name"].casefold() in question.casefold() for question, _ in entry["questions"])


@pytest.mark.parametrize(
    ("task", "languages", "top1", "precision"),
    [
        ("told", "English", 0.85, 0.9),
        ("told", "German and Spanish", 0.9, 0.9),
        ("search", "English", 0.65, 0.65),
        ("search", "German and Spanish", 0.85, 0.9),
    ],
)
def test_meaning_finds_what_words_do_not(
    report: dict[str, Any], task: str, languages: str, top1: float, precision: float
) -> None:
    meaning, control = row(report, "meaning", task, languages), row(report, "control", task, languages)
    assert meaning["top1"] >= top1 and meaning["top1"] > control["top1"] + 0.3
    assert meaning["precision"] >= precision
    assert meaning["abstained"] >= 0.8
    assert meaning["cases"] >= meaning["answerable"] > 0


def test_the_chat_answers_more_by_meaning_than_by_words(report: dict[str, Any]) -> None:
    by_method = {one["method"]: one for one in report["answers"] if one["languages"] == "all"}
    meaning, control = by_method["words, then meaning"], by_method["control: words alone"]
    assert meaning["recall"] >= control["recall"] + 0.4 and meaning["precision"] >= 0.85


def test_the_tables_are_printed_and_written(report: dict[str, Any], tmp_path: Path) -> None:
    text = sentences_lines(report)
    assert "German and Spanish" in text and "control: words alone" in text
    json.dumps(report, allow_nan=False)
    write_report("sentences", report, tmp_path, "familiar evaluate sentences")
    written = (tmp_path / "report.md").read_text("utf-8")
    assert "# Meaning of sentences" in written and "## What the chat answers" in written


def test_thresholds_leave_out_what_is_wrong() -> None:
    scores = {"a": [0.9, 0.1], "b": [0.2, 0.8], "c": [0.7, 0.1], "d": [0.6, 0.5]}
    cases = [case("a", [0]), case("b", [1]), case("c", []), case("d", [0])]
    scored = score_cases(cases, lambda queries, candidates: fixed(scores, queries, candidates))
    assert choose_threshold(scored) == pytest.approx(0.8)
    assert choose_threshold(scored[2:3]) == pytest.approx(0.7), "the best there is"
    assert choose_threshold([]) == 0


def test_ranks_and_shares_are_counted() -> None:
    scores = {"a": [0.9, 0.1], "b": [0.8, 0.2], "c": [0.1, 0.3]}
    cases = [
        case(query, right, half) for half in (0, 1) for query, right in (("a", [0]), ("b", [1]), ("c", []))
    ]
    told = [
        Case("told", one.language, one.query, *(one.candidates, one.right, one.half, "")) for one in cases
    ]
    spanish = [
        Case(one.task, "es", one.query, *(one.candidates, one.right, one.half, "")) for one in [*cases, *told]
    ]
    rows = rows_of(
        "m",
        [*cases, *told, *spanish],
        lambda queries, candidates: fixed(scores, queries, candidates),
        {"search": 0.85, "told": 0.0},
    )
    found = next(one for one in rows if (one["task"], one["languages"]) == ("search", "English"))
    assert (found["cases"], found["answerable"], found["top1"], found["mrr"]) == (6, 4, 0.5, 0.75)
    assert (found["given"], found["right"], found["precision"]) == (1, 1, 1.0)
    assert (found["recall"], found["abstained"]) == (0.5, 1.0)
    everything = next(one for one in rows if (one["task"], one["languages"]) == ("told", "English"))
    assert (everything["given"], everything["right"], everything["abstained"]) == (3, 1, 0.0)


@pytest.mark.parametrize(
    ("query", "best"), [("afraid of cats", 0), ("cheeses", 1), ("loved cheese", 1), ("rainbow", None)]
)
def test_the_control_compares_forms_of_words(query: str, best: int | None) -> None:
    scores = words_in_common([query], ["is afraid of a cat", "loves cheese", "my corgi"])[0]
    assert int(scores.argmax()) == best if best is not None else not scores.any()
