"""The sentences table: is the right fact, word or title found by its meaning, and is it said where there is none?

A threshold is chosen on one half of the pairs and tested on the other.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from assistant.answers.told_by_meaning import closest_fact, with_lead
from assistant.evaluation.data.options import EvaluationRun, SentencesOptions
from assistant.evaluation.data.protocol import rounded
from assistant.evaluation.data.sentence_pairs import Case, read_cases
from assistant.language.fact_answers import content_words, told_about
from personalizer.schemas import Float32Array
from personalizer.sentences.embed import ANSWERS_FROM, FITS_FROM, VERSION, shipped_embedder

Embed = Callable[[Sequence[str]], Float32Array]
Similarity = Callable[[Sequence[str], Sequence[str]], Float32Array]
"""Queries and candidates → `[queries, candidates]`."""
WANTED_PRECISION = 0.97
"""Of the answers on the half that the threshold is chosen on, so many are right."""
_TASKS = ("told", "search")
_GROUPS = {"English": ("en",), "German and Spanish": ("de", "es"), "all": ("en", "de", "es")}


@dataclass(frozen=True, slots=True)
class Scored:
    """One case, with how well each candidate fits."""

    case: Case
    scores: Float32Array

    @property
    def best(self) -> float:
        return float(self.scores.max())

    @property
    def is_right(self) -> bool:
        """Whether the best candidate fits."""
        return int(self.scores.argmax()) in self.case.right

    @property
    def rank(self) -> int:
        """Of the best candidate that fits, from 1."""
        order = np.argsort(-self.scores, kind="stable")
        return 1 + next(rank for rank, place in enumerate(order) if int(place) in self.case.right)


def evaluate_sentences(options: SentencesOptions, run: EvaluationRun) -> dict[str, Any]:
    """The tables as JSON values."""
    cases = read_cases()
    thresholds = {"told": ANSWERS_FROM, "search": FITS_FROM}
    run.say(0, 3, "comparing by meaning")
    meaning = rows_of("meaning", cases, similarity_of(shipped_embedder().embed), thresholds)
    run.say(1, 3, "comparing by words")
    control = rows_of("control: words in common", cases, words_in_common)
    run.say(2, 3, "answering as the chat does")
    told = [case for case in cases if case.task == "told"]
    return {
        "pairs": len(cases),
        "rows": meaning + control,
        "answers": _answers("words, then meaning", told, by_meaning=True)
        + _answers("control: words alone", told, by_meaning=False),
        "settings": {"version": VERSION, "thresholds": thresholds},
    }


def similarity_of(embed: Embed) -> Similarity:
    """Cosine similarity of rows of length 1."""
    return lambda queries, candidates: embed(queries) @ embed(candidates).T


def rows_of(
    method: str, cases: Sequence[Case], similarity: Similarity, thresholds: dict[str, float] | None = None
) -> list[dict[str, Any]]:
    """A row for each task and group of languages; thresholds that are not given are chosen for it."""
    rows = []
    for task in _TASKS:
        scored = score_cases([case for case in cases if case.task == task], similarity)
        for languages, codes in _GROUPS.items():
            group = [one for one in scored if one.case.language in codes]
            chosen = choose_threshold([one for one in group if one.case.half == 0])
            threshold = chosen if thresholds is None else thresholds[task]
            rows.append(
                {"method": method, "task": task, "languages": languages}
                | _retrieval(group)
                | {"threshold": rounded(threshold), "chosen_threshold": rounded(chosen)}
                | _at_threshold([one for one in group if one.case.half == 1], threshold)
            )
    return rows


def score_cases(cases: Sequence[Case], similarity: Similarity) -> list[Scored]:
    """Each case with its scores; facts as the chat scores them. Cases with the same candidates are compared at once."""
    together: dict[tuple[str, ...], list[Case]] = {}
    for case in cases:
        together.setdefault(case.candidates, []).append(case)
    scored = []
    for candidates, group in together.items():
        similarities = similarity([case.query for case in group], candidates)
        for case, row in zip(group, similarities, strict=True):
            scored.append(Scored(case, with_lead(row) if case.task == "told" else row))
    return scored


def choose_threshold(scored: Sequence[Scored]) -> float:
    """The score from which most is answered of all those from which the wanted share of answers is right.

    Where there is none, the one with the largest share; 0 where nothing fits at all.
    """
    by_threshold = {one.best: _at_threshold(scored, one.best) for one in scored if one.best > 0}
    good = {score: found for score, found in by_threshold.items() if found["precision"] >= WANTED_PRECISION}
    if good:
        return min(good)
    return max(by_threshold, key=lambda score: (by_threshold[score]["precision"], -score), default=0.0)


def _retrieval(scored: Sequence[Scored]) -> dict[str, Any]:
    """Whether what fits comes first, where something does."""
    answerable = [one for one in scored if one.case.right]
    return {
        "cases": len(scored),
        "answerable": len(answerable),
        "top1": _share(sum(one.is_right for one in answerable), len(answerable)),
        "mrr": _share(sum(1 / one.rank for one in answerable), len(answerable)),
    }


def _at_threshold(scored: Sequence[Scored], threshold: float) -> dict[str, Any]:
    """What is answered from a score on, and where nothing fits, how often nothing is answered."""
    given = [one.best >= threshold and one.best > 0 for one in scored]
    right = [answered and one.is_right for one, answered in zip(scored, given, strict=True)]
    return _rates([one.case for one in scored], given, right)


def _rates(cases: Sequence[Case], given: Sequence[bool], right: Sequence[bool]) -> dict[str, Any]:
    answerable = sum(bool(case.right) for case in cases)
    silent = sum(not case.right and not answered for case, answered in zip(cases, given, strict=True))
    return {
        "given": sum(given),
        "right": sum(right),
        "precision": _share(sum(right), sum(given)),
        "recall": _share(sum(right), answerable),
        "abstained": _share(silent, len(cases) - answerable),
    }


def _share(count: float, of: int) -> float | None:
    return rounded(count / of) if of else None


def _answers(method: str, cases: Sequence[Case], *, by_meaning: bool) -> list[dict[str, Any]]:
    """What the chat quotes, on the half that no threshold was chosen on."""
    rows = []
    for languages, codes in _GROUPS.items():
        group = [case for case in cases if case.language in codes and case.half == 1]
        quoted = [
            told_about(case.asked, case.name, case.facts, closest_fact if by_meaning else None).facts
            for case in group
        ]
        right = [
            any(case.facts[place] in facts for place in case.right)
            for case, facts in zip(group, quoted, strict=True)
        ]
        rows.append(
            {"method": method, "languages": languages, "cases": len(group)}
            | _rates(group, [bool(facts) for facts in quoted], right)
        )
    return rows


def words_in_common(queries: Sequence[str], candidates: Sequence[str]) -> Float32Array:
    """BM25 over the forms of words that answers compare: what can be found without any meaning."""
    documents = [Counter(content_words(text)) for text in candidates]
    usual_length = max(1.0, sum(map(len, documents)) / len(documents))
    in_documents = Counter(word for document in documents for word in document)
    scores = np.zeros((len(queries), len(candidates)), dtype=np.float32)
    for row, query in zip(scores, queries, strict=True):
        for word in content_words(query) & in_documents.keys():
            count = in_documents[word]
            rarity = math.log(1 + (len(documents) - count + 0.5) / (count + 0.5))
            for place, document in enumerate(documents):
                if word in document:
                    row[place] += rarity * 2.2 / (1 + 1.2 * (0.25 + 0.75 * len(document) / usual_length))
    return scores
