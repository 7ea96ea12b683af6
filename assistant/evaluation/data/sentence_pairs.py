"""Questions with the facts that answer them, and searches with the words that fit: what meaning is measured on.

All were written for this. `sentence_pairs.json` holds them; a fact, a word or a title may be right, or none.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from assistant.answers.told_by_meaning import without_name
from personalizer.analysis.labels import PlainWord, find_word, in_context, word_table

PAIRS_FILE = Path(__file__).with_name("sentence_pairs.json")
Task = Literal["told", "search"]


@dataclass(frozen=True, slots=True)
class Case:
    """One question or search, and what it is compared with."""

    task: Task
    language: str
    query: str
    candidates: tuple[str, ...]
    right: frozenset[int]
    """Places of the candidates that fit; none where nothing does."""
    half: int
    """0: thresholds are chosen on it; 1: they are tested on it. Facts about one name are in one half."""
    asked: str
    name: str = ""
    """The whole question and the name in it, of what was told."""
    facts: tuple[str, ...] = ()


def read_cases() -> list[Case]:
    """All of them, those about facts first."""
    document = json.loads(PAIRS_FILE.read_text("utf-8"))
    told = [case for number, profile in enumerate(document["told"]) for case in _told(profile, number % 2)]
    words = word_table()
    labels, titles = [in_context(word) for word in words], document["titles"]
    names = [word.word for word in words] + titles
    search = [
        Case(
            "search",
            entry["language"],
            entry["query"],
            (*labels, *titles),
            _fitting(entry, words, names),
            number % 2,
            entry["query"],
        )
        for number, entry in enumerate(document["free"])
    ]
    return told + search


def _told(profile: dict[str, Any], half: int) -> list[Case]:
    name, facts = profile["name"], tuple(profile["facts"])
    bare = tuple(without_name(fact, name) for fact in facts)
    return [
        Case(
            "told",
            profile["language"],
            without_name(question, name),
            bare,
            frozenset([] if number is None else [number]),
            half,
            question,
            name,
            facts,
        )
        for question, number in profile["questions"]
    ]


def _fitting(entry: dict[str, Any], words: Sequence[PlainWord], names: Sequence[str]) -> frozenset[int]:
    """The places of the words and titles that fit, with all words for kinds of those that the entry calls kinds."""
    fitting = set(entry.get("words", ()))
    for kind in entry.get("kinds", ()):
        group = find_word(kind)
        assert group is not None, kind
        fitting |= {word.word for word in words if set(word.classes) <= set(group.classes)}
    unknown = fitting - set(names)
    assert not unknown, unknown
    return frozenset(place for place, name in enumerate(names) if name in fitting)
