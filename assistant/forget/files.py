"""Removes traces of a concept from the files of a home: prefixes, exports, drawings, records, log lines.

Never touches photos, nor the stores that other modules clean: the library's file, the index, models and exported
backbones.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from assistant.report.page_mark import begins_people_page
from personalizer.concepts.name_mentions import NameMentions
from personalizer.errors import FamiliarError
from personalizer.home import Home
from personalizer.photos.formats import drawing_notes, may_be_photo
from personalizer.prefix.format import KIND, WEIGHTS_FILE

_LINES = frozenset({".log", ".jsonl", ".txt"})
_NO_WORDS = frozenset({"seed", "backbone", "Software"})
_CHECKPOINT = "checkpoint.safetensors"
_ROWS_BYTES = 64
_DISTINCT_BYTES = 16
"""A stretch of zeros is in many files; learned rows are not."""


@dataclass(frozen=True, slots=True)
class Traces:
    """What to look for."""

    concept_ids: frozenset[int]
    mentions: NameMentions


def remove_files(home: Home, traces: Traces) -> Counter[str]:
    """Remove every trace below `home`; may be run again after it was interrupted. Returns how many of which kind.

    The prefix itself goes last: its rows are how copies of it are known. Raises `FamiliarError` for what cannot be
    removed, after everything else has been.
    """
    own = [home.concepts / str(concept_id) for concept_id in sorted(traces.concept_ids)]
    rows = [stretch for folder in own for stretch in _learned_rows(folder / WEIGHTS_FILE)]
    removed: Counter[str] = Counter()
    failed: list[str] = []
    for path in list(_files(home)):
        try:
            removed += _clean(path, home, traces, rows)
        except FileNotFoundError:
            continue
        except OSError as error:
            failed.append(f"{path}: {error.strerror or error}")
    for folder in own:
        try:
            removed += remove_prefix(folder)
        except OSError as error:
            failed.append(f"{folder}: {error.strerror or error}")
    if failed:
        raise FamiliarError(
            tried="forgetting what files say", found="; ".join(failed), fix="Allow it and try again."
        )
    _remove_named_folders(home, traces.mentions)
    return removed


def _files(home: Home) -> Iterator[Path]:
    """Files below the home that may say something, leaving out stores and links."""
    library = {home.database.with_name(home.database.name + end) for end in ("", "-wal", "-shm", "-journal")}
    skipped = {home.chroma, home.models, home.runtimes, home.concepts}
    for folder, folders, names in os.walk(home.root):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if here / name not in skipped)
        for name in sorted(names):
            path = here / name
            if path.is_file() and not path.is_symlink() and path not in library:
                yield path


def _clean(path: Path, home: Home, traces: Traces, rows: list[bytes]) -> Counter[str]:
    """Remove what one file says: its lines, itself, or the folder that it describes."""
    content = path.read_bytes()
    if begins_people_page(content):
        # Whoever is forgotten is on it, and be it as a face without a name.
        return _delete(path, "people_pages")
    notes = drawing_notes(content)
    if notes is not None:
        words = " ".join(value for key, value in notes.items() if key not in _NO_WORDS)
        return _delete(path, "drawings") if traces.mentions.in_text(words) else Counter()
    if may_be_photo(path):
        return Counter()
    if path.suffix in _LINES:
        return Counter(log_lines=_drop_lines(path, traces.mentions))
    if any(stretch in content for stretch in rows):
        return _delete(path, "exports")
    named = traces.mentions.in_text(str(path.relative_to(home.root)))
    text = _text_of(content)
    if not named and (text is None or not traces.mentions.in_text(text)):
        return Counter()
    if text is not None and _describes_folder(path, text) and path.parent != home.root:
        count = sum(1 for part in path.parent.rglob("*") if part.is_file())
        shutil.rmtree(path.parent)
        return Counter(exports=count)
    return _delete(path, "exports" if path.suffix == ".safetensors" else "records")


def _describes_folder(path: Path, text: str) -> bool:
    """Whether a file that names a concept says that its folder holds a copy of the prefix, or an adapter."""
    if path.name == "adapter_config.json":
        return True
    with suppress(ValueError):
        content = json.loads(text)
        return isinstance(content, dict) and content.get("kind") == KIND
    return False


def _delete(path: Path, kind: str) -> Counter[str]:
    path.unlink()
    return Counter({kind: 1})


def _text_of(content: bytes) -> str | None:
    """What is written in a file: all of a text, the header of a safetensors file, None of anything else."""
    header = _safetensors_header(content)
    if header is not None:
        return header
    if b"\0" in content:
        return None
    with suppress(UnicodeDecodeError):
        return content.decode()
    return None


def _safetensors_header(content: bytes) -> str | None:
    size = int.from_bytes(content[:8], "little")
    if len(content) < 8 + size or content[8:9] != b"{":
        return None
    return content[8 : 8 + size].decode("utf-8", "replace")


def _learned_rows(path: Path) -> list[bytes]:
    """The beginning of each tensor of a prefix, by which copies are known."""
    try:
        content = path.read_bytes()
        header = json.loads(_safetensors_header(content) or "{}")
        start = 8 + int.from_bytes(content[:8], "little")
        begins = [
            start + entry["data_offsets"][0] for name, entry in header.items() if name != "__metadata__"
        ]
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return []
    stretches = [content[begin : begin + _ROWS_BYTES] for begin in begins]
    return [part for part in stretches if len(part) == _ROWS_BYTES and len(set(part)) >= _DISTINCT_BYTES]


def _drop_lines(path: Path, mentions: NameMentions) -> int:
    """Remove the lines that say a name, in place: the worker keeps its log open and writes at the end of it."""
    with path.open("r+b") as file:
        lines = file.read().splitlines(keepends=True)
        kept = [line for line in lines if not mentions.in_text(line.decode("utf-8", "replace"))]
        if len(kept) < len(lines):
            file.seek(0)
            file.writelines(kept)
            file.truncate()
    return len(lines) - len(kept)


def remove_prefix(folder: Path) -> Counter[str]:
    if not folder.is_dir():
        return Counter()
    names = [path.name for path in folder.iterdir()]
    shutil.rmtree(folder)
    # Interrupted writing leaves parts behind, which have a name of their own.
    checkpoints = sum(_CHECKPOINT in name for name in names)
    return Counter(checkpoints=checkpoints, prefix_files=len(names) - checkpoints)


def _remove_named_folders(home: Home, mentions: NameMentions) -> None:
    """Remove folders that are empty now and whose name tells whose they were."""
    for folder in _deepest_first(home.root.rglob("*")):
        if mentions.in_text(folder.name) and not folder.is_symlink():
            with suppress(OSError):  # not empty
                folder.rmdir()


def _deepest_first(paths: Iterable[Path]) -> list[Path]:
    return sorted((path for path in paths if path.is_dir()), key=lambda path: -len(path.parts))
