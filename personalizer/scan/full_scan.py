"""Makes the library agree with the folders: new, changed, moved, missing and unreadable files.

It also catches changes that file-system events missed.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from personalizer.library.library import Library
from personalizer.library.photos.seen_files import ScanTable
from personalizer.photos.formats import may_be_photo, unread_suffix
from personalizer.scan.exclusions import exclusions_of
from personalizer.scan.file_system import file_system_id, mount_of, read_mounts
from personalizer.scan.importer import PhotoImport, ScanControl, Tally
from personalizer.scan.mass_removal import FolderCount, more_than_asked, why_frozen
from personalizer.scan.notes import ScanNotes, write_notes
from personalizer.scan.walk import Walk, innermost, listing_trouble, root_trouble
from personalizer.schemas import Progress, ScanReport


def scan(
    library: Library,
    roots: Sequence[Path],
    control: ScanControl | None = None,
    *,
    accept_missing: bool | Collection[Path] = False,
) -> ScanReport:
    """Reconcile `library` with the files under `roots`.

    Every photo is stored in one transaction of its own, so a scan may be killed at any moment and simply run again.
    A scan that is cancelled reports what it did. Files that could not be read are in `failed`, also those from earlier
    scans that did not change. Damaged content is left alone until the file changes; a file that could not be opened, or
    was too much for the memory, is tried again by every scan.

    Where much of a folder is gone at once (`mass_removal`), or the folder is, its photos stay as they are and the
    folder is frozen until they are back or a scan may `accept_missing`: everywhere, or in these folders.
    """
    with ScanTable(library) as table:
        return _Scan(library, table, control or ScanControl()).run(roots, accept_missing)


class _Scan:
    """One run; the only writer of what it finds."""

    def __init__(self, library: Library, table: ScanTable, control: ScanControl) -> None:
        self.library = library
        self.table = table
        self.control = control
        self.tally = Tally()
        self.mounts = read_mounts()
        self.exclusions = exclusions_of(library)
        self.before = {os.fspath(path): place for path, place in library.places().items()}
        self.roots: list[str] = []
        self.trouble: dict[str, str] = {}
        """Roots that cannot be walked, and why."""
        self.places: set[str] = set()
        """Roots and file systems below them, now or at an earlier scan: what is frozen and released as one."""
        self.file_system: dict[str, str | None] = {}
        self.with_numbers: dict[str, bool] = {}
        """By place: whether numbers and change times of files say anything."""
        self.known: Counter[str] = Counter()
        """By place: files that the library had there before this scan, without missing and excluded ones."""

    def run(self, roots: Sequence[Path], accepted: bool | Collection[Path]) -> ScanReport:
        began_at, started_s = time.time(), time.monotonic()
        self.control.progress(Progress(0, 0, "Looking for photos"))
        self._find_roots(roots)
        self.walk = Walk([root for root in self.roots if root not in self.trouble], self.exclusions)
        self._walk()
        looked_s = time.monotonic()
        self._find_gone()
        importer = PhotoImport(
            self.library,
            self.table,
            self.tally,
            self.control,
            network_places=self._network_places(),
            may_have_moved_from=self._may_have_moved_from,
        )
        finished = importer.run(looked_s)
        self.table.take_over()
        if finished:
            self._conclude(accepted, began_at)
        return self.tally.report(time.monotonic() - started_s)

    # --- looking

    def _find_roots(self, roots: Sequence[Path]) -> None:
        registered = set(map(os.fspath, self.library.roots()))
        for root in roots:
            # What was registered is the place itself: should a link stand there now, it is not followed.
            text = os.fspath(root) if os.fspath(root) in registered else os.path.realpath(root)
            if text in self.roots or self.exclusions.is_private(text):
                continue
            self.roots.append(text)
            trouble = root_trouble(Path(text))
            if trouble is not None:
                self.trouble[text] = trouble
                self.tally.unlisted.append({"path": text, "reason": trouble})
        self.places = {*self.roots, *(place for place in self.before if self._root_of(place) is not None)}
        for place in self.places:
            self.file_system[place] = self._file_system(place)

    def _file_system(self, place: str) -> str | None:
        try:
            return file_system_id(Path(place), self.mounts)
        except OSError:
            return None

    def _walk(self) -> None:
        for file in self.walk.files():
            if (suffix := unread_suffix(file.text)) is not None:
                self.tally.unread_kinds[suffix] += 1
            if may_be_photo(file.text) or self.table.is_known(file.text):
                self.table.add(file if self._keeps_numbers(file.place) else replace(file, ctime_ns=None))
        self.table.finish()
        self.tally.links = self.walk.links
        self.tally.seen = self.table.count()
        self.table.come_back()
        for place in self.walk.places:
            if place not in self.places:
                self.places.add(place)
                self.file_system[place] = self._file_system(place)
        # A drive that went away in the middle of the walk looks like an empty folder from there on.
        self.mounts = read_mounts()
        for place in self.places:
            if self._file_system(place) != self.file_system[place] and place not in self.trouble:
                self.walk.vanished.add(place)
        for place in self.walk.places:
            before = self.before.get(place)
            # Moved to another disk, or restored on another machine: every file has another number.
            if before is None or before.file_system != self.file_system[place]:
                self.table.distrust(place)
        self.table.take_over()
        self.tally.unlisted += [
            {"path": path, "reason": reason} for path, reason in sorted(self.walk.unlisted.items())
        ]

    def _keeps_numbers(self, place: str) -> bool:
        if place not in self.with_numbers:
            mount = mount_of(Path(place), self.mounts)
            self.with_numbers[place] = mount is None or mount.keeps_numbers
        return self.with_numbers[place]

    def _network_places(self) -> set[str]:
        mounts = {place: mount_of(Path(place), self.mounts) for place in self.walk.places}
        return {place for place, mount in mounts.items() if mount is not None and mount.is_network}

    # --- what is gone

    def _root_of(self, path: str) -> str | None:
        """The innermost of the roots that `path` is in."""
        return innermost(path, self.roots)

    def _find_gone(self) -> None:
        """Note the files that the walk did not see although it could have, before any of them is found elsewhere."""
        self.known.update(self.table.known_by_place())
        self.table.note_gone(self._gone())

    def _gone(self) -> Iterator[tuple[Path, str]]:
        for path in self.table.unseen():
            text = os.fspath(path)
            place = innermost(text, self.places)
            if place is None or self.walk.knows_nothing_about(text):
                continue
            root = self._root_of(text)
            assert root is not None
            if self.exclusions.skips_path(text, root):
                yield path, _EXCLUDED
            else:
                self.known[place] += 1
                yield path, place

    def _may_have_moved_from(self, path: Path) -> bool:
        """Whether the file at `path` can be said to be gone, so that the same content elsewhere is that file."""
        text = os.fspath(path)
        place = innermost(text, self.places)
        if place is None or self._root_of(text) in self.trouble or self.walk.knows_nothing_about(text):
            return False
        # In the place of a drive that was unmounted: what is elsewhere is a copy.
        return not self._is_on_another_disk(place)

    def _is_on_another_disk(self, place: str) -> bool:
        before = self.before.get(place)
        return before is not None and before.file_system not in (None, self.file_system[place])

    def _conclude(self, accepted: bool | Collection[Path], began_at: float) -> None:
        """Mark missing what is gone, except where that is in doubt; freezes places, and ends that."""
        gone = Counter(self.table.gone_by_place())
        sound = []
        for place in sorted(self.places):
            if place in self.walk.vanished:
                continue
            root = self._root_of(place)
            assert root is not None
            trouble = self.trouble.get(root) if place == root or not os.path.lexists(place) else None
            file_system = None if trouble is not None else self.file_system[place]
            before = self.before.get(place)
            count = FolderCount(
                self.known[place],
                gone[place],
                None if before is None else before.file_system,
                file_system,
                trouble,
            )
            why = why_frozen(count)
            if why is not None and not self._is_accepted(place, count, accepted):
                self.library.freeze_place(Path(place), why, gone[place])
                self.tally.frozen.append({"path": place, "reason": why})
                continue
            sound.append(place)
            if file_system is not None and (place in self.roots or self.table.has_known(place)):
                self.library.note_place(Path(place), file_system)
            elif before is not None:
                self.library.forget_place(Path(place))
        self.tally.missing = self.table.mark_missing(sound)
        self.tally.excluded = self.table.mark_missing([_EXCLUDED])
        self.table.drop_looks(_EXCLUDED)
        self.library.clear_failures(
            [path for path in self.table.unseen_failures() if self._is_settled(os.fspath(path), sound)]
        )
        write_notes(
            self.library,
            ScanNotes(
                self.tally.waiting,
                bool(self.walk.vanished),
                self.tally.unlisted,
                dict(self.tally.unread_kinds.most_common()),
                self.tally.links,
                began_at,
            ),
        )

    def _is_accepted(self, place: str, count: FolderCount, accepted: bool | Collection[Path]) -> bool:
        """Whether a person said that what is gone of this place is gone."""
        if not accepted:
            return False
        if accepted is not True and innermost(place, [os.path.realpath(one) for one in accepted]) is None:
            return False
        # A folder that is there, but cannot be read now, is never taken for gone.
        if count.trouble is not None and _is_there(Path(place)):
            return False
        before = self.before.get(place)
        asked = before is not None and before.frozen is not None
        return not asked or before is None or not more_than_asked(before.gone, count.gone)

    def _is_settled(self, path: str, sound: Collection[str]) -> bool:
        place = innermost(path, self.places)
        return place is not None and place in sound and not self.walk.knows_nothing_about(path)


_EXCLUDED = ""
"""Instead of a place: what a person wants left out is no loss."""


def _is_there(folder: Path) -> bool:
    """Whether there is a folder, be it one that may not be listed."""
    try:
        return folder.is_dir() and not folder.is_symlink()
    except OSError as error:
        return listing_trouble(error) != "it is not there"
