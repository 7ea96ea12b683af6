"""Cuts a sentence into the pieces that the network knows: SentencePiece's unigram model (arXiv 1804.10959).

"afraid of thunder" → `▁afraid`, `▁of`, `▁thunder`. Knows no vector.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from personalizer.schemas import Float32Array

SPACE = "▁"
"""SentencePiece's sign for a space; a sentence begins with one."""
UNKNOWN, BEGIN, END = 0, 1, 2
"""Piece numbers."""
_UNKNOWN_PENALTY = 10.0
"""How much worse than the rarest piece an unknown character is, as SentencePiece has it."""
_IGNORED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b-\u200f\ufeff\ud800-\udfff]")
"""Control characters, signs without width, and halves of a character."""


class PieceTable:
    """The pieces with the logarithm of how likely each is; the first three have other uses."""

    def __init__(self, pieces: Sequence[str], scores: Float32Array) -> None:
        self._numbers = {piece: number for number, piece in enumerate(pieces) if number > END}
        self._scores = [float(score) for score in scores]
        self._longest = max(map(len, self._numbers))
        self.space = self._numbers[SPACE]
        """The number of a space alone."""
        self._unknown_score = min(self._scores) - _UNKNOWN_PENALTY

    def numbers(self, sentence: str) -> list[int]:
        """The likeliest pieces of `sentence`, in order; none where it has no characters."""
        text = normalize(sentence)
        if not text:
            return []
        best = [0.0, *[float("-inf")] * len(text)]
        last: list[tuple[int, int]] = [(0, UNKNOWN)] * (len(text) + 1)
        for start in range(len(text)):
            # Every place has a score when it is reached: an unknown character is a step of one.
            score_so_far = best[start]
            for end in range(start + 1, min(start + self._longest, len(text)) + 1):
                number = self._numbers.get(text[start:end])
                if number is None:
                    if end > start + 1:
                        continue
                    number, score = UNKNOWN, score_so_far + self._unknown_score
                else:
                    score = score_so_far + self._scores[number]
                if score > best[end]:
                    best[end], last[end] = score, (start, number)
        return _traced(last)

    def is_whole(self, word: str) -> bool:
        """Whether `word` is one piece."""
        return SPACE + word in self._numbers


def _traced(last: Sequence[tuple[int, int]]) -> list[int]:
    """The numbers on the best way, from the first."""
    end, numbers = len(last) - 1, []
    while end:
        end, number = last[end]
        numbers.append(number)
    return numbers[::-1]


def normalize(sentence: str) -> str:
    """Compatible characters in one form (NFKC), each run of spaces as one sign, with one before the first word."""
    words = unicodedata.normalize("NFKC", _IGNORED.sub("", sentence)).split()
    return "".join(SPACE + word for word in words)
