"""Derives missing work from the library alone, so that lost jobs are queued again.

Queues nothing itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from personalizer.jobs.due import FOLDERS, due_mark, hash_of, noticed_folders, scan_mark, told_of_folders
from personalizer.jobs.kinds import JobKind
from personalizer.jobs.queue import JobQueue
from personalizer.library.library import Library

DERIVED_PRIORITY = -1
"""After everything that somebody asked for."""
_END_WITH_GROUPING = {JobKind.SCAN, JobKind.ANALYZE}
"""Kinds of jobs that index and group what they found."""


@dataclass(frozen=True, slots=True)
class MissingWork:
    """Work that is not done, by the state of the library."""

    kind: str
    subject: str
    why: str
    input_hash: str
    model_version: str = ""
    payload: dict[str, Any] = field(default_factory=dict)


def missing_work(
    library: Library, *, analysed_by: str | None = None, to_read: bool = False
) -> list[MissingWork]:
    """What is missing, in the order in which it is best done.

    Photos that were not analysed by `analysed_by` are found where it is given, those whose text is `to_read` where that
    can be done. Which concepts should be trained is `training/outdated`'s business.
    """
    found = _scan(library)
    if analysed_by is not None:
        found += _analysis(library, analysed_by)
    return [*found, *_index(library), *_clustering(library), *(_lettering(library) if to_read else [])]


def queue_missing(queue: JobQueue, work: Sequence[MissingWork], kinds: Collection[str]) -> list[int]:
    """Queue what is of these kinds, unless it was given up or is queued in some way; returns the new ids."""
    active = {(job.kind, job.subject) for state in ("queued", "running") for job in queue.list(state)}
    queued = []
    for item in work:
        # A job that people ask for looks at the world when it runs, so it does this work too.
        if item.kind not in kinds or (item.kind, item.subject) in active:
            continue
        if item.kind in (JobKind.INDEX, JobKind.CLUSTER) and not _END_WITH_GROUPING.isdisjoint(
            kind for kind, _ in active
        ):
            continue
        job_id = queue.enqueue_once(
            item.kind,
            item.subject,
            item.payload,
            DERIVED_PRIORITY,
            input_hash=item.input_hash,
            model_version=item.model_version,
        )
        if job_id is not None:
            queued.append(job_id)
            active.add((item.kind, item.subject))
    return queued


def _scan(library: Library) -> list[MissingWork]:
    unfinished, folders = scan_mark(library), noticed_folders(library)
    if not library.roots():
        return []
    if unfinished is not None:
        mark, payload = unfinished
        return [
            MissingWork(JobKind.SCAN, "library", "a scan was not finished", hash_of(mark), payload=payload)
        ]
    if folders:
        why, told = f"{len(folders)} folders were not looked at", told_of_folders(library)
        return [MissingWork(JobKind.SCAN, FOLDERS, why, hash_of(folders), payload=told)]
    return []


def _analysis(library: Library, version: str) -> list[MissingWork]:
    photos = library.photos_to_analyze(version)
    if not photos:
        return []
    why = f"{len(photos)} photos were looked at by older models"
    return [MissingWork(JobKind.ANALYZE, "library", why, hash_of(sorted(photos)), version)]


def _index(library: Library) -> list[MissingWork]:
    waiting, gone = library.not_indexed_count(), library.index_removals(1)
    if not waiting and not gone:
        return []
    # What it is about changes all the time; that it failed or was called off once says nothing about the next.
    return [MissingWork(JobKind.INDEX, "library", f"{waiting} vectors are not indexed", uuid.uuid4().hex)]


def _lettering(library: Library) -> list[MissingWork]:
    from personalizer.analysis.text import can_read

    photos = library.photos_without_lettering() if can_read() else []
    if not photos:
        return []
    why = f"what is written in {len(photos)} photos was not read"
    return [MissingWork(JobKind.READ_TEXT, "library", why, hash_of(sorted(photos)))]


def _clustering(library: Library) -> list[MissingWork]:
    mark = due_mark(library)
    if mark is None:
        return []
    return [
        MissingWork(
            JobKind.CLUSTER, "library", "something changed since concepts were grouped", hash_of(mark)
        )
    ]
