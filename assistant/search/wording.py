"""Ways to say the same thing → the one that the grammar of searches reads: "w/", "nobody else", "2019-2021".

Knows words only. Nothing that chooses photos is lost.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from assistant.language.question_words import fold, plain_words
from assistant.search.grammar import (
    AT_LEAST,
    FILLERS,
    KNOWN_PEOPLE,
    LINKS,
    MORE_THAN,
    NEGATIONS,
    NUMBERS,
    OTHERS,
    PEOPLE,
    PHOTOS,
    PLACES,
)
from assistant.search.words import NAME, Word

Asks = Literal["list", "count", "last", "first"]
_COUNTS = re.compile(r"^(?:and |so )?(?:how many|count|number of|the number of)\b")
_LAST = re.compile(r"\b(?:last|latest|newest|most recent)(?:ly)?\b")
_FIRST = re.compile(r"\b(?:first|oldest|earliest)\b")
_ONE_PHOTO = re.compile(
    r"\b(?:see|saw|seen|meet|visit|visited|photos?|picture|pic|image|shot|time|with|was|is|been|in|at|go|went|@name)\b"
)
_MANY_PHOTOS = re.compile(r"\b(?:photos|pictures|pics|images|shots)\b")

_LONGEST = 4
"""Words of the longest phrase that is replaced."""
_NOT = {"dont", "doesnt", "didnt", "isnt", "arent", "wasnt", "werent", "havent", "hasnt"}
_SAID_SHORT = {"id", "im", "ive", "ill", "youve", "theres", "thats", "whats", "wheres", "lets", "whos", "it"}
"""With an apostrophe they say nothing that photos are chosen by."""
_NEVER_NAMES = _SAID_SHORT - {"id", "ill", "it"}
_SAME = {
    "no one": "nobody", "except for": "except", "apart from": "except", "other than": "except",
    "next to": "near", "close to": "near", "together with": "with", "along with": "with", "in front of": "near",
    "on top of": "on", "how often": "how many", "new year eve": "new years eve", "new year day": "new years day",
    "in it": "", "in them": "", "on it": "", "on them": "", "of them": "",
    "til": "until", "till": "until", "thru": "until", "sept": "september",
    "at least": AT_LEAST, "more than": MORE_THAN, "exactly": "",
    "nobody else": "alone", "no one else": "alone", "noone else": "alone", "without anyone else": "alone",
    "without anybody else": "alone", "nobody but": "alone", "no one but": "alone", "nobody except": "alone",
    "no one except": "alone", "nobody i know": f"no {KNOWN_PEOPLE}", "no one i know": f"no {KNOWN_PEOPLE}",
    "people i know": KNOWN_PEOPLE, "anybody i know": KNOWN_PEOPLE, "anyone i know": KNOWN_PEOPLE,
    "somebody i know": KNOWN_PEOPLE, "someone i know": KNOWN_PEOPLE,
}  # fmt: skip
_BESIDE_NAMES = {
    "other people": OTHERS, "other person": OTHERS, "other persons": OTHERS, "others": OTHERS, "more people": OTHERS,
    "somebody else": OTHERS, "someone else": OTHERS, "anybody else": OTHERS, "anyone else": OTHERS,
    "not alone": OTHERS,
}  # fmt: skip
"""What is said only beside somebody's name."""
_NUMBER = rf"(?P<number>\d{{1,3}}|{'|'.join(name for name, number in NUMBERS.items() if number > 1)})"
_NEW = r"(?:last|latest|newest|(?:most )?recent)"
_OLD = r"(?:first|oldest|earliest)"
_SOME_PHOTOS = re.compile(
    rf"(?:(?:(?P<new>{_NEW})|(?P<old>{_OLD})) )?{_NUMBER} (?:(?P<new_2>{_NEW})|(?P<old_2>{_OLD}) )?"
    rf"\s?(?:photos|pictures|images|pics|shots)$"
)


@dataclass(frozen=True, slots=True)
class Some:
    """So many photos are wanted, and not all that fit."""

    most: int
    which: Literal["newest", "oldest"] | None = None


