"""JPEGs that lack only their end marker: the picture is whole, and Pillow refuses it.

A decoder fills with grey what is missing and does not say how much. So the file is decoded with two different endings:
where anything of the picture is missing, it depends on what follows.
"""

from __future__ import annotations

import hashlib
import io
import random

from PIL import Image

_START, _END = b"\xff\xd8\xff", b"\xff\xd9"
_MAX_PX = 60_000_000
"""Larger ones are compared at a fraction of their size."""
_ROWS = 256
_OWN_ZEROS = 8


def with_its_end(content: bytes) -> bytes | None:
    """The JPEG with the end marker that it lacks; None for another file, and where more than that is missing."""
    if not content.startswith(_START):
        return None
    # Copies that were interrupted, or are of whole disk blocks, end in zeros.
    stripped = content.rstrip(b"\0")
    # A few may be the picture's own, and do no harm behind it.
    kept = stripped + bytes(min(len(content) - len(stripped), _OWN_ZEROS))
    if stripped.endswith(_END):
        return None
    # Half of the marker; a byte of the picture would be written as FF 00.
    kept = kept.removesuffix(b"\xff")
    noise = random.Random(0)
    other = bytes(noise.randrange(255) for _ in range(4096))
    ending, more = kept + _END, kept + other + _END
    first = _digest(ending)
    return ending if first is not None and first == _digest(more) else None


def _digest(content: bytes) -> str | None:
    """Of all pixels; None where they cannot be decoded."""
    digest = hashlib.sha256()
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
            if image.width * image.height > _MAX_PX:
                image.draft(None, (image.width // 4, image.height // 4))
            image.load()
            for top in range(0, image.height, _ROWS):
                strip = image.crop((0, top, image.width, min(top + _ROWS, image.height)))
                digest.update(strip.tobytes())
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    return digest.hexdigest()
