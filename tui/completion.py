"""Completes what is being typed: commands, names from the library, paths. Knows no widget and opens no file."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from textual.suggester import Suggester

from assistant.chat.slash_commands import matching_commands
from assistant.presentation.printable import printable
from personalizer.photos.formats import PHOTO_SUFFIXES

MIN_NAME_LETTERS = 2
_PATH_BEGINNING = re.compile(r"""(?:^|(?<=[\s"']))(?=(?:~|\.{1,2})?/)""")
MAX_ENTRIES = 2000
"""Of a folder: completing in a larger one would stutter."""


class RequestSuggester(Suggester):
    """The grey rest of a line that Tab or the right arrow accepts."""

    def __init__(self, names: Callable[[], Sequence[str]]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._names = names

    async def get_suggestion(self, value: str) -> str | None:
        """The whole line, completed; None when nothing fits."""
        return complete(value, self._names())


def complete(value: str, names: Sequence[str]) -> str | None:
    """`value` with its last word completed, or None."""
    commands = matching_commands(value)
    if commands:
        longest = _common_beginning([command.name for command in commands])
        chosen = commands[0].name if len(longest) <= len(value) else longest
        return chosen if len(chosen) > len(value) else None
    return _path(value) or _name(value, names)


def _name(value: str, names: Sequence[str]) -> str | None:
    """Names may have several words: the longest typed beginning of one counts."""
    folded = value.casefold()
    best: tuple[int, str] | None = None
    for name in names:
        for length in range(len(name) - 1, MIN_NAME_LETTERS - 1, -1):
            start = len(value) - length
            if start < 0 or not folded.endswith(name[:length].casefold()):
                continue
            if start == 0 or not value[start - 1].isalnum():
                if best is None or length > best[0]:
                    best = (length, name)
                break
    return None if best is None else value + best[1][best[0] :]


def _path(value: str) -> str | None:
    # A path may have spaces in it: the last beginning that leads somewhere counts.
    for match in reversed(list(_PATH_BEGINNING.finditer(value))):
        completed = None if match.start() == 0 else _completed_path(value, value[match.end() :])
        if completed is not None:
            return completed
    return None


def _completed_path(value: str, typed: str) -> str | None:
    folder_text, _, beginning = typed.rpartition("/")
    folder = Path(folder_text + "/").expanduser()
    try:
        with os.scandir(folder) as entries:
            fitting = [
                entry.name + ("/" if entry.is_dir() else "")
                for _, entry in zip(range(MAX_ENTRIES), entries, strict=False)
                if entry.name.startswith(beginning)
                and (beginning.startswith(".") or not entry.name.startswith("."))
                # Control characters would reach the terminal from the input line.
                and printable(entry.name) == entry.name
                and (entry.is_dir() or Path(entry.name).suffix.lower() in PHOTO_SUFFIXES)
            ]
    except OSError:
        return None
    if not fitting:
        return None
    common = _common_beginning(fitting)
    chosen = common if len(common) > len(beginning) else min(fitting)
    completed = value + chosen[len(beginning) :]
    return completed if completed != value else None


def _common_beginning(words: Sequence[str]) -> str:
    shortest, longest = min(words), max(words)
    same = 0
    while same < len(shortest) and shortest[same] == longest[same]:
        same += 1
    return shortest[:same]
