"""Runs text recognition on photos, for search; the networks run in another process."""

from __future__ import annotations

from collections.abc import Callable

from personalizer.analysis.process import AnalysisProcess, Broken, Lettering, Unreadable, broken
from personalizer.library.library import Library
from personalizer.scan.reanalysis import look
from personalizer.schemas import OnProgress, Progress

MOST_CHARACTERS = 4000
"""Of one photo, such as of a page."""


def read_lettering(
    library: Library,
    *,
    progress: OnProgress,
    cancelled: Callable[[], bool],
    advanced: Callable[[], None],
) -> dict[str, int]:
    """Read the photos that were not read yet, the newest first; may be stopped at any photo, and run again.

    One whose file is not what it was waits for a scan; one that cannot be read has no lettering. Returns how many
    photos were `read`, how many `with_text`, and how many are `left`. Raises `FamiliarError` where nothing can be read.
    """
    waiting = library.photos_without_lettering()
    read = with_text = passed = 0
    looked = look(
        library,
        waiting,
        lambda: AnalysisProcess(reads=True),
        cancelled=cancelled,
        processes=1,
        patient=False,
    )
    for photo_id, answer in looked:
        passed += 1
        if answer is None or (isinstance(answer, Unreadable) and answer.passing):
            continue
        if isinstance(answer, Broken):
            raise broken(answer)
        text = "\n".join(answer.lines)[:MOST_CHARACTERS] if isinstance(answer, Lettering) else ""
        library.store_lettering(photo_id, text)
        read, with_text = read + 1, with_text + bool(text)
        advanced()
        progress(Progress(passed, len(waiting), "Reading what is written in photos"))
    return {"read": read, "with_text": with_text, "left": len(waiting) - passed}
