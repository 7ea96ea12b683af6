"""Looks again at photos that older models looked at. Knows files and the library; the models run in other processes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from personalizer.analysis_process import (
    PHOTO_TIMEOUT_S,
    Analysed,
    AnalysisProcess,
    Answer,
    Broken,
    Crashed,
    Unreadable,
    wait_for_any,
)
from personalizer.decoding import read_photo_bytes
from personalizer.embedding import ensure_object_model
from personalizer.errors import FamiliarError, UnreadablePhotoError
from personalizer.library import Library
from personalizer.schemas import OnProgress, Progress

PROCESSES = 2
_POLL_S = 0.5


@dataclass
class Reanalysis:
    """What looking again did; counts are photos."""

    analysed: int = 0
    changed: int = 0
    """Their file holds something else by now, which is for a scan to find."""
    failed: list[dict[str, str]] = field(default_factory=list)


def analyse_again(
    library: Library,
    models: Path,
    version: str,
    *,
    progress: OnProgress,
    cancelled: Callable[[], bool],
    advanced: Callable[[], None],
    processes: int = PROCESSES,
) -> Reanalysis:
    """Bring what the library knows of its photos to `version`, photo by photo, the newest first.

    Each is one transaction and `advanced` is called after it, so this may be killed at any moment and run again. A
    photo that cannot be read any more keeps what older models found.
    """
    report = Reanalysis()
    waiting = library.photos_to_analyse(version)[::-1]
    total = len(waiting)
    idle: list[AnalysisProcess] = []
    busy: dict[AnalysisProcess, tuple[int, float]] = {}
    if waiting:
        ensure_object_model(models)
    try:
        while waiting or busy:
            while waiting and len(busy) < processes and not cancelled():
                photo_id = waiting.pop()
                content = _content(library, photo_id, report)
                if content is None:
                    continue
                process = idle.pop() if idle else AnalysisProcess(models)
                library.begin_analysis(photo_id, version)
                process.send(*content)
                busy[process] = (photo_id, time.monotonic() + PHOTO_TIMEOUT_S)
            if waiting and cancelled():
                waiting.clear()
            for process, answer in _answers(busy):
                photo_id, _ = busy.pop(process)
                idle.append(process)
                _store(library, photo_id, answer, version, report)
                advanced()
                progress(Progress(report.analysed + len(report.failed), total, "Looking at photos again"))
    finally:
        for process in [*idle, *busy]:
            process.stop()
    return report


def _content(library: Library, photo_id: int, report: Reanalysis) -> tuple[Path, bytes] | None:
    photo = library.photo(photo_id)
    try:
        content = read_photo_bytes(photo.path)
    except (UnreadablePhotoError, MemoryError):
        # About the file as it is now; the scan has the say over those.
        report.changed += 1
        return None
    if hashlib.sha256(content).hexdigest() != photo.content_hash:
        report.changed += 1
        return None
    return photo.path, content


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


def _store(library: Library, photo_id: int, answer: Answer, version: str, report: Reanalysis) -> None:
    if isinstance(answer, Broken):
        library.end_analysis(photo_id, None)
        raise FamiliarError(
            tried="analysing photos",
            found=answer.message,
            fix="Check the installation with: familiar doctor",
        )
    if isinstance(answer, Analysed):
        library.replace_analysis(photo_id, answer.detections, version)
        report.analysed += 1
        return
    # One that its process died of is not tried again: what older models found is kept either way.
    reason = answer.how if isinstance(answer, Crashed) else answer.reason
    library.end_analysis(photo_id, None if isinstance(answer, Unreadable) and answer.passing else reason)
    report.failed.append({"path": str(library.photo(photo_id).path), "reason": reason})
