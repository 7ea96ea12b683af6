"""Sentences about what can be seen: things, scenes, colors, light, text. Guesses carry their percentage."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.answers.people import count_faces, i_see
from assistant.answers.photo_facts import PhotoFacts
from assistant.answers.wording import CANNOT_TELL, is_plural, joined, looks_like, sure, with_article
from assistant.language.question_types import Colors, Light, Sharpness, Shown, Text, WhatIsIt
from assistant.presentation.printable import percent
from personalizer.errors import NotReadyError

_PEOPLE = frozenset({
    "person", "people", "man", "woman", "child", "kid", "baby", "boy", "girl", "face", "human", "somebody", "someone",
    "anybody", "anyone", "lady", "guy",
})  # fmt: skip
_SEEN_WHOLE_PX = 640
_GRAY = frozenset({"black", "white", "gray"})


def shown(part: Shown, facts: PhotoFacts) -> str:
    """Whether things can be seen, each for itself."""
    sentences, unknown, seen = [], [], []
    for word in part.words:
        label = facts.label_of(word)
        if word in _PEOPLE:
            sentences.append(count_faces(facts))
        elif label is not None and label in facts.labels:
            # In the table's word: what is asked for may be narrower, such as a river for a lake.
            seen.append(label)
            sentences.append(looks_like(label))
        else:
            unknown.append(word)
    if unknown:
        be = "are" if len(unknown) == 1 and is_plural(unknown[0]) else "is"
        whether = joined((with_article(word) for word in unknown), "or")
        sentences.append(f"Whether there {be} {whether} I can't tell.")
        # Of the kind that is asked for: where that is a labrador, the dog and not the sofa it lies on.
        near = [label for word in unknown if (label := facts.nearest(word)) is not None]
        if not near and not seen and facts.narrowest is not None:
            near = [facts.narrowest]
        sentences += map(looks_like, near)
    return " ".join(dict.fromkeys(sentences))


def what_is_it(part: WhatIsIt, facts: PhotoFacts) -> str:
    """The narrowest word for what is asked about, and who it is where that is recognized."""
    sentences = [i_see(facts.sure_things)] if facts.sure_things else []
    of_kind = (facts.nearest(word) for word in part.kind.split())
    label = next((label for label in of_kind if label is not None), facts.narrowest)
    if label is not None:
        sentences.append(looks_like(label))
    return " ".join(sentences) or CANNOT_TELL


def colors(part: Colors, facts: PhotoFacts) -> str:
    """Main colors of a named thing within its outline, or of the whole photo."""
    if part.asked == "black and white":
        if facts.is_colorless:
            return "I see no colors in it."
        named = [color for color in facts.colors() if color not in _GRAY]
        return f"It has colors: {joined(named)}." if named else "It has colors, though little of them."
    if part.of is None:
        found_colors = facts.colors()
        # Only of a whole photo: something else may cover a part of what is outlined.
        if not found_colors:
            return "It has many colors, and none of them is a main one."
        yes = "Yes. " if part.asked in found_colors else ""
        return f"{yes}The main {_counted_colors(found_colors)} of this photo: {joined(found_colors)}."
    if part.is_name:
        one = facts.about(part.of)
        if one is None or one.verdict != "yes":
            return f"I don't see {part.of} here for sure, so I can't tell that."
        found_colors, what = facts.colors(part.of), part.of
        where = f"I see {sure(one.name, one.probability)}"
    else:
        label = facts.label_of(part.of)
        if label is None or label not in facts.labels:
            return CANNOT_TELL
        found_colors, what = facts.colors_of_label(label), f"the {label.word}"
        where = f"it looks like {with_article(label.word)} ({percent(label.confidence)})"
    if not found_colors:
        return f"I can't tell which colors {what} has."
    return f"The main {_counted_colors(found_colors)} where {where}: {joined(found_colors)}."


def _counted_colors(names: Sequence[str]) -> str:
    return "color" if len(names) == 1 else "colors"


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
    # A reduced copy is looked at: what is blurred there is blurred at full size, not the other way around.
    reduced = ", seen at a reduced size" if facts.sharpness == "sharp" and _is_large(facts) else ""
    return f"{yes}Its edges are {facts.sharpness}{reduced}."


def _is_large(facts: PhotoFacts) -> bool:
    return max(facts.decoded.width_px, facts.decoded.height_px) > _SEEN_WHOLE_PX


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
