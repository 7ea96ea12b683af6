"""The meaning of sentences, by the network that ships."""

from __future__ import annotations

import hashlib
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from personalizer.errors import CorruptArtifactError
from personalizer.sentences import embed
from personalizer.sentences.embed import (
    MAX_CHARACTERS,
    NETWORK_FOLDER,
    PRODUCT_NAME,
    WEIGHTS_NAME,
    SentenceEmbedder,
    load_network,
    shipped_embedder,
)

BARE = (
    "import sys; sys.modules['torch'] = None\n"
    "from personalizer.sentences.embed import shipped_embedder\n"
    "print(shipped_embedder().embed(['a dog']).shape, 'transformers' in sys.modules)"
)


def closest(query: str, sentences: list[str]) -> str:
    rows = shipped_embedder().embed([query, *sentences])
    return sentences[int((rows[1:] @ rows[0]).argmax())]


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("what scares him?", "is afraid of thunder"),
        ("which city is he from?", "born in Lisbon in 2016"),
        ("welche Stadt ist seine Heimat?", "born in Lisbon in 2016"),
        ("¿qué le asusta?", "is afraid of thunder"),
        ("his favourite food", "loves cheese"),
    ],
)
def test_a_question_is_closest_to_what_answers_it(query: str, fits: str) -> None:
    assert closest(query, ["is afraid of thunder", "born in Lisbon in 2016", "loves cheese"]) == fits


@pytest.mark.parametrize(
    ("word", "label"), [("Hund", "dog"), ("gato", "cat"), ("la playa", "beach"), ("sofa", "couch")]
)
def test_words_are_close_across_languages(word: str, label: str) -> None:
    assert closest(word, ["dog", "cat", "beach", "couch"]) == label
    rows = shipped_embedder().embed([word, label])
    assert rows[0] @ rows[1] > embed.FITS_FROM


def test_rows_have_length_1_and_do_not_depend_on_their_company() -> None:
    sentences = ["a dog", "Wedding Anna and Tom, 2019", "Zoë’s café", "ﬁne  \t weather\x00", "12"]
    rows = shipped_embedder().embed(sentences)
    assert rows.dtype == np.float32 and rows.shape == (5, 512)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    alone = np.concatenate([shipped_embedder().embed([one]) for one in sentences])
    assert np.allclose(rows, alone, atol=1e-5)


@pytest.mark.parametrize("nothing", ["", "   ", "?!…", "日本語", "\ud800", "🐶", "\x00"])
def test_what_has_no_known_word_is_like_nothing(nothing: str) -> None:
    rows = shipped_embedder().embed([nothing, "a dog"])
    assert not rows[0].any() and np.isclose(np.linalg.norm(rows[1]), 1)
    assert not shipped_embedder().embed([nothing]).any()


def test_no_sentences_are_no_rows() -> None:
    assert shipped_embedder().embed([]).shape == (0, 512)


@pytest.mark.parametrize("long", ["dog " * 2500, "x" * 10_000, "é\ud800" * 5000])
def test_of_a_long_sentence_the_beginning_counts(long: str) -> None:
    rows = shipped_embedder().embed([long, long[:MAX_CHARACTERS]])
    assert np.allclose(rows[0], rows[1]) and np.isclose(np.linalg.norm(rows[0]), 1)


def test_many_sentences_come_in_their_order() -> None:
    sentences = [f"the number {number} on a red door" for number in range(300)]
    rows = shipped_embedder().embed(sentences)
    assert np.allclose(rows[250], shipped_embedder().embed([sentences[250]])[0], atol=1e-5)


def flipped(content: bytes) -> bytes:
    return content[:50] + bytes([content[50] ^ 1]) + content[51:]


@pytest.mark.parametrize("name", [WEIGHTS_NAME, PRODUCT_NAME])
@pytest.mark.parametrize("damage", [flipped, lambda content: content[:60], lambda _: b"", None])
def test_a_damaged_file_is_refused(
    tmp_path: Path, name: str, damage: Callable[[bytes], bytes] | None
) -> None:
    for file in (WEIGHTS_NAME, PRODUCT_NAME):
        content = (NETWORK_FOLDER / file).read_bytes()
        if file != name:
            (tmp_path / file).write_bytes(content)
        elif damage is not None:
            (tmp_path / file).write_bytes(damage(content))
    with pytest.raises(CorruptArtifactError) as caught:
        load_network(tmp_path)
    assert "sentence network" in str(caught.value) and "Install Familiar again" in caught.value.fix


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"\x80\x04N."])
def test_what_is_no_archive_is_refused_even_under_its_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    (tmp_path / WEIGHTS_NAME).write_bytes(content)
    shutil.copy(NETWORK_FOLDER / PRODUCT_NAME, tmp_path)
    monkeypatch.setattr(embed, "WEIGHTS_SHA256", hashlib.sha256(content).hexdigest())
    with pytest.raises(CorruptArtifactError):
        load_network(tmp_path)


def test_it_is_loaded_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[Path] = []
    load = embed.load_network
    monkeypatch.setattr(embed, "load_network", lambda path: loads.append(path) or load(path))
    embedder = SentenceEmbedder()
    embedder.embed(["", "?"])
    assert loads == []
    embedder.embed(["a dog"])
    embedder.embed(["a cat"])
    assert loads == [NETWORK_FOLDER]


def test_no_socket_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket")

    monkeypatch.setattr(socket, "socket", refuse)
    assert SentenceEmbedder().embed(["a dog"]).any()


def test_torch_is_not_needed() -> None:
    done = subprocess.run([sys.executable, "-c", BARE], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == "(1, 512) False"
