"""Removes everything about faces for good: what was found, who was named, and every trace of them below the home.

Works like forgetting one concept, and is also continued after an interruption.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from assistant.forget.chats import forget_in_chats
from assistant.forget.concept import FORGET_PRIORITY, mentions_of, stop_jobs_about
from assistant.forget.files import Traces, remove_files
from assistant.forget.known_backups import remove_unfinished
from personalizer.concepts.forget import Identity, forget_records, identity_of
from personalizer.home import Home
from personalizer.jobs.kinds import JobKind
from personalizer.jobs.loop import JobContext
from personalizer.jobs.queue import MAX_ATTEMPTS, JobQueue
from personalizer.library.library import Library
from personalizer.names import name_key

_STEPS = 5


def request_erasing(queue: JobQueue) -> int:
    """Queue the job; returns its id."""
    return queue.enqueue(JobKind.ERASE_FACES, "library", {}, FORGET_PRIORITY)


def resume_erasing(library: Library, queue: JobQueue) -> None:
    """Queue again what was begun and not finished, unless it takes the worker down every time."""
    hopeless = any(
        job.kind == JobKind.ERASE_FACES and job.attempts >= MAX_ATTEMPTS for job in queue.list("failed")
    )
    if library.is_erasing_faces() and not hopeless:
        request_erasing(queue)


def erase_faces(
    home: Home, library: Library, queue: JobQueue, new_index: Callable[[], None], context: JobContext
) -> dict[str, Any]:
    """Remove all faces and all people; returns what was removed, by kind. Can be cancelled until the first removal."""
    removed: Counter[str] = Counter()
    with library.said_when_locked():
        context.check_cancelled()
        library.begin_erasing_faces()
        identity = _everybody(library)
        stop_jobs_about(queue, identity)
        library.note_faces_erased()
        library.note_forgotten(identity.concept_ids)
        context.progress(0, _STEPS, "Erasing faces: what was found in photos")
        faces, vectors = library.delete_faces()
        removed.update(faces=faces, vectors=vectors)
        context.progress(1, _STEPS, "Erasing faces: building the index again")
        new_index()
        context.progress(2, _STEPS, "Erasing faces: files")
        remove_unfinished(library)
        mentions = mentions_of(identity)
        removed.update(remove_files(home, Traces(identity.concept_ids, mentions)))
        context.progress(3, _STEPS, "Erasing faces: records")
        people = [concept for concept in library.concepts() if concept.kind == "face"]
        removed.update(concepts=len(people))
        removed.update(forget_in_chats(library, home, identity, mentions, faces=True))
        with library.transaction():
            for person in people[:1]:
                # Of all of them at once: the identity is everybody's.
                removed.update(forget_records(library, person, identity, mentions, queue.list()))
            for person in people[1:]:
                library.delete_concept(person.id)
        context.progress(4, _STEPS, "Erasing faces: writing the library anew")
        library.compact()
        library.end_erasing_faces()
    context.progress(_STEPS, _STEPS, "Erased")
    return {"removed": dict(+removed)}


def _everybody(library: Library) -> Identity:
    """All people as one, so that every file and record is read once."""
    people = [concept for concept in library.concepts() if concept.kind == "face"]
    others = {name_key(c.name): c.name for c in library.concepts() if c.name and c.kind != "face"}
    ids: set[int] = set()
    names: dict[str, str] = {}
    for person in people:
        identity = identity_of(library, person)
        ids |= identity.concept_ids
        names |= {name_key(name): name for name in identity.names if name_key(name) not in others}
        if person.name:
            names[name_key(person.name)] = person.name
    return Identity(frozenset(ids), tuple(names.values()), tuple(others.values()))
