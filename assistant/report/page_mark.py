"""The mark at the beginning of a people page, by which Familiar recognizes its own pages. Knows no HTML."""

from __future__ import annotations

from pathlib import Path

MARK = "<!doctype html><!-- A people page made by Familiar -->"


def begins_people_page(content: bytes) -> bool:
    """Whether these are the first bytes of a people page, or of one that was not finished."""
    return content.startswith(MARK.encode())


def is_people_page(path: Path) -> bool:
    """Whether the file is one. Raises OSError where it cannot be read."""
    with path.open("rb") as file:
        return begins_people_page(file.read(len(MARK)))
