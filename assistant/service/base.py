"""Base of all parts of the façade: one home with its library, queue and worker client."""

from __future__ import annotations

import os
import unicodedata
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from assistant.daemon.client import USER_PRIORITY, JobClient
from personalizer.backbones.registry import POCKET
from personalizer.backup.swap import finish_restore
from personalizer.errors import NotFoundError, UsageError
from personalizer.home import Home
from personalizer.jobs.queue import JobQueue
from personalizer.library.library import Library
from personalizer.schemas import Concept, OnProgress

if TYPE_CHECKING:
    from assistant.answers.backbone_service import BackboneService
    from assistant.answers.describe import Describer


_LOOKS = str.maketrans({"’": "'", "‘": "'", "\u00a0": " ", "\u202f": " "})
UNREACHABLE = (OSError, RuntimeError, ValueError)
"""What looking up a path raises: the system's errors, `~nobody` or a loop of links, and a NUL in the name."""


class Core:
    """State that the parts share. Safe to use from several threads and processes."""

    def __init__(self, home: Home | Path | str, backbone: str = "pocket", device: str = "auto") -> None:
        """`home`: the folder of the library, which is made when it is first needed.

        Raises NotFoundError for a path that cannot be looked up.
        """
        self.home = home if isinstance(home, Home) else _home_at(home)
        try:
            # The worker stands in another folder: a path has to be absolute.
            self.backbone = backbone if backbone == POCKET else str(Path(backbone).expanduser().absolute())
        except UNREACHABLE as error:
            raise unreachable(f"finding the backbone {backbone!r}", error) from error
        self.device = device

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def library(self) -> Library:
        self.home.ensure()
        finish_restore(self.home)
        return Library.open(self.home.database)

    @cached_property
    def queue(self) -> JobQueue:
        return JobQueue(self.library)

    @cached_property
    def _client(self) -> JobClient:
        return JobClient(self.home, self.queue)

    @cached_property
    def _serving(self) -> BackboneService:
        from assistant.answers.backbone_service import BackboneService

        return BackboneService(self.home, self.backbone)

    def close(self) -> None:
        """Close the library; no other thread may be using it."""
        if "library" in self.__dict__:
            self.library.close()

    def concept(self, key: int | str) -> Concept:
        """A concept by id or name. Raises NotFoundError."""
        from personalizer.concepts.lookup import find_concept

        return self.library.concept(key) if isinstance(key, int) else find_concept(self.library, key)

    def _named(self, key: str, doing: str) -> Concept:
        concept = self.concept(key)
        if concept.name is None:
            raise UsageError(
                tried=f"{doing} concept {concept.id}",
                found="it has no name",
                fix=f"Name it first: familiar name {concept.id} NAME",
            )
        return concept

    def _run(
        self, kind: str, subject: str, payload: dict[str, Any], on_progress: OnProgress | None
    ) -> dict[str, Any]:
        self.home.ensure()
        asked = {**payload, "backbone": self.backbone, "device": self.device}
        return self._client.run(kind, subject, asked, on_progress, USER_PRIORITY)

    @cached_property
    def _describer(self) -> Describer:
        from assistant.answers.describe import Describer

        return Describer(self.library, self._serving)


def _home_at(folder: Path | str) -> Home:
    try:
        return Home(Path(folder).expanduser().absolute())
    except UNREACHABLE as error:
        raise unreachable(f"opening the library in {folder}", error) from error


def existing(path: Path, doing: str) -> Path:
    """`path`, absolute. Raises NotFoundError when nothing is there, or when that cannot be found out."""
    try:
        absolute = as_on_disk(path.expanduser().absolute())
        there = absolute.exists()
    except UNREACHABLE as error:
        raise unreachable(f"{doing} {path}", error) from error
    if not there:
        raise NotFoundError(
            tried=f"{doing} {path}", found="there is no such file or folder", fix="Check the path."
        )
    return absolute


def as_on_disk(path: Path) -> Path:
    """The path as its parts are spelt on the disk, where it is not there as typed: in another Unicode form, or with
    another apostrophe or space, which look the same.
    """
    if str(path).isascii() and "'" not in str(path) and " " not in str(path):
        return path
    here = Path(path.anchor)
    for part in path.parts[1:]:
        found = here / part
        if not os.path.lexists(found):
            same = _look(part)
            names = os.listdir(here) if here.is_dir() else []  # noqa: PTH208
            found = here / next((name for name in names if _look(name) == same), part)
        here = found
    return here


def _look(name: str) -> str:
    """What two names that look the same have in common."""
    return unicodedata.normalize("NFC", name).translate(_LOOKS)


def unreachable(tried: str, error: Exception) -> NotFoundError:
    """The message for a path that cannot be looked up."""
    if isinstance(error, PermissionError):
        found, fix = "a folder on the way may not be entered", "Allow it, or copy what is in it elsewhere."
    elif isinstance(error, OSError):
        found, fix = f"{error.strerror or error}", "Check the path."
    elif isinstance(error, RuntimeError) and "home" in str(error):
        found, fix = "there is no such user behind the ~", "Write the path without ~, or start it with ./~."
    else:
        found, fix = str(error), "Check the path."
    return NotFoundError(tried=tried, found=found, fix=fix)
