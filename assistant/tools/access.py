"""Decides which photos a tool may read.

Allowed are photos that the user named in this conversation, photos in registered folders, and those that the user
approves.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from assistant.service.base import UNREACHABLE, as_on_disk, unreachable
from assistant.service.familiar import Familiar
from assistant.tools.approvals import Approvals
from personalizer.errors import NotFoundError, UsageError


class PhotoAccess:
    """The photos that a conversation has opened. A path that a model makes up leads nowhere."""

    def __init__(self, familiar: Familiar, approvals: Approvals | None = None) -> None:
        """`approvals` asks a person about a photo outside the registered folders; without it, none is opened."""
        self._familiar = familiar
        self._approvals = approvals
        self._named: list[Path] = []
        self.open_all = False
        """Photos outside the registered folders need no asking in this conversation."""

    def allow(self, photos: Iterable[Path | str]) -> list[Path]:
        """Note photos that the user named and return them, absolute, links resolved."""
        resolved = [_resolved(self._named_only(photo) or photo) for photo in photos]
        for path in resolved:
            if path in self._named:
                self._named.remove(path)
            self._named.append(path)
        return resolved

    @property
    def named(self) -> list[Path]:
        """What the user named, latest last."""
        return list(self._named)

    def outside(self, photo: Path | str) -> Path | None:
        """The photo's absolute path where it is in no registered folder and was not opened before; else None."""
        path = _resolved(self._named_only(photo) or photo)
        inside = path in self._named or any(path.is_relative_to(root) for root in self._roots())
        return None if inside or self.open_all else path

    def open(self, photo: Path | str) -> Path:
        """The photo's absolute path.

        Raises UsageError or NotApprovedError when it may not be read, NotFoundError when it is not there. Whether a
        file outside is there is not told before it may be read.
        """
        path = _resolved(self._in_library(photo) or photo)
        if path not in self._named and not any(path.is_relative_to(root) for root in self._roots()):
            if self._approvals is None:
                raise UsageError(
                    tried=f"opening {path}",
                    found="you did not name this file, and it is in none of the registered folders",
                    fix="Name the photo in your request, or register its folder with `familiar add FOLDER`.",
                )
            if self._approvals.require_photo(path):
                self._named.append(path)
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

    def _named_only(self, photo: Path | str) -> Path | None:
        """The one photo of the library with this file name, where no file of that name is where the program runs."""
        name = str(photo)
        return None if name != Path(name).name or is_there(Path(name)) else self._in_library(photo)

    def _in_library(self, photo: Path | str) -> Path | None:
        """The one photo of the library that has this file name, where only that was given."""
        name = str(photo)
        if name != Path(name).name or any(path.name == name for path in self._named):
            return next((path for path in reversed(self._named) if path.name == name), None)
        files = self._familiar.library.files_named(name)
        return files[0][0] if len({photo_id for _, photo_id in files}) == 1 else None

    def _roots(self) -> list[Path]:
        return [_resolved(root) for root in self._familiar.library.roots()]


def is_there(path: Path) -> bool:
    """Whether something is at `path`; False for what no path can be."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _resolved(photo: Path | str) -> Path:
    # Resolving the links keeps a link inside a registered folder from opening what lies outside it.
    try:
        return as_on_disk(Path(photo).expanduser().absolute()).resolve()
    except UNREACHABLE as error:
        raise unreachable(f"opening {photo}", error) from error
