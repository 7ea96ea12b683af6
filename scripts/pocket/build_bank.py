"""Picks general training pictures for the bank that ships with a checkpoint: their codes and object vectors.

python -m scripts.pocket.build_bank --corpus DIR… --checkpoint DIR --count 640
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.numpy import save_file

from assistant.evaluation.data.corpora import Rows, load_arrays
from personalizer.analysis.embed import ObjectEmbedder
from personalizer.backbones.registry import load_backbone
from personalizer.recognition.picture_bank import BANK_FILE
from scripts.pocket.command import run

SHARES = {"photo": 0.7, "render": 0.2}
"""Of the bank, by kind; the rest is drawings."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, nargs="+", required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--count", type=int, default=640)
    options = parser.parse_args()
    arrays, records = load_arrays(options.corpus)
    rows = Rows(arrays)
    rng = np.random.default_rng(0)
    picks: list[int] = []
    groups = {
        kind: [
            i
            for i, r in enumerate(records)
            if not r.held_out and (r.kind if r.kind in SHARES else "drawn") == kind
        ]
        for kind in (*SHARES, "drawn")
    }
    for kind, members in groups.items():
        share = SHARES.get(kind, 1 - sum(SHARES.values()))
        # Evenly over the labels, so that no class fills the bank.
        by_label: dict[str | None, list[int]] = {}
        for index in rng.permutation(members):
            by_label.setdefault(records[int(index)].label, []).append(int(index))
        rounds = [
            index
            for turn in range(max(map(len, by_label.values())))
            for index in (label[turn] for label in by_label.values() if len(label) > turn)
        ]
        picks += rounds[: round(options.count * share)]
    images = [Image.fromarray(rows[pick]) for pick in picks]
    codes = load_backbone(str(options.checkpoint), "cpu").encode_images(images).numpy().astype(np.int16)
    embedder = ObjectEmbedder(threads=2)
    vectors = np.stack([embedder.embed(image).vector for image in images]).astype(np.float16)
    save_file(
        {"codes": codes, "vectors": vectors},
        options.checkpoint / BANK_FILE,
        metadata={"embedding_version": embedder.model_version[1]},
    )
    print(f"{len(picks)} pictures, {(options.checkpoint / BANK_FILE).stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    run(main)
