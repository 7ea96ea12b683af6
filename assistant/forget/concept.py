"""Forgets a concept in steps that can be repeated after an interruption.

The concept's row and the log of operations are removed last, because they tell what to look for. A note in the library
lets the next worker continue after a crash. The job contains the concept's id and never its name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from assistant.daemon.client import USER_PRIORITY
from assistant.forget.chats import forget_in_chats
from assistant.forget.files import Traces, remove_files
from assistant.forget.known_backups import remove_unfinished
from assistant.language.ordinary_words import is_ordinary_word
from personalizer.concepts.forget import (
    Identity,
    concept_or_none,
    concerns,
    forget_members,
    forget_records,
    grouped_elsewhere,
    identity_of,
)
from personalizer.concepts.name_mentions import NameMentions
from personalizer.home import Home
from personalizer.jobs.due import due_mark, mark_due, settle
from personalizer.jobs.kinds import JobKind
from personalizer.jobs.loop import JobContext
from personalizer.jobs.queue import MAX_ATTEMPTS, JobQueue
from personalizer.library.library import Library
from personalizer.schemas import Concept

FORGET_PRIORITY = USER_PRIORITY + 10
"""Before any other job: what waits may be about the concept."""
_STEPS = 5


def mentions_of(identity: Identity) -> NameMentions:
    """Finds the names of a concept; one that is an ordinary word counts with its capital letters only."""
    ordinary = [name for name in identity.names if is_ordinary_word(name)]
    return NameMentions(identity.names, identity.others, case_sensitive=ordinary)


def stop_jobs_about(queue: JobQueue, identity: Identity) -> None:
    """Ask jobs that train or teach the concept to stop: what they would make is not wanted any more."""
    for state in ("running", "queued"):
        for job in queue.list(state):
            if concerns(job, identity):
                queue.request_cancel(job.id)


def request_forgetting(queue: JobQueue, concept_id: int) -> int:
    """Queue the job; returns its id."""
    return queue.enqueue(JobKind.FORGET, str(concept_id), {"concept": concept_id}, FORGET_PRIORITY)


def resume_forgetting(library: Library, queue: JobQueue) -> None:
    """Queue again what was begun and not finished, however it ended, unless it takes the worker down every time.

    For a worker that starts, after it has recovered the jobs of a dead one.
    """
    hopeless = {
        job.payload.get("concept")
        for job in queue.list("failed")
        if job.kind == JobKind.FORGET and job.attempts >= MAX_ATTEMPTS
    }
    for concept_id in library.begun_forgetting():
        if concept_id not in hopeless:
            request_forgetting(queue, concept_id)


def forget(
    home: Home,
    library: Library,
    queue: JobQueue,
    new_index: Callable[[], None],
    concept_id: int,
    context: JobContext,
) -> dict[str, Any]:
    """Remove a concept and every trace of it below `home`; returns what was removed, and kept, by kind.

    `new_index` makes the vector index anew from the library. Can be cancelled until the first removal. Raises
    `NotReadyError` when another program holds the library, `FamiliarError` for files that cannot be removed;
    in both cases it can be asked for again.
    """
    removed: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    with library.said_when_locked():
        concept = concept_or_none(library, concept_id)
        if concept is not None:
            context.check_cancelled()
            now_removed, now_kept = _remove(home, library, queue, new_index, concept, context)
            removed.update(now_removed)
            kept.update(now_kept)
        context.progress(_STEPS - 1, _STEPS, "Forgetting: writing the library anew")
        library.compact()
        library.end_forgetting(concept_id)
    context.progress(_STEPS, _STEPS, "Forgotten")
    return {"removed": dict(+removed), "kept": dict(+kept)}


def _remove(
    home: Home,
    library: Library,
    queue: JobQueue,
    new_index: Callable[[], None],
    concept: Concept,
    context: JobContext,
) -> tuple[Counter[str], Counter[str]]:
    """What was removed and what was kept, counted."""
    removed: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    library.begin_forgetting(concept.id)
    identity = identity_of(library, concept)
    mentions = mentions_of(identity)
    stop_jobs_about(queue, identity)
    library.note_forgotten(identity.concept_ids)
    context.progress(0, _STEPS, "Forgetting: looking for more photos of it")
    elsewhere = grouped_elsewhere(library, concept)
    if _group_if_due(library):
        # What it took from other groups for a suggestion goes back there with the next grouping.
        mark_due(library)
    # Once more: a photo that was found now may be in an older backup.
    library.note_forgotten(identity.concept_ids)
    context.progress(1, _STEPS, "Forgetting: what was found in photos")
    members = forget_members(library, concept, elsewhere)
    removed.update(detections=members.detections, vectors=members.vectors, memberships=members.memberships)
    kept.update(shared_photos=members.shared_photos)
    context.progress(2, _STEPS, "Forgetting: building the index again")
    new_index()
    context.progress(3, _STEPS, "Forgetting: files")
    remove_unfinished(library)
    removed.update(remove_files(home, Traces(identity.concept_ids, mentions)))
    # While the facts about it are still there: chats quote them.
    removed.update(forget_in_chats(library, home, identity, mentions))
    removed.update(forget_records(library, concept, identity, mentions, queue.list()))
    removed.update(concepts=1)
    kept.update(paths_with_its_name=_count_named(library, mentions))
    return removed, kept


def _group_if_due(library: Library) -> bool:
    """Group, where that is due: what was scanned or named since may show the concept as well. Whether it was."""
    from personalizer.clustering.update import cluster

    due = due_mark(library)
    if due is not None:
        cluster(library)
        settle(library, due)
    return due is not None


def _count_named(library: Library, mentions: NameMentions) -> int:
    """The user's own folders, photos and backups that have the name in theirs: they stay known by it."""
    backups = [backup.path for backup in library.backups()]
    beside = [companion.path for companion in library.companion_files()]
    paths: Iterable[str] = map(str, [*library.roots(), *library.files(), *beside, *backups])
    return sum(map(mentions.in_text, paths))
