"""Analyzes photos of the library again with newer models, which run in other processes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from personalizer.analysis.process import (
    PHOTO_TIMEOUT_S,
    Analysed,
    AnalysisProcess,
    Answer,
    Broken,
    Crashed,
    Unreadable,
    broken,
    wait_for_any,
)
from personalizer.errors import UnreadablePhotoError
from personalizer.library.library import Library
from personalizer.photos.dates import believable, better_date
from personalizer.photos.decode import read_photo_bytes
from personalizer.scan.texts import texts_of
from personalizer.schemas import OnProgress, Photo, Progress

PROCESSES = 2
_POLL_S = 0.5


@dataclass
class Reanalysis:
    """The result of analyzing photos again; counts are photos."""

    analysed: int = 0
    changed: int = 0
    """Their file is gone or holds something else by now, which is for a scan to find."""
    failed: list[dict[str, str]] = field(default_factory=list)


def analyze_again(
    library: Library,
    version: str,
    *,
    progress: OnProgress,
    cancelled: Callable[[], bool],
    advanced: Callable[[], None],
) -> Reanalysis:
    """Bring what the library knows of its photos to `version`, photo by photo, the newest first.

    Each is one transaction and `advanced` is called after it, so this may be killed at any moment and run again. A
    photo that cannot be read any more keeps what older models found. Where faces are off, or
    are switched off meanwhile, those that are known stay as they are.
    """
    report = Reanalysis()
    waiting = library.photos_to_analyze(version)
    faces = library.faces_are_on()

    def begin(photo_id: int) -> None:
        library.begin_analysis(photo_id, version)

    looked = look(library, waiting, lambda: AnalysisProcess(faces=faces), begin=begin, cancelled=cancelled)
    for photo_id, answer in looked:
        if answer is None:
            report.changed += 1
        elif isinstance(answer, Broken):
            library.end_analysis(photo_id, None)
            raise broken(answer)
        elif isinstance(answer, Analysed):
            with library.transaction():
                wanted, looked_for = library.still_wanted(answer.detections, faces=faces)
                library.replace_analysis(photo_id, wanted, version, answer.labels, faces=looked_for)
                library.replace_texts(photo_id, texts_of(answer.written))
                library.note_texts_read([photo_id])
                _refresh_metadata(library, library.photo(photo_id), answer)
                if not looked_for:
                    library.note_faceless(photo_id)
            report.analysed += 1
        elif isinstance(answer, Unreadable | Crashed):
            # One that its process died of is not tried again: what older models found is kept either way.
            reason = answer.how if isinstance(answer, Crashed) else answer.reason
            passing = isinstance(answer, Unreadable) and answer.passing
            library.end_analysis(photo_id, None if passing else reason)
            report.failed.append({"path": str(library.photo(photo_id).path), "reason": reason})
        if answer is not None:
            advanced()
        done = report.analysed + report.changed + len(report.failed)
        progress(Progress(done, len(waiting), "Looking at photos again"))
    return report


def look_for_faces(
    library: Library,
    *,
    progress: OnProgress,
    cancelled: Callable[[], bool],
    advanced: Callable[[], None],
) -> dict[str, int]:
    """Add the faces of the photos that were looked at while faces were off; may be stopped at any photo, and run again.

    A photo whose file is missing waits for it; one that cannot be read has no faces. Stops where faces are off.
    """
    waiting = library.faceless_photos()
    looked_at = found = 0

    def stopped() -> bool:
        return cancelled() or not library.faces_are_on()

    for photo_id, answer in look(library, waiting, lambda: AnalysisProcess(faces=True), cancelled=stopped):
        if answer is None:
            continue
        if isinstance(answer, Broken):
            raise broken(answer)
        if isinstance(answer, Unreadable) and answer.passing:
            # Another time it may have faces.
            continue
        if not library.faces_are_on():
            break
        detections = answer.detections if isinstance(answer, Analysed) else []
        faces = [(detection, vector) for detection, vector in detections if detection.kind == "face"]
        with library.transaction():
            if isinstance(answer, Analysed):
                library.replace_faces(photo_id, faces)
            library.note_faces_looked_for(photo_id)
        looked_at, found = looked_at + 1, found + len(faces)
        advanced()
        progress(Progress(looked_at, len(waiting), "Looking for faces"))
    return {"looked_at": looked_at, "faces": found, "left": len(library.faceless_photos())}


def look(
    library: Library,
    photo_ids: Sequence[int],
    new_process: Callable[[], AnalysisProcess],
    *,
    cancelled: Callable[[], bool],
    begin: Callable[[int], None] = lambda photo_id: None,
    processes: int | None = None,
    patient: bool = True,
) -> Iterator[tuple[int, Answer | None]]:
    """The answer about each photo as it comes; None for one without a file that holds it still.

    `begin` is called before a photo is given to a process. Once `cancelled`, no further photo is begun; without
    `patient` those that were begun are not waited for either.
    """
    waiting = list(photo_ids)[::-1]
    idle: list[AnalysisProcess] = []
    busy: dict[AnalysisProcess, tuple[int, float]] = {}
    try:
        while waiting or busy:
            while waiting and len(busy) < (processes or PROCESSES) and not cancelled():
                photo_id = waiting.pop()
                path, content = _content(library, library.photo(photo_id))
                if content is None:
                    yield photo_id, None
                    continue
                process = idle.pop() if idle else new_process()
                # Known to the `finally` before anything can be raised.
                busy[process] = (photo_id, time.monotonic() + PHOTO_TIMEOUT_S)
                begin(photo_id)
                process.send(path, content)
            if not patient and cancelled():
                return
            if waiting and cancelled():
                waiting.clear()
            for process, answer in _answers(busy):
                photo_id, _ = busy.pop(process)
                idle.append(process)
                yield photo_id, answer
    finally:
        for process in [*idle, *busy]:
            process.stop()


def _refresh_metadata(library: Library, photo: Photo, read: Analysed) -> None:
    """Store what the file says by the rules of today. What came from a file beside it stays where its own says nothing.

    A stored date that is not believed any more goes, so that a file beside the photo can give it one.
    """
    taken_at = better_date(read.taken_at, believable(photo.taken_at))
    has_place = read.latitude is not None and read.longitude is not None
    library.refresh_metadata(
        photo.id,
        taken_at=taken_at,
        latitude=read.latitude if has_place else photo.latitude,
        longitude=read.longitude if has_place else photo.longitude,
        camera=read.camera or photo.camera,
        own_date=taken_at is not None and taken_at == read.taken_at,
        own_place=has_place,
    )


def _content(library: Library, photo: Photo) -> tuple[Path, bytes | None]:
    """The bytes of the photo, from any place where they still are what they were."""
    for path in library.photo_paths(photo.id):
        try:
            content = read_photo_bytes(path)
        except (UnreadablePhotoError, MemoryError):
            # About the file as it is now, over which the scan has the say.
            continue
        if hashlib.sha256(content).hexdigest() == photo.content_hash:
            return path, content
    return photo.path, None


def _answers(busy: dict[AnalysisProcess, tuple[int, float]]) -> list[tuple[AnalysisProcess, Answer]]:
    if not busy:
        return []
    answers: list[tuple[AnalysisProcess, Answer]] = [
        (process, process.receive()) for process in wait_for_any(list(busy), _POLL_S)
    ]
    answered = {process for process, _ in answers}
    for process, (_, deadline_s) in busy.items():
        if process not in answered and time.monotonic() > deadline_s:
            answers.append((process, process.give_up()))
    return answers
