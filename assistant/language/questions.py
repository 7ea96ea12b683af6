"""What a question about a photo asks for, by its words: text → typed parts. Knows no library and no photo.

"who is with Amy and when was it taken?" → `(WithWhom(names=("Amy",)), When())`. English, German and Spanish are
understood. What no rule understands is `Other`: an answer to a question that was not asked is worse than none.
"""

from __future__ import annotations

import re
from dataclasses import replace

from assistant.language.clauses import Clause, Entity, clauses_of
from assistant.language.named_questions import named_question
from assistant.language.parse import CONCEPT, Phrase
from assistant.language.question_patterns import HERE, without_closing, without_noise
from assistant.language.question_rules import photo_question
from assistant.language.question_types import (
    Album,
    Alone,
    Camera,
    Colors,
    Describe,
    HowMany,
    Light,
    Other,
    Part,
    Presence,
    Question,
    Sharpness,
    Shown,
    Size,
    Text,
    Told,
    WhatIsIt,
    When,
    Where,
    WhoIsThere,
    WithWhom,
)
from assistant.language.question_words import is_unknown_name

__all__ = [
    "Album", "Alone", "Camera", "Colors", "Describe", "HowMany", "Light", "Other", "Part", "Presence", "Question",
    "Sharpness", "Shown", "Size", "Text", "Told", "WhatIsIt", "When", "Where", "WhoIsThere", "WithWhom", "asked_about",
    "only_name_in_question", "understand",
]  # fmt: skip

_OPEN_QUESTION = re.compile(
    rf"""^(?:who|what)(?:'s|\ is|\ was|\ are)\ {CONCEPT}\W*$
    |^(?:what|which)\ (?:breed|kind|sort|type|species|race)(?:\ of\ \w+)?\ (?:is|was|are)\ {CONCEPT}\W*$
    |^(?:please\ |can\ you\ |could\ you\ )*(?:tell\ me|remind\ me|say)
    (?:\ (?:more|something|everything|anything|all|what\ you\ know))*\ (?:about|of)\ {CONCEPT}\W*$
    |^(?:what|anything|everything)\ (?:else\ )?(?:do|did|can|have)?\ ?(?:you|i)\ (?:know|remember|tell|told|say)
    (?:\ me|\ you)?\ (?:about|of)\ {CONCEPT}\W*$""",
    re.IGNORECASE | re.VERBOSE,
)
_QUESTION_ABOUT = re.compile(
    rf"""^(?!.*[.!]$)(?:
    (?:is|isn't|was|wasn't|does|doesn't|did|didn't|has|hasn't|can|can't|will|would|should)\ {CONCEPT}\ ?\w
    |(?:who|what|which|how|where|when|why|whose)\b.*\b(?:is|was|does|did|has|can|will|would|should|are|were|'s)
    \ {CONCEPT}
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_QUESTION = re.compile(
    r"""^[\W_]*(?:who|whom|whose|what|which|how|where|when|why|is|was|does|did|has|can
    |wer|wem|wen|was|wie|wo|woher|wohin|wovor|worauf|wann|warum|welche\w*
    |qué|quién|quiénes|cómo|cuál|cuándo|cuánt[oa]s?|dónde|por\ qué)\b|\?\W*$""",
    re.IGNORECASE | re.VERBOSE,
)


def understand(question: Phrase | None) -> Question:
    """What `question` asks for, part by part; nothing asked, as with "what is this?", is a wish for a description."""
    if question is None:
        return (Describe(),)
    clauses = clauses_of(question)
    if clauses is None:
        return (_other(question),)
    if not clauses:
        return (Describe(),) if not question.text.strip(" ?!.,;:…¿¡-") else (_other(question),)
    parts: list[Part] = []
    for clause in clauses:
        words = without_noise(clause.text)
        if re.fullmatch(r"@k\d+", words) and re.match(r"(?:hi|hey|hello|thanks|sorry) ", clause.text):
            parts.append(_other(question))
        elif words or len(clauses) == 1:
            parts.extend(_parts_of(words or clause.text, clause, question))
    return tuple(dict.fromkeys(parts)) or (Describe(),)


def asked_about(question: Phrase) -> str | None:
    """The named concept that a question is about; None for what is no question about one."""
    if not question.concepts or len(question.skeleton) > 1000:
        return None
    asks = _QUESTION_ABOUT.match(question.skeleton) or _OPEN_QUESTION.match(question.skeleton)
    return question.concepts[0] if asks else None


def only_name_in_question(question: Phrase) -> str | None:
    """The named concept in a question of any form that names no other: "what scares Bo?", "wovor hat Bo Angst?"."""
    names = set(question.concepts)
    if len(names) != 1 or len(question.skeleton) > 1000 or not _QUESTION.search(question.text):
        return None
    return question.concepts[0]


def _parts_of(words: str, clause: Clause, question: Phrase) -> Question:
    """The parts of one clause, which is tried with and without what may be a courtesy at its end."""
    shorter = without_closing(words)
    for text in dict.fromkeys((words, shorter)):
        at = clause.text.find(text)
        placed = _cut(clause, at, text) if at >= 0 else replace(clause, text=text)
        parts = named_question(text, placed) or photo_question(text, placed)
        if parts:
            return parts
    return _of_unknown_word(shorter, clause, question)


def _of_unknown_word(words: str, clause: Clause, question: Phrase) -> Question:
    """ "is rex here?": a name that nobody gave, in small letters. "is this rex?" may be about anything."""
    unknown = [word for word in words.split() if is_unknown_name(word)]
    if len(unknown) == 1 and re.match(
        r"(?:is|are|was|do you (?:see|recognize)|can you (?:see|find)) ", words
    ):
        number = len(clause.entities)
        token = rf"@u{number}"
        marked = " ".join(token if word == unknown[0] else word for word in words.split())
        with_name = replace(clause, text=marked, entities=(*clause.entities, Entity("u", unknown[0])))
        parts = named_question(marked, with_name)
        if parts and all(isinstance(part, Presence) for part in parts):
            if ("@k" in marked and re.search(r" (?:or|and) ", marked)) or re.search(
                rf"(?:is|see|find) {token}(?: \w+)* (?:{HERE})$", marked
            ):
                return parts
            return (Other(question.text, clause.texts(words, "k"), (unknown[0],)),)
    return (Other(question.text, clause.texts(words, "k"), clause.texts(words, "u")),)


def _cut(clause: Clause, at: int, text: str) -> Clause:
    """The clause without the words before `at`."""
    first = clause.text[:at].count(" ")
    return replace(clause, text=text, typed=clause.typed[first : first + text.count(" ") + 1])


def _other(question: Phrase) -> Other:
    return Other(question.text, tuple(dict.fromkeys(question.concepts)))
