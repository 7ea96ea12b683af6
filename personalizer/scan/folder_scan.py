"""Scans the files of a few folders that had file-system events.

It imports new and changed files and marks nothing missing; if there may have been other changes, it reports that a full
scan is needed.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from personalizer.library.library import Library
from personalizer.library.photos.seen_files import ScanTable
from personalizer.photos.formats import may_be_photo
from personalizer.scan.exclusions import exclusions_of
from personalizer.scan.file_system import file_system_id, mount_of, read_mounts
from personalizer.scan.importer import PhotoImport, ScanControl, Tally, UndecidedError
from personalizer.scan.notes import read_notes, write_notes
from personalizer.scan.walk import Walk, innermost, root_trouble
from personalizer.schemas import Progress, ScanReport

_CLOCK_S = 2.0
"""Tolerance for coarse file-system timestamps."""


def scan_folders(
    library: Library,
    folders: Collection[str],
    control: ScanControl | None = None,
) -> ScanReport | None:
    """Take in what is new or changed directly in `folders`; None where only a scan of everything can tell.

    What was stored by then stays stored. As `scan`, it may be killed at any moment and simply run again.
    """
    with ScanTable(library) as table:
        return _FolderScan(library, table, control or ScanControl()).run(folders)


class _FolderScan:
    def __init__(self, library: Library, table: ScanTable, control: ScanControl) -> None:
        self.library = library
        self.table = table
        self.control = control
        self.tally = Tally()
        self.exclusions = exclusions_of(library)
        self.roots = [os.fspath(root) for root in library.roots()]
        self.places = {os.fspath(path): place for path, place in library.places().items()}
        self.walk = Walk(self.roots, self.exclusions)
        self.notes = read_notes(library)
        self.mounts = read_mounts()

    def run(self, folders: Collection[str]) -> ScanReport | None:
        started_s = time.monotonic()
        self.control.progress(Progress(0, 0, "Looking for photos"))
        if not all(self._look_at(folder) for folder in folders):
            return None
        self.table.finish()
        if self.walk.unlisted or self.walk.vanished or any(map(self.table.misses, folders)):
            return None
        self.tally.seen = self.table.count()
        self.table.come_back()
        importer = PhotoImport(
            self.library,
            self.table,
            self.tally,
            replace(self.control, cancelled=self._is_over),
            network_places=(),
            may_have_moved_from=_has_gone,
        )
        importer.run(time.monotonic())
        self.table.take_over()
        if self.tally.waiting > self.notes.waiting:
            write_notes(self.library, replace(self.notes, waiting=self.tally.waiting))
        return None if self.tally.undecided else self.tally.report(time.monotonic() - started_s)

    def _is_over(self) -> bool:
        """Whether to read no further photo."""
        return self.tally.undecided > 0 or self.control.cancelled()

    def _look_at(self, folder: str) -> bool:
        """Note the files of the folder; False where more may have happened than files that came."""
        root = innermost(folder, self.roots)
        place = innermost(folder, self.places)
        if root is None or place is None or innermost(place, self.roots) != root:
            return False
        if not self._is_sound(folder, place) or root_trouble(Path(root)) is not None:
            return False
        if self.exclusions.skips_tree(folder, root):
            return False
        mount = mount_of(Path(place), self.mounts)
        with_numbers = mount is None or mount.keeps_numbers
        subfolders: list[str] = []
        for file in self.walk.files_in(folder, root, place, subfolders):
            if may_be_photo(file.text) or self.table.is_known(file.text):
                self.table.add(file if with_numbers else replace(file, ctime_ns=None))
        return all(map(self._was_there, subfolders))

    def _is_sound(self, folder: str, place: str) -> bool:
        """Whether nothing about the place is in doubt, and the folder is in the same file system, which is local."""
        known, mount = self.places[place], mount_of(Path(folder), self.mounts)
        if known.frozen is not None or mount != mount_of(Path(place), self.mounts):
            return False
        if mount is not None and mount.is_network:
            return False
        try:
            return (
                os.path.realpath(folder) == folder
                and os.lstat(folder).st_dev == os.lstat(place).st_dev
                and file_system_id(Path(place), self.mounts) == known.file_system
            )
        except OSError:
            return False

    def _was_there(self, subfolder: str) -> bool:
        """Whether the last scan of everything has looked into this folder."""
        try:
            # Also moving it changes this time, and so does what comes into it.
            changed_at = os.lstat(subfolder).st_ctime
        except OSError:
            return False
        began_at = self.notes.began_at
        return changed_at < began_at - _CLOCK_S <= time.time() or self.table.has_below(subfolder)


def _has_gone(path: Path) -> bool:
    """False where a file is still there, so that the same content elsewhere is a copy."""
    try:
        if stat.S_ISREG(os.lstat(path).st_mode):
            return False
    except OSError:
        pass
    raise UndecidedError
