"""Words the answer to a question from the facts about a photo.

Every sentence is a fact, a guess with its percentage, or states that Familiar cannot tell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from assistant.answers import occasion, people, sight
from assistant.answers.photo_facts import PhotoFacts
from assistant.answers.told_by_meaning import closest_fact
from assistant.answers.wording import CANNOT_TELL, joined, looks_like, sure
from assistant.language import question_types as asked
from assistant.language.fact_answers import ToldFacts, nothing_told, told_about, who_or_what
from personalizer.errors import counted

FactsAbout = Callable[[str], list[str]]
"""What the user told about a name."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The words, and which of the user's own facts they quote."""

    words: str
    told: list[str]


def answer(
    question: asked.Question, facts: PhotoFacts, known: Sequence[str], facts_about: FactsAbout, now: datetime
) -> Answer:
    """All parts of a question, one after the other; `known` are the names in the library."""
    sentences, told = [], []
    for part in question:
        if isinstance(part, asked.Told | asked.Other):
            found = _told(part, facts_about)
            told += found.facts
            has_facts = any(facts_about(name) for name in part.names)
            sentences.append(_with_what_is_known(part, found, facts, known, has_facts=has_facts))
        else:
            sentences.append(_sentence(part, facts, known, now, whole=len(question) == 1))
    words = " ".join(dict.fromkeys(sentence for sentence in sentences if sentence))
    return Answer(words, list(dict.fromkeys(told)))


def description(facts: PhotoFacts) -> str:
    """Who and what is in the photo, when and where it was taken."""
    sentences = []
    if facts.sure:
        sentences.append(f"That is {joined(sure(one.name, one.probability) for one in facts.sure)}.")
    if facts.unsure:
        sentences.append(people.might_be(facts.unsure))
    if facts.unnamed_faces:
        also = "also " if facts.sure else ""
        be = "is" if facts.unnamed_faces == 1 else "are"
        sentences.append(f"There {be} {also}{counted(facts.unnamed_faces, 'face')} that I don't know.")
    if not sentences:
        sentences.append(people.nobody(facts))
    narrowest = facts.narrowest
    if narrowest is not None:
        sentences.append(looks_like(narrowest))
    return " ".join([*sentences, occasion.taken(facts)]).strip()


def _sentence(
    part: asked.Part, facts: PhotoFacts, known: Sequence[str], now: datetime, *, whole: bool
) -> str:
    match part:
        case asked.Describe():
            return description(facts)
        case asked.WhoIsThere():
            return people.who_is_there(part, facts)
        case asked.Presence():
            return people.presence(part, facts, known, whole=whole)
        case asked.HowMany():
            return people.how_many(part, facts)
        case asked.WithWhom():
            return people.with_whom(part, facts, known)
        case asked.Alone():
            return people.alone(part, facts, known)
        case asked.When():
            return occasion.when(part, facts, now)
        case asked.Where():
            return occasion.where(part, facts)
        case asked.Camera():
            return occasion.camera(part, facts)
        case asked.Album():
            return occasion.album(part, facts)
        case asked.Size():
            return occasion.size(part, facts)
        case _:
            return _sight(part, facts)


def _sight(part: asked.Part, facts: PhotoFacts) -> str:
    match part:
        case asked.Shown():
            return sight.shown(part, facts)
        case asked.WhatIsIt():
            return sight.what_is_it(part, facts)
        case asked.Colors():
            return sight.colors(part, facts)
        case asked.Light():
            return sight.light(part, facts)
        case asked.Sharpness():
            return sight.sharpness(part, facts)
        case asked.Text():
            return sight.text(part, facts)
        case _:
            return CANNOT_TELL


def _told(part: asked.Told | asked.Other, facts_about: FactsAbout) -> ToldFacts:
    """What the user said about the names in the question that answers it."""
    is_open = isinstance(part, asked.Told) and part.is_open
    find = who_or_what if is_open else told_about
    # Any other question may be about what the photo shows: what only means something like it is no answer.
    by_meaning = closest_fact if isinstance(part, asked.Told) else None
    found = [find(part.text, name, facts_about(name), by_meaning) for name in part.names]
    return ToldFacts([fact for told in found for fact in told.facts], any(told.whole for told in found))


def _with_what_is_known(
    part: asked.Told | asked.Other,
    found: ToldFacts,
    facts: PhotoFacts,
    known: Sequence[str],
    *,
    has_facts: bool,
) -> str:
    if found.facts and (found.whole or isinstance(part, asked.Told)):
        return found.words
    if isinstance(part, asked.Told) and part.names:
        # Other facts about them do not answer this.
        return nothing_told(joined(part.names, "or"), ["others"] if has_facts else [])
    sentences = [found.words] if found.facts else []
    sentences.append(CANNOT_TELL)
    unknown = part.unknown_names if isinstance(part, asked.Other) else ()
    sentences += people.unknown(unknown, (), known)
    return f"{' '.join(sentences)} What I know of this photo: {description(facts)}"
