"""Stores in the library what the last full scan could not decide."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field

from personalizer.library.library import Library

_KEY = "scan.notes"


@dataclass(frozen=True, slots=True)
class ScanNotes:
    """Results that a later scan may change without a file-system event in between."""

    waiting: int = 0
    """Files that were being written."""
    interrupted: bool = False
    """Folders went away while they were looked at."""
    unlisted: list[dict[str, str]] = field(default_factory=list)
    """`[{path, reason}]` of folders that could not be looked into."""
    unread_kinds: dict[str, int] = field(default_factory=dict)
    """By suffix: pictures of kinds that cannot be read."""
    links: int = 0
    """Symbolic links, which are not followed."""
    began_at: float = 0.0
    """When that scan began, in seconds since 1970; 0 where that is not known."""

    @property
    def want_a_look(self) -> bool:
        """Whether a scan in a moment would find more."""
        return self.waiting > 0 or self.interrupted


def write_notes(library: Library, notes: ScanNotes) -> None:
    """Keep the notes instead of those of the scan before."""
    text = json.dumps(dataclasses.asdict(notes))
    if library.setting(_KEY) != text:
        library.set_setting(_KEY, text)


def read_notes(library: Library) -> ScanNotes:
    """The notes of the last scan of everything that ran to its end."""
    text = library.setting(_KEY)
    return ScanNotes() if text is None else ScanNotes(**json.loads(text))
