"""What a picture is to show, read from the words: a place, a light, a style; the rest is said to be left out.

English, German and Spanish. Knows words only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from assistant.imagine.scenes import Light, ShippedScene
from assistant.language.parse import CONCEPT, Phrase
from assistant.language.question_words import fold

MISSPELLED_FROM, MISSPELLED_LIKENESS = 5, 0.82
"""Letters of a word, and how alike it is to a known one, for it to be taken for that one."""
Style = Literal[
    "painting", "watercolor", "pencil", "pixel art", "black and white", "sepia", "cartoon", "night", "sunset",
    "winter", "rain",
]  # fmt: skip
_AS = r"(?:(?:as|like|in the style of|in|als|wie|im stil|como|al estilo de) )?(?:an? |the |ein\w* |un\w? )?"
_STYLES: Mapping[Style, str] = {
    "watercolor": r"water ?colou?rs?(?: paintings?)?|aquarell\w*|acuarela",
    "pixel art": r"pixel ?(?:art|kunst|bild|grafik)|pixelated|8 ?bit|arte de pixeles",
    "black and white": r"black ?(?:and|&) ?white|b ?& ?w|monochrome|schwarz ?weiss|blanco y negro",
    "sepia": r"sepia|old photo(?:graph)?|vintage(?: photo)?|altes foto|foto antigua",
    "cartoon": r"cartoons?|comics?(?: strip)?|anime|caricatura",
    "pencil": r"(?:pencil|charcoal) ?(?:drawings?|sketch(?:es)?)?|sketch(?:ed|es)?|bleistift\w*|skizze|"
    r"dibujo(?: a lapiz)?|lapiz",
    "painting": r"(?:oil |acrylic )?paintings?|painted|(?:ol)?gemalde|gemalt\w*|(?:pintura|cuadro)(?: al oleo)?|oleo",
}
_LIGHTS: Mapping[Light, str] = {
    "night": r"(?:at|by|during the|in the) night|night ?time|at midnight|moonlight|make it night|nachts|"
    r"(?:bei|in der) nacht|(?:de|por la|en la) noche|night",
    "sunset": r"(?:at |in the |during )?(?:sun ?set|sun ?rise|dusk|dawn|evening|golden hour)|(?:bei|am|im) "
    r"(?:sonnenuntergang|sonnenaufgang|abend(?:licht)?)|al (?:atardecer|amanecer)|por la tarde",
    "overcast": r"(?:on a )?(?:cloudy|overcast|gr[ae]y) day|bewolkt|nublado",
    "day": r"(?:by|during the|at) day(?:light)?|in the (?:sun(?:shine)?|daytime)|at noon|tagsuber|bei tag|de dia",
}
_WEATHER: Mapping[Style, str] = {
    "rain": r"in (?:the )?(?:pouring )?rain|rainy|when it rains|im regen|bajo la lluvia",
    "winter": r"in (?:the )?winter|wintry|when it snows|im winter|en invierno",
}
_SCALES: Mapping[str, float] = {
    r"(?:much |a (?:bit|little) )?(?:bigger|larger|closer|nearer)|gross(?:er)?|naher|mas (?:grande|cerca)": 1.25,
    r"(?:much |a (?:bit|little) )?(?:smaller|further away|farther away)|kleiner|weiter weg|mas pequen\w|mas lejos": 0.8,
}
_FILLERS = frozenset(
    word
    for words in (
        "a an the of photo picture image draw paint drawing imagine show me please with and in on at by to is as it",
        "my our your his her its some make him them one another new nice beautiful lovely little montage collage",
        "front top middle card postcard poster wallpaper portrait selfie scene please pls",
        "ein eine einen einem einer der die das dem den von mit und auf am im bei bild foto zeichne male mir bitte",
        "un una el la los las de del con y en imagen dibuja pinta por favor",
    )
    for word in words.split()
)
_PLACE = re.compile(
    r"\b(?:in front of|next to|on top of|in|on|at|under|inside|near|by|auf|am|im|an|vor|unter|bei|en|sobre|bajo)\b"
    r" (?:(?:a|an|the|my|our|ein\w*|der|die|das|dem|den|un|una|el|la|los|las) )*(?P<place>[\w' -]+)"
)
_FORBIDDEN = re.compile(
    r"\b(?:nud(?:e|es|ity)|naked|nackt\w*|desnud\w*|sex(?:y|ual\w*)?|porn\w*|erotic\w*|erotisch\w*|lingerie|topless"
    r"|kill(?:ed|ing|s)?|murder\w*|dead(?! sea)|corpse|blood(?:y|ied)?|bleeding|gore|tortur\w+|executed|execution"
    r"|hanged|behead\w*|(?:being|gets?|got) shot|shot dead|shooting (?:at|people|somebody|someone)|stabb\w+|guns?"
    r"|weapons?|bombs?|bombing|terror\w*|tot|leiche|blut(?:ig\w*|end)?|mord|ermordet|waffen?|muert[oa]s?|sangre|armas?"
    r"|passports?|reisepass|ausweis\w*|pasaporte|(?:id|identity) card|driver'? ?s? licen[cs]e|fuhrerschein|diploma"
    r"|certificate|invoice|bank ?note|credit card|arrested|handcuffs|in (?:prison|jail|court)|im gefangnis|mug ?shot)\b"
)
"""Sexual, violent and criminal scenes, and documents; what else these words mean is left alone ("a shot of Amy")."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a picture is to show, beside its concepts."""

    place: str = ""
    """As typed and folded; empty where none was said."""
    scenes: tuple[ShippedScene, ...] = ()
    """Those that ship for the place, in their order."""
    light: Light | None = None
    styles: tuple[Style, ...] = ()
    left_out: str = ""
    """Words of which a montage shows nothing, such as what somebody does."""
    forbidden: str = ""
    """A word that is refused beside people."""
    misspelled: str = ""
    """What was typed, where the place is only nearly that."""
    scale: float = 1.0
    """Of the things, against their usual size in a montage."""


