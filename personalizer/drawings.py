"""Tells the pictures that Familiar drew from photos, by the note in their files. Knows no library and no model."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

from PIL import Image

SOFTWARE = "Familiar"
"""What drawn PNG files say under the key "Software"."""


def is_drawing(source: Path | bytes) -> bool:
    """Whether this file, or its content, is a PNG that Familiar drew; False for whatever cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Only the header is read: the note stands before the pixels.
            with Image.open(
                io.BytesIO(source) if isinstance(source, bytes) else source, formats=("PNG",)
            ) as image:
                return image.info.get("Software") == SOFTWARE
    except Exception:  # codecs raise almost anything on hostile input
        return False
