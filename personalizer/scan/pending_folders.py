"""Folders in which something was noticed and that no scan has looked at since: kept in the library until one has.

Asks for that scan. Reads no folder.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping
from typing import Any

from personalizer.jobs.kinds import JobKind
from personalizer.jobs.queue import JobQueue
from personalizer.library.library import Library

SUBJECT = "folders"
"""Of a job that scans these folders alone; a scan of everything is about the "library"."""
MOST_FOLDERS = 32
"""Beyond, looking at everything is asked for."""
_KEY = "scan.folders"


def ask_for_scan(queue: JobQueue, told: Mapping[str, Any], folders: Collection[str] | None = None) -> int:
    """Queue a scan of everything or, where `folders` are given, of these and those that wait already; returns its id.

    `told` is what the job is told. The folders wait in the library, so that no job can lose them.
    """
    library = queue.library
    if folders is not None:
        with library.transaction():
            waiting = noticed_folders(library)
            # Every mark is another one: what is noticed while a scan looks is not covered by it.
            waiting |= {folder: uuid.uuid4().hex for folder in folders}
            if len(waiting) <= MOST_FOLDERS:
                _write(library, waiting, told)
                return queue.enqueue(JobKind.SCAN, SUBJECT, told)
    return queue.enqueue(JobKind.SCAN, "library", told)


def noticed_folders(library: Library) -> dict[str, str]:
    """The folders that wait, each with its mark; to be read before a scan looks, for `settle_folders`."""
    text = library.setting(_KEY)
    return {} if text is None else dict(json.loads(text)["folders"])


def told_of_folders(library: Library) -> dict[str, Any]:
    """What a scan of the folders that wait is told."""
    text = library.setting(_KEY)
    return {} if text is None else dict(json.loads(text)["told"])


def settle_folders(library: Library, looked_at: Mapping[str, str]) -> None:
    """Say that a scan looked at these folders, or was called off by a person; those with a later mark stay."""
    if not looked_at:
        return
    with library.transaction():
        waiting = noticed_folders(library)
        left = {folder: mark for folder, mark in waiting.items() if looked_at.get(folder) != mark}
        if left != waiting:
            _write(library, left, told_of_folders(library))


def _write(library: Library, waiting: Mapping[str, str], told: Mapping[str, Any]) -> None:
    text = json.dumps({"folders": dict(waiting), "told": dict(told)}, sort_keys=True) if waiting else None
    library.set_setting(_KEY, text)
