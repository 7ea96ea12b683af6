"""Decides which tool a request goes to: rules over the words first, then what the words mean. Start reading here.

Knows the wording of requests and the names in the library; runs no tool and no language model.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from assistant.chat.router.concept_rules import CONCEPT_RULES
from assistant.chat.router.correction_rules import CORRECTION_RULES, about_named_photo
from assistant.chat.router.foreign_rules import FOREIGN_RULES
from assistant.chat.router.help_rules import HELP_RULES
from assistant.chat.router.numbers import with_digits
from assistant.chat.router.outcome import (
    LIKELY,
    LOOSE,
    SURE,
    UNDECIDED,
    Intent,
    Outcome,
    Rule,
    Sentence,
    Slots,
    photo_slots,
)
from assistant.chat.router.rules import LOOSE_RULES, RULES
from assistant.chat.router.words import (
    ASKING,
    ASKS,
    CHATTER,
    DEICTIC_QUESTION,
    NEEDS_PHOTO,
    OPENING,
    PHOTO_PHRASE,
    PLAIN_DESCRIBE,
    STATEMENT,
)
from assistant.language.parse import CONCEPT, PHOTO, Phrase, Request

Source = Literal["pattern", "spelling", "meaning", "context"]
"""What decided: a rule over the words, one after typing mistakes were mended, the closest labelled sentence, or
what was said before."""
_SAYS_WHO = re.compile(
    rf"\b(?:this|that|it|he|she)(?:'s| is|s| isn't| was| wasn't)(?: not| really| definitely)* {re.escape(CONCEPT)}",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"\b(?:https?|ftp)://|\bwww\.\w", re.IGNORECASE)
MAX_CHARACTERS = 4_000
"""A longer text is no request."""
_BEFORE_CHATTER: tuple[Rule, ...] = (*HELP_RULES, *CORRECTION_RULES)
_BEHIND_CHATTER: tuple[Rule, ...] = (*CONCEPT_RULES, *RULES, *FOREIGN_RULES)
_WITHOUT_TAIL: tuple[Rule, ...] = (*CORRECTION_RULES, *CONCEPT_RULES, *FOREIGN_RULES)
_LEADING = " \t\n\r\v\f¿¡"
__all__ = ["LIKELY", "SURE", "UNDECIDED", "Intent", "Route", "Slots", "route", "route_as"]


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes.

    Slots: `concept` (a known name; the first of several, all in `concepts`), `name` (a new one), `photo` (the
    first of several, all in `photos`), `question`, `prompt`, `count`, `seed`, `id`, `ids`, `text`, `query`, `topic`
    (of `help`); for `clarify`: `wanted` (the intent), `missing` (`photo`, `concept`, `prompt` or `choice`) and, for a
    choice, `other`.
    """

    intent: Intent
    slots: Slots = field(default_factory=dict)
    confidence: float = UNDECIDED
    source: Source = "pattern"
    elapsed_ms: float = 0.0
    words: Phrase | None = None
    """What the tool acts on, parsed: the question or what is to be drawn."""

    @property
    def both(self) -> tuple[str, ...]:
        """Of `merge`: the two, by name or number."""
        concept = self.slots.get("concept")
        named = self.slots.get("concepts", [str(concept)] if concept else [])
        return (*named, *map(str, self.slots.get("ids", [])))[:2]


def route(request: Request, photos: Sequence[str] = ()) -> Route:
    """Choose the tool for `request`: by rules, by rules over mended spelling, then by the closest labelled sentence.

    `photos` are paths that came with the request beside its text. Never raises: what nothing recognises is `chat` with
    confidence `UNDECIDED`.
    """
    started = time.perf_counter()
    request = with_digits(request)
    outcome, source = _decide(request, (*request.photos, *map(str, photos)))
    return _as_route(request, outcome, source, (time.perf_counter() - started) * 1000)


def _as_route(request: Request, outcome: Outcome, source: Source, elapsed_ms: float) -> Route:
    slots = outcome.slots
    if request.concepts and outcome.intent != "name_concept":
        slots.setdefault("concept", request.concepts[0])
        if len(set(request.concepts)) > 1:
            slots.setdefault("concepts", list(dict.fromkeys(request.concepts)))
    return Route(outcome.intent, slots, outcome.confidence, source, elapsed_ms, outcome.words)


def _decide(request: Request, photos: tuple[str, ...]) -> tuple[Outcome, Source]:
    if len(request.skeleton) > MAX_CHARACTERS:
        return Outcome("chat", {}, SURE), "pattern"
    by_rule = _by_rules(request, photos)
    if by_rule.confidence > LOOSE:
        return by_rule, "pattern"
    from assistant.chat.router.spelling import mended

    better = mended(request) or request
    spelled = _by_rules(better, photos) if better is not request else by_rule
    # A mistyped "remove" must not leave the request to looser words behind it.
    if spelled.confidence > max(by_rule.confidence, UNDECIDED):
        return spelled, "spelling"
    if by_rule.confidence > UNDECIDED:
        return by_rule, "pattern"
    close = _by_meaning(better, photos)
    if close is not None and not (spelled.intent == "describe" and close.slots.get("missing") == "choice"):
        return close, "meaning"
    # Some question about the photo that came with it.
    return (spelled if spelled.intent == "describe" else Outcome("chat", {}, UNDECIDED)), "pattern"


