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
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from personalizer.errors import UnreadablePhotoError
from personalizer.library.library import Library
from personalizer.library.photos.shots import Follower
from personalizer.photos.decode import decode_photo, read_photo_bytes
from personalizer.photos.perceptual_hash import fingerprint
from personalizer.photos.raw import RAW_SUFFIXES
from personalizer.shots.search import BURST_S, ShotSearch

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
    neighbours: dict[int, set[int]] = defaultdict(set)
    together: dict[int, set[int]] = defaultdict(set)
    for one, other in beside.items():
        together[one].add(other)
        together[other].add(one)
    seen, waiting = set(fresh), set(fresh)
    while waiting:
        reached: set[int] = set()
        for left, right in search.near(waiting):
            neighbours[left].add(right)
            neighbours[right].add(left)
            reached |= {left, right}
        for one in waiting:
            reached |= together[one]
        waiting = reached - seen
        seen |= waiting
    return {one: neighbours[one] for one in seen}


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
