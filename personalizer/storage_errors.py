"""Maps disk and SQLite failures (full, read-only, I/O error) to StorageError."""

from __future__ import annotations

import errno
import sqlite3

from personalizer.errors import LibraryLockedError, StorageError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
# The low byte of SQLite's code is the primary one; above it stands the reason.
_SQLITE_PRIMARY = 0xFF
_SQLITE_REFUSED = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM})
_SQLITE_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_SQLITE_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

_KEPT = "what was saved before is as it was."
RESTORE = (
    "Restore a backup (familiar restore FILE), or move the file away and add your folders again: the photos are "
    "untouched, names and what was confirmed would be lost."
)
"""What to do about a library whose file is damaged."""


def is_locked(error: BaseException) -> bool:
    """Whether SQLite says that another program, or thread, holds the library."""
    # Errors that Python's own module raises have no code.
    code = getattr(error, "sqlite_errorcode", 0) & _SQLITE_PRIMARY
    return isinstance(error, sqlite3.Error) and code in _SQLITE_LOCKED


def storage_error(error: BaseException) -> StorageError | None:
    """`error` in words for people, or None when it is not about the disk."""
    if isinstance(error, OSError):
        full, refused, broken = error.errno in _FULL, error.errno in _REFUSED, error.errno == errno.EIO
        where = f": {error.filename}" if error.filename is not None else ""
        found = f"{error.strerror}{where}"
    elif isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", 0) & _SQLITE_PRIMARY
        if code in _SQLITE_LOCKED:
            return LibraryLockedError(
                tried="using the library",
                found=f"another program holds it ({error})",
                fix=f"Close that program and try again; {_KEPT}",
            )
        if code in _SQLITE_DAMAGED:
            return StorageError(
                tried="using the library",
                found=f"its file is damaged ({error})",
                fix=RESTORE,
            )
        full, refused = code == sqlite3.SQLITE_FULL, code in _SQLITE_REFUSED
        broken = code == sqlite3.SQLITE_IOERR
        found = f"{error} (the library)"
    else:
        return None
    if full:
        fix = f"Free some space on the disk and try again; {_KEPT}"
    elif refused:
        fix = f"Allow yourself to read and write there and try again; {_KEPT}"
    elif broken:
        fix = f"Check the disk and its free space and try again; {_KEPT}"
    else:
        return None
    return StorageError(tried="using the disk", found=found, fix=fix)
