"""Walks over folders and lists their files. Opens none of them, knows no library."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from personalizer.photos.formats import OTHER_SUFFIXES
from personalizer.scan.exclusions import Exclusions
from personalizer.schemas import SeenFile

logger = logging.getLogger(__name__)


class Walk:
    """One walk over the files under some folders; `files` has to end before the unreadable folders are known.

    Symbolic links are not followed, neither to folders nor to files: what they point at is either under a root itself
    or was not meant. A root inside another one is walked once, as itself.
    """

    def __init__(self, roots: Iterable[Path | str], exclusions: Exclusions) -> None:
        self._roots = list(dict.fromkeys(os.fspath(root) for root in roots))
        self._exclusions = exclusions
        self.places: dict[str, int] = {}
        """The device number of each place that was entered: the roots, and what is mounted below them."""
        self.unlisted: dict[str, str] = {}
        """Folders about whose content nothing is known, and why."""
        self.vanished: set[str] = set()
        """Folders that went away during the walk; nothing is known about their content either."""
        self.links = 0
        """Symbolic links that may be photos or folders of such."""

    def files(self) -> Iterator[SeenFile]:
        """The files that are not left out, each once; a folder's come together, in no particular order."""
        for root in self._roots:
            if self._exclusions.is_private(root):
                continue
            waiting = [(root, root, 0)]
            while waiting:
                folder, place, device = waiting.pop()
                subfolders: list[str] = []
                with self._opened(folder) as descriptor:
                    if descriptor is None:
                        continue
                    own_device = os.fstat(descriptor).st_dev
                    if folder == root or own_device != device:
                        place = folder
                        self.places[place] = own_device
                    with os.scandir(descriptor) as listing:
                        yield from self._entries(listing, folder, root, place, subfolders)
                waiting.extend((subfolder, place, own_device) for subfolder in subfolders)

    def files_in(self, folder: str, root: str, place: str, subfolders: list[str]) -> Iterator[SeenFile]:
        """The files of `folder` alone, which is `root` or below it and in `place`; what `files` would go on with is
        added to `subfolders`.
        """
        with self._opened(folder) as descriptor:
            if descriptor is not None:
                with os.scandir(descriptor) as listing:
                    yield from self._entries(listing, folder, root, place, subfolders)

    @contextmanager
    def _opened(self, folder: str) -> Iterator[int | None]:
        """The folder's descriptor, or None; what goes wrong there and in the block is noted."""
        try:
            # Not through a link that has taken the folder's place since it was listed.
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            self._note(folder, error)
            yield None
            return
        try:
            yield descriptor
        except OSError as error:
            self._note(folder, error)
        finally:
            os.close(descriptor)

    def _entries(
        self,
        listing: Iterator[os.DirEntry[str]],
        folder: str,
        root: str,
        place: str,
        subfolders: list[str],
    ) -> Iterator[SeenFile]:
        for entry in listing:
            name = entry.name
            path = f"{folder}/{name}" if folder != "/" else f"/{name}"
            try:
                if entry.is_symlink():
                    if os.path.splitext(name)[1].lower() not in OTHER_SUFFIXES:  # noqa: PTH122
                        self.links += not self._exclusions.skips_file(path, name, root)
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if path not in self._roots and not self._exclusions.skips_folder(path, name, root):
                        subfolders.append(path)
                elif entry.is_file(follow_symlinks=False):
                    if self._exclusions.skips_file(path, name, root):
                        continue
                    status = entry.stat(follow_symlinks=False)
                    yield SeenFile(
                        path,
                        status.st_size,
                        status.st_mtime_ns,
                        status.st_dev,
                        status.st_ino,
                        place,
                        status.st_ctime_ns,
                    )
            except FileNotFoundError:  # gone since it was listed
                continue
            except OSError as error:
                # Names without what is behind them: a folder that may be listed, but not entered.
                self._note(folder, error)

    def _note(self, path: str, error: OSError) -> None:
        if error.errno in _WENT_AWAY and path not in self._roots:
            self.vanished.add(path)
            return
        if self.knows_nothing_about(path):
            return
        logger.warning("a folder cannot be listed: %s", error.strerror)
        logger.debug("it is %s", path)
        self.unlisted[path] = listing_trouble(error)

    def knows_nothing_about(self, path: str) -> bool:
        """Whether `path`, or a folder above it, could not be looked at."""
        if not self.unlisted and not self.vanished:
            return False
        here = path
        while here not in self.unlisted and here not in self.vanished:
            above, _, _ = here.rpartition("/")
            if not above:
                return False
            here = above
        return True


_WENT_AWAY = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})


def listing_trouble(error: OSError) -> str:
    """What `error` says about a folder, in words for people."""
    if isinstance(error, PermissionError):
        return "permission denied"
    if isinstance(error, FileNotFoundError):
        return "it is not there"
    if isinstance(error, NotADirectoryError):
        return "it is a file"
    return error.strerror or str(error)


def root_trouble(root: Path) -> str | None:
    """Why the registered folder `root` cannot be walked now, or None.

    A link that has taken its place is not followed: what it points at was never registered.
    """
    try:
        if os.path.realpath(root) != os.fspath(root):
            return "it, or a folder above it, is a link now"
        with os.scandir(root):
            return None
    except OSError as error:
        return listing_trouble(error)


def find_files(
    roots: Iterable[Path], skip: Iterable[Path] = (), patterns: Iterable[str] = ()
) -> Iterator[SeenFile]:
    """The files under `roots` that may be photos, each once.

    `skip` are folders that are never entered and `patterns` the user's exclusions.
    """
    private = tuple(os.path.realpath(folder) for folder in skip)
    yield from Walk([Path(root).resolve() for root in roots], Exclusions(tuple(patterns), private)).files()


def innermost(path: str, folders: Collection[str]) -> str | None:
    """The one of `folders` that `path` is in, or is, and that is in no other such."""
    here = path
    while here:
        if here in folders:
            return here
        here = here.rpartition("/")[0]
    return "/" if "/" in folders else None


def is_listable(root: Path) -> bool:
    """Whether the folder is there and may be read."""
    try:
        with os.scandir(root):
            return True
    except OSError as error:
        logger.warning("a folder cannot be listed: %s", error.strerror)
        logger.debug("it is %s", root)
        return False
