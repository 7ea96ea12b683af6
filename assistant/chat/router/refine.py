"""What is said behind a picture to have it changed: "make it night", "bigger", "draw it yourself". Draws nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from assistant.chat.router.outcome import LIKELY
from assistant.chat.router.route import Route
from assistant.imagine.scenes import Light, shipped_scenes
from assistant.imagine.wording import understand
from assistant.language.parse import CONCEPT, Phrase, Request, parse

_LEADING = re.compile(
    r"^(?:(?:please|ok|okay|no|nein|now|and|nice|great|cool|lovely|then|bitte|jetzt|und|ahora|y|aber|pero"
    r"|(?:the )?same(?: (?:one|again|picture))?|again|das ?gleiche|lo mismo|but(?: this time)?)[ ,]+)*"
    r"(?:(?:make|do|draw|paint|put|show|turn|try|mach|mal|haz|pon)(?: (?:it|that|this|him|her|them|es|das|lo|la))*"
    r"(?: (?:look|be|into|to))? )?",
    re.IGNORECASE,
)
_ASKED_FOR = re.compile(r"^(?:please )?(?:can|could|would|will) you\b|^kannst du\b|^puedes\b", re.IGNORECASE)
_BY_MODEL = re.compile(
    r"\b(?:(?:draw|paint|do|make)(?: (?:it|that|him|her|them))? yourself|(?:your|the model'?s?) own (?:drawing|picture)"
    r"|let the model (?:draw|paint)(?: (?:it|that|him|her|them))?|(?:no|without (?:a |the )?) ?montage"
    r"|(?:mal|zeichne) (?:es |ihn |sie )?selbst|dib[uú]jal[oa] t[uú])\b",
    re.IGNORECASE,
)


_BARE: Mapping[str, str] = {
    r"(?:rain(?:y|ing)?|regnen|regen|llover)": "in the rain",
    r"(?:winter|wintry|snow(?:ing)?|schneien)": "in winter",
    r"(?:day|daytime|daylight|tag)": "by day",
}
"""What is said of weather and light without a preposition: "make it rain"."""
_LIGHT_WORDS: Mapping[Light, str] = {
    "night": "at night", "sunset": "at sunset", "day": "by day", "overcast": "on a cloudy day", "lamp": "by lamp light",
}  # fmt: skip


def refined_picture(
    request: Request, last: Route | None, last_seed: int | None, names: Sequence[str]
) -> Route | None:
    """The last picture's request with what is to be changed in it, on the same seed; None for anything else."""
    if last is None or last.intent != "imagine" or request.photos:
        return None
    if request.text.rstrip().endswith("?") and not _ASKED_FOR.match(request.text):
        return None
    before = parse(str(last.slots["prompt"]), names)
    seed = {} if last_seed is None else {"seed": last_seed}
    if _BY_MODEL.search(request.text):
        return Route(
            "imagine", {"prompt": before.text, **seed, "painter": "backbone"}, LIKELY, "context", words=before
        )
    if request.concepts and not set(request.concepts) <= set(before.concepts):
        return None
    asked = request.skeleton.replace(CONCEPT, "it") if request.concepts else request.text
    change = _LEADING.sub("", _ASKED_FOR.sub("", asked.strip()).strip()).strip(" .!?")
    change = next(
        (words for bare, words in _BARE.items() if re.fullmatch(bare, change, re.IGNORECASE)), change
    )
    wish = understand(Phrase(change, change), shipped_scenes())
    asks = wish.place or wish.light or wish.styles or wish.scale != 1
    if not asks or wish.left_out or (wish.place and not wish.scenes):
        return None
    if request.concepts and (wish.scale == 1 or wish.place or wish.light or wish.styles):
        return None  # "draw Kiwi in the forest" is a picture of its own
    if wish.light is not None and not (wish.place or wish.styles or wish.scale != 1):
        change = _LIGHT_WORDS[wish.light]
    kept = before.text
    if wish.place and before.concepts:
        # Another place stands instead of the old one, and what it was to look like stays.
        styles = [f"as {style}" for style in understand(before, shipped_scenes()).styles]
        kept = " ".join([" and ".join(dict.fromkeys(before.concepts)), *styles])
    words = parse(f"{kept} {change}", names)
    slots = {key: value for key, value in last.slots.items() if key not in ("prompt", "seed")}
    return replace(
        last, slots={**slots, "prompt": words.text, **seed}, confidence=LIKELY, source="context", words=words
    )
