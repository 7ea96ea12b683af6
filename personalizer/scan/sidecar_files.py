"""Finds the files that belong to a photo: the video of a Live Photo, and what other programs wrote beside it.

They go where their photo goes. A date or a place that the photo itself lacks is taken from them; nothing is ever
overwritten but what came from the same file before. Knows names of files and the library.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from personalizer.library.library import Library
from personalizer.library.photos.companions import CompanionFile, CompanionKind
from personalizer.photos.formats import RAW_SUFFIXES
from personalizer.photos.sidecars import SidecarFacts, read_sidecar

MAX_VIDEO_MIB = 150.0
"""The video of a Live Photo lasts three seconds; a film that happens to have a photo's name is no part of it."""
_BATCH = 200
_VIDEOS: Mapping[str, CompanionKind] = {
    ".mov": "live_video",
    ".mp4": "motion_video",
    ".mp": "motion_video",
    ".mv": "motion_video",
}
_WORDS: Mapping[CompanionKind, str] = {
    "live_video": "Live Photo",
    "motion_video": "motion photo",
    "xmp": "XMP",
    "aae": "edits made on an iPhone",
    "takeout": "Google's export",
}
COMPANION_SUFFIXES = frozenset({*_VIDEOS, ".xmp", ".aae", ".json"})
"""Of files that may belong to a photo beside them."""
_HEIC = frozenset({".heic", ".heif", ".hif"})
_NUMBER = re.compile(r"\((\d+)\)$")
_SUPPLEMENT = "supplemental-metadata"
_TAKEOUT_NAME = 46
"""Takeout cuts the names of its files to so many letters before `.json`."""


@dataclass(frozen=True, slots=True)
class CompanionReport:
    """`companions` are there altogether; `dates` and `places` were filled in now."""

    companions: int
    dates: int
    places: int


def find_companions(
    library: Library,
    cancelled: Callable[[], bool] | None = None,
    *,
    folders: Collection[str] | None = None,
) -> CompanionReport:
    """Look beside every photo that is there, and read what is new or has changed since.

    What is known of a folder that cannot be listed now, or of a photo that is missing, stays. With `folders` it looks
    only beside the photos directly in these, and what is gone stays as well.
    """
    photos_in = _photos_in(library, folders)
    known = {one.path: one for one in library.companions_in(folders)}
    listed: set[Path] = set()
    found: dict[Path, CompanionFile] = {}
    for folder, photos in photos_in.items():
        if cancelled is not None and cancelled():
            return CompanionReport(library.companion_count(), 0, 0)
        others = _others(folder)
        if others is None:
            continue
        listed.add(folder)
        if not others:
            continue
        for companion in _match(folder, photos, others):
            found[companion.path] = companion
    at_hand = {photo_id for folder in listed for photo_id in photos_in[folder].values()}
    gone = [
        one
        for path, one in known.items()
        if folders is None
        and path not in found
        # Looked for in vain; or nothing is left there of its photo, which is elsewhere now.
        and (path.parent in listed or (path.parent not in photos_in and one.photo_id in at_hand))
    ]
    news = _news(found, known, gone)
    dates = places = 0
    for start in range(0, len(news), _BATCH):
        if cancelled is not None and cancelled():
            break
        # Read before anything is written: nobody waits for a slow disk.
        read = [(one, _facts(one)) for one in news[start : start + _BATCH]]
        with library.transaction():
            for one, facts in read:
                gave_date, gave_place = library.record_companion(
                    one, taken_at=facts.taken_at, latitude=facts.latitude, longitude=facts.longitude
                )
                dates += gave_date
                places += gave_place
    else:
        library.remove_companions(one.path for one in gone)
    return CompanionReport(library.companion_count(), dates, places)


def _news(
    found: Mapping[Path, CompanionFile], known: Mapping[Path, CompanionFile], gone: Iterable[CompanionFile]
) -> list[CompanionFile]:
    """What is new or has changed, in the order in which it is to be read; what a file gave before it moved stays."""
    moved = {(one.photo_id, one.kind, one.size): one for one in gone}
    news: list[CompanionFile] = []
    for path, companion in found.items():
        before = known.get(path) or moved.get((companion.photo_id, companion.kind, companion.size))
        seen = companion
        if before is not None and before.photo_id == companion.photo_id:
            seen = replace(companion, gave_date=before.gave_date, gave_place=before.gave_place)
        if seen != before:
            news.append(seen)
    # XMP has the time of the place; of Google's only the instant is known.
    return sorted(news, key=lambda one: one.kind == "takeout")