def _by_rules(request: Request, photos: tuple[str, ...]) -> Outcome:
    if not request.skeleton:
        if photos:
            return Outcome("describe", photo_slots(photos), SURE)
        return Outcome("clarify", {"missing": "request"}, SURE)
    if _ADDRESS.search(request.text):
        return Outcome("help", {"topic": "internet"}, SURE)
    if request.is_only_name and not photos:
        return Outcome("list_concepts", {}, LIKELY)
    sentences = list(_sentences(request, photos))
    guarded = False
    for sentence in sentences:
        # Before chatter is left alone: "undo that" and "are my photos uploaded?" look like it.
        outcome = _first(_BEFORE_CHATTER, sentence, sentence.bare)
        if outcome is not None:
            return outcome
        if any(pattern.search(sentence.text) or pattern.search(sentence.spoken) for pattern in CHATTER):
            guarded = True
            continue
        outcome = _first(_BEHIND_CHATTER, sentence, (sentence.text, sentence.bare[0]))
        if outcome is not None:
            return outcome
    for sentence in [] if guarded else sentences:
        outcome = _first(CORRECTION_RULES, sentence, sentence.tail)
        if outcome is None and not photos:
            outcome = _first(_WITHOUT_TAIL, sentence, sentence.head)
        if outcome is not None:
            return outcome
    if photos:
        with_photo = _about_photo(request, sentences, photos, guarded)
        if with_photo is not None:
            return with_photo
    for sentence in [] if guarded else sentences:
        for pattern, outcome_of in LOOSE_RULES:
            match = pattern.search(sentence.text)
            outcome = outcome_of(sentence, match) if match and not STATEMENT.match(sentence.text) else None
            if outcome:
                return outcome
    for sentence in [] if guarded else sentences:
        if any(pattern.search(sentence.text) for pattern in NEEDS_PHOTO):
            question = request.part(sentence.text, sentence.start)
            slots = {"wanted": "describe", "missing": "photo", "question": question.text}
            return Outcome("clarify", slots, LIKELY, question)
    return Outcome("chat", {}, SURE if guarded else UNDECIDED)


def _about_photo(
    request: Request, sentences: Sequence[Sentence], photos: tuple[str, ...], guarded: bool
) -> Outcome | None:
    """Words that came with a photo and that no rule knows: a question about it, a correction, or neither."""
    named = PHOTO in request.skeleton
    asks = [sentence for sentence in sentences if ASKS.search(sentence.text) or ASKS.search(sentence.spoken)]
    if named and (asks or not request.skeleton.replace(PHOTO, "").strip(" .,!")):
        return _describe(sentences, photos, SURE)
    for sentence in sentences if guarded else []:
        correction = about_named_photo(sentence) if _SAYS_WHO.search(sentence.text) else None
        if correction is not None:
            return correction
    if guarded:
        return _describe(sentences, photos, UNDECIDED) if named else None
    if asks and DEICTIC_QUESTION.search(asks[0].text):
        return _describe([asks[0]], photos, LIKELY)
    for sentence in sentences:
        correction = about_named_photo(sentence)
        if correction is not None:
            return correction
    return (
        _describe(sentences, photos, UNDECIDED)
        if named or DEICTIC_QUESTION.search(request.skeleton)
        else None
    )


def _by_meaning(request: Request, photos: tuple[str, ...]) -> Outcome | None:
    """The tool of the closest labelled sentence, or a question which of two is meant; None where none is close."""
    from assistant.chat.router.by_meaning import meaning_of
    from assistant.chat.router.reading import read

    sentences = list(_sentences(request, photos))
    found = meaning_of(request)
    if found is None or not sentences:
        return None
    if found.is_clear:
        return None if found.label == "chat" else read(found.label, sentences[0])
    if not found.is_between or "chat" in found.intents:
        return None
    choices = [read(label, sentences[0]) for label in (found.label, found.next_label)]
    if any(choice is None or choice.intent == "clarify" for choice in choices):
        return next((choice for choice in choices if choice is not None), None)
    slots = {"wanted": found.label, "other": found.next_label, "missing": "choice", "text": request.text}
    return Outcome("clarify", slots, LIKELY)


def route_as(request: Request, label: str, photos: Sequence[str] = ()) -> Route | None:
    """The route of a request of which somebody said what it is: `label` as `wanted` and `other` of a choice."""
    from assistant.chat.router.reading import read

    sentences = list(_sentences(request, (*request.photos, *map(str, photos))))
    outcome = read(label, sentences[0]) if sentences else None
    return None if outcome is None else _as_route(request, outcome, "context", 0.0)


def _first(rules: Sequence[Rule], sentence: Sentence, texts: Sequence[str]) -> Outcome | None:
    """What the first rule that fits one of `texts` makes of the sentence."""
    for pattern, outcome_of in rules:
        for text in texts:
            match = pattern.search(text)
            outcome = outcome_of(sentence, match) if match else None
            if outcome is not None:
                return outcome
    return None


def _sentences(request: Request, photos: tuple[str, ...]) -> Iterator[Sentence]:
    for match in re.finditer(r"[^.!?\n]+(?:[.!?](?!\s|$)[^.!?\n]*)*[.!?]*", request.skeleton):
        text = match[0].rstrip()
        start = match.start() + len(text) - len(text.lstrip(_LEADING))
        text = text.lstrip(_LEADING)
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
