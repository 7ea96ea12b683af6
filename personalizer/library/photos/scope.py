"""Stores what Familiar may analyze: registered folders, exclusions, and whether face detection is on.

Also stores frozen places, so that a missing drive does not look like a deletion; the scan decides which.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from personalizer.library.database import Database, now_text, path_from, path_value
from personalizer.schemas import Embedding, NewDetection

Found = tuple[NewDetection, Embedding]
KindAndBox = tuple[str, float, float, float, float]
"""Of a detection: what it is of, and left, top, right and bottom."""

FACES_OFF = "faces.off"
"""The setting that says since when no faces are looked for."""
FACES_CONSENT = "faces.consent"


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


class ScopeRecords(Database):
    """The part of the library that every scan asks first."""

    # --- folders

    def add_root(self, path: Path) -> Path:
        """Register a folder; returns it resolved. Adding it again changes nothing."""
        resolved = Path(path).expanduser().resolve()
        self.connection.execute(
            "INSERT INTO roots(path, added_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
            (path_value(resolved), now_text()),
        )
        return resolved

    def roots(self) -> list[Path]:
        """The registered folders, in the order they were added."""
        rows = self.connection.execute("SELECT path FROM roots ORDER BY rowid")
        return [path_from(row["path"]) for row in rows]

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

    def forget_places(self) -> None:
        """Remember nothing of any place: this is another machine."""
        self.connection.execute("DELETE FROM places")

    def frozen_roots(self) -> dict[Path, str]:
        """Places of which photos are gone without anything being concluded from it, and why."""
        return {path: place.frozen for path, place in self.places().items() if place.frozen is not None}

    def exclusions(self) -> list[str]:
        """The patterns of what is left out, in the order they were added."""
        rows = self.connection.execute("SELECT pattern FROM exclusions ORDER BY rowid")
        return [os.fsdecode(row["pattern"]) for row in rows]

    def add_exclusion(self, pattern: str) -> bool:
        """Leave out what matches from the next scan on; False when it was so already."""
        return bool(
            self.connection.execute(
                "INSERT INTO exclusions(pattern, added_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (path_value(pattern), now_text()),
            ).rowcount
        )

    def remove_exclusion(self, pattern: str) -> bool:
        """Take a pattern back; False when there was none."""
        deleted = self.connection.execute("DELETE FROM exclusions WHERE pattern = ?", (path_value(pattern),))
        return bool(deleted.rowcount)

    # --- faces

    def faces_are_on(self) -> bool:
        """Whether faces may be looked for."""
        return self.setting(FACES_OFF) is None

    def switch_faces(self, on: bool) -> None:
        """Look for faces from now on, or no longer. A person said so, which answers the question of consent."""
        with self.transaction():
            self.set_setting(FACES_OFF, None if on else now_text())
            self.set_setting(FACES_CONSENT, f"{'yes' if on else 'no'} {now_text()}")

    def was_asked_about_faces(self) -> bool:
        """Whether a person has decided about faces."""
        return self.setting(FACES_CONSENT) is not None

    def still_wanted(self, found: Sequence[Found], *, faces: bool) -> tuple[list[Found], bool]:
        """What was found in a photo, without its faces where they were switched off since it was looked at; and whether
        faces count as looked for. `faces` says whether they were. To be asked in the transaction that stores it.
        """
        faces = faces and self.faces_are_on()
        return [(new, vector) for new, vector in found if faces or new.kind != "face"], faces

    def note_faceless(self, photo_id: int) -> None:
        """Remember that no face was looked for in this photo."""
        self.connection.execute(
            "INSERT INTO faceless_photos(photo_id) VALUES (?) ON CONFLICT DO NOTHING", (photo_id,)
        )

    def faceless_photos(self) -> list[int]:
        """Photos in which faces are still to be looked for, newest first; none that showed somebody forgotten."""
        rows = self.connection.execute(
            """SELECT photo_id FROM faceless_photos JOIN photos ON photos.id = photo_id WHERE forgotten = 0
               ORDER BY taken_at DESC NULLS LAST, photo_id DESC"""
        )
        return [int(row["photo_id"]) for row in rows]

    def note_faces_looked_for(self, photo_id: int) -> None:
        """Undo `note_faceless`."""
        self.connection.execute("DELETE FROM faceless_photos WHERE photo_id = ?", (photo_id,))

    # --- photos that had to forget

    def mark_forgotten(self, photo_ids: Iterable[int]) -> None:
        """Note that nothing may be looked for in these photos on its own any more."""
        with self.transaction() as connection:
            chosen = [(photo_id,) for photo_id in photo_ids]
            connection.executemany("UPDATE photos SET forgotten = 1 WHERE id = ?", chosen)
            # The coarse picture as well: what they showed is not kept in any form.
            connection.executemany("DELETE FROM fingerprints WHERE photo_id = ?", chosen)
            connection.executemany("DELETE FROM photo_labels WHERE photo_id = ?", chosen)
            connection.executemany("DELETE FROM photo_texts WHERE photo_id = ?", chosen)
            connection.executemany("DELETE FROM unread_texts WHERE photo_id = ?", chosen)
            connection.executemany("DELETE FROM read_lettering WHERE photo_id = ?", chosen)

    def forgotten_photos(self) -> set[int]:
        """The photos of `mark_forgotten`."""
        return {row["id"] for row in self.connection.execute("SELECT id FROM photos WHERE forgotten = 1")}

    def left_in_forgotten_photos(self) -> dict[str, frozenset[KindAndBox]]:
        """By content of the photos of `mark_forgotten`: what is still known to be in them."""
        rows = self.connection.execute(
            """SELECT content_hash, kind, box_left, box_top, box_right, box_bottom
               FROM photos LEFT JOIN detections ON detections.photo_id = photos.id WHERE forgotten = 1"""
        )
        left: dict[str, set[KindAndBox]] = {}
        for row in rows:
            known = left.setdefault(row["content_hash"], set())
            if row["kind"] is not None:
                known.add(tuple(row)[1:])
        return {content: frozenset(known) for content, known in left.items()}
