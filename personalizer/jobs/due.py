"""Records pending work in the library, until a job has finished it: grouping, full scans and scans of folders.

Each request has a unique mark. A job settles the mark that it began with, so that requests during its run stay pending.
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
"""Subject of a job that scans the pending folders alone; a full scan has the subject "library"."""
MOST_FOLDERS = 32
"""More folders than this lead to a full scan."""
_GROUPING_KEY = "clustering.due"
_SCAN_KEY = "scan.due"
_FOLDERS_KEY = "scan.folders"


def mark_due(library: Library) -> str:
    """Record that grouping is pending; returns the mark.

    Call it before the change, or in the same transaction, so that a crash cannot lose it.
    """
    mark = uuid.uuid4().hex
    library.set_setting(_GROUPING_KEY, mark)
    return mark


def due_mark(library: Library) -> str | None:
    """The mark of pending grouping, or None; read it before clustering, for `settle`."""
    return library.setting(_GROUPING_KEY)


def settle(library: Library, mark: str | None) -> None:
    """Record that the grouping for `mark` is done; a later mark stays pending."""
    with library.transaction():
        if due_mark(library) == mark:
            library.set_setting(_GROUPING_KEY, None)


def mark_scan_due(library: Library, payload: Mapping[str, Any], *, made_up_for: str = "") -> str:
    """Record that a full scan with this job payload is pending; returns the mark for `settle_scan`.

    Call it before the scan, so that the mark survives any failure. A scan that replaces an earlier one (`made_up_for`
    is the hash of its input) keeps the earlier mark, so that both are given up together.
    """
    before = library.setting(_SCAN_KEY)
    if made_up_for and before is not None and hash_of(before) == made_up_for:
        return before
    mark = json.dumps({"mark": uuid.uuid4().hex, "payload": dict(payload)}, sort_keys=True)
    library.set_setting(_SCAN_KEY, mark)
    return mark


def scan_mark(library: Library) -> tuple[str, dict[str, Any]] | None:
    """The mark of a pending full scan and its job's payload; None if none is pending."""
    mark = library.setting(_SCAN_KEY)
    return None if mark is None else (mark, dict(json.loads(mark)["payload"]))


def settle_scan(library: Library, mark: str) -> None:
    """Record that the scan for `mark` was finished, or cancelled by the user; a later mark stays pending."""
    with library.transaction():
        if library.setting(_SCAN_KEY) == mark:
            library.set_setting(_SCAN_KEY, None)


def ask_for_scan(queue: JobQueue, told: Mapping[str, Any], folders: Collection[str] | None = None) -> int:
    """Queue a full scan or, with `folders`, a scan of these and of all pending folders; returns the job's id.

    `told` is the job's payload. Pending folders are stored in the library, so that no failed job can lose them.
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
    """The pending folders, each with its mark; read them before the scan, for `settle_folders`."""
    text = library.setting(_FOLDERS_KEY)
    return {} if text is None else dict(json.loads(text)["folders"])


def told_of_folders(library: Library) -> dict[str, Any]:
    """The job payload for the pending folders."""
    text = library.setting(_FOLDERS_KEY)
    return {} if text is None else dict(json.loads(text)["told"])


def settle_folders(library: Library, looked_at: Mapping[str, str]) -> None:
    """Record that these folders were scanned, or their scan cancelled by the user; later marks stay pending."""
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
    """A hash of pending work, for the `input_hash` of its job."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
