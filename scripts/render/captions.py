"""Exact sentences and yes/no questions about a rendered picture, from its parameters alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from scripts.render.catalogue import CLASSES
from scripts.render.geometry.kit import Traits
from scripts.render.geometry.materials import COLOR_NAMES, similar

NUMBERS = {2: "two", 3: "three"}
LIGHT_PHRASES = {
    "daylight": "",
    "cloudy": "on a cloudy day",
    "evening": "in the evening light",
    "lamp": "under a lamp",
}
PLACE_PHRASES = {
    "beach": "on a beach",
    "grass": "on the grass",
    "table": "on a wooden table",
    "kitchen": "in a kitchen",
    "snow": "in the snow",
    "street": "on a street",
    "sofa": "on a sofa",
    "bed": "on a bed",
    "forest": "in a forest",
    "desk": "on a desk",
    "rug": "on a rug",
    "bathroom": "in a bathroom",
}
_IRREGULAR = {"person": "people", "fish": "fish", "bus": "buses"}
_SPOKEN_MATERIALS = ("wooden", "metal", "plastic", "toy")


def article(words: str) -> str:
    """The words with "a" or "an" in front."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def plural(label: str) -> str:
    """Plural of a class word."""
    if label in _IRREGULAR:
        return _IRREGULAR[label]
    return label + ("es" if label.endswith(("s", "x", "ch", "sh")) else "s")


def noun_phrase(label: str, traits: Traits, count: int = 1) -> str:
    """For example "a red mug with white stripes" or "two brown dogs with white paws"."""
    words = [] if traits.color == label else [traits.color]
    if traits.material in _SPOKEN_MATERIALS:
        words.append(traits.material)
    words.append(label if count == 1 else plural(label))
    phrase = " ".join(words)
    phrase = article(phrase) if count == 1 else f"{NUMBERS[count]} {phrase}"
    details = (
        [f"with {traits.color2} {traits.pattern}"] if traits.pattern != "plain" and traits.color2 else []
    )
    details += traits.extras
    text = phrase
    for i, detail in enumerate(details):
        text += " " + (
            ("and " + detail)
            if i and detail.startswith("with") and details[i - 1].startswith("with")
            else detail
        )
    return text


def caption(subject: str, place_phrase: str, light: str, other: str = "", relation: str = "") -> str:
    """The full sentence without a full stop."""
    parts = [subject, f"{relation} {other}" if other else "", place_phrase, LIGHT_PHRASES[light]]
    return " ".join(part for part in parts if part)


def questions(
    rng: np.random.Generator,
    label: str,
    traits: Traits,
    place: str,
    place_phrase: str,
    light: str,
    indoor: bool,
    count: int,
    present: Sequence[str],
) -> list[list[str]]:
    """Pairs [question, "yes" or "no"]; each question is drawn true or false with equal chance."""
    result: list[list[str]] = []

    def ask(make_true: str, make_false: str) -> None:
        if rng.random() < 0.5:
            result.append([make_true, "yes"])
        else:
            result.append([make_false, "no"])

    absent = [name for name in CLASSES if name not in present]
    other = absent[int(rng.integers(len(absent)))]
    ask(f"Is there {article(label)} in this picture?", f"Is there {article(other)} in this picture?")
    if traits.color != label:
        near = (traits.color, traits.color2, *(e for e in " ".join(traits.extras).split()))
        wrong = [c for c in COLOR_NAMES if c not in near and c not in similar(traits.color)]
        ask(f"Is the {label} {traits.color}?", f"Is the {label} {wrong[int(rng.integers(len(wrong)))]}?")
    adjective = {
        "stripes": "striped",
        "dots": "dotted",
        "checks": "checked",
        "patches": "patched",
        "spots": "spotted",
    }
    have = adjective.get(traits.pattern)
    missing = [
        a
        for a in adjective.values()
        if a != have and {a, have} != {"spotted", "dotted"} and {a, have} != {"spotted", "patched"}
    ]
    wrong_pattern = missing[int(rng.integers(len(missing)))]
    if have:
        ask(f"Is the {label} {have}?", f"Is the {label} {wrong_pattern}?")
    elif rng.random() < 0.35:
        result.append([f"Is the {label} {wrong_pattern}?", "no"])
    if place in PLACE_PHRASES:
        rest = [phrase for key, phrase in PLACE_PHRASES.items() if key != place]
        ask(f"Is this {place_phrase}?", f"Is this {rest[int(rng.integers(len(rest)))]}?")
        result.append(["Is this indoors?", "yes" if indoor else "no"])
    result.append(["Is there more than one object?", "yes" if count > 1 else "no"])
    if rng.random() < 0.4:
        result.append(["Is it evening?", "yes" if light == "evening" else "no"])
    return result
