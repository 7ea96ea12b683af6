"""Sorts what goes wrong in a job: whether waiting helps, and for how long. Knows no queue and no kind of job."""

from __future__ import annotations

import errno
import sqlite3
from dataclasses import dataclass

from personalizer.errors import (
    FamiliarError,
    LibraryLockedError,
    NotFoundError,
    NotReadyError,
    StorageError,
    UnreadablePhotoError,
    UsageError,
)
from personalizer.schemas import ErrorClass
from personalizer.storage_errors import is_locked, storage_error

_PASSING = frozenset(
    {errno.EAGAIN, errno.EINTR, errno.EBUSY, errno.ETIMEDOUT, errno.ESTALE, errno.ENOMEM, errno.ENFILE}
    | {errno.EMFILE, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ECONNRESET}
)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and after what pauses work is tried again that failed for a passing reason."""

    max_strikes: int = 3
    first_delay_s: float = 10.0
    growth: float = 6.0
    max_delay_s: float = 3600.0

    def __post_init__(self) -> None:
        if self.max_strikes < 1:
            raise ValueError(f"RetryPolicy.max_strikes must be at least 1, not {self.max_strikes}")
        if self.first_delay_s < 0 or self.growth < 1:
            raise ValueError(
                f"RetryPolicy.first_delay_s {self.first_delay_s} must not be negative, "
                f"nor growth {self.growth} below 1"
            )

    def delay_s(self, strikes: int) -> float:
        """The pause after so many failed attempts, from 1."""
        return min(self.first_delay_s * self.growth ** (strikes - 1), self.max_delay_s)


def error_class(error: BaseException) -> ErrorClass:
    """`transient`: the same may well work later. `input`: it never will with this input. `environment`: somebody has
    to do something first. `bug`: it is ours.
    """
    if isinstance(error, FamiliarError) and error.__cause__ is not None and is_passing(error.__cause__):
        return "transient"
    if is_passing(error) or isinstance(error, LibraryLockedError):
        return "transient"
    if isinstance(error, UsageError | NotFoundError | UnreadablePhotoError):
        return "input"
    if isinstance(error, NotReadyError | StorageError | ImportError) or storage_error(error) is not None:
        return "environment"
    # Whatever else is said in the words of ours (a damaged file, an index that is none) is about this machine.
    return "environment" if isinstance(error, FamiliarError) else "bug"


def is_passing(error: BaseException) -> bool:
    """Whether the same attempt may well succeed later without anybody doing anything."""
    if isinstance(error, MemoryError | TimeoutError | ConnectionError):
        return True
    if isinstance(error, sqlite3.Error):
        return is_locked(error)
    return isinstance(error, OSError) and error.errno in _PASSING
