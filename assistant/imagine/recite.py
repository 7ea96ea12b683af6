"""Says what is known of the concepts of a picture before it is painted ("recite, then draw"). Reads the library."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from assistant.language.parse import Phrase
from personalizer.library.library import Library
from personalizer.schemas import Concept

SURE_FROM = 0.9
"""Confidence of a word for photos."""
MOST_PHOTOS = 20
MOST_FACTS = 3


def recited(
    library: Library,
    words: Phrase,
    concepts: Sequence[Concept],
    colors: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> str:
    """The request with what is known behind each name: `Bo (dog; white; afraid of water) on a beach`.

    `colors` are those of its photos, by name.
    """
    known = {
        concept.name: _about(library, concept, colors.get(concept.name, ()))
        for concept in concepts
        if concept.name
    }
    parts, end = [], 0
    for mention in words.mentions:
        about = known.pop(mention.name, "")
        if about and not words.text[mention.end :].startswith("'"):
            parts += [words.text[end : mention.end], f" ({about})"]
            end = mention.end
    return "".join([*parts, words.text[end:]])


def _about(library: Library, concept: Concept, colors: Sequence[str]) -> str:
    told = [fact.text for fact in library.facts(concept.id)][:MOST_FACTS]
    return "; ".join([*_word(library, concept), *([" and ".join(colors)] if colors else []), *told])


def _word(library: Library, concept: Concept) -> list[str]:
    """What most of its photos are said to show; nothing about people."""
    if concept.kind == "face":
        return []
    photos = list({member.photo_id for member in library.members(concept.id)})[:MOST_PHOTOS]
    counts = Counter(
        label.word for photo in photos for label in library.labels(photo) if label.confidence >= SURE_FROM
    )
    best = counts.most_common(1)
    return [word for word, count in best if 2 * count > len(photos)]
