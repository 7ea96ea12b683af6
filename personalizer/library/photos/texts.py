"""Texts about photos, and the names of the places where they were taken, as they are stored. Reads no file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from personalizer.library.database import Database, path_value

TextKind = Literal["title", "description", "keywords", "lettering"]
"""`lettering` is what was read in the picture itself."""


_UNREAD = """forgotten = 0 AND NOT EXISTS (SELECT 1 FROM read_lettering WHERE photo_id = photos.id)
    AND EXISTS (SELECT 1 FROM photo_files WHERE photo_id = photos.id AND missing_since IS NULL)"""


@dataclass(frozen=True, slots=True)
class PlaceNames:
    """What the place of a photo is called; None where the table of places says nothing."""

    name: str | None
    region: str | None
    country: str | None
    words: str | None
    """Such as "near Lisbon, Portugal"."""


class TextRecords(Database):
    """The part of the library that stores what search reads."""

    def texts(self, photo_id: int) -> list[tuple[TextKind, str]]:
        """All that is written about a photo, in the order of storing."""
        rows = self.connection.execute(
            "SELECT kind, text FROM photo_texts WHERE photo_id = ? ORDER BY id", (photo_id,)
        )
        return [(row["kind"], row["text"]) for row in rows]

    def replace_texts(
        self, photo_id: int, texts: Mapping[TextKind, str], *, beside: Path | None = None
    ) -> None:
        """Store what a photo's own file says, or a file beside it, in place of what that said before.

        Lettering, which is in no file, stays. A photo that showed what was forgotten gets none.
        """
        with self.transaction() as connection:
            insert_texts(connection, photo_id, texts, beside=beside)

    def store_lettering(self, photo_id: int, text: str) -> None:
        """Store what was read in the picture, in place of what was read before; empty where nothing is to be read."""
        with self.transaction() as connection:
            connection.execute(
                "DELETE FROM photo_texts WHERE photo_id = ? AND kind = 'lettering'", (photo_id,)
            )
            connection.execute("INSERT OR IGNORE INTO read_lettering(photo_id) VALUES (?)", (photo_id,))
            if text.strip():
                connection.execute(
                    """INSERT INTO photo_texts(photo_id, kind, text)
                       SELECT id, 'lettering', ?2 FROM photos WHERE id = ?1 AND forgotten = 0""",
                    (photo_id, text),
                )

    def photos_without_lettering(self, limit: int | None = None) -> list[int]:
        """Photos that are there and were not read yet, the newest first; none that showed what was forgotten."""
        rows = self.connection.execute(
            f"SELECT id FROM photos WHERE {_UNREAD} ORDER BY taken_at DESC NULLS LAST, id DESC LIMIT ?",
            (-1 if limit is None else limit,),
        )
        return [int(row["id"]) for row in rows]

    def count_without_lettering(self) -> int:
        """How many `photos_without_lettering` names."""
        return int(self.connection.execute(f"SELECT COUNT(*) FROM photos WHERE {_UNREAD}").fetchone()[0])

    def unread_texts(self, limit: int) -> list[int]:
        """Photos whose own file was not read for texts yet and is there, the newest first."""
        rows = self.connection.execute(
            """SELECT photo_id FROM unread_texts JOIN photos ON photos.id = photo_id
               WHERE EXISTS (SELECT 1 FROM photo_files WHERE photo_id = photos.id AND missing_since IS NULL)
               ORDER BY taken_at DESC, photo_id DESC LIMIT ?""",
            (limit,),
        )
        return [int(row["photo_id"]) for row in rows]

    def note_texts_read(self, photo_ids: Iterable[int]) -> None:
        """Undo what makes `unread_texts` name them."""
        with self.transaction() as connection:
            connection.executemany(
                "DELETE FROM unread_texts WHERE photo_id = ?", [(photo_id,) for photo_id in photo_ids]
            )

    def photos_without_place_names(self) -> list[tuple[int, float, float]]:
        """Photos with coordinates for which no names were stored: id, latitude and longitude in degrees."""
        rows = self.connection.execute(
            """SELECT id, latitude, longitude FROM photos WHERE latitude IS NOT NULL AND longitude IS NOT NULL
               AND NOT EXISTS (SELECT 1 FROM photo_places WHERE photo_id = photos.id)"""
        )
        return [tuple(row) for row in rows]

    def store_place_names(self, names: Mapping[int, PlaceNames]) -> None:
        """Store what the places of these photos are called."""
        with self.transaction() as connection:
            connection.executemany(
                """INSERT OR REPLACE INTO photo_places(photo_id, name, region, country, words)
                   VALUES (?, ?, ?, ?, ?)""",
                [
                    (photo_id, place.name, place.region, place.country, place.words)
                    for photo_id, place in names.items()
                ],
            )

    def place_words(self, photo_id: int) -> str | None:
        """Such as "near Lisbon, Portugal"; None where that is not known."""
        row = self.connection.execute(
            "SELECT words FROM photo_places WHERE photo_id = ?", (photo_id,)
        ).fetchone()
        return None if row is None else row["words"]

    def delete_texts_with(self, mentions: Callable[[str], bool]) -> int:
        """Remove every text for which `mentions` is true; returns how many."""
        rows = self.connection.execute("SELECT id, text FROM photo_texts").fetchall()
        ids = [int(row["id"]) for row in rows if mentions(row["text"])]
        with self.transaction() as connection:
            connection.execute(
                "DELETE FROM photo_texts WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(ids),)
            )
        return len(ids)


def insert_texts(
    connection: sqlite3.Connection,
    photo_id: int,
    texts: Mapping[TextKind, str],
    *,
    beside: Path | None = None,
) -> None:
    """As `TextRecords.replace_texts`, inside a transaction."""
    where = None if beside is None else path_value(beside)
    connection.execute(
        "DELETE FROM photo_texts WHERE photo_id = ? AND beside IS ? AND kind != 'lettering'",
        (photo_id, where),
    )
    connection.executemany(
        """INSERT INTO photo_texts(photo_id, kind, text, beside)
           SELECT id, ?2, ?3, ?4 FROM photos WHERE id = ?1 AND forgotten = 0""",
        [(photo_id, kind, text, where) for kind, text in texts.items() if text.strip()],
    )


def rebuild_words(connection: sqlite3.Connection) -> None:
    """Write the index of words anew, without what its segments keep of deleted texts."""
    connection.execute("INSERT INTO photo_words(photo_words) VALUES ('rebuild')")
