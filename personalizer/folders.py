"""Lists the files in folders that may be photos. Opens a file only when its name says nothing; knows no library."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from personalizer.raw_photos import RAW_SUFFIXES

logger = logging.getLogger(__name__)

# fmt: off
PHOTO_SUFFIXES = frozenset({
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".heic", ".heif", ".hif", ".tif", ".tiff",
    ".gif", ".avif",
}) | RAW_SUFFIXES
# Their content begins like HEIC but is something else, or they are in every folder and never a photo.
OTHER_SUFFIXES = frozenset({
    ".mp4", ".mov", ".m4v", ".m4a", ".3gp", ".pdf", ".txt", ".json", ".xml", ".xmp", ".aae", ".html", ".md",
    ".zip", ".db", ".py",
})
# fmt: on
SKIPPED_FOLDERS = frozenset({"@eaDir", "#recycle", "$RECYCLE.BIN", "lost+found"})


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A file in one of the folders."""

    path: Path
    size: int
    mtime_ns: int


def find_files(
    roots: Iterable[Path], skip: Iterable[Path] = (), unlistable: set[Path] | None = None
) -> Iterator[SeenFile]:
    """The files under `roots` that may be photos, each once, in a stable order.

    Folders that cannot be listed are added to `unlistable`: their files may all be there.

    Hidden folders, thumbnails of network drives and the folders in `skip` are left out. Symbolic links are not
    followed: what they point at is either under a root itself or was not meant.
    """
    skipped = {os.fspath(Path(folder).resolve()) for folder in skip}
    visited: set[str] = set()
    for root in roots:
        waiting = [os.fspath(Path(root).resolve())]
        while waiting:
            folder = waiting.pop()
            if folder in visited or folder in skipped:
                continue
            visited.add(folder)
            try:
                with os.scandir(folder) as listing:
                    entries = sorted(listing, key=lambda entry: entry.name)
            except OSError as error:
                logger.warning("cannot list %s: %s", folder, error.strerror)
                # One that is gone since its parent was listed is gone.
                if unlistable is not None and not isinstance(error, FileNotFoundError | NotADirectoryError):
                    unlistable.add(Path(folder))
                continue
            subfolders = []
            for entry in entries:
                if entry.name.startswith(".") or entry.is_symlink():
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in SKIPPED_FOLDERS:
                        subfolders.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except OSError:  # gone since it was listed
                        continue
                    yield SeenFile(Path(entry.path), status.st_size, status.st_mtime_ns)
            waiting.extend(reversed(subfolders))


def may_be_photo(path: Path) -> bool:
    """Whether the name says so or, for a name that says nothing, the first bytes do."""
    suffix = path.suffix.lower()
    if suffix in PHOTO_SUFFIXES:
        return True
    if suffix in OTHER_SUFFIXES:
        return False
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError:
        return False
    return (
        head.startswith(
            (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"GIF8", b"FUJIFILMCCD-RAW")
        )
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
        or (
            head[4:8] == b"ftyp"
            and head[8:12]
            in (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis", b"crx ")
        )
    )


def is_listable(root: Path) -> bool:
    """Whether the folder is there and may be read."""
    try:
        with os.scandir(root):
            return True
    except OSError as error:
        logger.warning("cannot list %s: %s", root, error.strerror)
        return False
