"""Which known names somebody may have meant: names that are a typing mistake or two away."""

from __future__ import annotations

from collections.abc import Iterable

from assistant.language.question_words import fold

_MAX_LENGTH = 64


def similar_names(unknown: str, known: Iterable[str]) -> tuple[str, ...]:
    """Known names at most one edit from `unknown`, two from six letters on; nearest first.

    The edits are those of Damerau and Levenshtein: a letter added, left out, replaced, or two neighbors exchanged.
    """
    name = fold(unknown.strip())[:_MAX_LENGTH]
    limit = 2 if len(name) >= 6 else 1
    if len(name) < 2:
        return ()
    distances = [
        (edit_distance(name, fold(candidate)[:_MAX_LENGTH], limit), candidate) for candidate in known
    ]
    return tuple(candidate for distance, candidate in sorted(distances) if distance <= limit)


def edit_distance(first: str, second: str, limit: int) -> int:
    """Edits from `first` to `second` (optimal string alignment); more than `limit` means any number above it."""
    if abs(len(first) - len(second)) > limit:
        return limit + 1
    before_last: list[int] = []
    last = list(range(len(second) + 1))
    for row, letter in enumerate(first, 1):
        current = [row]
        for column, other in enumerate(second, 1):
            cost = min(last[column] + 1, current[-1] + 1, last[column - 1] + (letter != other))
            if row > 1 and column > 1 and letter == second[column - 2] and first[row - 2] == other:
                cost = min(cost, before_last[column - 2] + 1)
            current.append(cost)
        before_last, last = last, current
    return last[-1]
