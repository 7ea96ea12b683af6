"""Temporary tables with the files that one scan saw. Opens no file.

In SQLite, because a library of half a million files would take gigabytes as Python objects.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from personalizer.library.database import (
    IN_FOLDER,
    Database,
    in_folder,
    now_text,
    path_from,
    path_value,
    ranges_below,
)
from personalizer.library.photos.texts import rebuild_words
from personalizer.schemas import SeenFile

_BATCH = 2000


@dataclass(frozen=True, slots=True)
class OpenWork:
    """A file that is not simply known, with what an earlier scan found where it could not be read."""

    id: int
    path: Path
    size: int
    mtime_ns: int
    failed: bool
    failed_as_it_is: bool
    """Whether it has not changed since it failed."""
    reason: str | None
    attempts: int
    retry: bool


class ScanTable:
    """The files of one walk. For one thread, whose connection holds the tables."""

    def __init__(self, database: Database) -> None:
        self._connection: sqlite3.Connection = database.connection
        self._database = database
        self._batch: list[tuple[object, ...]] = []
        self._place_values: dict[str, str | bytes] = {}

    def __enter__(self) -> Self:
        self._drop()
        self._connection.execute(
            """CREATE TEMP TABLE scan_seen (
                id INTEGER PRIMARY KEY, path NOT NULL UNIQUE, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
                device TEXT NOT NULL, inode TEXT NOT NULL, place TEXT NOT NULL, ctime_ns INTEGER)"""
        )
        self._connection.execute(
            "CREATE TEMP TABLE scan_gone (path PRIMARY KEY NOT NULL, place TEXT NOT NULL)"
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop()

    def _drop(self) -> None:
        for table in ("scan_seen", "scan_gone"):
            self._connection.execute(f"DROP TABLE IF EXISTS temp.{table}")

    # --- the walk

    def add(self, file: SeenFile) -> None:
        """Note a file; `finish` after the last one."""
        # Numbers of devices and files may be larger than SQLite's integers.
        self._batch.append(
            (
                path_value(file.text),
                file.size,
                file.mtime_ns,
                str(file.device),
                str(file.inode),
                self._place_value(file.place),
                file.ctime_ns,
            )
        )
        if len(self._batch) >= _BATCH:
            self.finish()

    def _place_value(self, place: str) -> str | bytes:
        if place not in self._place_values:
            self._place_values[place] = path_value(place)
        return self._place_values[place]

    def finish(self) -> None:
        """Store what was added."""
        # One transaction for a batch, which locks nothing of the library's.
        self._connection.execute("BEGIN")
        self._connection.executemany(
            """INSERT OR IGNORE INTO scan_seen(path, size, mtime_ns, device, inode, place, ctime_ns)
               VALUES (?, ?, ?, ?, ?, ?, ?)""",
            self._batch,
        )
        self._connection.execute("COMMIT")
        self._batch.clear()

    def count(self) -> int:
        """How many files were seen."""
        return int(self._connection.execute("SELECT COUNT(*) FROM scan_seen").fetchone()[0])

    def discard(self, path: Path) -> None:
        """Note that a file went away after it was seen."""
        self._connection.execute("DELETE FROM scan_seen WHERE path = ?", (path_value(path),))

    def is_known(self, path: str) -> bool:
        """Whether the library has the file, be it as a photo or as one that could not be read."""
        value = path_value(path)
        row = self._connection.execute(
            """SELECT EXISTS (SELECT 1 FROM photo_files WHERE path = ?1)
                   OR EXISTS (SELECT 1 FROM failures WHERE path = ?1)""",
            (value,),
        ).fetchone()
        return bool(row[0])

    # --- what there is to do

    def come_back(self) -> int:
        """Take the missing mark from files that are as they were; returns of how many."""
        return self._connection.execute(
            """UPDATE photo_files SET missing_since = NULL WHERE missing_since IS NOT NULL AND EXISTS (
                 SELECT 1 FROM scan_seen WHERE scan_seen.path = photo_files.path
                   AND scan_seen.size = photo_files.size AND scan_seen.mtime_ns = photo_files.mtime_ns)
               AND NOT EXISTS (SELECT 1 FROM failures WHERE failures.path = photo_files.path)"""
        ).rowcount

    def distrust(self, place: str) -> None:
        """Forget numbers and change times of the files in a place, which is another file system than before."""
        self._connection.execute(
            """UPDATE photo_files SET inode = NULL, ctime_ns = NULL WHERE ctime_ns IS NOT NULL
               AND path IN (SELECT path FROM scan_seen WHERE place = ?)""",
            (path_value(place),),
        )

    def take_over(self) -> None:
        """Remember number and change time of files that are as they were, where none are known."""
        self._connection.execute(
            """UPDATE photo_files SET inode = seen.inode, ctime_ns = seen.ctime_ns FROM scan_seen AS seen
               WHERE seen.path = photo_files.path AND photo_files.ctime_ns IS NULL AND seen.ctime_ns IS NOT NULL
                 AND seen.size = photo_files.size AND seen.mtime_ns = photo_files.mtime_ns"""
        )

    def open_work(self) -> Iterator[OpenWork]:
        """Files that are new or changed, or failed before: the newest first, those last that may end the program."""
        rows = self._connection.execute(
            """SELECT seen.id, seen.path, seen.size, seen.mtime_ns, failures.path IS NOT NULL AS failed,
                 failures.size IS seen.size AND failures.mtime_ns IS seen.mtime_ns AS as_it_is,
                 failures.reason, COALESCE(failures.attempts, 0) AS attempts, COALESCE(failures.retry, 0) AS retry
               FROM scan_seen AS seen
               LEFT JOIN photo_files ON photo_files.path = seen.path
               LEFT JOIN failures ON failures.path = seen.path
               WHERE photo_files.path IS NULL OR photo_files.size != seen.size
                 OR photo_files.mtime_ns != seen.mtime_ns OR failures.path IS NOT NULL
                 OR photo_files.ctime_ns != seen.ctime_ns
                 OR (photo_files.inode != seen.inode AND photo_files.ctime_ns IS NOT NULL AND seen.ctime_ns IS NOT NULL)
               ORDER BY retry, seen.mtime_ns DESC, seen.path"""
        )
        for row in rows:
            yield OpenWork(
                row["id"],
                path_from(row["path"]),
                row["size"],
                row["mtime_ns"],
                bool(row["failed"]),
                bool(row["as_it_is"]),
                row["reason"],
                row["attempts"],
                bool(row["retry"]),
            )

    def file(self, number: int) -> SeenFile:
        """The file with this id as the walk saw it."""
        row = self._connection.execute("SELECT * FROM scan_seen WHERE id = ?", (number,)).fetchone()
        return SeenFile(
            os.fsdecode(row["path"]),
            row["size"],
            row["mtime_ns"],
            int(row["device"]),
            int(row["inode"]),
            str(path_from(row["place"])),
            row["ctime_ns"],
        )

    def photo_at(self, path: Path) -> int | None:
        """The photo that the library knows at `path`."""
        row = self._connection.execute(
            "SELECT photo_id FROM photo_files WHERE path = ?", (path_value(path),)
        ).fetchone()
        return None if row is None else int(row["photo_id"])

    def unseen_places_of(self, photo_id: int) -> list[Path]:
        """Where the library knows this photo and the walk did not see a file."""
        rows = self._connection.execute(
            """SELECT path FROM photo_files WHERE photo_id = ?
               AND NOT EXISTS (SELECT 1 FROM scan_seen WHERE scan_seen.path = photo_files.path)
               ORDER BY missing_since IS NOT NULL, rowid""",
            (photo_id,),
        )
        return [path_from(row["path"]) for row in rows]

    # --- of one folder

    def misses(self, folder: str) -> bool:
        """Whether the library knows a file in this very folder, not counting missing ones, that was not seen."""
        unseen = "NOT EXISTS (SELECT 1 FROM scan_seen WHERE scan_seen.path = known.path)"
        return any(
            self._connection.execute(
                f"""SELECT EXISTS (SELECT 1 FROM photo_files AS known
                      WHERE {IN_FOLDER} AND missing_since IS NULL AND {unseen})
                    OR EXISTS (SELECT 1 FROM failures AS known WHERE {IN_FOLDER} AND {unseen})""",
                values,
            ).fetchone()[0]
            for values in in_folder(folder)
        )

    def has_below(self, folder: str) -> bool:
        """Whether the library knows any file below the folder, be it a missing one."""
        return any(
            self._connection.execute(
                """SELECT EXISTS (SELECT 1 FROM photo_files WHERE path > ?1 AND path < ?2)
                   OR EXISTS (SELECT 1 FROM failures WHERE path > ?1 AND path < ?2)""",
                (start, end),
            ).fetchone()[0]
            for start, end, _ in ranges_below(folder)
        )

    # --- what is gone

    def known_by_place(self) -> dict[str, int]:
        """How many of the library's files, not counting missing ones, were seen in each place."""
        rows = self._connection.execute(
            """SELECT place, COUNT(*) AS number FROM scan_seen JOIN photo_files USING (path)
               WHERE missing_since IS NULL GROUP BY place"""
        )
        return {str(path_from(row["place"])): int(row["number"]) for row in rows}

    def has_known(self, place: str) -> bool:
        """Whether any of the library's files, not counting missing ones, was seen in the place."""
        row = self._connection.execute(
            """SELECT EXISTS (SELECT 1 FROM scan_seen CROSS JOIN photo_files USING (path)
               WHERE place = ? AND missing_since IS NULL)""",
            (path_value(place),),
        ).fetchone()
        return bool(row[0])

    def unseen(self) -> Iterator[Path]:
        """Files of the library, not counting missing ones, that the walk did not see."""
        rows = self._connection.execute(
            """SELECT path FROM photo_files WHERE missing_since IS NULL
               AND NOT EXISTS (SELECT 1 FROM scan_seen WHERE scan_seen.path = photo_files.path)"""
        )
        return (path_from(row["path"]) for row in rows)

    def note_gone(self, files: Iterable[tuple[Path, str]]) -> None:
        """Note files, each with its place, as candidates for missing ones."""
        self._connection.execute("BEGIN")
        self._connection.executemany(
            "INSERT OR IGNORE INTO scan_gone(path, place) VALUES (?, ?)",
            ((path_value(path), path_value(place)) for path, place in files),
        )
        self._connection.execute("COMMIT")

    def gone_by_place(self) -> dict[str, int]:
        """How many candidates there are in each place, without those that were found elsewhere since."""
        rows = self._connection.execute(
            """SELECT place, COUNT(*) AS number FROM scan_gone JOIN photo_files USING (path)
               WHERE missing_since IS NULL GROUP BY place"""
        )
        return {str(path_from(row["place"])): int(row["number"]) for row in rows}

    def mark_missing(self, places: Iterable[str]) -> int:
        """Mark the candidates of these places missing; returns how many. Their photos and vectors stay."""
        at, marked = now_text(), 0
        with self._database.transaction() as connection:
            for place in places:
                marked += connection.execute(
                    """UPDATE photo_files SET missing_since = ? WHERE missing_since IS NULL
                       AND path IN (SELECT path FROM scan_gone WHERE place = ?)""",
                    (at, path_value(place)),
                ).rowcount
        return marked

    def drop_looks(self, place: str) -> None:
        """Drop words, colors and cut-outs of the candidates of a place that no other file shows.

        They are looked at again when they come back; names, and what people said about them, stay.
        """
        # Asked of the candidates alone: most scans have none, and a library may have half a million files.
        hidden = """SELECT photo_id FROM photo_files AS gone
            WHERE path IN (SELECT path FROM scan_gone WHERE place = :place) AND NOT EXISTS (
                SELECT 1 FROM photo_files WHERE photo_id = gone.photo_id AND missing_since IS NULL)"""
        with self._database.transaction() as connection:
            for statement in (
                f"DELETE FROM photo_labels WHERE photo_id IN ({hidden})",
                f"INSERT OR IGNORE INTO unread_texts {hidden}",
                f"DELETE FROM read_lettering WHERE photo_id IN ({hidden})",
                f"UPDATE detections SET colors = NULL WHERE colors IS NOT NULL AND photo_id IN ({hidden})",
                f"""UPDATE vectors SET cutout = NULL WHERE cutout IS NOT NULL AND detection_id IN
                    (SELECT id FROM detections WHERE photo_id IN ({hidden}))""",
                f"UPDATE photos SET analysed_by = '' WHERE id IN ({hidden})",
            ):
                connection.execute(statement, {"place": path_value(place)})
            texts = f"DELETE FROM photo_texts WHERE photo_id IN ({hidden})"
            if connection.execute(texts, {"place": path_value(place)}).rowcount:
                rebuild_words(connection)

    def unseen_failures(self) -> Iterator[Path]:
        """Files that could not be read and were not seen now."""
        rows = self._connection.execute(
            """SELECT path FROM failures
               WHERE NOT EXISTS (SELECT 1 FROM scan_seen WHERE scan_seen.path = failures.path)"""
        )
        return (path_from(row["path"]) for row in rows)
