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
    ".gif", ".avif", ".bmp", ".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx", ".ppm", ".pgm", ".pbm", ".pnm",
    ".tga",
}) | RAW_SUFFIXES
"""In small letters, of files that can be read: for scanning, for paths in the chat and for evaluation."""
UNREAD_SUFFIXES = frozenset({
    ".jxl", ".jxr", ".wdp", ".hdp", ".psd", ".psb", ".xcf", ".kra", ".exr", ".hdr", ".pcx", ".pcd", ".dds", ".qoi",
    ".flif", ".bpg", ".x3f", ".crw", ".mrw", ".gpr", ".eip",
})
"""In small letters, of pictures that cannot be read: a scan counts them, so that nobody looks for them in vain."""
TARGA_SUFFIX = ".tga"
# Their content begins like HEIC but is something else, or they are in every folder and never a photo.
OTHER_SUFFIXES = frozenset({
    ".mp4", ".mov", ".m4v", ".m4a", ".3gp", ".pdf", ".txt", ".json", ".xml", ".xmp", ".aae", ".html", ".md",
    ".zip", ".db", ".py",
})
# fmt: on
_OTHER_KINDS = {
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL \r\n\x87\n": "JPEG XL",
    b"II\xbc\x01": "JPEG XR",
    b"8BPS": "a Photoshop document",
    b"gimp xcf": "a GIMP document",
    b"v/1\x01": "OpenEXR",
    b"qoif": "QOI",
    b"FLIF": "FLIF",
    b"BPG\xfb": "BPG",
}
_BITMAP_HEADERS = tuple(size.to_bytes(4, "little") for size in (12, 40, 52, 56, 64, 108, 124))
_CFA, _LINEAR_RAW = 32803, 34892
SOFTWARE = "Familiar"
"""What drawn PNG files say under the key "Software"."""


def may_be_photo(path: Path | str) -> bool:
    """Whether the name says so or, for a name that says nothing, the first bytes do."""
    # Of text: a scan asks about every file, and a `Path` for each takes longer than all the rest.
    suffix = os.path.splitext(path)[1].lower()  # noqa: PTH122
    if suffix in PHOTO_SUFFIXES:
        return True
    if suffix in OTHER_SUFFIXES or suffix in UNREAD_SUFFIXES:
        return False
    try:
        with open(path, "rb") as file:
            head = file.read(18)
    except OSError:
        return False
    return (
        head.startswith(
            (
                *(b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"GIF8", b"FUJIFILMCCD-RAW"),
                *(b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"),
            )
        )
        or (head[:2] == b"BM" and head[6:10] == bytes(4) and head[14:18] in _BITMAP_HEADERS)
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
        or (
            head[4:8] == b"ftyp"
            and head[8:12]
            in (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis", b"crx ")
        )
    )


def unread_suffix(path: Path | str) -> str | None:
    """The suffix, in small letters, of a picture of a kind that cannot be read; None for all other files."""
    suffix = os.path.splitext(path)[1].lower()  # noqa: PTH122
    return suffix if suffix in UNREAD_SUFFIXES else None


def other_kind(content: bytes) -> str | None:
    """What a picture is by its first bytes, as a reason why it cannot be read; None where they tell nothing."""
    for start, kind in _OTHER_KINDS.items():
        if content.startswith(start):
            return f"{kind}, which cannot be read"
    if content.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return "a TIFF of a kind that cannot be read: save it with 8 or 16 bits a color"
    return None


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