def understand(phrase: Phrase, scenes: Sequence[ShippedScene]) -> Wish:
    """The place, light and style in the words of a request."""
    text = re.sub(r"[^\w&]+", " ", f" {fold(phrase.skeleton.replace(CONCEPT, ' , '))} ")
    forbidden = _FORBIDDEN.search(text)
    styles: list[Style] = []
    for table in (_STYLES, _WEATHER):
        for style, pattern in table.items():
            found = re.search(rf"\b{_AS if table is _STYLES else ''}(?:{pattern})\b(?: of)?", text)
            if found is not None:
                styles.append(style)
                text = text[: found.start()] + text[found.end() :]
    scale = 1.0
    for pattern, factor in _SCALES.items():
        text, times = re.subn(rf"\b(?:{pattern})\b", " ", text)
        scale *= factor**times
    matching, text = _take_scene(text, scenes)
    light, text = _take_light(text)
    place, taken_for = matching[0].place if matching else "", ""
    if not matching and (named := _PLACE.search(text)) is not None:
        place = " ".join(word for word in named["place"].split() if word not in _FILLERS)
        text = text[: named.start()] + text[named.end() :] if place else text
        matching = _misspelled(place, scenes)
        taken_for = place if matching else ""
        place = matching[0].place if matching else place
    left_out = " ".join(word for word in text.split() if word not in _FILLERS and len(word) > 1)
    refused = forbidden[0] if forbidden else ""
    return Wish(place, matching, light, tuple(styles), left_out, refused, taken_for, scale)


def _misspelled(place: str, scenes: Sequence[ShippedScene]) -> tuple[ShippedScene, ...]:
    """The scenes of a place whose name is nearly that: "jungel". Their other words are too many, and too alike."""
    if len(place) < MISSPELLED_FROM:
        return ()
    near = get_close_matches(place, {scene.place for scene in scenes}, 1, MISSPELLED_LIKENESS)
    return tuple(scene for scene in scenes if scene.place in near)


def _take_light(text: str) -> tuple[Light | None, str]:
    """The light that is named last, and the text without any: "on a beach at night, by day" is by day."""
    light, last = None, -1
    for name, pattern in _LIGHTS.items():
        for found in re.finditer(rf"\b(?:{pattern})\b", text):
            if found.start() > last:
                light, last = name, found.start()
    for pattern in _LIGHTS.values():
        text = re.sub(rf"\b(?:{pattern})\b", " ", text)
    return light, text


def _take_scene(text: str, scenes: Sequence[ShippedScene]) -> tuple[tuple[ShippedScene, ...], str]:
    """The scenes with the longest of their words in the text, and the text without that word."""
    words = {fold(word) for scene in scenes for word in (scene.place, *scene.words)}
    for word in sorted(words, key=lambda word: (-len(word), word)):
        found = re.search(rf"(?<!\w){re.escape(word)}(?:s|e|en|es)?(?!\w)", text)
        if found is not None:
            # "park" is in the words of autumn leaves too, and a park is meant first.
            matching = tuple(scene for scene in scenes if fold(scene.place) == word) or tuple(
                scene for scene in scenes if word in {fold(known) for known in scene.words}
            )
            return matching, text[: found.start()] + text[found.end() :]
    return (), text
