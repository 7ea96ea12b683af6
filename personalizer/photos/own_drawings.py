"""Tells the pictures that Familiar drew from photos, by the note in their files. Knows no library and no model."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

from PIL import Image

SOFTWARE = "Familiar"
"""What drawn PNG files say under the key "Software"."""


def drawing_notes(source: Path | bytes) -> dict[str, str] | None:
    """What is noted in a PNG file (or its content) that Familiar drew, by key; None for anything else."""
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
