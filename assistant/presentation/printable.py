"""Makes text from elsewhere (file names, models, errors) safe to show in a terminal. Knows no screen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from personalizer.schemas import Progress

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def printable(text: str) -> str:
    """`text` with control characters, all but newline and tab, as `\\x1b`, and undecodable bytes as `\\udce9`.

    A name with an escape sequence in it could otherwise recolour the screen, rename the window or fill the
    clipboard, and one that is not UTF-8 could not be written at all.
    """
    visible = _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
    return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", visible)


def progress_text(progress: Progress) -> str:
    """`Scanning (12/64)`."""
    message = printable(progress.message)
    return f"{message} ({progress.done}/{progress.total})" if progress.total else message
