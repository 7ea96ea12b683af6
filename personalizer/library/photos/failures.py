"""Records files that could not be read, and attempts to read them. Opens no file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from personalizer.errors import NotFoundError
from personalizer.library.database import Database, now_text, path_from, path_value

MAX_ATTEMPTS = 3
DEATHS_FORGIVEN = 10


@dataclass(frozen=True, slots=True)
class FailureRecord:
    """A file that could not be read; `reason` is None while an attempt is under way (or crashed unseen)."""

    path: Path
    size: int
    mtime_ns: int
    reason: str | None
    attempts: int
    retry: bool


@dataclass(frozen=True, slots=True)
class UnreadableFile:
    """A file that could not be read, as people are told of it."""

    number: int
    path: Path
    reason: str
    attempts: int
    left_alone: bool
    """Until it changes, or somebody asks for it to be tried again. The next scan tries the others."""


class FailureRecords(Database):
    """The part of the library that says which files were given up."""

    def begin_attempt(self, path: Path, size: int, mtime_ns: int) -> int:
        """Count an attempt to read this file before it is made; returns its number, from 1.

        A file whose size or time changed starts again at 1. The row goes away when the photo is recorded, so
        a row without a reason that is found later means that the attempt took the whole program down, not only
        the process that reads photos. That is hardly ever the file's doing (the machine was switched off), so
        the first `DEATHS_FORGIVEN` of these are not counted.
        """
        with self.transaction() as connection:
            row = connection.execute(
                """INSERT INTO failures(path, size, mtime_ns, reason, attempts, retry, failed_at)
                   VALUES (?1, ?2, ?3, NULL, 1, 1, ?4)
                   ON CONFLICT(path) DO UPDATE SET
                     attempts = CASE WHEN size != excluded.size OR mtime_ns != excluded.mtime_ns THEN 1
                                WHEN reason IS NULL AND deaths < ?5 THEN MAX(attempts, 1)
                                ELSE attempts + 1 END,
                     deaths = CASE WHEN size != excluded.size OR mtime_ns != excluded.mtime_ns THEN 0
                              WHEN reason IS NULL THEN deaths + 1 ELSE deaths END,
                     size = excluded.size, mtime_ns = excluded.mtime_ns, reason = NULL, retry = 1,
                     failed_at = excluded.failed_at
                   RETURNING attempts""",
                (path_value(path), size, mtime_ns, now_text(), DEATHS_FORGIVEN),
            ).fetchone()
            return int(row["attempts"])

    def record_failure(
        self, path: Path, size: int, mtime_ns: int, reason: str, *, retry: bool = False
    ) -> None:
        """Store why a file could not be read. It is left alone until it changes, unless `retry`."""
        self.connection.execute(
            """INSERT INTO failures(path, size, mtime_ns, reason, attempts, retry, failed_at)
               VALUES (?, ?, ?, ?, 1, ?, ?)
               ON CONFLICT(path) DO UPDATE SET size = excluded.size, mtime_ns = excluded.mtime_ns,
               reason = excluded.reason, retry = excluded.retry, failed_at = excluded.failed_at""",
            (path_value(path), size, mtime_ns, reason, int(retry), now_text()),
        )

    def clear_failures(self, paths: Iterable[Path]) -> None:
        """Forget the failures of files that are gone."""
        with self.transaction() as connection:
            connection.executemany(
                "DELETE FROM failures WHERE path = ?", [(path_value(path),) for path in paths]
            )

    def failures(self) -> list[FailureRecord]:
        """All files that could not be read, by path; `reason` is None for an attempt under way."""
        rows = self.connection.execute(
            "SELECT path, size, mtime_ns, reason, attempts, retry FROM failures ORDER BY path"
        )
        return [
            FailureRecord(
                path_from(row["path"]),
                row["size"],
                row["mtime_ns"],
                row["reason"],
                row["attempts"],
                bool(row["retry"]),
            )
            for row in rows
        ]

    def unreadable_files(self) -> list[UnreadableFile]:
        """All files that could not be read, by number; an attempt that is under way is not among them."""
        rows = self.connection.execute(
            """SELECT number, path, reason, attempts, retry FROM failures
               WHERE reason IS NOT NULL OR attempts >= ? ORDER BY number""",
            (MAX_ATTEMPTS,),
        )
        return [
            UnreadableFile(
                row["number"],
                path_from(row["path"]),
                row["reason"] or f"reading it ended the program {row['attempts']} times",
                row["attempts"],
                not row["retry"] or row["attempts"] >= MAX_ATTEMPTS,
            )
            for row in rows
        ]

    def retry_unreadable(self, which: int | Path | None) -> int:
        """Let the next scan try a file again, by its number or path, with all its attempts; None means all of them.

        Returns how many files that are. Raises NotFoundError where there is no such file.
        """
        column = "number" if isinstance(which, int) else "path"
        value = path_value(which) if isinstance(which, Path) else which
        changed = self.connection.execute(
            f"UPDATE failures SET attempts = 0, deaths = 0, retry = 1 WHERE ?1 IS NULL OR {column} = ?1",
            (value,),
        ).rowcount
        if which is not None and not changed:
            raise NotFoundError(
                tried=f"trying {f'photo {which}' if isinstance(which, int) else which} again",
                found="no such file is among those that could not be read",
                fix="List them with: familiar jobs",
            )
        return changed
