"""Decides which photos are one shot: copies, crops, bursts and RAW files beside their JPEG. Knows the library and
fingerprints, no pixels.

A group is the photos that are alike its leader, the largest; a photo that is only alike one of the others is not in
it, so a slow pan does not become one shot. Since who leads depends on a photo's whole connected set only, adding photos
one by one gives the groups that all together give.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from personalizer.errors import UnreadablePhotoError
from personalizer.library.library import Library
from personalizer.library.photos.shots import Follower, Taken
from personalizer.photos.decode import decode_photo, read_photo_bytes
from personalizer.photos.formats import RAW_SUFFIXES
from personalizer.photos.perceptual_hash import AlikeSettings, PictureSearch, fingerprint
from personalizer.schemas import Int64Array

BURST_S = 2.0
BURST_NEIGHBORS = 40
_FEW = 256
"""Up to so many photos are compared with the library one after another; more are with all of it read at once."""
_BLOCK_PHOTOS = 16
_SAME_SHOT_CORRELATION = 0.5
"""A RAW file's preview and the JPEG beside it differ in tone; two shots whose names happen to agree differ more."""


@dataclass(frozen=True, slots=True)
class ShotReport:
    """`compared` photos were looked at now; `shots` and `duplicates` are there altogether."""

    compared: int
    shots: int
    duplicates: int


def group_shots(library: Library) -> ShotReport:
    """Group the photos that are new since the last time, with whatever they belong to.

    Costs milliseconds for a few new photos in a large library, and seconds for a hundred thousand new ones.
    """
    files = library.first_files() if library.has_suffix(RAW_SUFFIXES) else {}
    parts = {photo_id: _split(path) for photo_id, path in files.items()}
    raw = {photo_id for photo_id, (_, suffix) in parts.items() if suffix in RAW_SUFFIXES}
    waiting = library.not_grouped()
    before = {one.photo_id: one.beside_id for one in library.followers() if one.beside_id is not None}
    if not waiting and not raw and not before:
        return ShotReport(0, **library.shot_counts())
    search = ShotSearch(library, len(waiting))
    compared = {one: other for one, other in before.items() if waiting.isdisjoint((one, other))}
    beside = _written_together(library, parts, raw, search, compared)
    fresh = waiting | {
        photo_id for photo_id in before.keys() | beside.keys() if before.get(photo_id) != beside.get(photo_id)
    }
    if not fresh:
        return ShotReport(0, **library.shot_counts())
    alike = _connected(search, library.with_files(fresh), beside)

    def rank(photo_id: int) -> tuple[bool, int, int]:
        # What every program can show leads before RAW files, then the largest, then who came first.
        return photo_id in raw, -search.sizes.get(photo_id, 0), photo_id

    leader: dict[int, int] = {}
    for photo_id in sorted(alike, key=rank):
        other = beside.get(photo_id)
        if other is not None:
            leader[photo_id] = leader[other]
            continue
        leading = [one for one in alike[photo_id] if leader.get(one) == one]
        leader[photo_id] = min(leading, key=rank, default=photo_id)
    library.replace_followers(
        alike,
        [
            Follower(photo_id, leading, beside.get(photo_id))
            for photo_id, leading in leader.items()
            if leading != photo_id
        ],
    )
    return ShotReport(len(alike), **library.shot_counts())


def _connected(search: ShotSearch, fresh: set[int], beside: Mapping[int, int]) -> dict[int, set[int]]:
    """Which photos each one is alike, for the `fresh` ones and all that hang together with them."""
    neighbors: dict[int, set[int]] = defaultdict(set)
    together: dict[int, set[int]] = defaultdict(set)
    for one, other in beside.items():
        together[one].add(other)
        together[other].add(one)
    seen, waiting = set(fresh), set(fresh)
    while waiting:
        reached: set[int] = set()
        for left, right in search.near(waiting):
            neighbors[left].add(right)
            neighbors[right].add(left)
            reached |= {left, right}
        for one in waiting:
            reached |= together[one]
        waiting = reached - seen
        seen |= waiting
    return {one: neighbors[one] for one in seen}


def _split(path: str) -> tuple[str, str]:
    """Without the suffix, and the suffix; both in small letters."""
    # A Path of each would take seconds in a large library.
    stem, suffix = os.path.splitext(path.lower())  # noqa: PTH122
    return stem, suffix


def _written_together(
    library: Library,
    parts: Mapping[int, tuple[str, str]],
    raw: set[int],
    search: ShotSearch,
    compared: Mapping[int, int],
) -> dict[int, int]:
    """For RAW files, the photo that the camera wrote beside them: same folder, same name up to the suffix.

    Those in `compared` look the same as this other one and have not changed since.
    """
    stem_of = {photo_id: parts[photo_id][0] for photo_id in raw}
    stems = set(stem_of.values())
    shown: dict[str, int] = {}
    for photo_id, (stem, _) in parts.items():
        if stem in stems and photo_id not in raw:
            shown.setdefault(stem, photo_id)
    pairs = [(photo_id, shown[stem]) for photo_id, stem in stem_of.items() if stem in shown]
    taken_at = library.times(photo_id for pair in pairs for photo_id in pair)
    found = {}
    for photo_id, other in pairs:
        one, two = taken_at.get(photo_id), taken_at.get(other)
        if one is not None and two is not None and abs((one - two).total_seconds()) > BURST_S:
            continue
        if compared.get(photo_id) != other:
            correlation = search.correlation(photo_id, other)
            if correlation is not None and correlation < _SAME_SHOT_CORRELATION:
                continue
        found[photo_id] = other
    return found


