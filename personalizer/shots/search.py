"""Finds the photos of a library that show what others show, without reading the whole library for a few of them.

All fingerprints' signs are read, eight bytes each; everything else only of the photos that these leave over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

import numpy as np

from personalizer.library.library import Library
from personalizer.library.photos.shots import Taken
from personalizer.photos.perceptual_hash import AlikeSettings, PictureSearch
from personalizer.schemas import Int64Array

BURST_S = 2.0
BURST_NEIGHBOURS = 40
_FEW = 256
"""Up to so many photos are compared with the library one after another; more are with all of it read at once."""
_BLOCK_PHOTOS = 16


class ShotSearch:
    """Search in the library as it is now, for up to about `photos` of them."""

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
        for later_camera, later, other in dated[number + 1 : number + 1 + BURST_NEIGHBOURS]:
            if later_camera != camera or (later - at).total_seconds() > BURST_S:
                break
            pairs.append((photo_id, other))
    return pairs
