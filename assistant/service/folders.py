"""Folders of photos: registered, scanned, left out, estimated."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.daemon.process import running_worker_pid
from assistant.service.base import Core, existing
from personalizer.errors import NotFoundError, UsageError
from personalizer.jobs.due import mark_scan_due
from personalizer.jobs.kinds import JobKind
from personalizer.schemas import OnProgress, ScanReport

if TYPE_CHECKING:
    from assistant.setup.estimate import Estimate


class Folders(Core):
    """Folders of one library."""

    def add(self, paths: Sequence[Path], on_progress: OnProgress | None = None) -> ScanReport:
        """Register folders and scan everything that is registered.

        Raises NotFoundError for a folder that does not exist, UsageError for a file.
        """
        resolved = self._folders(paths)
        with self.library.transaction():
            for path in resolved:
                self.library.add_root(path)
            # What the scan is told, in case that its job is lost.
            mark_scan_due(self.library, {"backbone": self.backbone, "device": self.device})
        return self.scan(on_progress)

    @staticmethod
    def _folders(paths: Sequence[Path]) -> list[Path]:
        resolved = [existing(path, "adding") for path in paths]
        for path in resolved:
            if not path.is_dir():
                raise UsageError(
                    tried=f"adding {path}",
                    found="it is a file",
                    fix="Add its folder; `learn` takes single photos.",
                )
        return resolved

    def scan(
        self, on_progress: OnProgress | None = None, *, accept_missing: bool | Sequence[Path] = False
    ) -> ScanReport:
        """Bring the library up to date with its folders: photos, detections, index, suggested concepts.

        `accept_missing`: what is gone is gone, also where so much is that the folder would be frozen; everywhere, or
        in these folders. Raises NotFoundError for a folder that is none of the library's.
        """
        wanted: dict[str, Any] = {}
        if accept_missing:
            wanted["accept_missing"] = accept_missing is True or self._places(accept_missing)
        return ScanReport(**self._run(JobKind.SCAN, "library", wanted, on_progress)["scan"])

    def _places(self, folders: Sequence[Path]) -> list[str]:
        """These registered folders, or file systems below such, by their real names."""
        places = {*self.library.roots(), *self.library.places()}
        found = []
        for folder in folders:
            place = Path(os.path.realpath(folder.expanduser()))
            if place not in places:
                raise NotFoundError(
                    tried=f"accepting what is missing in {folder}",
                    found="it is no folder of the library",
                    fix="Give a folder as `familiar status` names it, or none for all.",
                )
            found.append(str(place))
        return found

    def exclude(self, patterns: Sequence[str], *, remove: bool = False) -> list[str]:
        """Leave out what matches these patterns from the next scan on, or take them back; returns them as stored.

        Raises UsageError for a pattern that makes no sense, NotFoundError for one to take back that is not there.
        """
        from personalizer.scan.exclusions import stored_pattern
        from personalizer.scan.patterns import valid_pattern

        valid = [valid_pattern(pattern) for pattern in patterns]
        as_stored = []
        with self.library.transaction():
            for pattern, typed in zip(valid, patterns, strict=True):
                stored = stored_pattern(self.library, typed)
                as_stored.append(stored or pattern)
                if not remove:
                    self.library.add_exclusion(stored or pattern)
                elif stored is None or not self.library.remove_exclusion(stored):
                    raise NotFoundError(
                        tried=f"taking back the exclusion {pattern!r}",
                        found="it is none",
                        fix="List them with: familiar exclude",
                    )
        if valid and not remove:
            from assistant.forget.montages import remove_montages

            remove_montages(self.home, self.library)
        if valid and running_worker_pid(self.home) is not None:
            self.queue.enqueue(JobKind.SCAN, "library", {"backbone": self.backbone, "device": self.device})
        return as_stored

    def left_out(self) -> dict[str, int]:
        """Every pattern of what is excluded, with the number of known files that it leaves out."""
        from personalizer.scan.exclusions import left_out_by

        return left_out_by(self.library, self.library.exclusions())

    def estimate(self, paths: Sequence[Path]) -> Estimate:
        """What adding these folders will take. Raises as `add` does."""
        from assistant.setup.estimate import estimate_import

        return estimate_import(self.library, self._folders(paths))
