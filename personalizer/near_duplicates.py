"""Decides which photos are one shot: copies, crops, bursts and RAW files beside their JPEG. Knows the library and
fingerprints, no pixels.

A group is the photos that are alike its leader, the largest; a photo that is only alike one of the others is not in
it, so a slow pan does not become one shot. Since who leads depends on a photo's whole connected set only, adding photos
one by one gives the groups that all together give.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from personalizer.decoding import decode_photo, read_photo_bytes
from personalizer.errors import UnreadablePhotoError
from personalizer.fingerprints import PictureSearch, fingerprint
from personalizer.library import Library
from personalizer.library_shots import Follower
from personalizer.raw_photos import RAW_SUFFIXES
from personalizer.schemas import Int64Array, Photo

BURST_S = 2.0
_BURST_NEIGHBOURS = 40
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
    ids, pictures, sizes = library.pictures()
    search = PictureSearch(pictures) if len(ids) else None
    place = {photo_id: number for number, photo_id in enumerate(ids.tolist())}
    photos = {photo.id: photo for photo in library.photos(include_missing=True)}
    raw = {photo_id for photo_id, photo in photos.items() if photo.path.suffix.lower() in RAW_SUFFIXES}

    def resemble(first: int, second: int) -> bool:
        if search is None or first not in place or second not in place:
            return True
        return search.correlation(place[first], place[second]) >= _SAME_SHOT_CORRELATION

    beside = _written_together(photos, raw, resemble)
    before = {one.photo_id: one.beside_id for one in library.followers() if one.beside_id is not None}
    fresh = library.not_grouped() | {
        photo_id for photo_id in before.keys() | beside.keys() if before.get(photo_id) != beside.get(photo_id)
    }
    if not fresh:
        return ShotReport(0, **library.shot_counts())
    alike = _connected(search, ids, place, photos, fresh, beside)
    size = dict(zip(ids.tolist(), sizes.tolist(), strict=True))

    def rank(photo_id: int) -> tuple[bool, int, int]:
        # What every program can show leads before RAW files, then the largest, then who came first.
        return photo_id in raw, -size.get(photo_id, 0), photo_id

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


def _connected(
    search: PictureSearch | None,
    ids: Int64Array,
    place: Mapping[int, int],
    photos: Mapping[int, Photo],
    fresh: set[int],
    beside: Mapping[int, int],
) -> dict[int, set[int]]:
    """Which photos each one is alike, for the `fresh` ones and all that hang together with them."""
    neighbours: dict[int, set[int]] = defaultdict(set)
    together: dict[int, set[int]] = defaultdict(set)
    for one, other in beside.items():
        together[one].add(other)
        together[other].add(one)
    bursts: dict[int, set[int]] = defaultdict(set)
    if search is not None:
        for left, right in search.burst_pairs(_taken_together(photos, place)).tolist():
            bursts[int(ids[left])].add(int(ids[right]))
            bursts[int(ids[right])].add(int(ids[left]))
    seen = {photo_id for photo_id in fresh if photo_id in photos}
    waiting = set(seen)
    while waiting:
        rows = np.array(sorted(place[one] for one in waiting if one in place), dtype=np.int64)
        reached: set[int] = set()
        if search is not None and len(rows):
            for left, right in ids[search.pairs(rows)].tolist():
                neighbours[left].add(right)
                neighbours[right].add(left)
                reached |= {left, right}
        for one in waiting:
            neighbours[one] |= bursts[one]
            reached |= bursts[one] | together[one]
        waiting = reached - seen
        seen |= waiting
    return {one: neighbours[one] for one in seen}


def _written_together(
    photos: Mapping[int, Photo], raw: set[int], resemble: Callable[[int, int], bool]
) -> dict[int, int]:
    """For RAW files, the photo that the camera wrote beside them: same folder, same name up to the suffix."""
    if not raw:
        return {}
    shown: dict[str, int] = {}
    for photo_id in sorted(photos.keys() - raw, reverse=True):
        shown[_stem(photos[photo_id])] = photo_id
    found = {}
    for photo_id in raw:
        other = shown.get(_stem(photos[photo_id]))
        if other is None:
            continue
        one, two = photos[photo_id].taken_at, photos[other].taken_at
        apart_s = abs((one - two).total_seconds()) if one is not None and two is not None else 0.0
        if apart_s <= BURST_S and resemble(photo_id, other):
            found[photo_id] = other
    return found


def _stem(photo: Photo) -> str:
    return str(photo.path.with_suffix("")).lower()


def _taken_together(photos: Mapping[int, Photo], place: Mapping[int, int]) -> Int64Array:
    """Pairs `[m, 2]` of positions of photos that one camera took within `BURST_S`."""
    dated = sorted(
        (photo.camera, photo.taken_at, place[photo.id])
        for photo in photos.values()
        if photo.camera is not None and photo.taken_at is not None and photo.id in place
    )
    pairs = []
    for number, (camera, at, position) in enumerate(dated):
        for later_camera, later, other in dated[number + 1 : number + 1 + _BURST_NEIGHBOURS]:
            if later_camera != camera or (later - at).total_seconds() > BURST_S:
                break
            pairs.append((position, other))
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def leaders(library: Library) -> dict[int, int]:
    """For every photo that another one stands for, that other one."""
    return {one.photo_id: one.leader_id for one in library.followers()}


def one_per_shot(photo_ids: Iterable[int], leader_of: Mapping[int, int]) -> list[int]:
    """The photos without those that repeat a shot of the others: of each shot its leader where it is among them, else
    the first. `leader_of` is what `leaders` returns.

    For whoever counts photos as independent observations: members of a concept, pictures to train on.
    """
    given = list(dict.fromkeys(photo_ids))
    chosen: dict[int, int] = {}
    for photo_id in given:
        shot = leader_of.get(photo_id, photo_id)
        if shot == photo_id or shot not in chosen:
            chosen[shot] = photo_id
    kept = set(chosen.values())
    return [photo_id for photo_id in given if photo_id in kept]


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
