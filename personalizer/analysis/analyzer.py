"""Everything that is found in one photo: the whole picture, a region and faces, each with its vector.

The same code serves scanning and photos that are not in any library. Knows no storage.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from personalizer.analysis.embed import ObjectEmbedder
from personalizer.analysis.labels import VERSION as WORDS_VERSION
from personalizer.analysis.labels import label_photo
from personalizer.analysis.main_thing import DETECTOR as MASK_DETECTOR
from personalizer.analysis.main_thing import SIDE_PX, MainThing, MaskNetwork
from personalizer.analysis.thing_colors import VERSION as COLORS_VERSION
from personalizer.analysis.thing_colors import thing_colors
from personalizer.faces.detector import FaceDetector
from personalizer.faces.embedder import FACE_MODEL, FaceEmbedder
from personalizer.faces.mtcnn import FaceCascade
from personalizer.photos.decode import DecodedPhoto
from personalizer.photos.grounds import on_ground, soft_ground
from personalizer.schemas import BoundingBox, Embedding, Float32Array, NewDetection, PhotoLabel

Analysis = list[tuple[NewDetection, Embedding]]
REGION_DETECTOR = "activation-map"
WHOLE_PHOTO = "whole-photo"
CUTOUT_VERSION = "cutout-1"
"""Counted up when the same things are cut out otherwise."""


@dataclass(frozen=True, slots=True)
class RegionConfig:
    """How a region is cut out of an activation map."""

    grid: int = 28
    """The map is enlarged to this side before it is cut."""
    levels: tuple[float, ...] = (0.5, 0.6, 0.7, 0.8)
    """Shares between the lowest and the highest activation.

    The first whose region is small enough is taken.
    """
    max_area: float = 0.7
    """Of the picture: a region that is nearly everything adds nothing to the whole photo."""
    margin: float = 0.04
    """Added on each side, as a share of the picture."""


_DEFAULT_REGION = RegionConfig()


@dataclass(frozen=True, slots=True, eq=False)
class PhotoAnalysis:
    """What one photo shows."""

    detections: Analysis
    """The whole photo, its main region, then faces from large to small, each with its vector."""
    labels: list[PhotoLabel]
    """Plain words for it, the likeliest first."""
    logits: Float32Array
    """`[2, 1000]`: what the object network believes of the whole photo and of the region."""
    thing: MainThing | None
    """The main thing where its mask is clear; None beside faces, where it is not looked for."""


class PhotoAnalyzer:
    """Holds the models; one per process is enough. Not for use by several threads at once."""

    def __init__(self, *, threads: int = 1, faces: bool = True) -> None:
        self.looks_for_faces = faces
        self.objects = ObjectEmbedder(threads=threads)
        self.masks = MaskNetwork(threads=threads)
        self.face_detector = FaceDetector(cascade=FaceCascade(threads=threads))
        self.faces = FaceEmbedder()

    def load(self) -> None:
        """Load the networks that every photo needs now instead of at the first one."""
        self.objects.load()
        _ = self.masks.session

    def give_back_room(self) -> None:
        """Unload what keeps much memory between photos; the next photo that needs it loads it again."""
        self.masks.unload()

    def analyze(self, photo: DecodedPhoto | Image.Image) -> PhotoAnalysis:
        """Detections with their vectors, and words for what is seen. Faces where they may be looked for.

        Boxes are in pixels of the original upright photo, also where `photo.image` is a reduced copy; for a
        bare RGB picture they are in its own pixels.
        """
        image, scale = (photo.image, photo.scale) if isinstance(photo, DecodedPhoto) else (photo, 1.0)
        size = (photo.width_px, photo.height_px) if isinstance(photo, DecodedPhoto) else photo.size
        whole = self.objects.view([image])[0]
        faces = self.face_detector.detect(image) if self.looks_for_faces else []
        # Beside a face the mask would be the person's, and costs more than all other networks together.
        thing = None if faces else self._clear_thing(image)
        if thing is None:
            region = propose_region(whole.activation, image.size)
            crop = _square_crop(image, region.box)
        else:
            region = NewDetection(
                "object",
                thing.box,
                round(1 - thing.doubtful, 4),
                MASK_DETECTOR,
                colors=thing_colors(image, thing.mask((SIDE_PX, SIDE_PX))),
            )
            crop = _box_crop(image, thing.box)
        views = [crop] if thing is None else [crop, _cutout(image, thing)]
        seen, *others = self.objects.view(views)
        embedding = dataclasses.replace(seen.embedding, cutout=others[0].embedding.vector if others else None)
        logits = np.stack([whole.logits, seen.logits])
        detections: Analysis = [
            (whole_photo(size), whole.embedding),
            (_scaled(region, scale), embedding),
        ]
        for face in faces:
            detections.append((_scaled(face, scale), self.faces.embed(image, face.box)))
        return PhotoAnalysis(detections, label_photo(logits), logits, thing)

    def _clear_thing(self, image: Image.Image) -> MainThing | None:
        thing = self.masks.find(image)
        return thing if thing is not None and thing.is_clear() else None

    @property
    def object_model(self) -> tuple[str, str]:
        """Model and version of the vectors of kind `photo` and `object`."""
        return self.objects.model_version

    @property
    def face_model(self) -> tuple[str, str]:
        """Model and version of the vectors of kind `face`."""
        return FACE_MODEL


def _square_crop(image: Image.Image, box: BoundingBox) -> Image.Image:
    """The box, made as square as the picture allows, so that squashing distorts it less."""
    side = max(box.width_px, box.height_px)
    width, height = min(side, image.width), min(side, image.height)
    left = min(max((box.left + box.right - width) / 2, 0.0), image.width - width)
    top = min(max((box.top + box.bottom - height) / 2, 0.0), image.height - height)
    right, bottom = max(left + width, left + 1), max(top + height, top + 1)
    return image.crop((int(left), int(top), round(right), round(bottom)))


def _box_crop(image: Image.Image, box: BoundingBox) -> Image.Image:
    """The box and nothing else: what surrounds a thing says where it is, not whose."""
    left, top = int(box.left), int(box.top)
    return image.crop((left, top, max(left + 1, round(box.right)), max(top + 1, round(box.bottom))))


def _cutout(image: Image.Image, thing: MainThing) -> Image.Image:
    """The box with the thing alone, on a ground that is always the same: what it has in common with others of it."""
    mask = _box_crop(thing.mask(image.size), thing.box)
    return on_ground(_box_crop(image, thing.box), mask, soft_ground())


def _scaled(detection: NewDetection, scale: float) -> NewDetection:
    box = detection.box
    enlarged = BoundingBox(box.left * scale, box.top * scale, box.right * scale, box.bottom * scale)
    return dataclasses.replace(detection, box=enlarged)


def propose_region(
    activation: Float32Array, size_px: tuple[int, int], config: RegionConfig = _DEFAULT_REGION
) -> NewDetection:
    """The box around the strongest connected part of an activation map `[7, 7]` of a picture of `size_px`.

    There is always one; its score is the share of the positive activation that falls into it.
    """
    enlarged = Image.fromarray(np.asarray(activation, dtype=np.float32)).resize(
        (config.grid, config.grid), Image.Resampling.BICUBIC
    )
    heat = np.asarray(enlarged, dtype=np.float64)
    positive = heat.clip(min=0)
    heat = (heat - heat.min()) / max(float(heat.max() - heat.min()), 1e-12)
    columns, rows = (0, config.grid), (0, config.grid)
    for level in config.levels:
        columns, rows = _strongest_part(heat, level)
        if (columns[1] - columns[0]) * (rows[1] - rows[0]) <= config.max_area * config.grid**2:
            break
    inside = positive[rows[0] : rows[1], columns[0] : columns[1]]
    share = float(inside.sum() / max(float(positive.sum()), 1e-12))
    width, height = size_px
    box = BoundingBox(
        (columns[0] / config.grid - config.margin) * width,
        (rows[0] / config.grid - config.margin) * height,
        (columns[1] / config.grid + config.margin) * width,
        (rows[1] / config.grid + config.margin) * height,
    )
    return NewDetection("object", box.clipped(size_px), round(min(share, 1.0), 4), REGION_DETECTOR)


def _strongest_part(heat: Any, level: float) -> tuple[tuple[int, int], tuple[int, int]]:
    """Column and row range (ends exclusive) of the connected cells over `level` around the highest one."""
    above = heat >= level
    row, column = (int(index) for index in np.unravel_index(int(heat.argmax()), heat.shape))
    waiting, seen = [(row, column)], {(row, column)}
    while waiting:
        row, column = waiting.pop()
        for cell in ((row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)):
            inside = 0 <= cell[0] < heat.shape[0] and 0 <= cell[1] < heat.shape[1]
            if inside and cell not in seen and above[cell]:
                seen.add(cell)
                waiting.append(cell)
    rows, columns = [cell[0] for cell in seen], [cell[1] for cell in seen]
    return (min(columns), max(columns) + 1), (min(rows), max(rows) + 1)


def whole_photo(size_px: tuple[int, int]) -> NewDetection:
    """The detection that stands for the whole picture."""
    return NewDetection(
        "photo", BoundingBox(0.0, 0.0, float(size_px[0]), float(size_px[1])), 1.0, WHOLE_PHOTO
    )


def analysis_version(analyzer: PhotoAnalyzer) -> str:
    """By which models and detectors photos are looked at, in one text: where it differs they are looked at again."""
    detector = analyzer.face_detector.name
    return "|".join(
        (
            ":".join(analyzer.object_model),
            f"{MASK_DETECTOR}+{REGION_DETECTOR}+{COLORS_VERSION}+{CUTOUT_VERSION}",
            WORDS_VERSION,
            detector,
            ":".join(analyzer.face_model),
        )
    )
