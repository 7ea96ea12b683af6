"""Which of the faces that are known to be in photos two detectors find. Knows boxes only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assistant.evaluation.data.composites import KnownFace
from personalizer.schemas import BoundingBox

Finds = dict[str, list[BoundingBox]]
"""Boxes by name of the photo."""
MIN_OVERLAP = 0.3
"""From here on a box is that face: detectors differ in whether chin and forehead belong to it."""


def compare_finds(known: Mapping[str, Sequence[KnownFace]], ours: Finds, reference: Finds) -> dict[str, Any]:
    """Counts of known faces that each finds, in all and by size, and what each finds besides.

    `share` is how many of those that the reference finds correctly are found here as well; None if there are none.
    """
    sizes: dict[int, dict[str, int]] = {}
    other = {"ours": 0, "reference": 0}
    for name, faces in known.items():
        boxes = {"ours": ours.get(name, []), "reference": reference.get(name, [])}
        for face in faces:
            row = sizes.setdefault(face.size_px, {"known": 0, "ours": 0, "reference": 0, "both": 0})
            seen = {side: _is_found(face, found) for side, found in boxes.items()}
            row["known"] += 1
            row["ours"] += seen["ours"]
            row["reference"] += seen["reference"]
            row["both"] += seen["ours"] and seen["reference"]
        for side, found in boxes.items():
            other[side] += sum(all(box.iou(face.box) < MIN_OVERLAP for face in faces) for box in found)
    total = {key: sum(row[key] for row in sizes.values()) for key in ("known", "ours", "reference", "both")}
    return {
        **total,
        "share": total["both"] / total["reference"] if total["reference"] else None,
        "other": other,
        "by_size_px": {str(size): sizes[size] for size in sorted(sizes)},
        "min_overlap": MIN_OVERLAP,
    }


def _is_found(face: KnownFace, boxes: Sequence[BoundingBox]) -> bool:
    return any(face.box.iou(box) >= MIN_OVERLAP for box in boxes)
