"""Classifies errors of jobs and decides when a failed job is retried. Knows no queue and no kind of job."""

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
    """The number of retries after transient failures, and the delays between them."""

    max_failed_attempts: int = 3
    first_delay_s: float = 10.0
    growth: float = 6.0
    max_delay_s: float = 3600.0

    def __post_init__(self) -> None:
        if self.max_failed_attempts < 1:
            raise ValueError(
                f"RetryPolicy.max_failed_attempts must be at least 1, not {self.max_failed_attempts}"
            )
        if self.first_delay_s < 0 or self.growth < 1:
            raise ValueError(
                f"RetryPolicy.first_delay_s {self.first_delay_s} must not be negative, "
                f"nor growth {self.growth} below 1"
            )

    def delay_s(self, failed_attempts: int) -> float:
        """The delay after this number of failed attempts, which is at least 1."""
        return min(self.first_delay_s * self.growth ** (failed_attempts - 1), self.max_delay_s)


def error_class(error: BaseException) -> ErrorClass:
    """Classify an error: `transient` errors may go away by themselves, `input` errors need other input, `environment`
    errors need an action of the user, and `bug` is a bug of Familiar.
    """
    if isinstance(error, FamiliarError) and error.__cause__ is not None and is_transient(error.__cause__):
        return "transient"
    if is_transient(error) or isinstance(error, LibraryLockedError):
        return "transient"
    if isinstance(error, UsageError | NotFoundError | UnreadablePhotoError):
        return "input"
    if isinstance(error, NotReadyError | StorageError | ImportError) or storage_error(error) is not None:
        return "environment"
    # All other errors of our own (a damaged file, a missing index) are about this machine.
    return "environment" if isinstance(error, FamiliarError) else "bug"


def is_transient(error: BaseException) -> bool:
    """Whether a later attempt may succeed without any action."""
    if isinstance(error, MemoryError | TimeoutError | ConnectionError):
        return True
    if isinstance(error, sqlite3.Error):
        return is_locked(error)
    return isinstance(error, OSError) and error.errno in _PASSING
