"""Resolves a reference to one of the user's facts: by number, by some of its words, or by meaning."""

from __future__ import annotations

import re
from collections.abc import Sequence

from assistant.answers.told_by_meaning import closest_fact
from assistant.language.fact_answers import content_words
from personalizer.errors import NotFoundError, UsageError

_NUMBER = re.compile(r"(?:number |no\.? ?|#)?(\d{1,9})", re.IGNORECASE)
_OPENING = re.compile(
    r"^(?:what i (?:said|told you) about|(?:the|that) (?:thing|fact|bit|part|one|sentence)?\s*"
    r"(?:about|that says|that|with|of)?|about)\s+",
    re.IGNORECASE,
)


def which_fact(name: str, facts: Sequence[str], which: int | str) -> int:
    """The number of the fact that is meant, from 1. A number is not checked.

    "thunder" and "the thing about thunder" mean the one fact that has the word; else the one that means it. Raises
    `UsageError` with the candidates where it could be several, `NotFoundError` where it is none.
    """
    if isinstance(which, int):
        return which
    text = which.strip()
    numbered = _NUMBER.fullmatch(text)
    if numbered:
        return int(numbered[1])
    alike = _with_most_words(text, name, facts)
    if len(alike) > 1:
        listed = "; ".join(f"{number} “{facts[number - 1]}”" for number in alike)
        raise UsageError(
            tried=f"finding {which!r} in what you told me about {name}",
            found=f"it could be {listed}",
            fix="Say its number, or more words of it.",
        )
    if alike:
        return alike[0]
    meant = closest_fact(_OPENING.sub("", text), name, facts) if facts and text else None
    if meant is None:
        raise NotFoundError(
            tried=f"finding {which!r} in what you told me about {name}",
            found="none of it says that" if facts else "you told me nothing",
            fix=f"See it with its numbers: familiar profile {name!r}",
        )
    return list(facts).index(meant) + 1


def _with_most_words(text: str, name: str, facts: Sequence[str]) -> list[int]:
    """The numbers of the facts that have all words that matter, or that are word for word this."""
    same = [number for number, fact in enumerate(facts, 1) if fact.casefold() == text.casefold()]
    wanted = content_words(_OPENING.sub("", text)) - content_words(name)
    if same or not wanted:
        return same
    return [number for number, fact in enumerate(facts, 1) if wanted <= content_words(fact)]
