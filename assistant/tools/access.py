"""Decides which photos a tool may read.

Those the user named in this conversation, and those in registered folders.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from assistant.service.base import UNREACHABLE, as_on_disk, unreachable
from assistant.service.familiar import Familiar
from personalizer.errors import NotFoundError, UsageError


class PhotoAccess:
    """The photos that a conversation has opened. A path that a model makes up leads nowhere."""

    def __init__(self, familiar: Familiar) -> None:
        self._familiar = familiar
        self._named: list[Path] = []

    def allow(self, photos: Iterable[Path | str]) -> list[Path]:
        """Note photos that the user named and return them, absolute, links resolved."""
        resolved = [_resolved(photo) for photo in photos]
        for path in resolved:
            if path in self._named:
                self._named.remove(path)
            self._named.append(path)
        return resolved

    @property
    def named(self) -> list[Path]:
        """What the user named, latest last."""
        return list(self._named)

    def open(self, photo: Path | str) -> Path:
        """The photo's absolute path.

        Raises UsageError when it may not be read, NotFoundError when it is not there.
        """
        path = _resolved(photo)
        if path not in self._named and not any(path.is_relative_to(root) for root in self._roots()):
            raise UsageError(
                tried=f"opening {path}",
                found="you did not name this file, and it is in none of the registered folders",
                fix="Name the photo in your request, or register its folder with `familiar add FOLDER`.",
            )
        try:
            there = path.is_file()
        except UNREACHABLE as error:
            raise unreachable(f"opening {path}", error) from error
        if not there:
            raise NotFoundError(
                tried=f"opening {path}",
                found="there is no such file",
                fix="Check the path; quote it if it has spaces.",
            )
        return path

    def _roots(self) -> list[Path]:
        return [_resolved(root) for root in self._familiar.library.roots()]


def _resolved(photo: Path | str) -> Path:
    # Resolving the links keeps a link inside a registered folder from opening what lies outside it.
    try:
        return as_on_disk(Path(photo).expanduser().absolute()).resolve()
    except UNREACHABLE as error:
        raise unreachable(f"opening {photo}", error) from error
