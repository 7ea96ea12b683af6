"""A few bytes that are nearly equal for copies of one picture, resized or recompressed, and unlike for others.

Knows pixels and how two pictures compare; knows no library.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from personalizer.schemas import Float32Array, Int64Array

if TYPE_CHECKING:
    from PIL import Image

VERSION = 1
"""Of how fingerprints are made; those of two versions cannot be compared."""
SIDE_PX, KEPT = 32, 8
TONES_SIDE = 8
TONES_BYTES = TONES_SIDE * TONES_SIDE * 3


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """`bits` are 64 signs of a picture's coarse waves, `tones` its colours on a grid of 8 x 8."""

    bits: int
    tones: bytes


def fingerprint(image: Image.Image) -> Fingerprint:
    """Of an upright RGB picture."""
    from PIL import Image

    small = image.resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX)
    gray: Float32Array = np.asarray(small.convert("L"), dtype=np.float32)
    cosines = _cosines()
    waves = (cosines @ gray @ cosines.T).ravel()
    # The first is the mean brightness, which says nothing about what is in the picture.
    signs = waves > np.median(waves[1:])
    signs[0] = False
    bits = int.from_bytes(np.packbits(signs).tobytes(), "big")
    return Fingerprint(bits, small.resize((TONES_SIDE, TONES_SIDE), Image.Resampling.BOX).tobytes())


@lru_cache(maxsize=1)
def _cosines() -> Float32Array:
    """The slow rows `[8, 32]` of the discrete cosine transform."""
    places = (2 * np.arange(SIDE_PX) + 1) * np.pi / (2 * SIDE_PX)
    cosines: Float32Array = np.cos(np.outer(np.arange(KEPT), places)).astype(np.float32)
    return cosines


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """Fingerprints as arrays: `bits` `[n]`, `tones` `[n, 192]` as stored, `aspect` `[n]` width by height."""

    bits: npt.NDArray[np.uint64]
    tones: npt.NDArray[np.uint8]
    aspect: Float32Array

    def __len__(self) -> int:
        return len(self.bits)


@dataclass(frozen=True, slots=True)
class AlikeSettings:
    """What two pictures have to share to be one shot."""

    max_bits: int = 12
    """Signs of 64 that may differ; two different photos differ in 32 on average."""
    min_correlation: float = 0.95
    max_tone: float = 20.0
    """Mean difference of the tones of 0 to 255, brought to equal brightness."""
    max_gain: float = 1.7
    """How many times brighter one may be."""
    min_contrast: float = 4.0
    """Standard deviation of the tones below which a picture is a plain surface, and nothing tells it from others."""
    plain_contrast: float = 14.0
    """Below this one it holds little (a sky, a wall), and has to agree more closely."""
    plain_bits: int = 4
    plain_tone: float = 4.0
    max_aspect: float = 0.12
    """Difference of the logarithms of width by height."""
    burst_bits: int = 20
    burst_correlation: float = 0.85
    """What is enough for photos that one camera took within two seconds."""


