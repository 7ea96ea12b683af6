"""What a phrase is taken for where nothing is called by it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assistant.search import meaning
from assistant.search.meaning import VECTORS_FILE, described_words, phrases_mark, words_alike
from personalizer.analysis.labels import word_table
from personalizer.sentences.embed import shipped_embedder


@pytest.mark.parametrize(
    ("phrase", "word"),
    [
        ("somewhere to sit down", "chair"),
        ("something tasty to eat", "food"),
        ("footwear", "shoe"),
        ("public transportation", "bus"),
        ("a religious building", "church"),
        ("etwas zum Sitzen", "chair"),
        ("animales salvajes", "animal"),
        ("deporte de invierno", "ski"),
    ],
)
def test_a_description_is_taken_for_the_word(phrase: str, word: str) -> None:
    assert words_alike(phrase)[0][0].word == word


@pytest.mark.parametrize(
    "phrase",
    [
        "tax documents",
        "quarterly report",
        "qwertzuiop asdfgh",
        "dentist appointment",
        "happiness",
        "insurance",
        "",
        "?!",
    ],
)
def test_what_no_photo_can_show_is_taken_for_nothing(phrase: str) -> None:
    assert words_alike(phrase) == []


def test_only_what_is_about_as_close_as_the_closest_counts() -> None:
    found = words_alike("something to eat")
    assert found and all(similarity >= found[0][1] - meaning.WITHIN for _, similarity in found)


def test_the_vectors_that_ship_are_of_the_words_and_the_network_of_now() -> None:
    """Else they would be computed at each start; write them anew with scripts/fit/word_meanings.py."""
    phrases, owners = described_words()
    with np.load(VECTORS_FILE, allow_pickle=False) as stored:
        assert stored["mark"].tobytes() == phrases_mark(phrases)
        some = [0, 5, len(phrases) - 1]
        fresh = shipped_embedder().embed([phrases[place] for place in some])
        assert np.allclose(stored["vectors"][some], fresh, atol=2e-3)
    assert set(owners) == set(range(len(word_table())))


def test_a_damaged_file_of_vectors_is_replaced_by_computing_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = tmp_path / "damaged.npz"
    damaged.write_bytes(VECTORS_FILE.read_bytes()[:1000])
    monkeypatch.setattr(meaning, "VECTORS_FILE", damaged)
    meaning.word_vectors.cache_clear()
    try:
        assert words_alike("footwear")[0][0].word == "shoe"
    finally:
        meaning.word_vectors.cache_clear()
