"""The words of a search as its grammar reads them: folded, in English, names and quoted texts lifted out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.language.parse import CONCEPT, PHOTO, parse
from assistant.language.question_words import fold, is_known
from assistant.language.translations import GERMAN, GERMAN_MARKERS, PHRASES, SPANISH, SPANISH_MARKERS

NAME, QUOTED = "@name", "@quoted"
_TOKEN = re.compile(rf"{CONCEPT}|⟦quoted⟧|\d+(?:[./-]\d+)+|\w+(?:['’.&-]\w+)*|[,;&+]")
_QUOTED = re.compile(r"[\"“”„«»]([^\"“”„«»\n]{1,200})[\"“”„«»]")
_SEARCH_WORDS = {
    "zeig": "show", "zeige": "show", "such": "find", "suche": "find", "finde": "find", "ohne": "without",
    "aber": "but", "alle": "all", "neueste": "newest", "neuestes": "newest", "letzte": "last", "letzter": "last",
    "erste": "first", "erstes": "first", "zuletzt": "last", "seit": "since", "zwischen": "between", "bis": "until",
    "habe": "have", "gesehen": "seen", "sah": "see", "nahe": "near", "wochenende": "weekend", "morgens": "morning",
    "abends": "evening", "geburtstagsfeier": "birthday party", "meer": "sea", "vor": "before",
    "montag": "monday", "dienstag": "tuesday", "mittwoch": "wednesday", "donnerstag": "thursday",
    "freitag": "friday", "samstag": "saturday", "sonntag": "sunday",
    "hast": "have", "haben": "have", "letztem": "last", "letzten": "last", "funf": "five",
    "zwei": "two", "drei": "three", "vier": "four", "sechs": "six", "zehn": "ten", "nur": "only", "weder": "neither",
    "noch": "nor", "entweder": "either", "gern": "please", "danke": "thanks", "am": "on the",
    "andere": "other", "anderen": "other", "waren": "were", "neuesten": "newest", "ersten": "first", "jahre": "years",
    "wochen": "weeks", "monate": "months", "tage": "days",
}  # fmt: skip
_SPANISH_SEARCH_WORDS = {
    "muestrame": "show me", "ensename": "show me", "muestra": "show", "busca": "find", "encuentra": "find",
    "sin": "without", "pero": "but", "todas": "all", "todos": "all", "ultima": "last", "ultimo": "last",
    "primera": "first", "vi": "see", "entre": "between", "hasta": "until", "cerca": "near", "desde": "since",
    "lunes": "monday", "martes": "tuesday", "miercoles": "wednesday", "jueves": "thursday", "viernes": "friday",
    "sabado": "saturday", "domingo": "sunday", "pasada": "last",
    "tengo": "have", "tienes": "have", "tenemos": "have", "estaba": "was", "estuvo": "was", "dos": "two",
    "tres": "three", "cuatro": "four", "cinco": "five", "diez": "ten", "ultimas": "last", "ultimos": "last",
    "primeras": "first", "gracias": "thanks", "favor": "please", "por": "the", "quiero": "want", "ver": "see",
    "ni": "nor",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a search."""

    word: str
    """Folded and in English; `NAME` for a known name, `QUOTED` for a quoted text."""
    typed: str
    """As typed; the name as the library spells it, or the text between the quotes."""


def words_of(text: str, names: Sequence[str]) -> list[Word]:
    """The words of a search; marks that separate nothing are left out."""
    quoted: list[str] = []

    def lift(match: re.Match[str]) -> str:
        if fold(match[1]) in {fold(name) for name in names}:
            return match[1]  # a name in quotes is still the name
        quoted.append(match[1].strip())
        return " ⟦quoted⟧ "

    request = parse(_QUOTED.sub(lift, text.replace("⟦", "(").replace("⟧", ")")), names)
    mentioned, texts = iter(request.concepts), iter(quoted)
    skeleton = request.skeleton
    for photo in request.photos:
        skeleton = skeleton.replace(PHOTO, photo, 1)
    found: list[Word] = []
    # "Amy's photos" are photos of Amy.
    for piece in _TOKEN.findall(re.sub(rf"(?<={CONCEPT})['’]s\b", "", _written_out(skeleton))):
        if piece == CONCEPT:
            found.append(Word(NAME, next(mentioned, "")))
        elif piece == "⟦quoted⟧":
            found.append(Word(QUOTED, next(texts, "")))
        elif piece in "&+":
            found.append(Word("and", piece))
        else:
            found.append(Word(_without_possessive(fold(piece), piece), piece))
    return _in_english(found)


def _written_out(text: str) -> str:
    """Signs that stand for words: "w/ Amy", "2019-2021"."""
    text = re.sub(r"(?<![\w/])w/o\b", "without ", text, flags=re.IGNORECASE)
    text = re.sub(r"(?<![\w/])w/", "with ", text, flags=re.IGNORECASE)
    return re.sub(r"(?<![\w./-])((?:19|20)\d\d)\s?[-–—]\s?((?:19|20)\d\d)(?![\w./-])", r"\1 to \2", text)


def _without_possessive(word: str, typed: str) -> str:
    """ "amy's photos" is about Amy: folding has taken the apostrophe away."""
    return word.removesuffix("s") if re.search(r"['’]s$", typed) else word


def _in_english(words: Sequence[Word]) -> list[Word]:
    dictionary = _dictionary([word.word for word in words])
    if not dictionary:
        return list(words)
    result: list[Word] = []
    index = 0
    while index < len(words):
        size, english = 1, dictionary.get(words[index].word, "")
        for longer in (4, 3, 2):
            phrase = " ".join(word.word for word in words[index : index + longer])
            if phrase in PHRASES and index + longer <= len(words):
                size, english = longer, PHRASES[phrase]
                break
        typed = " ".join(word.typed for word in words[index : index + size])
        parts = english.split() or [words[index].word]
        result += [Word(part, typed if len(parts) == 1 else part) for part in parts]
        index += size
    return _with_adjectives_first(result)


def _with_adjectives_first(words: Sequence[Word]) -> list[Word]:
    """ "verano pasado" → "last summer": what Spanish says behind a time stands before it."""
    result = list(words)
    for index in range(1, len(result)):
        if result[index].word == "last" and result[index - 1].word in {
            "summer", "winter", "spring", "autumn", "year", "month", "week",
        }:  # fmt: skip
            before, behind = result[index - 1], result[index]
            result[index - 1 : index + 1] = [Word("last", before.typed), Word(before.word, behind.typed)]
    return result


def _dictionary(words: Sequence[str]) -> dict[str, str]:
    """Of the language that the most words belong to which are no English ones; an empty one for English."""
    books = (
        (GERMAN | _SEARCH_WORDS, GERMAN_MARKERS | set(_SEARCH_WORDS)),
        (SPANISH | _SPANISH_SEARCH_WORDS, SPANISH_MARKERS | set(_SPANISH_SEARCH_WORDS)),
    )
    foreign = [word for word in words if not is_known(word) and not word.startswith("@")]
    counts = [sum((word in book) + (word in markers) for word in foreign) for book, markers in books]
    best = max(counts)
    return books[counts.index(best)][0] if best else {}
