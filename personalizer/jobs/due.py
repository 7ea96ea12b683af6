"""What has to be done, remembered in the library and asked of the queue: grouping, scans of everything or of folders.

Every mark is another one, so that what comes while the work runs is not taken for done with it. Knows no clustering and
reads no folder.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Collection, Mapping
from typing import Any

from personalizer.jobs.kinds import JobKind
from personalizer.jobs.queue import JobQueue
from personalizer.library.library import Library

FOLDERS = "folders"
"""Subject of a job that scans the noticed folders alone; a scan of everything is about the "library"."""
MOST_FOLDERS = 32
"""Beyond, looking at everything is asked for."""
_GROUPING_KEY = "clustering.due"
_SCAN_KEY = "scan.due"
_FOLDERS_KEY = "scan.folders"


def mark_due(library: Library) -> str:
    """Say that grouping has to be done and return the mark.

    To be called before the change, or in one transaction with it, so that no crash comes between.
    """
    # Every mark is another one: what is marked while a clustering computes is not covered by it.
    mark = uuid.uuid4().hex
    library.set_setting(_GROUPING_KEY, mark)
    return mark


def due_mark(library: Library) -> str | None:
    """The mark, or None when nothing has changed. To be read before clustering, for `settle`."""
    return library.setting(_GROUPING_KEY)


def settle(library: Library, mark: str | None) -> None:
    """Say that what `mark` was set for is done; a later mark stays."""
    with library.transaction():
        if due_mark(library) == mark:
            library.set_setting(_GROUPING_KEY, None)


def mark_scan_due(library: Library, payload: Mapping[str, Any], *, made_up_for: str = "") -> str:
    """Say that the folders are to be read, with what the scan's job is told; returns the mark for `settle_scan`.

    To be called before: a scan that ends in whatever way leaves the mark behind. A scan that makes up for an earlier
    one (`made_up_for`: the hash of its input) keeps that one's mark, so that it is given up with it.
    """
    before = library.setting(_SCAN_KEY)
    if made_up_for and before is not None and hash_of(before) == made_up_for:
        return before
    mark = json.dumps({"mark": uuid.uuid4().hex, "payload": dict(payload)}, sort_keys=True)
    library.set_setting(_SCAN_KEY, mark)
    return mark


def scan_mark(library: Library) -> tuple[str, dict[str, Any]] | None:
    """The mark of a scan of everything that was not finished, and what its job is told; None where there is none."""
    mark = library.setting(_SCAN_KEY)
    return None if mark is None else (mark, dict(json.loads(mark)["payload"]))


def settle_scan(library: Library, mark: str) -> None:
    """Say that the scan for `mark` was finished, or called off by a person; a later mark stays."""
    with library.transaction():
        if library.setting(_SCAN_KEY) == mark:
            library.set_setting(_SCAN_KEY, None)


def ask_for_scan(queue: JobQueue, told: Mapping[str, Any], folders: Collection[str] | None = None) -> int:
    """Queue a scan of everything or, where `folders` are given, of these and those that wait already; returns its id.

    `told` is what the job is told. The folders wait in the library, so that no job can lose them.
    """
    library = queue.library
    if folders is not None:
        with library.transaction():
            waiting = noticed_folders(library)
            waiting |= {folder: uuid.uuid4().hex for folder in folders}
            if len(waiting) <= MOST_FOLDERS:
                _write_folders(library, waiting, told)
                return queue.enqueue(JobKind.SCAN, FOLDERS, told)
    return queue.enqueue(JobKind.SCAN, "library", told)


def noticed_folders(library: Library) -> dict[str, str]:
    """The folders that wait, each with its mark; to be read before a scan looks, for `settle_folders`."""
    text = library.setting(_FOLDERS_KEY)
    return {} if text is None else dict(json.loads(text)["folders"])


def told_of_folders(library: Library) -> dict[str, Any]:
    """What a scan of the folders that wait is told."""
    text = library.setting(_FOLDERS_KEY)
    return {} if text is None else dict(json.loads(text)["told"])


def settle_folders(library: Library, looked_at: Mapping[str, str]) -> None:
    """Say that a scan looked at these folders, or was called off by a person; those with a later mark stay."""
    if not looked_at:
        return
    with library.transaction():
        waiting = noticed_folders(library)
        left = {folder: mark for folder, mark in waiting.items() if looked_at.get(folder) != mark}
        if left != waiting:
            _write_folders(library, left, told_of_folders(library))


def _write_folders(library: Library, waiting: Mapping[str, str], told: Mapping[str, Any]) -> None:
    text = json.dumps({"folders": dict(waiting), "told": dict(told)}, sort_keys=True) if waiting else None
    library.set_setting(_FOLDERS_KEY, text)


def hash_of(value: Any) -> str:
    """Identifies what has to be done, as the `input_hash` of its job."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
