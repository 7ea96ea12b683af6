"""Decides which tool a request goes to, by patterns over the words, in well under a millisecond.

Knows the wording of requests (English) and the names in the library; runs no tool and no model.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from assistant.chat.router.rules import (
    LIKELY,
    LOOSE_RULES,
    RULES,
    SURE,
    UNDECIDED,
    Intent,
    Outcome,
    Sentence,
    Slots,
    photo_slots,
)
from assistant.chat.router.words import (
    ASKING,
    CHATTER,
    DEICTIC_QUESTION,
    NEEDS_PHOTO,
    OPENING,
    PHOTO_PHRASE,
    PLAIN_DESCRIBE,
    STATEMENT,
)
from assistant.language.mentions import PHOTO, Mentions, find_mentions

__all__ = ["LIKELY", "SURE", "UNDECIDED", "Intent", "Route", "Slots", "route"]


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes.

    Slots: `concept` (a known name; the first of several, all in `concepts`), `name` (a new one), `photo` (the
    first of several, all in `photos`), `question`, `prompt`, `count`, `seed`, `id`, `text`, `query`; for
    `clarify`: `wanted` (the intent) and `missing` (`photo`, `concept` or `prompt`).
    """

    intent: Intent
    slots: Slots = field(default_factory=dict)
    confidence: float = UNDECIDED
    source: Literal["pattern", "context", "model"] = "pattern"
    elapsed_ms: float = 0.0


def route(text: str, photos: Sequence[str] = (), concepts: Sequence[str] = ()) -> Route:
    """Choose the tool for `text`.

    `photos` are paths that came with the request beside its text; `concepts` are the names in the library.
    Never raises: what nothing recognises is `chat` with confidence `UNDECIDED`.
    """
    started = time.perf_counter()
    mentions = find_mentions(text, concepts)
    every_photo = (*mentions.photos, *map(str, photos))
    intent, slots, confidence = _decide(mentions, every_photo)
    if mentions.concepts and intent != "name_concept":
        slots.setdefault("concept", mentions.concepts[0])
        if len(set(mentions.concepts)) > 1:
            slots.setdefault("concepts", list(dict.fromkeys(mentions.concepts)))
    return Route(intent, slots, confidence, "pattern", (time.perf_counter() - started) * 1000)


def _decide(mentions: Mentions, photos: tuple[str, ...]) -> Outcome:
    if not mentions.skeleton:
        return (
            ("describe", photo_slots(photos), SURE) if photos else ("clarify", {"missing": "request"}, SURE)
        )
    sentences = list(_sentences(mentions, photos))
    guarded = False
    for sentence in sentences:
        if any(pattern.search(sentence.text) or pattern.search(sentence.spoken) for pattern in CHATTER):
            guarded = True
            continue
        for pattern, outcome_of in RULES:
            match = pattern.search(sentence.text)
            outcome = outcome_of(sentence, match) if match else None
            if outcome:
                return outcome
    if photos and PHOTO in mentions.skeleton:
        return _describe(sentences, photos, SURE)
    for sentence in [] if guarded else sentences:
        for pattern, outcome_of in LOOSE_RULES:
            match = pattern.search(sentence.text)
            outcome = outcome_of(sentence, match) if match and not STATEMENT.match(sentence.text) else None
            if outcome:
                return outcome
    for sentence in [] if guarded else sentences:
        if photos and DEICTIC_QUESTION.search(sentence.text):
            return _describe([sentence], photos, LIKELY)
        if any(pattern.search(sentence.text) for pattern in NEEDS_PHOTO):
            question = mentions.restore(sentence.text, sentence.start)
            return "clarify", {"wanted": "describe", "missing": "photo", "question": question}, LIKELY
    return "chat", {}, SURE if guarded else UNDECIDED


def _sentences(mentions: Mentions, photos: tuple[str, ...]) -> Iterator[Sentence]:
    for match in re.finditer(r"[^.!?\n]+(?:[.!?](?!\s|$)[^.!?\n]*)*[.!?]*", mentions.skeleton):
        text = match[0].rstrip()
        start = match.start() + len(text) - len(text.lstrip())
        text = text.lstrip()
        spoken = text
        for courtesy in (OPENING, ASKING):
            found = courtesy.match(text)
            if found and found.end() < len(text):
                spoken = text
                start, text = start + found.end(), text[found.end() :]
        if text:
            yield Sentence(text, start, spoken, mentions, photos)


def _describe(sentences: Sequence[Sentence], photos: tuple[str, ...], confidence: float) -> Outcome:
    slots = photo_slots(photos)
    words = " ".join(sentence.text for sentence in sentences)
    if not PLAIN_DESCRIBE.match(words):
        start = sentences[0].start
        question = PHOTO_PHRASE.sub("this photo", sentences[0].mentions.restore_names(words, start)).strip()
        slots["question"] = question
    return "describe", slots, confidence
