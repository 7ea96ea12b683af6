"""The whole library in one file, and back."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.daemon.client import USER_PRIORITY
from assistant.results import (
    BackupState,
)
from assistant.service.base import Core
from personalizer.errors import FamiliarError
from personalizer.jobs.kinds import JobKind
from personalizer.schemas import OnProgress

if TYPE_CHECKING:
    from assistant.setup.restore import Restored
    from personalizer.backup.write import BackupMade


class Backups(Core):
    """Backups of one library."""

    def back_up(self, destination: Path, on_progress: OnProgress | None = None) -> BackupMade:
        """Write what cannot be made again into one file, while others go on working."""
        from personalizer.backup.write import back_up

        return back_up(self.home, self.library, destination, on_progress)

    def restore(
        self, source: Path, on_progress: OnProgress | None = None, *, replace: bool = False
    ) -> Restored:
        """Put a backup into the place of the library, then make the index anew. Raises as `restoring.restore` does."""
        from assistant.setup.restore import restore

        self.close()
        for cached in ("library", "queue", "_client", "_serving", "_describer", "_drawer"):
            self.__dict__.pop(cached, None)
        restored = restore(self.home, source, replace=replace, on_progress=on_progress)
        try:
            if self.queue.paused():
                why = "the queue was paused when the backup was made; `familiar resume` ends that"
                note = f"The index is not made yet: {why}. Then: familiar rebuild-index"
                return dataclasses.replace(restored, notes=[*restored.notes, note])
            # Before whatever waited when the backup was made.
            made = self._client.run(JobKind.REBUILD_INDEX, "library", {}, on_progress, USER_PRIORITY + 1)
        except FamiliarError as error:
            note = f"The index is not made yet ({error.found}): familiar rebuild-index"
            return dataclasses.replace(restored, notes=[*restored.notes, note])
        return dataclasses.replace(restored, indexed=int(made["indexed"]))

    def backups(self, *, prune: bool = False) -> list[BackupState]:
        """The backups that were made of this library; with `prune` those that hold something forgotten are deleted."""
        from assistant.forget.known_backups import known_backups

        return known_backups(self.library, prune=prune)
