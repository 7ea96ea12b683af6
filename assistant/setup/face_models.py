"""Which of the networks for faces that may be downloaded are here and in use, and what follows from a choice.

Knows files, the library and the queue; runs no network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.daemon.client import USER_PRIORITY
from personalizer.faces.downloads import (
    CATALOGUE,
    FaceModel,
    choose_models,
    chosen_models,
    download,
    find_model,
    install_file,
    is_installed,
)
from personalizer.jobs.kinds import JobKind
from personalizer.jobs.queue import JobQueue
from personalizer.library.library import Library
from personalizer.schemas import OnProgress, Progress


@dataclass(frozen=True, slots=True)
class FaceModelState:
    """One of the networks, as people are told of it."""

    name: str
    task: str
    """detection or recognition."""
    licence: str
    size: int
    sha256: str
    url: str
    installed: bool
    used: bool


def face_models(models: Path) -> list[FaceModelState]:
    """All that may be downloaded."""
    used = {model.name for model in chosen_models(models).values()}
    return [_state(models, model, model.name in used) for model in CATALOGUE.values()]


def get_face_model(
    models: Path, name: str, source: Path | None, on_progress: OnProgress | None
) -> FaceModelState:
    """Fetch a network from its publisher, or take it from the file `source`; either by its hash."""
    model = find_model(name)

    def tell(done: int, total: int) -> None:
        if on_progress is not None:
            on_progress(Progress(done, total, f"Downloading {model.file_name}"))

    if source is None:
        download(models, model, on_bytes=tell)
    else:
        install_file(models, model, source.expanduser())
    used = {chosen.name for chosen in chosen_models(models).values()}
    return _state(models, model, model.name in used)


def use_face_models(models: Path, library: Library, queue: JobQueue, names: Sequence[str]) -> dict[str, Any]:
    """Use these for all photos from now on; those that others looked at are looked at again by the worker."""
    from personalizer.analysis.analyzer import PhotoAnalyzer, analysis_version

    used = choose_models(models, names)
    waiting = len(library.photos_to_analyze(analysis_version(PhotoAnalyzer(models))))
    # Asked for, so not only once: whoever goes back to what was used before means it.
    job_id = queue.enqueue(JobKind.ANALYZE, "library", {}, USER_PRIORITY) if waiting else None
    return {"used": [model.name for model in used.values()], "photos_to_look_at": waiting, "job": job_id}


def _state(models: Path, model: FaceModel, used: bool) -> FaceModelState:
    return FaceModelState(
        model.name,
        model.task,
        model.licence,
        model.size,
        model.sha256,
        model.url,
        is_installed(models, model),
        used,
    )
