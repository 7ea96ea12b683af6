"""Finds faces and five points of each with three small networks (MTCNN, arXiv 1604.02878), whose graphs ship here.

Runs onnxruntime; knows arrays of pixels, no photo and no library.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from personalizer.errors import CorruptArtifactError
from personalizer.home import PACKAGE_DATA
from personalizer.onnx_runtime import REINSTALL, open_session
from personalizer.schemas import Float32Array, Int64Array

CASCADE_DIR = PACKAGE_DATA / "face_cascade"
MANIFEST_NAME = "manifest.json"
GRAPH_VERSION = 1
"""Counted up when the graphs give other results: part of the detector's version."""
_CELL_PX, _STRIDE_PX = 12, 2
_REFINEMENT_PX, _OUTPUT_PX = 24, 48
# What is worked on at once fits the processor's cache, and gives its room back to small blocks.
_BAND_ROWS, _BATCH = 100, 16


@dataclass(frozen=True, slots=True)
class CascadeConfig:
    """How eagerly faces are looked for: the probability that each of the three networks wants to see."""

    min_face_px: float = 20.0
    step: float = 0.709
    """Between two sizes at which the picture is searched."""
    large_face_px: float = 36.0
    large_step: float = 0.8
    """`step` for faces from that size up: they are looked for in small pictures, so that more of these cost little."""
    proposal: float = 0.7
    refinement: float = 0.7
    output: float = 0.7
    max_candidates: int = 1200
    """The likeliest are refined: a picture of a wall of bricks has thousands."""

    def __post_init__(self) -> None:
        if self.min_face_px < _CELL_PX:
            raise ValueError(f"CascadeConfig.min_face_px must be at least {_CELL_PX}, not {self.min_face_px}")
        for name in ("step", "large_step"):
            if not 0.3 <= getattr(self, name) <= 0.95:
                raise ValueError(
                    f"CascadeConfig.{name} must be between 0.3 and 0.95, not {getattr(self, name)}"
                )
        for name in ("proposal", "refinement", "output"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"CascadeConfig.{name} must be between 0 and 1, not {getattr(self, name)}")


@dataclass(frozen=True, slots=True, eq=False)
class FoundFaces:
    """What was found, the likeliest first."""

    boxes: Float32Array
    """`[n, 4]`: left, top, right, bottom, from hairline to chin."""
    probabilities: Float32Array
    """`[n]`"""
    points: Float32Array
    """`[n, 5, 2]`: the eye at the left of the picture, the other eye, nose, corners of the mouth; x and y."""


class FaceCascade:
    """The three networks. Loaded on first use, their hashes checked."""

    def __init__(self, config: CascadeConfig | None = None, *, threads: int = 1) -> None:
        self.config = config or CascadeConfig()
        self.threads = threads

    @cached_property
    def sessions(self) -> dict[str, Any]:
        return {
            name: open_session(content, self.threads, of_one_size=False)
            for name, content in read_graphs(CASCADE_DIR).items()
        }

    @property
    def name(self) -> str:
        """With the version: what detections say that they were found by."""
        return f"mtcnn-{GRAPH_VERSION}"

    def find(self, pixels: Any) -> FoundFaces:
        """Faces in the uint8 RGB picture `[height, width, 3]`."""
        boxes = self._propose(pixels)
        boxes, _, _ = self._judge("refinement", pixels, boxes, self.config.refinement, _REFINEMENT_PX)
        boxes, probabilities, points = self._judge("output", pixels, boxes, self.config.output, _OUTPUT_PX)
        return FoundFaces(boxes, probabilities, points)

    def points(self, pixels: Any, box: Float32Array) -> Float32Array:
        """The five points `[5, 2]` of a face that is known to be in `box` `[4]`, as in `FoundFaces`."""
        square = _squares(box[None].astype(np.float32))
        side = max(float(square[0, 2] - square[0, 0]), 1.0)
        answer = self.sessions["output"].run(["points"], {"pixels": _crops(pixels, square, _OUTPUT_PX)})[0]
        found: Float32Array = (
            square[0, :2] + np.stack([answer[0, :5], answer[0, 5:]], axis=1) * side
        ).astype(np.float32)
        return found

    def _propose(self, pixels: Any) -> Float32Array:
        """Candidates `[n, 4]` from every size of the picture."""
        import cv2

        height, width = pixels.shape[:2]
        scale = _CELL_PX / self.config.min_face_px
        boxes, probabilities = [np.zeros((0, 4), np.float32)], [np.zeros(0, np.float32)]
        image, level = pixels, 0
        while min(height, width) * scale >= _CELL_PX:
            size = (max(_CELL_PX, round(width * scale)), max(_CELL_PX, round(height * scale)))
            # Each size is made of the one before: the large ones are what costs.
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
            is_large = _CELL_PX / scale >= self.config.large_face_px
            found = self._propose_at(image, width / size[0], height / size[1])
            boxes.append(found[0])
            probabilities.append(found[1])
            level += 1
            scale *= self.config.large_step if is_large else self.config.step
        candidates, likely = np.concatenate(boxes), np.concatenate(probabilities)
        kept = suppress(candidates, likely, 0.7)[: self.config.max_candidates]
        return candidates[kept]

    def _propose_at(self, image: Any, across: float, down: float) -> tuple[Float32Array, Float32Array]:
        face, offsets = self.proposals(image)
        rows, columns = np.nonzero(face >= self.config.proposal)
        probabilities = face[rows, columns]
        left, top = columns * float(_STRIDE_PX), rows * float(_STRIDE_PX)
        cells = np.stack([left, top, left + _CELL_PX, top + _CELL_PX], axis=1).astype(np.float32)
        kept = suppress(cells, probabilities, 0.5)
        moved = cells[kept] + offsets[:, rows[kept], columns[kept]].T * _CELL_PX
        scaled: Float32Array = (moved * np.array([across, down, across, down])).astype(np.float32)
        return scaled, probabilities[kept]

    def proposals(self, image: Any) -> tuple[Float32Array, Float32Array]:
        """Probabilities `[rows, columns]` of the cells of a picture, and offsets `[4, rows, columns]`.

        In bands, each with what its last cells need of the next: in whole, large pictures do not fit the cache.
        """
        run, height = self.sessions["proposal"].run, image.shape[0]
        faces, offsets = [], []
        first = 0
        while True:
            # Where hardly a row is left for another band, it comes with this one.
            last = height if height - first < 2 * (_BAND_ROWS + _CELL_PX) else 0
            band = image[first : last or first + 2 * (_BAND_ROWS - 1) + _CELL_PX]
            face, offset = run(None, {"pixels": band[None]})
            faces.append(face[0])
            offsets.append(offset[0])
            if last:
                return np.concatenate(faces), np.concatenate(offsets, axis=1)
            first += _STRIDE_PX * _BAND_ROWS

    def _judge(
        self, name: str, pixels: Any, boxes: Float32Array, threshold: float, side_px: int
    ) -> tuple[Float32Array, Float32Array, Float32Array]:
        """The boxes that a network takes for faces, moved to where it sees them; probabilities; points."""
        squares = _squares(boxes)
        squares = squares[squares[:, 2] - squares[:, 0] >= 1]
        if not len(squares):
            return np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 5, 2), np.float32)
        crops = _crops(pixels, squares, side_px)
        run = self.sessions[name].run
        parts = [
            run(None, {"pixels": crops[start : start + _BATCH]}) for start in range(0, len(crops), _BATCH)
        ]
        answers = [np.concatenate(part) for part in zip(*parts, strict=True)]
        likely = np.flatnonzero(answers[0] >= threshold)
        squares, probabilities = squares[likely], answers[0][likely]
        side = squares[:, 2:3] - squares[:, 0:1]
        moved = squares + answers[1][likely] * side
        points = np.zeros((len(likely), 5, 2), np.float32)
        if len(answers) > 2:
            x, y = answers[2][likely, :5], answers[2][likely, 5:]
            points = np.stack([squares[:, 0:1] + x * side, squares[:, 1:2] + y * side], axis=2)
        # In the end one face inside another is one face; before, it may still grow into its own.
        kept = suppress(moved, probabilities, 0.7, of_smaller=name == "output")
        return moved[kept].astype(np.float32), probabilities[kept], points[kept].astype(np.float32)


