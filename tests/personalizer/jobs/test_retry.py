"""What goes wrong is told apart: by whether waiting helps, whether the input is to blame, or this machine, or we."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import pytest

from personalizer.errors import (
    CorruptArtifactError,
    FamiliarError,
    NotFoundError,
    NotReadyError,
    UnreadablePhotoError,
    UsageError,
)
from personalizer.jobs.retry import RetryPolicy, error_class
from personalizer.storage_errors import storage_error

WORDS = {"tried": "a", "found": "b", "fix": "c"}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TimeoutError(), "transient"),
        (ConnectionResetError(), "transient"),
        (MemoryError(), "transient"),
        (OSError(errno.ESTALE, "stale"), "transient"),
        (UsageError(**WORDS), "input"),
        (NotFoundError(**WORDS), "input"),
        (UnreadablePhotoError(**WORDS), "input"),
        (NotReadyError(**WORDS), "environment"),
        (CorruptArtifactError(**WORDS), "environment"),
        (OSError(errno.ENOSPC, "full"), "environment"),
        (OSError(errno.EROFS, "read-only"), "environment"),
        (ModuleNotFoundError("torch"), "environment"),
        (ValueError("no"), "bug"),
        (OSError(errno.EBADF, "closed"), "bug"),
        (sqlite3.OperationalError("no such table: x"), "bug"),
    ],
)
def test_classes_of_errors(error: Exception, expected: str) -> None:
    assert error_class(error) == expected


def test_a_passing_cause_makes_an_error_passing() -> None:
    with pytest.raises(FamiliarError) as raised:
        raise NotReadyError(**WORDS) from TimeoutError()
    assert error_class(raised.value) == "transient"


def test_a_library_that_is_held_is_passing_and_said_in_words(tmp_path: Path) -> None:
    holder, other = (
        sqlite3.connect(tmp_path / "a.sqlite3", timeout=0, isolation_level=None) for _ in range(2)
    )
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError) as raised:
        other.execute("BEGIN IMMEDIATE")
    assert error_class(raised.value) == "transient"
    said = storage_error(raised.value)
    assert said is not None and said.exit_code == 4 and "another program" in said.found
    for connection in (holder, other):
        connection.close()


def test_pauses_grow_to_a_limit() -> None:
    policy = RetryPolicy(first_delay_s=10, growth=6, max_delay_s=100)
    assert [policy.delay_s(failed_attempts) for failed_attempts in (1, 2, 3, 9)] == [10, 60, 100, 100]
    with pytest.raises(ValueError, match="max_failed_attempts"):
        RetryPolicy(max_failed_attempts=0)
