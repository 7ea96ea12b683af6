"""Text as the screen shows it word for word: neither markup nor the terminal's codes count in it."""

from __future__ import annotations

from textual.content import Content

from assistant.presentation.printable import printable


def literal(text: str) -> Content:
    """`text` as it is, with what a terminal would obey made visible."""
    return Content(printable(text))
