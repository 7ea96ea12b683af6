"""Collects the training pictures of the pocket backbone into one array with one caption record each.

Reads tar files of WebP pictures with JSON-lines captions (`photos.tar` + `captions.jsonl`, `illustrations.tar` +
`captions_illustrations.jsonl`) and our own renders (`scripts/render/render_corpus.py`). Knows nothing about models.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
from PIL import Image

from assistant.evaluation.data.corpora import (
    ARCHIVES,
    PIXELS_FILE,
    RECORDS_FILE,
    Picture,
    Record,
    Rows,
    is_held_out,
    read_archive,
)
from scripts.pocket.command import run

SIZE_PX = 96
"""Stored size: room for random crops of the 64 px that the model sees."""


def read_renders(folder: Path) -> Iterator[Picture]:
    """Our own renders; the split is by subject."""
    shards = sorted(folder.glob("*.npy"))
    rows = Rows([np.load(shard, mmap_mode="r") for shard in shards])
    lines = (folder / "captions.jsonl").read_text().splitlines()
    if len(rows) < len(lines):
        raise SystemExit(
            f"{folder} has {len(lines)} captions but fewer pictures; finish scripts/render/render_corpus.py."
        )
    for line in lines:
        entry = json.loads(line)
        subject = f"render:{entry['subject_id']}" if entry.get("subject_id") is not None else None
        yield Picture(
            Record(
                "render",
                "render",
                entry.get("label"),
                entry["caption"],
                subject,
                is_held_out(subject or line),
                entry.get("questions", []),
            ),
            rows[entry["index"]],
        )


def write(pictures: Iterable[Picture], out: Path) -> int:
    """Write `images.npy` uint8 `[n, 96, 96, 3]` and `records.jsonl`; returns n."""
    arrays, records = [], []
    for picture in pictures:
        resized = picture.image().resize((SIZE_PX, SIZE_PX), Image.Resampling.LANCZOS)
        arrays.append(np.asarray(resized, dtype=np.uint8))
        records.append(json.dumps(asdict(picture.record)))
    if not arrays:
        raise SystemExit(f"There is no picture to write to {out}.")
    out.mkdir(parents=True, exist_ok=True)
    np.save(out / PIXELS_FILE, np.stack(arrays))
    (out / RECORDS_FILE).write_text("\n".join(records) + "\n")
    return len(records)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, help="folder with photos.tar, illustrations.tar and their captions"
    )
    parser.add_argument("--renders", type=Path, help="folder written by scripts/render/render_corpus.py")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    if options.data:
        for archive, captions in ARCHIVES:
            name = Path(archive).stem
            print(
                name, write(read_archive(options.data / archive, options.data / captions), options.out / name)
            )
    if options.renders:
        print("renders", write(read_renders(options.renders), options.out / "renders"))


if __name__ == "__main__":
    run(main)
