"""Looks for faces in photos that were taken into the library while that was switched off.

Knows the library and the processes that analyse; every photo is stored in a transaction of its own.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

from personalizer.analysis_process import (
    PHOTO_TIMEOUT_S,
    Analysed,
    AnalysisProcess,
    Answer,
    Broken,
    wait_for_any,
)
from personalizer.decoding import read_photo_bytes
from personalizer.errors import FamiliarError, UnreadablePhotoError
from personalizer.faces_switch import faceless_photos, faces_are_on, note_looked_at
from personalizer.library import Library
from personalizer.schemas import OnProgress, Photo, Progress

_POLL_S = 0.5


def look_for_faces(
    library: Library,
    models: Path,
    *,
    progress: OnProgress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> dict[str, int]:
    """Add the faces of the photos that `faceless_photos` lists; may be stopped at any photo, and run again.

    A photo whose file is missing waits for it; one that cannot be read has no faces. Stops where faces are off.
    """
    looked_at = found = 0
    waiting = faceless_photos(library)
    with AnalysisProcess(models) as process:
        for number, photo_id in enumerate(waiting):
            if (cancelled is not None and cancelled()) or not faces_are_on(library):
                break
            photo = library.photo(photo_id)
            if progress is not None:
                progress(Progress(number, len(waiting), f"Looking for faces in {photo.path.name}"))
            content = _content(library, photo)
            if content is None:
                continue
            answer = _answer(process, photo.path, content, cancelled)
            if answer is None:
                break
            if isinstance(answer, Broken):
                raise FamiliarError(
                    tried="looking for faces", found=answer.message, fix="Check with: familiar doctor"
                )
            detections = answer.detections if isinstance(answer, Analysed) else []
            faces = [(detection, vector) for detection, vector in detections if detection.kind == "face"]
            with library.transaction():
                found += len(library.add_detections(photo_id, faces))
                note_looked_at(library, photo_id)
            looked_at += 1
    return {"looked_at": looked_at, "faces": found, "left": len(faceless_photos(library))}


def _content(library: Library, photo: Photo) -> bytes | None:
    """The bytes of the photo, from any place where they still are what they were."""
    for path in library.photo_paths(photo.id):
        try:
            content = read_photo_bytes(path)
        except UnreadablePhotoError:
            continue
        if hashlib.sha256(content).hexdigest() == photo.content_hash:
            return content
    return None


def _answer(
    process: AnalysisProcess, path: Path, content: bytes, cancelled: Callable[[], bool] | None
) -> Answer | None:
    """None when it was cancelled meanwhile."""
    process.send(path, content)
    deadline_s = time.monotonic() + PHOTO_TIMEOUT_S
    while not wait_for_any([process], _POLL_S):
        if cancelled is not None and cancelled():
            return None
        if time.monotonic() > deadline_s:
            return process.give_up()
    return process.receive()