class PictureSearch:
    """Finds which of `pictures` are alike, exactly, without comparing each with each."""

    def __init__(self, pictures: Pictures, settings: AlikeSettings | None = None) -> None:
        self._settings = settings or AlikeSettings()
        self._bits = pictures.bits
        self._aspect = np.log(np.maximum(pictures.aspect, 1e-6)).astype(np.float32)
        tones = pictures.tones.astype(np.float32)
        self._mean = tones.mean(axis=1)
        self._unit = tones - self._mean[:, None]
        length = np.linalg.norm(self._unit, axis=1)
        self._contrast = length / np.sqrt(TONES_BYTES)
        self._unit /= np.maximum(length, 1e-6)[:, None]
        self._tones = pictures.tones
        # Unit vectors that correlate are close, and so are their projections on any direction: sorted by one,
        # a picture has to be compared with a stretch of its neighbours only.
        self._place = self._unit @ self._main_direction()
        self._order = np.argsort(self._place, kind="stable")
        self._sorted_place = self._place[self._order]
        self._sorted_bits = self._bits[self._order]
        self._reach = float(np.sqrt(2 * (1 - self._settings.min_correlation))) + 1e-4

    def _main_direction(self) -> Float32Array:
        """The direction `[192]` in which these pictures differ most."""
        direction = np.ones(TONES_BYTES, dtype=np.float32)
        direction[: TONES_BYTES // 2] = -1
        sample = self._unit[:: max(1, len(self._unit) // 4096)]
        for _ in range(8):
            direction = sample.T @ (sample @ direction)
            direction /= max(float(np.linalg.norm(direction)), 1e-6)
        return direction

    def pairs(self, rows: npt.NDArray[np.int64], block: int = 16) -> npt.NDArray[np.int64]:
        """Pairs `[m, 2]` of positions, each of one of `rows` and of any other picture that is alike.

        Of two pictures that are both in `rows` the pair may come once or twice. Blocks are small for the cache's sake.
        """
        everything = len(rows) == len(self._order)
        rows = self._order if everything else rows[np.argsort(self._place[rows], kind="stable")]
        found: list[npt.NDArray[np.int64]] = []
        for start in range(0, len(rows), block):
            chosen = rows[start : start + block]
            low, high = self._place[chosen[0]] - self._reach, self._place[chosen[-1]] + self._reach
            first, last = np.searchsorted(self._sorted_place, [low, high])
            # Where all are compared with all, those before have met this one already.
            first = start if everything else first
            near = (
                np.bitwise_count(self._bits[chosen][:, None] ^ self._sorted_bits[first:last])
                <= self._settings.max_bits
            )
            row, column = np.nonzero(near)
            left, right = chosen[row], self._order[first + column]
            other = left != right
            left, right = left[other], right[other]
            kept = self._alike(left, right)
            found.append(np.stack([left[kept], right[kept]], axis=1))
        return np.concatenate(found) if found else np.zeros((0, 2), dtype=np.int64)

    def burst_pairs(self, pairs: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Those of `pairs` `[m, 2]`, each of two photos taken in one burst, that show the same."""
        left, right = pairs[:, 0], pairs[:, 1]
        settings = self._settings
        correlation = np.einsum("nd,nd->n", self._unit[left], self._unit[right])
        kept = (
            (np.bitwise_count(self._bits[left] ^ self._bits[right]) <= settings.burst_bits)
            & (correlation >= settings.burst_correlation)
            & (np.minimum(self._contrast[left], self._contrast[right]) >= settings.min_contrast)
            & (np.abs(self._aspect[left] - self._aspect[right]) <= settings.max_aspect)
        )
        found: Int64Array = pairs[kept]
        return found

    def correlation(self, left: int, right: int) -> float:
        """How alike the tones of two pictures are, from -1 to 1."""
        return float(self._unit[left] @ self._unit[right])

    def _alike(self, left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Which of the pairs, whose signs agree well enough, agree in everything."""
        settings = self._settings
        alike = np.zeros(len(left), dtype=np.bool_)
        for start in range(0, len(left), 1 << 14):
            a, b = left[start : start + (1 << 14)], right[start : start + (1 << 14)]
            contrast = np.minimum(self._contrast[a], self._contrast[b])
            dark = np.minimum(self._mean[a], self._mean[b])
            gain = np.maximum(self._mean[a], self._mean[b]) / np.maximum(dark, 1.0)
            level = np.maximum((self._mean[a] + self._mean[b]) / 2, 1.0)
            difference = np.abs(
                self._tones[a] * (level / np.maximum(self._mean[a], 1.0))[:, None]
                - self._tones[b] * (level / np.maximum(self._mean[b], 1.0))[:, None]
            ).mean(axis=1)
            bits = np.bitwise_count(self._bits[a] ^ self._bits[b])
            correlation = np.einsum("nd,nd->n", self._unit[a], self._unit[b])
            plain = contrast < settings.plain_contrast
            alike[start : start + (1 << 14)] = (
                (correlation >= settings.min_correlation)
                & (difference <= np.where(plain, settings.plain_tone, settings.max_tone))
                & (~plain | (bits <= settings.plain_bits))
                & (gain <= np.where(plain, 1.2, settings.max_gain))
                & (contrast >= settings.min_contrast)
                & (np.abs(self._aspect[a] - self._aspect[b]) <= settings.max_aspect)
            )
        return alike
