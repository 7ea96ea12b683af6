"""A sentence in pieces."""

from __future__ import annotations

import numpy as np
import pytest

from personalizer.sentences.pieces import UNKNOWN, PieceTable, normalize

PIECES = ["<unk>", "<s>", "</s>", "▁", "▁dog", "▁do", "g", "s", "gs", "e"]
SCORES = np.array([0, 0, 0, -3, -4, -3, -5, -3, -9, -4], dtype=np.float32)


@pytest.fixture
def table() -> PieceTable:
    return PieceTable(PIECES, SCORES)


@pytest.mark.parametrize(
    ("sentence", "pieces"),
    [
        ("dog", ["▁dog"]),
        ("dogs", ["▁dog", "s"]),
        ("dog  dog\n", ["▁dog", "▁dog"]),
        ("gs", ["▁", "g", "s"]),
        ("doge", ["▁dog", "e"]),
        ("", []),
        (" \t ", []),
    ],
)
def test_the_likeliest_pieces(table: PieceTable, sentence: str, pieces: list[str]) -> None:
    assert [PIECES[number] for number in table.numbers(sentence)] == pieces


@pytest.mark.parametrize(("sentence", "unknown"), [("dogß", 1), ("日本", 2), ("dog\ud800s", 0)])
def test_characters_that_no_piece_has_are_unknown(table: PieceTable, sentence: str, unknown: int) -> None:
    assert table.numbers(sentence).count(UNKNOWN) == unknown


def test_the_first_three_are_no_text(table: PieceTable) -> None:
    assert not {1, 2} & set(table.numbers("<s></s>"))


@pytest.mark.parametrize(
    ("sentence", "normal"),
    [("ﬁne day", "▁fine▁day"), ("e\u0301t\u00e9", "▁été"), ("a\u00a0b\u200b", "▁a▁b"), ("\x00\ufeff", "")],
)
def test_one_form_for_what_is_the_same(sentence: str, normal: str) -> None:
    assert normalize(sentence) == normal
