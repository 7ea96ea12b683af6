"""Collects the training pictures of the pocket backbone into one array with one caption record each.

Reads tar files of WebP pictures with JSON-lines captions (`photos.tar` + `captions.jsonl`, `illustrations.tar` +
`captions_illustrations.jsonl`) and our own renders (`scripts/render_corpus.py`). Knows nothing about models.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIZE_PX = 96
"""Stored size: room for random crops of the 64 px that the model sees."""
HELD_OUT_PERCENT = 4


@dataclass(frozen=True)
class Record:
    """What is known about one picture of the corpus."""

    source: str
    kind: str
    label: str | None
    caption: str | None
    subject: str | None = None
    """Pictures with the same value show the same thing."""
    held_out: bool = False
    questions: list[list[str]] = field(default_factory=list)


def with_article(noun: str) -> str:
    """`apple` → `an apple`; plural-looking and mass nouns keep no article."""
    if noun.endswith("s") and not noun.endswith("ss"):
        return noun
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def is_held_out(key: str) -> bool:
    """A stable split by content of `key`."""
    return int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) % 100 < HELD_OUT_PERCENT


def read_tar(archive: Path, captions: Path) -> Iterator[tuple[Image.Image, Record]]:
    """Pictures of one archive that have a line in `captions`; a missing or broken file is an error naming it.

    So is a line without its picture: a tar file that was cut off between two entries looks complete otherwise.
    """
    if not archive.exists() or not captions.exists():
        raise SystemExit(
            f"{archive} and {captions} are both needed; see scripts/pocket/README.md for the sources."
        )
    lines = {}
    for number, line in enumerate(captions.read_text().splitlines(), 1):
        try:
            entry = json.loads(line)
            lines[entry["image"]] = entry
        except (ValueError, TypeError, KeyError) as error:
            raise SystemExit(
                f"{captions}, line {number}, is no caption ({error}); fetch it again."
            ) from error
    absent = set(lines)
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                entry = lines.get(member.name)
                stream = tar.extractfile(member) if member.isfile() else None
                if entry is None or stream is None:
                    continue
                picture = Image.open(io.BytesIO(stream.read())).convert("RGB")
                absent.discard(member.name)
                yield picture, open_record(entry)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise SystemExit(f"{archive} cannot be read to the end ({error}); fetch it again.") from error
    if absent:
        raise SystemExit(
            f"{archive} lacks {len(absent)} of the {len(lines)} pictures in {captions}, "
            f"the first is {min(absent)}; fetch both again."
        )


def open_record(entry: dict[str, Any]) -> Record:
    """A record from a line of the open corpora."""
    label = entry.get("label")
    kind = entry["kind"]
    caption = None
    if label:
        label = label.lower()
        caption = f"a {kind} of {with_article(label)}"
    # Two photos of one grocery class show the same product: close enough to "the same thing" at this resolution.
    subject = f"grocery:{label}" if entry["source"] == "grocery" and label else None
    return Record(entry["source"], kind, label, caption, subject, is_held_out(entry["image"]))


def read_renders(folder: Path) -> Iterator[tuple[Image.Image, Record]]:
    """Our own renders; the split is by subject."""
    shards = sorted(folder.glob("*.npy"))
    arrays = [np.load(shard, mmap_mode="r") for shard in shards]
    lines = (folder / "captions.jsonl").read_text().splitlines()
    if sum(map(len, arrays)) < len(lines):
        raise SystemExit(
            f"{folder} has {len(lines)} captions but fewer pictures; finish scripts/render_corpus.py."
        )
    starts = np.cumsum([0, *map(len, arrays)])
    for line in lines:
        entry = json.loads(line)
        shard = int(np.searchsorted(starts, entry["index"], side="right")) - 1
        pixels = arrays[shard][entry["index"] - starts[shard]]
        subject = f"render:{entry['subject_id']}" if entry.get("subject_id") is not None else None
        yield (
            Image.fromarray(pixels),
            Record(
                "render",
                "render",
                entry.get("label"),
                entry["caption"],
                subject,
                is_held_out(subject or line),
                entry.get("questions", []),
            ),
        )


def write(pictures: Iterator[tuple[Image.Image, Record]], out: Path) -> int:
    """Write `images.npy` uint8 `[n, 96, 96, 3]` and `records.jsonl`; returns n."""
    arrays, records = [], []
    for image, record in pictures:
        arrays.append(np.asarray(image.resize((SIZE_PX, SIZE_PX), Image.Resampling.LANCZOS), dtype=np.uint8))
        records.append(json.dumps(asdict(record)))
    if not arrays:
        raise SystemExit(f"There is no picture to write to {out}.")
    out.mkdir(parents=True, exist_ok=True)
    np.save(out / "images.npy", np.stack(arrays))
    (out / "records.jsonl").write_text("\n".join(records) + "\n")
    return len(records)


def load(folders: list[Path]) -> tuple[list[np.ndarray[Any, Any]], list[Record]]:
    """All arrays (memory-mapped) and all records of several corpora, in order."""
    arrays, records = [], []
    for folder in folders:
        arrays.append(np.load(folder / "images.npy", mmap_mode="r"))
        lines = (folder / "records.jsonl").read_text().splitlines()
        if len(lines) != len(arrays[-1]):
            raise SystemExit(
                f"{folder}: {len(arrays[-1])} pictures but {len(lines)} records; build it again."
            )
        records += [Record(**json.loads(line)) for line in lines]
    return arrays, records


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, help="folder with photos.tar, illustrations.tar and their captions"
    )
    parser.add_argument("--renders", type=Path, help="folder written by scripts/render_corpus.py")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    if options.data:
        photos = read_tar(options.data / "photos.tar", options.data / "captions.jsonl")
        print("photos", write(photos, options.out / "photos"))
        drawn = read_tar(options.data / "illustrations.tar", options.data / "captions_illustrations.jsonl")
        print("illustrations", write(drawn, options.out / "illustrations"))
    if options.renders:
        print("renders", write(read_renders(options.renders), options.out / "renders"))


if __name__ == "__main__":
    main()