def plain_wording(words: Sequence[Word]) -> list[Word]:
    """The same search in the words of the grammar."""
    table = _SAME | _BESIDE_NAMES if any(word.word == NAME for word in words) else _SAME
    result = _replaced([_one_word(word) for word in words], table)
    return [
        kept
        for index, word in enumerate(result)
        if (kept := _without_restraint(result, index, word)) is not None
    ]


def some_photos(words: list[Word]) -> Some | None:
    """ "the last three photos", taken out of the words: how many are wanted."""
    for end in range(len(words), 1, -1):
        for start in range(max(0, end - 5), end - 1):
            match = _SOME_PHOTOS.fullmatch(" ".join(word.word for word in words[start:end]))
            if match is None:
                continue
            words[start:end] = [Word("photos", words[end - 1].typed)]
            number = NUMBERS.get(match["number"]) or int(match["number"])
            if number == 0:
                return None
            is_new, is_old = match["new"] or match["new_2"], match["old"] or match["old_2"]
            return Some(number, "newest" if is_new else "oldest" if is_old else None)
    return None


def _one_word(word: Word) -> Word:
    folded = fold(word.typed)
    if folded in _NOT:
        return Word("not", word.typed)
    if folded in _NEVER_NAMES or (folded in _SAID_SHORT and re.search("['’]", word.typed)):
        return Word("the", word.typed)
    if word.word not in PHOTOS and word.word != "selfie" and plain_words(word.word) in {"photo", "photos"}:
        return Word("photos", word.typed)
    return word


def _replaced(words: Sequence[Word], table: Mapping[str, str]) -> list[Word]:
    result: list[Word] = []
    index = 0
    while index < len(words):
        for size in range(min(_LONGEST, len(words) - index), 0, -1):
            same = table.get(" ".join(word.word for word in words[index : index + size]))
            if same is not None:
                typed = " ".join(word.typed for word in words[index : index + size])
                result += [Word(word, typed) for word in same.split()]
                index += size
                break
        else:
            is_between_names = (
                words[index].word == "n" and _is_name(words, index - 1) and _is_name(words, index + 1)
            )
            result.append(Word("and", "n") if is_between_names else words[index])
            index += 1
    return _with_number_first(result)


def _with_number_first(words: list[Word]) -> list[Word]:
    """ "three or more people" → "at least three people"."""
    for index in range(len(words) - 3):
        one, link, more, people = words[index : index + 4]
        is_number = one.word in NUMBERS or one.word.isdigit()
        if is_number and (link.word, more.word) == ("or", "more") and people.word in PEOPLE:
            words[index : index + 3] = [Word(AT_LEAST, "at least"), one]
            break
    return words


def _without_restraint(words: Sequence[Word], index: int, word: Word) -> Word | None:
    """ "only Amy" is Amy alone, "just show me Amy" is Amy, and what "only dogs" means is not known."""
    if word.word not in {"only", "just"}:
        return word
    behind = words[index + 1].word if index + 1 < len(words) else "the"
    is_before_name = _is_name(words, index + 2) and behind in {"of", "with"}
    if (
        _is_name(words, index + 1)
        or (word.word == "only" and is_before_name)
        or (word.word == "only" and _is_name(words, index - 1))
    ):
        return Word("only", word.typed)
    if word.word == "just" or behind in FILLERS | LINKS | PLACES | NEGATIONS or behind.isdigit():
        return None
    return Word("solely", word.typed)


def _is_name(words: Sequence[Word], index: int) -> bool:
    return 0 <= index < len(words) and words[index].word == NAME


def asks_of(words: str) -> Asks:
    """Whether all photos are asked for, their number, or one at either end of time."""
    if _COUNTS.match(words):
        return "count"
    if _FIRST.search(words) and _ONE_PHOTO.search(words):
        return "first"
    # "the latest photos" are a list, which begins with the newest anyway.
    return (
        "last"
        if _LAST.search(words) and _ONE_PHOTO.search(words) and not _MANY_PHOTOS.search(words)
        else "list"
    )
