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
from personalizer.onnx_runtime import REINSTALL, open_session, read_graph
from personalizer.schemas import Float32Array
from personalizer.sentences.network import WIDTH, Product, SentenceNetwork
from personalizer.sentences.pieces import BEGIN, END, UNKNOWN, PieceTable

NETWORK_FOLDER = PACKAGE_DATA / "sentence_network"
"""What ships: written by `scripts/fit/sentence_network.py`."""
WEIGHTS_NAME, PRODUCT_NAME = "use_multilingual_3.npz", "product.onnx"
"""Weights with the table of pieces, and the product of two matrices for onnxruntime."""
WEIGHTS_SHA256 = "f2b5a11f39ac2d1c91490f206b1a50fb027ac128002e0c2040ecbeb3181c6d78"
PRODUCT_SHA256 = "bbfb101d13a57164b05ef2b977591b49a633f7eb56f7275bff99f9de7bb2ac6c"
VERSION = "sentences-1"
"""Counted up when vectors come out otherwise: those of two versions cannot be compared."""
FITS_FROM = 0.6
"""Cosine similarity from which a title, or a word for photos as `in_context` writes it, fits what somebody looks for.

From here on 86 % of the best fits are right on pairs that it was not chosen on (`familiar evaluate sentences`).
"""
ANSWERS_FROM = 0.3
"""Cosine similarity from which something that was told answers a question, both without the name, with what the best
has before the next. 93 % of such answers are right on pairs that it was not chosen on."""
MAX_CHARACTERS = 1000
"""Of a sentence; what comes behind them does not count."""
_WORD = re.compile(r"[^\W_]")


class SentenceEmbedder:
    """The network with its table of pieces, loaded on first use. May be used by several threads at once."""

    @cached_property
    def _loaded(self) -> tuple[PieceTable, SentenceNetwork]:
        return load_network(NETWORK_FOLDER)

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

    def is_word(self, word: str) -> bool:
        """Whether the network knows `word` whole, as it does the frequent words of its languages."""
        pieces, _ = self._loaded
        return pieces.is_whole(word)


def load_network(folder: Path) -> tuple[PieceTable, SentenceNetwork]:
    """What is in the files of `folder`, which must be those that ship; else `CorruptArtifactError`."""
    weights, graph = read_sentence_network(folder)
    try:
        with np.load(io.BytesIO(weights), allow_pickle=False) as stored:
            tensors = dict(stored)
        pieces = tensors.pop("pieces").tobytes().decode("utf-8").split("\n")
        table = PieceTable(pieces, tensors.pop("scores"))
        return table, SentenceNetwork(tensors, one_thread_product(graph))
    except (ValueError, LookupError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
        raise CorruptArtifactError(
            tried=f"reading the sentence network {folder / WEIGHTS_NAME}", found=str(error), fix=REINSTALL
        ) from error


def read_sentence_network(folder: Path) -> list[bytes]:
    """The weights and the product in `folder`, which must be those that ship; else `CorruptArtifactError`."""
    return [
        read_graph(folder / name, sha256, "sentence network")
        for name, sha256 in ((WEIGHTS_NAME, WEIGHTS_SHA256), (PRODUCT_NAME, PRODUCT_SHA256))
    ]


def one_thread_product(graph: bytes) -> Product:
    """The product of two matrices by onnxruntime, on the thread that asks for it."""
    session = open_session(graph, threads=1, of_one_size=False)

    def product(left: Float32Array, right: Float32Array) -> Float32Array:
        found: Float32Array = session.run(None, {"left": left, "right": right})[0]
        return found

    return product


@cache
def shipped_embedder() -> SentenceEmbedder:
    """One embedder for the whole process."""
    return SentenceEmbedder()
