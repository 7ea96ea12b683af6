"""The photos of an evaluation, analysed once by the code that serves and kept in a library of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from personalizer.analysis.analyzer import PhotoAnalyzer, analysis_version
from personalizer.errors import UnreadablePhotoError
from personalizer.home import Home
from personalizer.library.library import Library
from personalizer.library.photos.photos import NewPhoto
from personalizer.photos.decode import FOR_ANALYSIS, load_photo
from personalizer.recognition.recognizer import Analysed
from personalizer.schemas import DetectionKind, Float32Array, OnProgress, Progress

if TYPE_CHECKING:
    from PIL import Image


_ORDER: tuple[DetectionKind, ...] = ("photo", "object", "face")


class EvaluationPhotos:
    """Analyses photos into the library of `home` and hands out what was found. For one thread."""

    def __init__(self, home: Home) -> None:
        self._analyzer = PhotoAnalyzer()
        # Other models mean another library: vectors of an older one are not what serves now.
        versions = hashlib.sha256(analysis_version(self._analyzer).encode()).hexdigest()[:16]
        self.library = Library.open(home.root / f"photos-{versions}.sqlite3")
        self._ids: dict[Path, int] = {}
        self.unreadable: dict[str, str] = {}
        """Reasons by path."""

    def close(self) -> None:
        self.library.close()

    def prepare(self, paths: Sequence[Path], on_progress: OnProgress | None = None) -> None:
        """Analyse what the library does not know yet, so that an interruption costs little."""
        known = self.library.files()
        for number, path in enumerate(paths):
            resolved = path.resolve()
            status = resolved.stat()
            record = known.get(resolved)
            if record and (record.size, record.mtime_ns) == (status.st_size, status.st_mtime_ns):
                self._ids[path] = record.photo_id
                continue
            if on_progress is not None:
                on_progress(Progress(number, len(paths), f"analysing {path.name}"))
            try:
                self._ids[path] = self._analyse(resolved)
            except UnreadablePhotoError as error:
                self.unreadable[str(path)] = error.found

    def _analyse(self, path: Path) -> int:
        content = path.read_bytes()
        photo = load_photo(path, FOR_ANALYSIS)
        status = path.stat()
        return self.library.record_photo(
            NewPhoto(
                content_hash=hashlib.sha256(content).hexdigest(),
                path=path,
                size=status.st_size,
                mtime_ns=status.st_mtime_ns,
                width_px=photo.width_px,
                height_px=photo.height_px,
                taken_at=photo.taken_at,
                latitude=photo.latitude,
                longitude=photo.longitude,
                camera=photo.camera,
                detections=self._analyzer.analyze(photo).detections,
            )
        ).id

    def analyze(self, image: Image.Image) -> Analysed:
        """What is found in a picture that is not in the library and stays out of it."""
        return self._analyzer.analyze(image).detections

    def photo_id(self, path: Path) -> int | None:
        """The id of a prepared photo; equal files have one id, unreadable ones none."""
        return self._ids.get(path)

    def path(self, photo_id: int) -> Path:
        """Where the photo is."""
        return self._path_of[photo_id]

    @cached_property
    def _path_of(self) -> dict[int, Path]:
        return {photo_id: path for path, photo_id in reversed(self._ids.items())}

    @property
    def count(self) -> int:
        """Readable photos that this evaluation asked for; the library may hold more from earlier ones."""
        return len(set(self._ids.values()))

    @cached_property
    def analysed(self) -> dict[int, Analysed]:
        """What was found in each photo of the library, by photo id; read once."""
        photo_ids = dict.fromkeys(detection.photo_id for detection in self.library.detections())
        return {photo_id: self._found_in(photo_id) for photo_id in photo_ids}

    def _found_in(self, photo_id: int) -> Analysed:
        """By the models of this evaluation, the whole picture first."""
        found = [
            (new, embedding)
            for new, embedding in self.library.found_in(photo_id)
            if (embedding.model, embedding.version) == self._model(new.kind)
        ]
        return sorted(found, key=lambda one: _ORDER.index(one[0].kind))

    def _model(self, kind: DetectionKind) -> tuple[str, str]:
        return self._analyzer.face_model if kind == "face" else self._analyzer.object_model

    def whole(self, photo_ids: Sequence[int]) -> Float32Array:
        """The vectors of whole pictures, `[photos, dim]`."""
        return np.stack(
            [
                next(embedding.vector for new, embedding in self.analysed[number] if new.kind == "photo")
                for number in photo_ids
            ]
        )
