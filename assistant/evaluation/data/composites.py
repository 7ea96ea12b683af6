"""Large pictures that are composed of small photos, with the places of the faces that these show.

Knows pictures and where dlib's own detector sees a face in an enlarged one; knows no library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from personalizer.errors import UnreadablePhotoError, UsageError
from personalizer.photos.decode import load_photo
from personalizer.schemas import BoundingBox

SEARCHED_PX = (480, 700)
"""Long sides at which a photo is searched for the faces that it is known to show: both have to agree."""
MIN_CONFIDENCE = 0.3
MIN_AGREEMENT = 0.6
MAX_ENLARGEMENT = 8.0
"""A face that is enlarged more than this is a blur that nobody's camera makes."""
MIN_FACE_SHARE = 0.25
"""Of the photo's short side: photos with a smaller largest face are placed as photos of things."""


@dataclass(frozen=True, slots=True)
class CompositeConfig:
    """What a composed picture looks like."""

    width_px: int = 4000
    height_px: int = 3000
    face_sizes_px: tuple[int, ...] = (100, 130, 180, 250, 360, 520, 760)
    """Sides of the boxes of faces, used in turn, so that each comes equally often."""
    faces: int = 4
    things: int = 3
    thing_sizes_px: tuple[int, int] = (500, 1300)
    """Long sides of the photos of things."""
    grain: float = 3.0
    """Standard deviation of the noise, of 255: what an enlarged photo lacks, and what a camera's file is full of."""
    quality: int = 92
    """Of the JPEG file."""

    def __post_init__(self) -> None:
        if min(self.width_px, self.height_px) < 64 or not self.face_sizes_px or min(self.face_sizes_px) < 1:
            raise ValueError("CompositeConfig needs at least 64 x 64 pixels and one size of faces")


@dataclass(frozen=True, slots=True, eq=False)
class Ingredient:
    """A small photo and its faces, the largest first."""

    image: Image.Image
    faces: tuple[BoundingBox, ...]


@dataclass(frozen=True, slots=True)
class KnownFace:
    """A face in a composed picture, and the size that it was to have."""

    box: BoundingBox
    size_px: int


def read_ingredients(
    paths: Sequence[Path], on_read: Callable[[int, int], None] | None = None
) -> list[Ingredient]:
    """The photos that can be read, each searched for faces. Raises `UsageError` when there is none."""
    import dlib

    detector = dlib.get_frontal_face_detector()
    found = []
    for number, path in enumerate(paths):
        if on_read is not None:
            on_read(number, len(paths))
        try:
            image = load_photo(path).image
        except UnreadablePhotoError:
            continue
        found.append(Ingredient(image, known_faces(image, detector)))
    if not found:
        raise UsageError(
            tried="composing pictures",
            found=f"none of {len(paths)} files is a photo that can be read",
            fix="Give a folder of photos: --photos DIR.",
        )
    return found


def known_faces(image: Image.Image, detector: Any) -> tuple[BoundingBox, ...]:
    """Faces that dlib's detector is sure of at two sizes of the picture, the largest first.

    The command that is compared with uses the same detector: what it can find at all is what is known.
    """
    first, second = (_searched(image, detector, side) for side in SEARCHED_PX)
    agreed = [box for box in first if any(box.iou(other) >= MIN_AGREEMENT for other in second)]
    return tuple(sorted(agreed, key=lambda box: -box.width_px))


def _searched(image: Image.Image, detector: Any, side_px: int) -> list[BoundingBox]:
    scale = side_px / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    pixels = np.asarray(image.convert("RGB").resize(size, Image.Resampling.BICUBIC))
    boxes, _, _ = detector.run(pixels, 0, MIN_CONFIDENCE)
    return [
        BoundingBox(
            box.left() / scale, box.top() / scale, (box.right() + 1) / scale, (box.bottom() + 1) / scale
        )
        for box in boxes
    ]


class Composer:
    """Composes pictures of `ingredients`, different ones as long as it is asked, the same for the same seed."""

    def __init__(
        self, ingredients: Sequence[Ingredient], config: CompositeConfig | None = None, seed: int = 0
    ) -> None:
        self.config = config or CompositeConfig()
        self._random = np.random.default_rng([seed, 4711])
        self._faces = [one for one in ingredients if _main_share(one) >= MIN_FACE_SHARE]
        self._things = [one for one in ingredients if not one.faces] or list(ingredients)
        noise = self._random.normal(0.0, self.config.grain, (self.config.height_px, self.config.width_px, 1))
        self._grain = np.round(noise).astype(np.int16)
        self._made = 0

    def pictures(self, count: int) -> Iterator[tuple[Image.Image, list[KnownFace]]]:
        """`count` pictures with the faces in them."""
        for _ in range(count):
            yield self.picture()

    def picture(self) -> tuple[Image.Image, list[KnownFace]]:
        """The next one."""
        config = self.config
        size = (config.width_px, config.height_px)
        ground = self._things[self._random.integers(len(self._things))].image
        picture = ground.convert("RGB").resize(size, Image.Resampling.BICUBIC)
        taken: list[tuple[int, int, int, int]] = []
        faces: list[KnownFace] = []
        turns = [
            (self._made * config.faces + number) % len(config.face_sizes_px) for number in range(config.faces)
        ]
        self._made += 1
        # The large ones first, while there is room.
        for wanted_px in sorted((config.face_sizes_px[turn] for turn in turns), reverse=True):
            usable = [one for one in self._faces if wanted_px / one.faces[0].width_px <= MAX_ENLARGEMENT]
            if usable:
                one = usable[self._random.integers(len(usable))]
                self._place(picture, one, wanted_px / one.faces[0].width_px, wanted_px, taken, faces)
        for _ in range(config.things):
            one = self._things[self._random.integers(len(self._things))]
            side = self._random.integers(*config.thing_sizes_px)
            self._place(picture, one, float(side / max(one.image.size)), 0, taken, faces)
        shift = self._random.integers(0, config.width_px)
        pixels = np.asarray(picture, dtype=np.int16) + np.roll(self._grain, shift, axis=1)
        return Image.fromarray(pixels.clip(0, 255).astype(np.uint8)), faces

    def _place(
        self,
        picture: Image.Image,
        one: Ingredient,
        scale: float,
        wanted_px: int,
        taken: list[tuple[int, int, int, int]],
        faces: list[KnownFace],
    ) -> None:
        """Put a photo where none is yet, if there is room."""
        width, height = (max(1, round(side * scale)) for side in one.image.size)
        for _ in range(200):
            if width >= picture.width or height >= picture.height:
                return
            left = int(self._random.integers(picture.width - width))
            top = int(self._random.integers(picture.height - height))
            box = (left, top, left + width, top + height)
            if not any(_touch(box, other) for other in taken):
                break
        else:
            return
        taken.append(box)
        picture.paste(one.image.convert("RGB").resize((width, height), Image.Resampling.BICUBIC), (left, top))
        for number, face in enumerate(one.faces):
            edges = (face.left, face.top, face.right, face.bottom)
            x, y = (left, left), (top, top)
            moved = [
                edge * scale + place for edge, place in zip(edges, (x[0], y[0], x[1], y[1]), strict=True)
            ]
            faces.append(
                KnownFace(BoundingBox(*moved), wanted_px if number == 0 else round(face.width_px * scale))
            )


def _main_share(one: Ingredient) -> float:
    return one.faces[0].width_px / min(one.image.size) if one.faces else 0.0


def _touch(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