def read_graphs(folder: Path) -> dict[str, bytes]:
    """The graphs that ship, each with the hash that its manifest names; else `CorruptArtifactError`."""
    found = "a file is missing"
    try:
        manifest = json.loads((folder / MANIFEST_NAME).read_text("utf-8"))
        graphs = {name: (folder / f"{name}.onnx").read_bytes() for name in manifest["graphs"]}
        wrong = [
            name
            for name, content in graphs.items()
            if hashlib.sha256(content).hexdigest() != manifest["graphs"][name]["sha256"]
        ]
        if manifest["graph_version"] == GRAPH_VERSION and not wrong and len(graphs) == 3:
            return graphs
        found = f"{', '.join(wrong) or 'the manifest'} is not what was shipped"
    except (OSError, ValueError, KeyError, TypeError) as error:
        found = f"{type(error).__name__} while reading it"
    raise CorruptArtifactError(
        tried=f"reading the face detector in {folder}",
        found=found,
        fix=REINSTALL,
    )


def suppress(
    boxes: Float32Array, scores: Float32Array, threshold: float, *, of_smaller: bool = False
) -> Int64Array:
    """Numbers of the boxes `[n, 4]` that no box with a higher score overlaps by more, the highest first.

    The overlap is that of the union, or with `of_smaller` of the smaller box.
    """
    order = np.argsort(-scores, kind="stable")
    left, top, right, bottom = boxes.T
    area = np.maximum(right - left, 0) * np.maximum(bottom - top, 0)
    kept = []
    while len(order):
        first, rest = order[0], order[1:]
        kept.append(first)
        width = np.minimum(right[first], right[rest]) - np.maximum(left[first], left[rest])
        height = np.minimum(bottom[first], bottom[rest]) - np.maximum(top[first], top[rest])
        both = np.maximum(width, 0) * np.maximum(height, 0)
        whole = np.minimum(area[first], area[rest]) if of_smaller else area[first] + area[rest] - both
        order = rest[both <= threshold * np.maximum(whole, 1e-9)]
    return np.array(kept, np.int64)


def _squares(boxes: Float32Array) -> Float32Array:
    """The squares around the middles of boxes `[n, 4]` that are as wide or high as these."""
    side = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    return np.stack([x - side / 2, y - side / 2, x + side / 2, y + side / 2], axis=1)


def _crops(pixels: Any, squares: Float32Array, side_px: int) -> Any:
    """`[n, side, side, 3]` uint8; what lies outside of the picture is black."""
    import cv2

    height, width = pixels.shape[:2]
    crops = np.zeros((len(squares), side_px, side_px, 3), np.uint8)
    for number, (left, top, right, bottom) in enumerate(np.round(squares).astype(int).tolist()):
        inside = pixels[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
        if not inside.size:
            continue
        if left < 0 or top < 0 or right > width or bottom > height:
            whole = np.zeros((max(bottom - top, 1), max(right - left, 1), 3), np.uint8)
            y, x = max(-top, 0), max(-left, 0)
            whole[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
            inside = whole
        shrinks = inside.shape[0] >= side_px
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        crops[number] = cv2.resize(inside, (side_px, side_px), interpolation=method)
    return crops
