"""Whether faces are looked for."""

from __future__ import annotations

import time
from typing import Any

from assistant.results import Forgotten
from assistant.service.base import Core
from personalizer.errors import counted
from personalizer.faces.removed_networks import chosen_networks, forget_choice
from personalizer.home import Home
from personalizer.jobs.kinds import JobKind
from personalizer.library.library import Library
from personalizer.schemas import OnProgress


def face_notice(home: Home, library: Library) -> str | None:
    """What became of the face networks that were chosen in an earlier version, until that was read."""
    chosen = chosen_networks(home.models)
    if not chosen:
        return None
    from personalizer.analysis.analyzer import PhotoAnalyzer, analysis_version

    waiting = len(library.photos_to_analyze(analysis_version(PhotoAnalyzer())))
    progress = (
        f"{counted(waiting, 'photo')} still to be analysed anew"
        if waiting
        else "all photos were analysed anew"
    )
    return (
        f"Faces are found and told apart by what ships; {' and '.join(chosen)}, which you had chosen, can no longer be "
        f"used ({progress}). Names and corrections are kept."
    )


class Faces(Core):
    """Faces of one library."""

    def switch_faces(self, on: bool, on_progress: OnProgress | None = None) -> dict[str, Any]:
        """Look for faces from now on, and in the photos in which that was left out; or no longer."""
        self.library.switch_faces(on)
        left = len(self.library.faceless_photos()) if on else 0
        found = self._run(JobKind.FIND_FACES, "library", {}, on_progress) if left else {}
        return {"faces": on, "looked_at": found.get("looked_at", 0), "found": found.get("faces", 0)}

    def read_face_notice(self) -> str | None:
        """`face_notice`, which is not given again."""
        notice = face_notice(self.home, self.library)
        if notice is not None:
            forget_choice(self.home.models)
        return notice

    def erase_faces(self, on_progress: OnProgress | None = None, *, backups: bool = False) -> Forgotten:
        """Switch faces off and remove all of them and everybody who was named, for good; no photo is touched.

        `backups`: delete those that hold faces as well.
        """
        from assistant.forget.faces import request_erasing
        from assistant.forget.known_backups import FACES, left_in_backups

        started = time.monotonic()
        with self.library.said_when_locked():
            self.library.switch_faces(False)
            job_id = request_erasing(self.queue)
        result = self._client.wait(job_id, on_progress)
        self.__dict__.pop("_describer", None)
        self.__dict__.pop("_serving", None)
        left = left_in_backups(self.library, {FACES}, delete=backups)
        elapsed_s = round(time.monotonic() - started, 3)
        return Forgotten(**result, kept={}, elapsed_s=elapsed_s, backups=left)
