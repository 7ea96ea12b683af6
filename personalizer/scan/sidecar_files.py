"""Finds the files that belong to a photo: the video of a Live Photo, and what other programs wrote beside it.

A photo without a date or a place gets it from such a file. Only values from the same file, and the date of a camera
clock that was never set, are overwritten.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from personalizer.library.library import Library
from personalizer.library.photos.companions import CompanionFile, CompanionKind
from personalizer.photos.dates import better_date, may_be_unset
from personalizer.photos.formats import RAW_SUFFIXES
from personalizer.photos.sidecars import NOTHING_WRITTEN, SidecarFacts, read_sidecar
from personalizer.scan.takeout_names import match_takeout
from personalizer.scan.texts import texts_of

MAX_VIDEO_MIB = 150.0
"""The video of a Live Photo lasts three seconds; a film that happens to have a photo's name is no part of it."""
_BATCH = 200
_VIDEOS: Mapping[str, CompanionKind] = {
    ".mov": "live_video",
    ".mp4": "motion_video",
    ".mp": "motion_video",
    ".mp~2": "motion_video",
    ".mp~3": "motion_video",
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


@dataclass(frozen=True, slots=True)
class CompanionReport:
    """`companions` are there altogether; `dates` and `places` were filled in now."""

    companions: int
    dates: int
    places: int


@dataclass(frozen=True, slots=True)
class _Given:
    """How many photos got a date and a place."""

    dates: int = 0
    places: int = 0

    def __add__(self, other: _Given) -> _Given:
        return _Given(self.dates + other.dates, self.places + other.places)


@dataclass
class _Beside:
    """What lies beside photos: companions by path, and Google's file about an edited copy that has none of its own."""

    companions: dict[Path, CompanionFile] = field(default_factory=dict)
    json_of_copy: dict[int, Path] = field(default_factory=dict)

    def add(self, folder: Path, photos: Mapping[str, int], others: Mapping[str, os.stat_result]) -> None:
        """Add those of one folder."""
        takeout = match_takeout(photos, [name for name in others if _suffix(name) == ".json"])
        for name, kind, photo in _match(photos, others, takeout.photo_of):
            status = others[name]
            self.companions[folder / name] = CompanionFile(
                folder / name, photos[photo], kind, status.st_size, status.st_mtime_ns
            )
        for photo, json_name in takeout.json_of.items():
            self.json_of_copy[photos[photo]] = folder / json_name


def find_companions(
    library: Library,
    cancelled: Callable[[], bool] | None = None,
    *,
    folders: Collection[str] | None = None,
    now: datetime | None = None,
) -> CompanionReport:
    """Look beside every photo that is there, and read what is new or has changed since.

    What is known of a folder that cannot be listed now, or of a photo that is missing, stays. With `folders` it looks
    only beside the photos directly in these, and what is gone stays as well. No date after `now` is believed.
    """
    photos_in = _photos_in(library, folders)
    known = {one.path: one for one in library.companions_in(folders)}
    listed: set[Path] = set()
    beside = _Beside()
    for folder, photos in photos_in.items():
        if cancelled is not None and cancelled():
            return CompanionReport(library.companion_count(), 0, 0)
        others = _others(folder)
        if others is None:
            continue
        listed.add(folder)
        if not others:
            continue
        beside.add(folder, photos, others)
    found = beside.companions
    at_hand = {photo_id for folder in listed for photo_id in photos_in[folder].values()}
    gone = [
        one
        for path, one in known.items()
        if folders is None
        and path not in found
        # Looked for in vain; or nothing is left there of its photo, which is elsewhere now.
        and (path.parent in listed or (path.parent not in photos_in and one.photo_id in at_hand))
    ]
    report = _Given()
    for batch in _batches(_news(found, known, gone)):
        if cancelled is not None and cancelled():
            break
        report += _record(library, batch, now)
    else:
        library.remove_companions(one.path for one in gone)
        report += _give_to_copies(library, beside.json_of_copy, now)
    return CompanionReport(library.companion_count(), report.dates, report.places)


def _record(library: Library, companions: Sequence[CompanionFile], now: datetime | None) -> _Given:
    """Read and store these files; what their photos got from them."""
    # Read before anything is written: nobody waits for a slow disk.
    read = [(one, _facts(one, now)) for one in companions]
    stored = library.times(one.photo_id for one in companions)
    dates = places = 0
    with library.transaction():
        for one, facts in read:
            own = stored.get(one.photo_id)
            gave_date, gave_place = library.record_companion(
                one,
                taken_at=facts.taken_at,
                latitude=facts.latitude,
                longitude=facts.longitude,
                replace_date=own is not None and better_date(own, facts.taken_at) != own,
                # The title in Google's export is the name of the file.
                texts=texts_of(facts, with_title=one.kind == "xmp"),
            )
            if gave_date and facts.taken_at is not None:
                stored[one.photo_id] = facts.taken_at
            dates += gave_date
            places += gave_place
    return _Given(dates, places)


def _give_to_copies(library: Library, json_of_copy: Mapping[int, Path], now: datetime | None) -> _Given:
    """Give edited copies without a date what Google says about their original, which has the file."""
    stored = library.times(json_of_copy)
    dates = places = 0
    for photo_id, path in json_of_copy.items():
        own = stored.get(photo_id)
        if own is not None and not may_be_unset(own):
            continue
        facts = read_sidecar(path, now) or NOTHING_WRITTEN
        gave_date, gave_place = library.fill_in(
            photo_id,
            taken_at=facts.taken_at,
            latitude=facts.latitude,
            longitude=facts.longitude,
            replace_date=own is not None and better_date(own, facts.taken_at) != own,
        )
        dates += gave_date
        places += gave_place
    return _Given(dates, places)


def _batches(companions: Sequence[CompanionFile]) -> Iterator[Sequence[CompanionFile]]:
    for start in range(0, len(companions), _BATCH):
        yield companions[start : start + _BATCH]


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


def _facts(companion: CompanionFile, now: datetime | None) -> SidecarFacts:
    """What it says; nothing for one that is a picture or cannot be read."""
    facts = read_sidecar(companion.path, now) if companion.kind in ("xmp", "takeout") else None
    return facts or NOTHING_WRITTEN


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
    photos: Iterable[str], others: Mapping[str, os.stat_result], photo_of_json: Mapping[str, str]
) -> Iterator[tuple[str, CompanionKind, str]]:
    """Each of `others` that belongs to a photo, what it is, and the photo's name."""
    names = _Names(photos)
    for name, status in sorted(others.items()):
        suffix = _suffix(name)
        photo: str | None
        kind: CompanionKind
        if suffix in _VIDEOS:
            kind = _VIDEOS[suffix]
            photo = names.shown(name) if status.st_size <= MAX_VIDEO_MIB * 2**20 else None
        elif suffix == ".json":
            kind, photo = "takeout", photo_of_json.get(name)
        elif suffix == ".xmp":
            kind, photo = "xmp", names.whole(Path(name).stem) or names.developed(name)
        else:
            kind, photo = "aae", names.shown(name)
        if photo is not None:
            yield name, kind, photo


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
        # Some phones write `A.MP.jpg` beside `A.MP` or `A.mp4`, and Apple's exports `A_HEVC.MOV` beside `A.HEIC`.
        stem = Path(name).stem.lower()
        stems = (stem, name.lower(), f"{stem}.mp", stem.removesuffix("_hevc"))
        same: list[str] = next(filter(None, (self._by_stem.get(each) for each in stems)), [])
        return min(
            same, key=lambda one: (_suffix(one) not in _HEIC, _suffix(one) in RAW_SUFFIXES), default=None
        )

    def developed(self, name: str) -> str | None:
        """The photo of this stem that is developed by an editor: the RAW file, else what there is."""
        same = self._by_stem.get(Path(name).stem.lower(), [])
        return min(same, key=lambda one: _suffix(one) not in RAW_SUFFIXES, default=None)


def _suffix(name: str) -> str:
    return Path(name).suffix.lower()
