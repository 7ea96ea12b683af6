"""What the command `face_recognition KNOWN UNKNOWN` (version 1.3) does with photos, which `bench ingest` measures
against where that command is not installed.

Run as a process of its own (`python -m personalizer.benchmarks.face_recognition_tool PROCESSES KNOWN UNKNOWN`); prints
a JSON line per photo, with the boxes that the command itself keeps to itself. Knows dlib and folders.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from personalizer.faces.embedder import face_model_path

LONGEST_PX = 1600
"""Larger photos are reduced to this before they are searched; photos of known people are not."""
ENLARGED_TIMES = 1
TOLERANCE = 0.6
SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
_NETWORK = ("dlib_face_recognition_resnet_model_v1.dat", "55533b28a95800a5")
_LANDMARKS = ("shape_predictor_5_face_landmarks.dat", "c4b1e9804792707d")


def main(arguments: list[str]) -> int:
    """Look for faces in the photos of the third argument, a folder, and compare them with those of the second."""
    processes, known, unknown = int(arguments[0]), Path(arguments[1]), Path(arguments[2])
    models = FaceModels()
    encodings = [found[0] for path in photos_in(known) if (found := models.encodings(_pixels(path))[0])]
    work = [(path, encodings) for path in photos_in(unknown)]
    if processes == 1:
        for path, of_known in work:
            look_at(path, of_known)
        return 0
    # As the command does it, and with the same way of starting processes.
    with multiprocessing.get_context("forkserver").Pool(processes) as pool:
        pool.starmap(look_at, work)
    return 0


def photos_in(folder: Path) -> list[Path]:
    """The photos that the command takes: those right in the folder, by the names of the files."""
    return sorted(path for path in folder.iterdir() if path.suffix.casefold() in SUFFIXES)


_models: FaceModels | None = None


def look_at(path: Path, known: list[Any]) -> None:
    """Find, encode and compare the faces of one photo, and print a line."""
    global _models
    _models = _models or FaceModels()
    pixels = _pixels(path)
    whole = max(pixels.shape)
    if whole > LONGEST_PX:
        reduced = Image.fromarray(pixels)
        reduced.thumbnail((LONGEST_PX, LONGEST_PX), Image.Resampling.LANCZOS)
        pixels = np.array(reduced)
    scale = whole / max(pixels.shape)
    encodings, boxes = _models.encodings(pixels)
    faces = [
        {
            "box": [edge * scale for edge in box],
            "known": [
                number
                for number, of_known in enumerate(known)
                if np.linalg.norm(of_known - encoding) <= TOLERANCE
            ],
        }
        for encoding, box in zip(encodings, boxes, strict=True)
    ]
    # In one write, so that the lines of several processes stay whole.
    sys.stdout.write(json.dumps({"photo": path.name, "faces": faces}) + "\n")
    sys.stdout.flush()


def _pixels(path: Path) -> Any:
    return np.array(Image.open(path).convert("RGB"))


class FaceModels:
    """dlib's detector, five landmarks and network, loaded when they are first used."""

    @cached_property
    def _loaded(self) -> tuple[Any, Any, Any]:
        import dlib

        return (
            dlib.get_frontal_face_detector(),
            dlib.shape_predictor(str(face_model_path(*_LANDMARKS))),
            dlib.face_recognition_model_v1(str(face_model_path(*_NETWORK))),
        )

    def encodings(self, pixels: Any) -> tuple[list[Any], list[tuple[int, int, int, int]]]:
        """Vectors and boxes (left, top, right, bottom) of the faces in the picture `[height, width, 3]`."""
        detector, landmarks, network = self._loaded
        found = detector(pixels, ENLARGED_TIMES)
        vectors = [
            np.array(network.compute_face_descriptor(pixels, landmarks(pixels, box), 1)) for box in found
        ]
        return vectors, [(box.left(), box.top(), box.right() + 1, box.bottom() + 1) for box in found]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
