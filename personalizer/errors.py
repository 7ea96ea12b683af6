"""Errors that become messages to the user (tried, found, fix), and counted nouns for such messages."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """`1 photo`, `2 photos`, `3 people`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


class FamiliarError(Exception):
    """An expected failure.

    `tried` says what was attempted, `found` what stood in the way and `fix` what the user can do about it.
    `exit_code` is the process exit status that the command line maps it to.
    """

    exit_code = 1

    def __init__(self, *, tried: str, found: str, fix: str) -> None:
        self.tried = tried
        self.found = found
        self.fix = fix
        super().__init__(f"{tried}: {found}. {fix}")


class UsageError(FamiliarError):
    """The request itself is malformed: an empty name, a negative count."""

    exit_code = 2


class NotFoundError(FamiliarError):
    """There is no such photo, concept or job."""

    exit_code = 3


class NotReadyError(FamiliarError):
    """A precondition is missing: train the concept, install a package, stop the other worker."""

    exit_code = 4


class UnreadablePhotoError(FamiliarError):
    """A file that cannot be decoded into pixels within the limits; `found` is the reason that is recorded."""


class CorruptArtifactError(FamiliarError):
    """A bundled or generated file (weights, prefix, export) does not match its manifest."""


class StorageError(FamiliarError):
    """The disk is full, read-only or broken."""


class LibraryLockedError(StorageError):
    """Another program holds the library for longer than the busy timeout."""

    exit_code = 4


class JobCancelled(Exception):  # noqa: N818 - a signal, not an error
    """Raised inside a job handler after the user asked to cancel it."""
