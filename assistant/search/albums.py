"""Finds album names in a search, even if they contain a concept's name or a year."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime

from assistant.language.question_words import fold
from assistant.search.grammar import FILLERS, LINKS, PLACES
from assistant.search.times import times_in
from assistant.search.words import NAME, words_of

_LETTERS = re.compile(r"[^\W_]+")


def with_quoted_albums(text: str, names: Sequence[str], albums: Sequence[str], now: datetime) -> str:
    """The text with quotes around each album whose name would fall apart: one with somebody's name or a year in it."""
    for album in sorted(albums, key=len, reverse=True):
        place = _place_of(album, text)
        if place is None or any(mark in text for mark in '"“”„«»'):
            continue
        words = [word.word for word in words_of(album, names)]
        has_name = NAME in words or bool(times_in(words, now))
        own = [
            word
            for word in words
            if word not in FILLERS | LINKS | PLACES | {NAME, "and"} and not word.isdigit()
        ]
        if has_name and own:
            return f'{text[: place[0]]} "{album}" {text[place[1] :]}'
    return text


def _place_of(album: str, text: str) -> tuple[int, int] | None:
    """Where the words of an album's name stand in the text, one after the other, whatever the marks between them."""
    wanted = [fold(word) for word in _LETTERS.findall(unicodedata.normalize("NFC", album))]
    there = list(_LETTERS.finditer(text))
    words = [fold(match[0]) for match in there]
    for at in range(len(words) - len(wanted) + 1):
        if wanted and words[at : at + len(wanted)] == wanted:
            return there[at].start(), there[at + len(wanted) - 1].end()
    return None
