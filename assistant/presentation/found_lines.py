"""The photos of a search as lines. Computes nothing."""

from __future__ import annotations

from assistant.presentation.printable import short_path
from assistant.results import FoundPhotos

LISTED = 20


def found_lines(found: FoundPhotos, most: int = LISTED) -> str:
    """The answer, and the first photos with their dates and reasons."""
    lines = [found.answer]
    if found.photos:
        lines.append("")
    for photo in found.photos[:most]:
        when = "" if photo.taken_at is None else f"{photo.taken_at:%d %b %Y}".lstrip("0")
        lines.append("  ".join(filter(None, (short_path(photo.path), when))))
        if photo.why:
            lines.append(f"    {'; '.join(photo.why)}")
    left = found.count - min(len(found.photos), most)
    if left > 0:
        lines.append(f"and {left:,} more (--limit N lists N of them, --json all)")
    return "\n".join(lines)


def found_text(found: FoundPhotos, most: int = 5) -> str:
    """The same for a conversation."""
    lines = [found.answer]
    for photo in found.photos[:most]:
        reasons = f" ({'; '.join(photo.why)})" if photo.why else ""
        lines.append(f"· {short_path(photo.path)}{reasons}")
    left = found.count - min(len(found.photos), most)
    if left > 0:
        lines.append(f"and {left:,} more")
    return "\n".join(lines)
