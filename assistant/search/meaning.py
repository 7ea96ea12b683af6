"""Maps unknown words of a search to known ones by meaning: "something to sit on" → a chair.

Knows the words of the classifier and the texts of the library; asks the sentence network that ships.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from functools import cache, lru_cache

import numpy as np

from personalizer.analysis.labels import VERSION as WORDS_VERSION
from personalizer.analysis.labels import PlainWord, in_context, word_table
from personalizer.home import PACKAGE_DATA
from personalizer.library.library import Library
from personalizer.schemas import Float32Array

MEANINGS_FILE = PACKAGE_DATA / "word_meanings.json"
"""For common words what else people say for them, or how they describe them."""
VECTORS_FILE = PACKAGE_DATA / "word_meanings.npz"
"""Vectors of all that; written by `scripts/fit/word_meanings.py`. Computed where it is of another version."""
ALIKE_FROM = 0.64
"""Cosine similarity from which a word or a text is taken for a phrase."""
WITHIN = 0.1
"""Behind the closest by more than this nothing counts: the closest is meant."""
MOST_TEXTS = 3000
"""Texts that are compared, the first by the alphabet: a millisecond each."""


def words_alike(phrase: str) -> list[tuple[PlainWord, float]]:
    """Words that photos can show and that fit the phrase, each with its similarity, the closest first."""
    _, owners = described_words()
    table = word_table()
    similarities = word_vectors() @ _vector(phrase)
    best: dict[int, float] = {}
    for owner, similarity in zip(owners, similarities, strict=True):
        best[owner] = max(best.get(owner, -1.0), float(similarity))
    return [(table[place], similarity) for place, similarity in _close(best)]


def texts_alike(phrase: str, library: Library) -> list[tuple[str, set[int], float]]:
    """Titles, descriptions and keywords that fit the phrase, with the photos that they are about."""
    from personalizer.sentences.embed import shipped_embedder

    listed = library.written_texts(MOST_TEXTS)
    if not listed:
        return []
    similarities = shipped_embedder().embed(listed) @ _vector(phrase)
    close = _close({place: float(similarity) for place, similarity in enumerate(similarities)})
    return [
        (listed[place], library.photos_with_text(listed[place]), similarity) for place, similarity in close
    ]


@cache
def described_words() -> tuple[list[str], list[int]]:
    """Phrases that stand for words, and for each the place of its word in the table."""
    described: dict[str, list[str]] = json.loads(MEANINGS_FILE.read_text("utf-8"))
    phrases, owners = [], []
    for place, word in enumerate(word_table()):
        for phrase in (in_context(word), *described.get(word.word, [])):
            phrases.append(phrase)
            owners.append(place)
    return phrases, owners


def phrases_mark(phrases: list[str]) -> bytes:
    """Tells whether vectors are of these phrases and of the network of now."""
    from personalizer.sentences.embed import VERSION

    return hashlib.sha256("\n".join([VERSION, WORDS_VERSION, *phrases]).encode()).digest()


@cache
def word_vectors() -> Float32Array:
    """`[n, 512]`, of each phrase of `described_words`; from the file that ships where that is of now."""
    from personalizer.sentences.embed import shipped_embedder

    phrases, _ = described_words()
    try:
        with np.load(VECTORS_FILE, allow_pickle=False) as stored:
            if stored["mark"].tobytes() == phrases_mark(phrases) and len(stored["vectors"]) == len(phrases):
                vectors: Float32Array = stored["vectors"].astype(np.float32)
                return vectors
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        pass  # damaged or of another version: the phrases are there
    return shipped_embedder().embed(phrases)


@lru_cache(maxsize=1)
def _vector(phrase: str) -> Float32Array:
    from personalizer.sentences.embed import shipped_embedder

    vector: Float32Array = shipped_embedder().embed([phrase])[0]
    return vector


def _close(similarities: dict[int, float]) -> list[tuple[int, float]]:
    """Those that are close enough to count, the closest first."""
    closest = max(similarities.values(), default=0.0)
    least = max(ALIKE_FROM, closest - WITHIN)
    found = [(place, similarity) for place, similarity in similarities.items() if similarity >= least]
    return sorted(found, key=lambda pair: -pair[1])
