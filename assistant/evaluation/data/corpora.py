"""Pictures with what is known about them, as backbones are trained and measured on: captions, classes, questions.

Decides which of them are held out, so that a recipe and its measurement cannot disagree. Knows no model.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from assistant.evaluation.data.protocol import existing_folder
from personalizer.errors import CorruptArtifactError, FamiliarError, NotFoundError

ARCHIVES = (
    ("photos.tar", "captions.jsonl"),
    ("illustrations.tar", "captions_illustrations.jsonl"),
)
"""Archives of pictures and the JSON lines about them."""
PIXELS_FILE, RECORDS_FILE, FEATURES_FILE = "images.npy", "records.jsonl", "features.npy"
HELD_OUT_PERCENT = 4
REPEATED = ("caltech101", "faces easy")
"""Source and label of crops of pictures that the source has a second time: nearly every held-out one would have its
twin in training."""
FETCH_AGAIN = "Fetch it again; scripts/pocket/README.md names the sources."


@dataclass(frozen=True)
class Record:
    """What is known about one picture."""

    source: str
    kind: str
    """`photo`, `emoji`, `drawing` or `render`, as captions call it."""
    label: str | None
    caption: str | None
    subject: str | None = None
    """Pictures with the same value show the same thing."""
    held_out: bool = False
    questions: list[list[str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture that is decoded when it is looked at."""

    record: Record
    content: bytes | npt.NDArray[np.uint8]
    """An image file's bytes, or pixels `[height, width, 3]`."""

    def image(self) -> Image.Image:
        """RGB."""
        if isinstance(self.content, bytes):
            return Image.open(io.BytesIO(self.content)).convert("RGB")
        return Image.fromarray(np.asarray(self.content))


def with_article(noun: str) -> str:
    """`apple` → `an apple`; plural-looking and mass nouns keep no article."""
    if noun.endswith("s") and not noun.endswith("ss"):
        return noun
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def is_held_out(key: str) -> bool:
    """A stable split by content of `key`."""
    return int(hashlib.sha256(key.encode()).hexdigest()[:8], 16) % 100 < HELD_OUT_PERCENT


def read_corpus(folder: Path) -> Iterator[Picture]:
    """All pictures of a folder: of its archives, of its prepared arrays, and of those one level below.

    Raises `NotFoundError` where there is nothing to read, `CorruptArtifactError` naming a damaged file.
    """
    existing_folder(folder)
    archives = [names for names in ARCHIVES if (folder / names[0]).exists() or (folder / names[1]).exists()]
    prepared = [made for made in (folder, *sorted(folder.iterdir())) if (made / PIXELS_FILE).exists()]
    if not archives and not prepared:
        expected = ", ".join(name for name, _ in ARCHIVES)
        raise NotFoundError(
            tried=f"reading pictures from {folder}",
            found=f"neither {expected} nor {PIXELS_FILE} is in it",
            fix="Give the folder of a training corpus, or leave the option out to use the sample library.",
        )
    for archive, captions in archives:
        yield from read_archive(folder / archive, folder / captions)
    for made in prepared:
        arrays, records = load_arrays([made])
        for number, record in enumerate(records):
            yield Picture(record, arrays[0][number])


def read_archive(archive: Path, captions: Path) -> Iterator[Picture]:
    """Pictures of one tar file that have a line in `captions`; a missing or broken file is an error naming it.

    So is a line without its picture: a tar file that was cut off between two entries looks complete otherwise.
    """
    for path in (archive, captions):
        if not path.exists():
            raise NotFoundError(
                tried=f"reading {archive} and {captions}", found=f"{path.name} is missing", fix=FETCH_AGAIN
            )
    lines: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(captions.read_text(encoding="utf-8").splitlines(), 1):
        try:
            entry = json.loads(line)
            if (entry["source"], str(entry.get("label")).lower()) != REPEATED:
                lines[entry["image"]] = entry
        except (ValueError, TypeError, KeyError) as error:
            raise _damaged(captions, f"line {number} is no caption ({error})") from error
    absent = set(lines)
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                found = lines.get(member.name)
                stream = tar.extractfile(member) if member.isfile() else None
                if found is None or stream is None:
                    continue
                content = stream.read()
                Image.open(io.BytesIO(content)).verify()
                absent.discard(member.name)
                yield Picture(open_record(found), content)
    except (tarfile.TarError, EOFError, OSError, SyntaxError) as error:
        raise _damaged(archive, f"it cannot be read to the end ({error})") from error
    if absent:
        raise _damaged(
            archive,
            f"it lacks {len(absent)} of the {len(lines)} pictures in {captions.name}, "
            f"the first is {min(absent)}",
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


class Rows:
    """Rows of several arrays, one after another, as if of one."""

    def __init__(self, arrays: Sequence[npt.NDArray[np.uint8]]) -> None:
        self._arrays = arrays
        self._starts = np.cumsum([0, *map(len, arrays)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, index: int) -> npt.NDArray[np.uint8]:
        """A copy of row `index`, from 0; raises `IndexError` behind the last."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        number = int(np.searchsorted(self._starts, index, side="right")) - 1
        return np.array(self._arrays[number][index - self._starts[number]])


def load_arrays(folders: Sequence[Path]) -> tuple[list[npt.NDArray[np.uint8]], list[Record]]:
    """Pixels `[n, side, side, 3]` (memory-mapped) and records of several prepared corpora, in order."""
    arrays, records = [], []
    for folder in folders:
        try:
            pixels = np.load(folder / PIXELS_FILE, mmap_mode="r")
            lines = (folder / RECORDS_FILE).read_text(encoding="utf-8").splitlines()
            found = [Record(**json.loads(line)) for line in lines]
        except (OSError, ValueError, TypeError) as error:
            raise _damaged(folder, str(error), "Build it again with scripts.pocket.data.corpus.") from error
        if len(found) != len(pixels):
            raise _damaged(
                folder,
                f"{len(pixels)} pictures but {len(found)} records",
                "Build it again with scripts.pocket.data.corpus.",
            )
        arrays.append(pixels)
        records += found
    return arrays, records


def _damaged(path: Path, found: str, fix: str = FETCH_AGAIN) -> FamiliarError:
    return CorruptArtifactError(tried=f"reading {path}", found=found, fix=fix)
