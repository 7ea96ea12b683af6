"""What the library remembers about places — registered folders and file systems mounted below them — and exclusions.

Reads no folder: which place is frozen, and why, is decided elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from personalizer.library.database import Database, now_text, path_from, path_value


@dataclass(frozen=True, slots=True)
class Place:
    """What is known of one place from earlier scans."""

    file_system: str | None
    """What it was on when nothing of it was in doubt; None before that."""
    frozen: str | None
    """Why nothing is concluded from what is gone of it."""
    frozen_at: str | None
    gone: int
    """How many photos were gone when it was frozen last: what a person is asked about."""


class PlaceRecords(Database):
    """The part of the library that keeps a drive that is not there from looking like a deletion."""

    def places(self) -> dict[Path, Place]:
        """Every place that a scan has seen."""
        rows = self.connection.execute("SELECT * FROM places ORDER BY rowid")
        return {
            path_from(row["path"]): Place(row["file_system"], row["frozen"], row["frozen_at"], row["gone"])
            for row in rows
        }

    def note_place(self, place: Path, file_system: str) -> None:
        """Note that nothing of a place is in doubt; ends a freeze."""
        self.connection.execute(
            """INSERT INTO places(path, file_system) VALUES (?, ?)
               ON CONFLICT(path) DO UPDATE SET file_system = excluded.file_system,
                 frozen = NULL, frozen_at = NULL, gone = 0
               WHERE file_system IS NOT excluded.file_system OR frozen IS NOT NULL""",
            (path_value(place), file_system),
        )

    def freeze_place(self, place: Path, why: str, gone: int) -> None:
        """Say why nothing is concluded from the `gone` photos of a place; when that began stays."""
        self.connection.execute(
            """INSERT INTO places(path, frozen, frozen_at, gone) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT(path) DO UPDATE SET frozen = excluded.frozen,
                 frozen_at = COALESCE(frozen_at, excluded.frozen_at), gone = excluded.gone
               WHERE frozen IS NOT excluded.frozen OR gone != excluded.gone""",
            (path_value(place), why, now_text(), gone),
        )

    def forget_place(self, place: Path) -> None:
        """Remember nothing of a place."""
        self.connection.execute("DELETE FROM places WHERE path = ?", (path_value(place),))

    def frozen_roots(self) -> dict[Path, str]:
        """Places of which photos are gone without anything being concluded from it, and why."""
        return {path: place.frozen for path, place in self.places().items() if place.frozen is not None}

    def exclusions(self) -> list[str]:
        """The patterns of what is left out, in the order they were added."""
        rows = self.connection.execute("SELECT pattern FROM exclusions ORDER BY rowid")
        return [str(row["pattern"]) for row in rows]

    def add_exclusion(self, pattern: str) -> bool:
        """Leave out what matches from the next scan on; False when it was so already."""
        return bool(
            self.connection.execute(
                "INSERT INTO exclusions(pattern, added_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (pattern, now_text()),
            ).rowcount
        )

    def remove_exclusion(self, pattern: str) -> bool:
        """Take a pattern back; False when there was none."""
        deleted = self.connection.execute("DELETE FROM exclusions WHERE pattern = ?", (pattern,))
        return bool(deleted.rowcount)
