"""Which files are photos, by their names and first bytes: the formats that can be read, RAW files, our own drawings.

Decodes nothing and loads no picture library to look at a name. The one list of suffixes stands here.
"""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path

from personalizer.photos import tiff as tiff_tags
from personalizer.photos.tiff import Ifd, TiffTags

# fmt: off
RAW_SUFFIXES = frozenset({
    ".dng", ".cr2", ".cr3", ".nef", ".nrw", ".arw", ".sr2", ".srf", ".orf", ".rw2", ".rwl", ".pef", ".raf", ".srw",
    ".3fr", ".iiq", ".erf", ".mef", ".mos", ".kdc", ".dcr",
})
PHOTO_SUFFIXES = frozenset({
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".webp", ".heic", ".heif", ".hif", ".tif", ".tiff",
    ".gif", ".avif",
}) | RAW_SUFFIXES
"""In small letters, of files that can be read: for scanning, for paths in the chat and for evaluation."""
# Their content begins like HEIC but is something else, or they are in every folder and never a photo.
OTHER_SUFFIXES = frozenset({
    ".mp4", ".mov", ".m4v", ".m4a", ".3gp", ".pdf", ".txt", ".json", ".xml", ".xmp", ".aae", ".html", ".md",
    ".zip", ".db", ".py",
})
# fmt: on
_CFA, _LINEAR_RAW = 32803, 34892
SOFTWARE = "Familiar"
"""What drawn PNG files say under the key "Software"."""


def may_be_photo(path: Path | str) -> bool:
    """Whether the name says so or, for a name that says nothing, the first bytes do."""
    # Of text: a scan asks about every file, and a `Path` for each takes longer than all the rest.
    suffix = os.path.splitext(path)[1].lower()  # noqa: PTH122
    if suffix in PHOTO_SUFFIXES:
        return True
    if suffix in OTHER_SUFFIXES:
        return False
    try:
        with open(path, "rb") as file:
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


def is_raw(content: bytes, suffix: str = "") -> bool:
    """Whether this is a RAW file; `suffix` is asked only about TIFF files that could be either."""
    if content.startswith((b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb", b"\0MRM")):
        return True
    if content[4:12] == b"ftypcrx ":
        return True
    if not content.startswith((b"II*\0", b"MM\0*")):
        return False
    if content[8:10] == b"CR" or suffix.lower() in RAW_SUFFIXES:
        return True
    tags = TiffTags(content)
    return any(
        tiff_tags.DNG_VERSION in directory.entries or _is_sensor(tags, directory)
        for directory in tags.directories()
    )


def _is_sensor(tags: TiffTags, directory: Ifd) -> bool:
    return tags.numbers(directory, tiff_tags.PHOTOMETRIC, 1)[:1] in ((_CFA,), (_LINEAR_RAW,))


def drawing_notes(source: Path | bytes) -> dict[str, str] | None:
    """What is noted in a PNG file (or its content) that Familiar drew, by key; None for anything else."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Only the header is read: the notes stand before the pixels.
            with Image.open(
                io.BytesIO(source) if isinstance(source, bytes) else source, formats=("PNG",)
            ) as image:
                notes = {str(key): value for key, value in image.info.items() if isinstance(value, str)}
    except Exception:  # codecs raise almost anything on hostile input
        return None
    return notes if notes.get("Software") == SOFTWARE else None


def is_drawing(source: Path | bytes) -> bool:
    """Whether this file, or its content, is a PNG that Familiar drew; False for whatever cannot be read."""
    return drawing_notes(source) is not None