def _photos_in(library: Library, folders: Collection[str] | None) -> dict[Path, dict[str, int]]:
    """The photos that are there, by folder and name."""
    by_folder: dict[str, dict[str, int]] = defaultdict(dict)
    # A Path of each file would take seconds in a large library; there are few folders.
    for path, photo_id in library.present_files(folders):
        folder, _, name = path.rpartition("/")
        by_folder[folder][name] = photo_id
    return {Path(folder or "/"): names for folder, names in by_folder.items()}


def _facts(companion: CompanionFile) -> SidecarFacts:
    """What it says; nothing for one that is a picture or cannot be read."""
    said = read_sidecar(companion.path) if companion.kind in ("xmp", "takeout") else None
    return said or SidecarFacts()


def in_words(kind: CompanionKind) -> str:
    """What such a file is, for a person."""
    return _WORDS[kind]


def _others(folder: Path) -> dict[str, os.stat_result] | None:
    """The files of a folder that may belong to a photo; None where it cannot be listed."""
    found = {}
    try:
        with os.scandir(folder) as listing:
            for entry in listing:
                name = entry.name
                if name.startswith(".") or os.path.splitext(name)[1].lower() not in COMPANION_SUFFIXES:  # noqa: PTH122
                    continue
                if entry.is_file(follow_symlinks=False):
                    found[name] = entry.stat(follow_symlinks=False)
    except OSError:
        return None
    return found


def _match(
    folder: Path, photos: Mapping[str, int], others: Mapping[str, os.stat_result]
) -> Iterable[CompanionFile]:
    names = _Names(photos)
    for name, status in sorted(others.items()):
        suffix = Path(name).suffix.lower()
        photo: str | None
        kind: CompanionKind
        if suffix in _VIDEOS:
            kind = _VIDEOS[suffix]
            photo = names.shown(name) if status.st_size <= MAX_VIDEO_MIB * 2**20 else None
        elif suffix == ".json":
            kind, photo = "takeout", names.of_takeout(name)
        elif suffix == ".xmp":
            kind, photo = "xmp", names.whole(Path(name).stem) or names.developed(name)
        else:
            kind, photo = "aae", names.shown(name)
        if photo is not None:
            yield CompanionFile(folder / name, photos[photo], kind, status.st_size, status.st_mtime_ns)


class _Names:
    """The photos of one folder by what other files call them; the case of letters does not matter."""

    def __init__(self, photos: Iterable[str]) -> None:
        self._whole = {name.lower(): name for name in photos}
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        for name in sorted(photos):
            self._by_stem[Path(name).stem.lower()].append(name)

    def whole(self, name: str) -> str | None:
        return self._whole.get(name.lower())

    def shown(self, name: str) -> str | None:
        """The photo of this stem that a phone would show: the HEIC, else one that is not RAW."""
        # Some phones write `A.MP.jpg` beside `A.MP`.
        stem = Path(name).stem.lower()
        same = self._by_stem.get(stem) or self._by_stem.get(name.lower(), [])
        return min(
            same, key=lambda one: (_suffix(one) not in _HEIC, _suffix(one) in RAW_SUFFIXES), default=None
        )

    def developed(self, name: str) -> str | None:
        """The photo of this stem that is developed by an editor: the RAW file, else what there is."""
        same = self._by_stem.get(Path(name).stem.lower(), [])
        return min(same, key=lambda one: _suffix(one) not in RAW_SUFFIXES, default=None)

    def of_takeout(self, name: str) -> str | None:
        """`A.jpg.json`, `A.jpg.supplemental-metadata.json` or any cut form of it; `(1)` stands before `.json`."""
        base = Path(name).stem.lower()
        number = ""
        if match := _NUMBER.search(base):
            number, base = match.group(), base[: match.start()]
        wanted = [base]
        title, dot, rest = base.rpartition(".")
        if dot and _SUPPLEMENT.startswith(rest):
            wanted.append(title)
        for one in wanted:
            stem, dot, suffix = one.rpartition(".")
            candidates = [f"{stem}{number}.{suffix}"] if dot else []
            for candidate in (*candidates, one if not number else ""):
                if candidate in self._whole:
                    return self._whole[candidate]
        if len(base) >= _TAKEOUT_NAME and not number:
            cut = [name for lower, name in self._whole.items() if lower.startswith(base)]
            return cut[0] if len(cut) == 1 else None
        return None


def _suffix(name: str) -> str:
    return Path(name).suffix.lower()
