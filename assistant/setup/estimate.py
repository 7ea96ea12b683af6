"""Estimates an import: photos, time and disk space. Counts files and opens none."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from personalizer.library.library import Library
from personalizer.photos.formats import may_be_photo
from personalizer.scan.exclusions import Exclusions
from personalizer.scan.walk import find_files, is_listable
from personalizer.schemas import OnProgress, Progress

PHOTOS_PER_S = 1.5
"""A cautious guess for two processors and the photos of a phone; replaced by what was measured as soon as it was."""
KIB_PER_PHOTO = 40.0
"""In the library and the index: 27 KiB on the photos that ship, more with many faces."""
MEASURED_AFTER = 10
"""Photos, of which the first few also load the models."""
MEASURED_AFTER_S = 5.0
_RATE = "scan.photos_per_s"


@dataclass(frozen=True, slots=True)
class Estimate:
    """The estimate and its basis."""

    files: int
    """That may be photos, in the folders that are added."""
    new: int
    """Of those, the ones that the library does not know by name, size and time."""
    bytes: int
    """Of the new ones."""
    photos_per_s: float
    basis: Literal["default", "earlier scan", "first photos"]
    minutes: float
    disk_mib: float
    """Of the home, for the new ones."""
    free_mib: float

    @property
    def fits(self) -> bool:
        return self.disk_mib < self.free_mib


def estimate_import(library: Library, folders: Sequence[Path]) -> Estimate:
    """Look at the folders, without opening a photo, and at how fast the last scan was."""
    home = library.path.parent
    known = library.files()
    files = new = size = 0
    listable = [folder for folder in folders if is_listable(folder)]
    for file in find_files(listable, skip=[home], patterns=library.exclusions()):
        if not may_be_photo(file.text):
            continue
        files += 1
        record = known.get(file.path)
        if record is None or (record.size, record.mtime_ns) != (file.size, file.mtime_ns):
            new += 1
            size += file.size
    earlier = _earlier_rate(library)
    free_mib = shutil.disk_usage(home).free / 2**20
    found = Estimate(
        files, new, size, earlier or PHOTOS_PER_S, "earlier scan" if earlier else "default", 0, 0, free_mib
    )
    room_mib = new * KIB_PER_PHOTO / 1024
    return replace(found, minutes=_minutes(new, found.photos_per_s), disk_mib=round(room_mib, 1))


def note_rate(library: Library, photos: int, elapsed_s: float) -> None:
    """Keep how fast a scan was, for the next estimate; a short one says little."""
    if photos >= MEASURED_AFTER and elapsed_s > 0:
        library.set_setting(_RATE, f"{photos / elapsed_s:.3f}")


def _earlier_rate(library: Library) -> float | None:
    try:
        rate = float(library.setting(_RATE) or 0)
    except ValueError:
        return None
    return rate if rate > 0 else None


def _minutes(photos: int, photos_per_s: float) -> float:
    return round(photos / photos_per_s / 60, 1)


class Measuring:
    """Progress of a scan, passed on, that says once what the first photos tell about the rest."""

    def __init__(
        self, estimate: Estimate, on_progress: OnProgress | None, on_measured: Callable[[Estimate], None]
    ) -> None:
        self.estimate = estimate
        self._pass_on = on_progress
        self._on_measured = on_measured
        self._first: tuple[float, int] | None = None

    def __call__(self, progress: Progress) -> None:
        if self._pass_on is not None:
            self._pass_on(progress)
        if self.estimate.basis == "first photos" or not progress.total or not progress.done:
            return
        now_s = time.monotonic()
        if self._first is None:
            # The models are loaded when the first photo is done.
            self._first = (now_s, progress.done)
        began_s, done = self._first
        read, elapsed_s = progress.done - done, now_s - began_s
        left = progress.total - progress.done
        if read >= MEASURED_AFTER and elapsed_s >= MEASURED_AFTER_S and left > 0:
            rate = round(read / elapsed_s, 2)
            self.estimate = replace(
                self.estimate, photos_per_s=rate, basis="first photos", minutes=_minutes(progress.total, rate)
            )
            self._on_measured(self.estimate)


def folders_within(roots: Sequence[Path], limit: int, exclusions: Exclusions | None = None) -> int:
    """How many folders the system would have to watch, counted no further than `limit`; without excluded ones."""
    rules = exclusions or Exclusions()
    found = 0
    waiting = [(text, text) for text in map(os.fspath, roots) if not rules.is_private(text)]
    while waiting and found < limit:
        folder, root = waiting.pop()
        found += 1
        try:
            with os.scandir(folder) as entries:
                waiting += [
                    (entry.path, root)
                    for entry in entries
                    if entry.is_dir(follow_symlinks=False)
                    and not rules.skips_folder(entry.path, entry.name, root)
                ]
        except OSError:
            continue
    return found
