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
from assistant.language.parse import PHOTO, Phrase, Request

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
    words: Phrase | None = None
    """What the tool acts on, parsed: the question or what is to be drawn."""


def route(request: Request, photos: Sequence[str] = ()) -> Route:
    """Choose the tool for `request`.

    `photos` are paths that came with the request beside its text. Never raises: what nothing recognises is `chat` with
    confidence `UNDECIDED`.
    """
    started = time.perf_counter()
    outcome = _decide(request, (*request.photos, *map(str, photos)))
    slots = outcome.slots
    if request.concepts and outcome.intent != "name_concept":
        slots.setdefault("concept", request.concepts[0])
        if len(set(request.concepts)) > 1:
            slots.setdefault("concepts", list(dict.fromkeys(request.concepts)))
    elapsed_ms = (time.perf_counter() - started) * 1000
    return Route(outcome.intent, slots, outcome.confidence, "pattern", elapsed_ms, outcome.words)


def _decide(request: Request, photos: tuple[str, ...]) -> Outcome:
    if not request.skeleton:
        if photos:
            return Outcome("describe", photo_slots(photos), SURE)
        return Outcome("clarify", {"missing": "request"}, SURE)
    sentences = list(_sentences(request, photos))
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
    if photos and PHOTO in request.skeleton:
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
            question = request.part(sentence.text, sentence.start)
            slots = {"wanted": "describe", "missing": "photo", "question": question.text}
            return Outcome("clarify", slots, LIKELY, question)
    return Outcome("chat", {}, SURE if guarded else UNDECIDED)


def _sentences(request: Request, photos: tuple[str, ...]) -> Iterator[Sentence]:
    for match in re.finditer(r"[^.!?\n]+(?:[.!?](?!\s|$)[^.!?\n]*)*[.!?]*", request.skeleton):
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
            yield Sentence(text, start, spoken, request, photos)


def _describe(sentences: Sequence[Sentence], photos: tuple[str, ...], confidence: float) -> Outcome:
    slots = photo_slots(photos)
    words = " ".join(sentence.text for sentence in sentences)
    if PLAIN_DESCRIBE.match(words):
        return Outcome("describe", slots, confidence)
    question = sentences[0].request.part(PHOTO_PHRASE.sub("this photo", words), sentences[0].start)
    return Outcome("describe", slots | {"question": question.text}, confidence, question)
