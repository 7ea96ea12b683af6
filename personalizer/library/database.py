"""The SQLite file under the library: connections, transactions, permissions, settings. Knows no setting's meaning."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

from personalizer.errors import CorruptArtifactError, NotReadyError
from personalizer.library.schema.migrations import CURRENT_VERSION, migrate, refuse_newer
from personalizer.storage_errors import RESTORE

BUSY_TIMEOUT_S = 30.0


class Database:
    """One SQLite file in WAL mode; every thread gets a connection of its own on first use."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = Path(path)
        self.read_only = read_only
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._connections_lock = threading.Lock()
        if read_only and not self.path.is_file():
            raise NotReadyError(
                tried=f"reading the library {self.path}",
                found="there is none yet",
                fix="Add a folder first: familiar add FOLDER",
            )
        if not read_only:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._refuse_emptied()
            # Created here, not by SQLite, so that the file (and the -wal and -shm that copy its mode) is
            # private.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        try:
            connection = self.connection
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            if version != CURRENT_VERSION:
                if read_only:
                    self._refuse_other(version)
                migrate(connection, str(self.path))
        except sqlite3.DatabaseError as error:
            self.close()
            # A lock or a full disk is an OperationalError; only real damage is reported as damage.
            if isinstance(error, sqlite3.OperationalError):
                raise NotReadyError(
                    tried=f"opening the library {self.path}",
                    found=str(error),
                    fix="Check that the folder is writable, has free space and no other program holds it.",
                ) from error
            raise CorruptArtifactError(
                tried=f"opening the library {self.path}",
                found=str(error),
                fix=RESTORE,
            ) from error
        except BaseException:
            self.close()
            raise

    def _refuse_emptied(self) -> None:
        """An empty file is a new library to SQLite. Beside an index it is one that has lost everything."""
        index = self.path.parent / "chroma" / "chroma.sqlite3"
        if self.path.is_file() and self.path.stat().st_size == 0 and index.exists():
            raise CorruptArtifactError(
                tried=f"opening the library {self.path}", found="its file is empty", fix=RESTORE
            )

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Self:
        """Open the library at `path`, creating and migrating it unless `read_only`."""
        return cls(path, read_only=read_only)

    def _refuse_other(self, version: int) -> NoReturn:
        refuse_newer(version, str(self.path))
        raise NotReadyError(
            tried=f"reading the library {self.path}",
            found=f"it has schema {version} and needs {CURRENT_VERSION}",
            fix="Run any command that writes (familiar scan) once.",
        )

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection, in autocommit mode."""
        existing: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if existing is not None:
            return existing
        # as_uri quotes ?, # and % in folder names; check_same_thread is off only so that close() can close
        # all.
        uri = self.path.absolute().as_uri() + ("?mode=ro" if self.read_only else "?mode=rw")
        connection = sqlite3.connect(
            uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        with self._connections_lock:
            self._connections.append(connection)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        if not self.read_only:
            _use_write_ahead_log(connection)
            connection.execute("PRAGMA synchronous = NORMAL")
        self._local.connection = connection
        return connection

    def wait_at_most(self, seconds: float) -> None:
        """How long this thread waits from now on where another program holds the file, instead of `BUSY_TIMEOUT_S`."""
        self.connection.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")

    @contextmanager
    def waiting_at_most(self, seconds: float) -> Iterator[None]:
        """What is inside waits so long where another program holds the file; for what is not worth a longer wait."""
        self.wait_at_most(seconds)
        try:
            yield
        finally:
            self.wait_at_most(BUSY_TIMEOUT_S)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """What is inside is stored together or not at all. Inside another transaction it joins that one."""
        connection = self.connection
        if connection.in_transaction:
            yield connection
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            connection.rollback()
            raise

    def setting(self, key: str) -> str | None:
        """A stored setting, or None."""
        row = self.connection.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row["value"])

    def set_setting(self, key: str, value: str | None) -> None:
        """Store a setting; None removes it."""
        if value is None:
            self.connection.execute("DELETE FROM settings WHERE key = ?", (key,))
        else:
            self.connection.execute(
                """INSERT INTO settings(key, value) VALUES (?, ?)
                   ON CONFLICT(key) DO UPDATE SET value = excluded.value""",
                (key, value),
            )

    def close_connection_of_thread(self) -> None:
        """Close this thread's connection; for threads that end long before the library is closed."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is not None:
            with self._connections_lock:
                self._connections.remove(connection)
            connection.close()
            self._local.connection = None

    def close(self) -> None:
        """Close the connections of all threads; no thread may be using one."""
        with self._connections_lock:
            for connection in self._connections:
                connection.close()
            self._connections.clear()
            self._local = threading.local()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch to WAL, waiting for others as `BUSY_TIMEOUT_S` says.

    Turning a shared lock into an exclusive one could deadlock, so SQLite answers "locked" at once here instead of
    waiting: with several programs opening a new library together, all but one get that answer.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            # The low byte is the primary code; above it stands the reason (recovery, snapshot).
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def now_text() -> str:
    """The present as ISO 8601 in UTC, as every `…_at` column stores it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def path_value(path: Path | str) -> str | bytes:
    """A path as SQLite stores it: text, or the raw bytes where the file name is not valid UTF-8."""
    text = os.fspath(path)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return os.fsencode(text)
    return text


def ranges_below(folder: str) -> list[tuple[str | bytes, str | bytes, str | bytes]]:
    """What all paths below `folder` are between, and their separator, for each of the two ways of storing paths."""
    start, end = f"{folder.rstrip('/')}/", f"{folder.rstrip('/')}0"  # what comes after the slash
    as_bytes = (os.fsencode(start), os.fsencode(end), b"/")
    return [as_bytes] if isinstance(path_value(start), bytes) else [(start, end, "/"), as_bytes]


IN_FOLDER = "path > :start AND path < :end AND instr(substr(path, :behind), :slash) = 0"
"""Of a path directly in a folder, with each of `in_folder`'s values."""


def in_folder(folder: str) -> list[dict[str, str | bytes | int]]:
    """Values for `IN_FOLDER`, to be asked for one after the other."""
    return [
        {"start": start, "end": end, "slash": slash, "behind": len(start) + 1}
        for start, end, slash in ranges_below(folder)
    ]


def path_from(value: str | bytes) -> Path:
    """The inverse of `path_value`."""
    return Path(os.fsdecode(value))