def add_missing_fingerprints(
    library: Library, limit: int = 200, cancelled: Callable[[], bool] | None = None
) -> int:
    """Look again at up to `limit` photos that an earlier version stored without a fingerprint; returns how many got
    one. A photo that cannot be read now is left for another time.
    """
    made = 0
    for photo_id in library.without_fingerprint(limit):
        if cancelled is not None and cancelled():
            break
        wanted = library.photo(photo_id).content_hash
        for path in library.photo_paths(photo_id):
            try:
                content = read_photo_bytes(path)
                if hashlib.sha256(content).hexdigest() != wanted:
                    continue
                library.add_fingerprint(photo_id, fingerprint(decode_photo(content, path).image))
            except UnreadablePhotoError:
                continue
            made += 1
            break
    return made


class ShotSearch:
    """Finds the photos of the library that show what others show, for up to about `photos` of them.

    All fingerprints' signs are read, eight bytes each; everything else only of the photos that these leave over.
    """

    def __init__(self, library: Library, photos: int) -> None:
        self._library = library
        self._settings = AlikeSettings()
        self.sizes: dict[int, int] = {}
        """In pixels, of the photos that were looked at and have a fingerprint."""
        self._all = _Loaded(library, None) if photos > _FEW else None
        if self._all is None:
            self._ids, self._bits = library.picture_signs()
        else:
            self.sizes = self._all.sizes
            self._taken_together = taken_together(library.taken())

    def near(self, photo_ids: Iterable[int]) -> list[tuple[int, int]]:
        """Pairs of one of these photos and any other one that is alike, or was taken in one burst with it."""
        chosen = np.array(sorted(photo_ids), np.int64)
        if self._all is not None:
            return self._all.pairs(chosen, self._taken_together)
        known = chosen[np.isin(chosen, self._ids, assume_unique=True)]
        bursts = taken_together(self._taken_around(chosen.tolist()))
        universe = np.unique(
            np.concatenate([known, self._with_like_signs(known), np.array(bursts, np.int64).reshape(-1)])
        )
        loaded = _Loaded(self._library, universe.tolist())
        self.sizes |= loaded.sizes
        return loaded.pairs(chosen, bursts)

    def correlation(self, first: int, second: int) -> float | None:
        """How alike the tones of two photos are; None where one of them has no fingerprint."""
        loaded = self._all or _Loaded(self._library, [first, second])
        return loaded.correlation(first, second)

    def _with_like_signs(self, photo_ids: Int64Array) -> Int64Array:
        bits = self._bits[np.searchsorted(self._ids, photo_ids)]
        near = np.zeros(len(self._ids), np.bool_)
        for start in range(0, len(bits), _BLOCK_PHOTOS):
            differing = np.bitwise_count(bits[start : start + _BLOCK_PHOTOS, None] ^ self._bits)
            near |= (differing <= self._settings.max_bits).any(axis=0)
        return self._ids[near]

    def _taken_around(self, photo_ids: Sequence[int]) -> list[Taken]:
        found: dict[int, Taken] = {}
        for one in self._library.taken(photo_ids):
            around = self._library.taken_within(one, timedelta(seconds=BURST_S))
            found |= {other.photo_id: other for other in around}
        return list(found.values())


class _Loaded:
    """Fingerprints of some photos, or of all, in memory."""

    def __init__(self, library: Library, photo_ids: Sequence[int] | None) -> None:
        self._ids, pictures, sizes = library.pictures(photo_ids)
        self._search = PictureSearch(pictures) if len(self._ids) else None
        self.sizes = dict(zip(self._ids.tolist(), sizes.tolist(), strict=True))

    def pairs(
        self, photo_ids: Int64Array, taken_together: Sequence[tuple[int, int]]
    ) -> list[tuple[int, int]]:
        """Pairs of one of the photos and any other that is alike, or of those `taken_together` shows the same."""
        if self._search is None:
            return []
        wanted = set(photo_ids.tolist())
        rows = np.flatnonzero(np.isin(self._ids, photo_ids))
        found = [self._ids[self._search.pairs(rows)]] if len(rows) else []
        bursts = [
            pair for pair in taken_together if wanted.intersection(pair) and self.sizes.keys() >= set(pair)
        ]
        if bursts:
            places = np.searchsorted(self._ids, np.array(bursts, np.int64))
            found.append(self._ids[self._search.burst_pairs(places)])
        return [(left, right) for part in found for left, right in part.tolist()]

    def correlation(self, first: int, second: int) -> float | None:
        if self._search is None or not self.sizes.keys() >= {first, second}:
            return None
        left, right = np.searchsorted(self._ids, [first, second]).tolist()
        return self._search.correlation(left, right)


def taken_together(photos: Iterable[Taken]) -> list[tuple[int, int]]:
    """Pairs of photos that one camera took within `BURST_S`."""
    dated = sorted((one.camera, one.at, one.photo_id) for one in photos)
    pairs = []
    for number, (camera, at, photo_id) in enumerate(dated):
        for later_camera, later, other in dated[number + 1 : number + 1 + BURST_NEIGHBORS]:
            if later_camera != camera or (later - at).total_seconds() > BURST_S:
                break
            pairs.append((photo_id, other))
    return pairs
