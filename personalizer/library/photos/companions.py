"""Files that belong to photos, in the library: videos of Live Photos and sidecars. Reads no file."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from personalizer.library.database import IN_FOLDER, Database, in_folder, path_from, path_value
from personalizer.library.photos.texts import TextKind, insert_texts

CompanionKind = Literal["live_video", "motion_video", "xmp", "aae", "takeout"]


@dataclass(frozen=True, slots=True)
class CompanionFile:
    """A file beside a photo; `gave_date` and `gave_place` say what the photo has from it."""

    path: Path
    photo_id: int
    kind: CompanionKind
    size: int
    mtime_ns: int
    gave_date: bool = False
    gave_place: bool = False


class CompanionRecords(Database):
    """The part of the library that knows files beside photos."""

    def present_files(self, folders: Iterable[str] | None = None) -> Iterator[tuple[str, int]]:
        """Path and photo of every photo's file that is there, or of those directly in some folders."""
        present = "SELECT path, photo_id FROM photo_files WHERE missing_since IS NULL"
        for where, values in _directly_in(folders):
            for row in self.connection.execute(f"{present} AND {where}", values):
                yield os.fsdecode(row["path"]), int(row["photo_id"])

    def companions_in(self, folders: Iterable[str] | None = None) -> Iterator[CompanionFile]:
        """All of them, or those directly in some folders."""
        for where, values in _directly_in(folders):
            for row in self.connection.execute(f"SELECT * FROM companion_files WHERE {where}", values):
                yield _companion(row)

    def companion_count(self) -> int:
        """How many there are."""
        return int(self.connection.execute("SELECT COUNT(*) FROM companion_files").fetchone()[0])

    def companion_files(self, photo_id: int | None = None) -> list[CompanionFile]:
        """All of them by path, or those of one photo."""
        rows = self.connection.execute(
            "SELECT * FROM companion_files WHERE ?1 IS NULL OR photo_id = ?1 ORDER BY path", (photo_id,)
        )
        return [_companion(row) for row in rows]

    def record_companion(
        self,
        companion: CompanionFile,
        *,
        taken_at: datetime | None = None,
        latitude: float | None = None,
        longitude: float | None = None,
        replace_date: bool = False,
        texts: Mapping[TextKind, str] | None = None,
    ) -> tuple[bool, bool]:
        """Store the file with its texts, and give its photo a date and a place where that has none, or has them from
        this file, or a date that is to be replaced.

        Returns whether date and place were given.
        """
        with self.transaction() as connection:
            date, place = self.fill_in(
                companion.photo_id,
                taken_at=taken_at,
                latitude=latitude,
                longitude=longitude,
                replace_date=replace_date or companion.gave_date,
                replace_place=companion.gave_place,
            )
            connection.execute(
                """INSERT OR REPLACE INTO companion_files(path, photo_id, kind, size, mtime_ns, gave_date, gave_place)
                   VALUES (?, ?, ?, ?, ?, ?, ?)""",
                (
                    path_value(companion.path),
                    companion.photo_id,
                    companion.kind,
                    companion.size,
                    companion.mtime_ns,
                    date or companion.gave_date,
                    place or companion.gave_place,
                ),
            )
            insert_texts(connection, companion.photo_id, texts or {}, beside=companion.path)
        return date, place

    def fill_in(
        self,
        photo_id: int,
        *,
        taken_at: datetime | None,
        latitude: float | None,
        longitude: float | None,
        replace_date: bool = False,
        replace_place: bool = False,
    ) -> tuple[bool, bool]:
        """Give a photo a date and a place where it has none, or where they are to be replaced; returns whether it got
        them.
        """
        date = place = False
        with self.transaction() as connection:
            if taken_at is not None:
                date = bool(
                    connection.execute(
                        "UPDATE photos SET taken_at = ? WHERE id = ? AND (taken_at IS NULL OR ?)",
                        (taken_at.isoformat(), photo_id, replace_date),
                    ).rowcount
                )
            if latitude is not None and longitude is not None:
                place = bool(
                    connection.execute(
                        "UPDATE photos SET latitude = ?, longitude = ? WHERE id = ? AND (latitude IS NULL OR ?)",
                        (latitude, longitude, photo_id, replace_place),
                    ).rowcount
                )
        return date, place

    def refresh_metadata(
        self,
        photo_id: int,
        *,
        taken_at: datetime | None,
        latitude: float | None,
        longitude: float | None,
        camera: str | None,
        own_date: bool,
        own_place: bool,
    ) -> None:
        """Store what is known of a photo after its file was read anew, and let the files beside it be read anew.

        With `own_date` and `own_place` these are from its own file, and no file beside it may correct them.
        """
        with self.transaction() as connection:
            connection.execute(
                "UPDATE photos SET taken_at = ?, latitude = ?, longitude = ?, camera = ? WHERE id = ?",
                (None if taken_at is None else taken_at.isoformat(), latitude, longitude, camera, photo_id),
            )
            # No file has this time of change, so each counts as changed.
            connection.execute(
                """UPDATE companion_files SET mtime_ns = -1, gave_date = gave_date AND NOT ?,
                     gave_place = gave_place AND NOT ? WHERE photo_id = ?""",
                (own_date, own_place, photo_id),
            )

    def remove_companions(self, paths: Iterable[Path]) -> None:
        """For files that are gone, with what was written in them; dates and places that they gave stay."""
        with self.transaction() as connection:
            gone = [(path_value(path),) for path in paths]
            connection.executemany("DELETE FROM companion_files WHERE path = ?", gone)
            connection.executemany("DELETE FROM photo_texts WHERE beside = ?", gone)


def _companion(row: sqlite3.Row) -> CompanionFile:
    return CompanionFile(
        path_from(row["path"]),
        row["photo_id"],
        row["kind"],
        row["size"],
        row["mtime_ns"],
        bool(row["gave_date"]),
        bool(row["gave_place"]),
    )


def _directly_in(folders: Iterable[str] | None) -> Iterator[tuple[str, dict[str, str | bytes | int]]]:
    """Conditions for paths, one after the other, each with its values."""
    if folders is None:
        yield "1", {}
        return
    for folder in folders:
        for values in in_folder(folder):
            yield IN_FOLDER, values
