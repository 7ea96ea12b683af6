"""Sentences about what can be seen: things, scenes, colors, light, text. Guesses carry their percentage."""

from __future__ import annotations

from assistant.answers.people import count_faces
from assistant.answers.photo_facts import PhotoFacts
from assistant.answers.wording import CANNOT_TELL, joined, looks_like, percent, with_article
from assistant.language.question_types import Colors, Light, Sharpness, Shown, Text, WhatIsIt
from personalizer.errors import NotReadyError
from personalizer.schemas import PhotoLabel

_PEOPLE = frozenset({
    "person", "people", "man", "woman", "child", "kid", "baby", "boy", "girl", "face", "human", "somebody", "someone",
    "anybody", "anyone", "lady", "guy",
})  # fmt: skip
_GRAY = frozenset({"black", "white", "gray"})


def shown(part: Shown, facts: PhotoFacts) -> str:
    """Whether things can be seen, each for itself."""
    if any(word in _PEOPLE for word in part.words):
        return count_faces(facts)
    sentences, unknown = [], []
    for word in part.words:
        label = facts.label_of(word)
        if label is not None and label in facts.labels:
            sentences.append(looks_like(PhotoLabel(word, label.confidence, label.kind)))
        else:
            unknown.append(word)
    if unknown:
        sentences.append(
            f"Whether there is {joined((with_article(word) for word in unknown), 'or')} I can't tell."
        )
        narrowest = facts.narrowest
        if narrowest is not None and not any(narrowest.word in sentence for sentence in sentences):
            sentences.append(looks_like(narrowest))
    return " ".join(sentences)


def what_is_it(part: WhatIsIt, facts: PhotoFacts) -> str:
    """The narrowest word for it, and who it is where that is recognized."""
    things = [one for one in facts.sure if not facts.is_person(one.name)]
    sentences = (
        [f"I see {joined(f'{one.name} ({percent(one.probability)} sure)' for one in things)}."]
        if things
        else []
    )
    narrowest = facts.narrowest
    if narrowest is not None:
        sentences.append(looks_like(narrowest))
    return " ".join(sentences) or CANNOT_TELL


def colors(part: Colors, facts: PhotoFacts) -> str:
    """Main colors of a named thing within its outline, or of the whole photo."""
    if part.asked == "black and white":
        found = set(facts.colors())
        return "I see no colors in it." if found <= _GRAY else f"It has colors: {joined(facts.colors())}."
    if part.of is None:
        found_colors, what = facts.colors(), "this photo"
    elif part.is_name:
        one = facts.about(part.of)
        if one is None or one.verdict != "yes":
            return f"I don't see {part.of} here, so I can't tell that."
        found_colors, what = facts.colors(part.of), part.of
    else:
        label = facts.label_of(part.of)
        if label is None or label not in facts.labels:
            return CANNOT_TELL
        found_colors, what = facts.thing_colors(), f"the {part.of}"
    if not found_colors:
        return f"I can't tell which colors {what} has: no clear outline stands out."
    yes = "Yes. " if part.asked in found_colors else ""
    return f"{yes}The main {'color' if len(found_colors) == 1 else 'colors'} of {what} here: {joined(found_colors)}."


def light(part: Light, facts: PhotoFacts) -> str:
    measured = {"dark": "The photo is dark.", "bright": "The photo is bright."}.get(
        facts.light or "", "The photo is neither dark nor bright."
    )
    if part.asked in ("dark", "bright"):
        return measured
    time = f" It was taken at {facts.taken_at:%H:%M}." if facts.has_time else ""
    return f"{measured} Whether it is {part.asked} I can't tell.{time}"


def sharpness(part: Sharpness, facts: PhotoFacts) -> str:
    if facts.sharpness is None:
        return f"I can't tell whether it is {part.asked}: it is neither plainly sharp nor plainly blurred."
    yes = "Yes. " if facts.sharpness == part.asked else "No. "
    return f"{yes}Its edges are {facts.sharpness}."


def text(part: Text, facts: PhotoFacts) -> str:
    """What can be read, or whether words can."""
    from personalizer.analysis.text import contains_text

    try:
        lines = facts.text
    except NotReadyError as error:
        return f"{CANNOT_TELL} Reading text in photos is not installed: {error.fix}"
    if not lines:
        return "I can't read any text in it."
    read = f"I read: {' / '.join(f'“{line.text}”' for line in lines[:12])}."
    if part.contains is None:
        return read
    if contains_text(lines, part.contains):
        return f"Yes, I read “{part.contains}”."
    return f"I don't read “{part.contains}” there. {read}"
