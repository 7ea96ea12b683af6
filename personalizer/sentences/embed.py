"""Sentences → vectors of length 1, by a small network that ships here. Start reading here.

Sentences of one meaning have close rows, in whatever of its languages they are written. Loaded on first use; knows no
library.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from personalizer.errors import CorruptArtifactError
from personalizer.home import PACKAGE_DATA
from personalizer.onnx_runtime import REINSTALL, read_graph
from personalizer.schemas import Float32Array
from personalizer.sentences.network import WIDTH, SentenceNetwork
from personalizer.sentences.pieces import BEGIN, END, UNKNOWN, PieceTable

NETWORK_FILE = PACKAGE_DATA / "sentence_network" / "use_multilingual_3.npz"
"""What ships: written by `scripts/fit/sentence_network.py`."""
NETWORK_SHA256 = "f2b5a11f39ac2d1c91490f206b1a50fb027ac128002e0c2040ecbeb3181c6d78"
VERSION = "sentences-1"
"""Counted up when vectors come out otherwise: those of two versions cannot be compared."""
FITS_FROM = 0.6
"""Cosine similarity from which a word or a title fits what somebody looks for; see docs/MEASUREMENTS.md."""
ANSWERS_FROM = 0.3
"""Cosine similarity from which something that was told answers a question, without the name in both."""
MAX_CHARACTERS = 1000
"""Of a sentence; what comes behind them does not count."""
_WORD = re.compile(r"[^\W_]")


class SentenceEmbedder:
    """The network with its table of pieces, loaded on first use. May be used by several threads at once."""

    @cached_property
    def _loaded(self) -> tuple[PieceTable, SentenceNetwork]:
        return load_network(NETWORK_FILE)

    def embed(self, sentences: Sequence[str]) -> Float32Array:
        """`[n, 512]`, rows of length 1; of a sentence without a known word, zeros: it is like nothing.

        Raises `CorruptArtifactError` where the file that ships is damaged.
        """
        out = np.zeros((len(sentences), WIDTH), dtype=np.float32)
        if not any(map(_WORD.search, sentences)):
            return out
        pieces, network = self._loaded
        numbers = [pieces.numbers(sentence[:MAX_CHARACTERS]) for sentence in sentences]
        meaningful = [
            place
            for place, sentence in enumerate(sentences)
            if _WORD.search(sentence[:MAX_CHARACTERS]) and set(numbers[place]) - {UNKNOWN, pieces.space}
        ]
        out[meaningful] = network.vectors([[BEGIN, *numbers[place], END] for place in meaningful])
        return out


def load_network(path: Path) -> tuple[PieceTable, SentenceNetwork]:
    """What is in the file at `path`, which must be the one that ships; else `CorruptArtifactError`."""
    content = read_sentence_network(path)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            tensors = dict(stored)
        pieces = tensors.pop("pieces").tobytes().decode("utf-8").split("\n")
        return PieceTable(pieces, tensors.pop("scores")), SentenceNetwork(tensors)
    except (ValueError, LookupError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
        raise CorruptArtifactError(
            tried=f"reading the sentence network {path}", found=str(error), fix=REINSTALL
        ) from error


def read_sentence_network(path: Path) -> bytes:
    """The file at `path`, which must be the network that ships; else `CorruptArtifactError`."""
    return read_graph(path, NETWORK_SHA256, "sentence network")


@cache
def shipped_embedder() -> SentenceEmbedder:
    """One embedder for the whole process."""
    return SentenceEmbedder()
