"""Makes text fit to be shown in a terminal: safe, wrapped between words, with short paths. Knows no screen."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from personalizer.schemas import ConceptState, Progress

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


def short_path(path: Path | str) -> str:
    """A path for a person to read: below the user's own folder it begins with `~/`."""
    try:
        below = Path(path).relative_to(Path.home())
    except (ValueError, RuntimeError):
        return str(path)
    return f"~/{below}" if below.parts else "~"


def quoted_path(path: Path | str) -> str:
    """A path for a command line; `~/` at its beginning stays outside the quotes, in which a shell leaves it alone."""
    shown = short_path(path)
    home = "~/" if shown.startswith("~/") else ""
    return home + shlex.quote(shown.removeprefix(home))


_LABEL = re.compile(r"\s*\S+(?: \S+){0,3}  +")


def wrapped(text: str, width: int) -> str:
    """`text` with lines of at most `width` columns, broken between words and hanging behind a label as in `photos   3`.

    What has no space in it, such as a path to be copied, stays whole.
    """
    return "\n".join(
        line
        if len(line) <= width
        else textwrap.fill(
            line,
            width,
            subsequent_indent=" " * _hanging(line, width),
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in text.split("\n")
    )


def _hanging(line: str, width: int) -> int:
    """Columns by which the lines that continue `line` are indented."""
    label = _LABEL.match(line)
    if label is not None and label.end() <= width // 3:
        return label.end()
    return len(line) - len(line.lstrip())


def percent(probability: float) -> str:
    """Whole percent, never 0 or 100: a guess is never certain, and nothing quite impossible."""
    return f"{min(max(round(probability * 100), 1), 99)} %"


STATE_WORDS: Mapping[ConceptState, str] = {
    "suggested": "no name",
    "named": "recognised by photos",
    "training": "being trained",
    "ready": "trained",
    "stale": "to be trained again",
    "hidden": "hidden",
}
"""What is said of a concept's state, everywhere."""
