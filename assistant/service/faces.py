"""Whether faces are looked for, and by which networks."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.results import (
    Forgotten,
)
from assistant.service.base import Core
from personalizer.jobs.kinds import JobKind
from personalizer.schemas import OnProgress

if TYPE_CHECKING:
    from assistant.setup.face_models import FaceModelState


class Faces(Core):
    """Faces of one library."""

    def switch_faces(self, on: bool, on_progress: OnProgress | None = None) -> dict[str, Any]:
        """Look for faces from now on, and in the photos in which that was left out; or no longer."""
        self.library.switch_faces(on)
        left = len(self.library.faceless_photos()) if on else 0
        found = self._run(JobKind.FIND_FACES, "library", {}, on_progress) if left else {}
        return {"faces": on, "looked_at": found.get("looked_at", 0), "found": found.get("faces", 0)}

    def face_models(self) -> list[FaceModelState]:
        """The networks for faces that may be downloaded."""
        from assistant.setup.face_models import face_models

        return face_models(self.home.models)

    def download_face_model(
        self, name: str, source: Path | None = None, on_progress: OnProgress | None = None
    ) -> FaceModelState:
        """Fetch one of them from its publisher, or take it from the file `source`."""
        from assistant.setup.face_models import get_face_model

        self.home.ensure()
        return get_face_model(self.home.models, name, source, on_progress)

    def use_face_models(self, names: Sequence[str]) -> dict[str, Any]:
        """Use these from now on, and look at the photos again with them."""
        from assistant.setup.face_models import use_face_models

        used = use_face_models(self.home.models, self.library, self.queue, names)
        self.__dict__.pop("_describer", None)
        return used

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
