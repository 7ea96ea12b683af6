"""Escapes text for the screen, so that markup and terminal codes in it have no effect."""

from __future__ import annotations

from textual.content import Content

from assistant.presentation.printable import printable


def literal(text: str) -> Content:
    """`text` as it is, with what a terminal would obey made visible."""
    return Content(printable(text))
