"""Takes a concept out of the library: its members' vectors and boxes, its rows, and what the logs say of it.

Knows what belongs to whom in SQLite; knows no file, no index and no queue. Forgetting is no operation: it cannot be
undone, and it is what removes operations.

What goes of a photo that shows the concept: the concept's own detection, and what was computed of the whole picture and
of its region. Those are no biometric templates, but photos that show one person resemble each other: kept, they would
come back as a group of "things" without a name. What a person decided belongs to another concept stays as it is, and so
do other people's faces. The photo itself stays known by its file, content and date, which is what keeps scanning from
looking at it again; it is marked, so that the same holds when the file is edited. A photo that is new to the library
may show the concept and be found like any stranger's: to refuse it, the face would have to be remembered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from personalizer.concepts.name_mentions import NameMentions
from personalizer.errors import NotFoundError
from personalizer.jobs.kinds import JobKind
from personalizer.library.library import Library, Operation
from personalizer.names import name_key
from personalizer.schemas import Concept, Job


@dataclass(frozen=True, slots=True)
class Identity:
    """What a concept is, and was, known by."""

    concept_ids: frozenset[int]
    """Its own, and those of concepts that were merged into it."""
    names: tuple[str, ...]
    """The present one and earlier ones, except what another concept is called now."""
    others: tuple[str, ...]
    """The names of all other concepts."""

    @property
    def name_keys(self) -> frozenset[str]:
        return frozenset(map(name_key, self.names))


@dataclass(frozen=True, slots=True)
class ForgottenMembers:
    """How much was removed, and how many photos stay as they are because another concept has them as well."""

    detections: int
    vectors: int
    memberships: int
    photos: int
    shared_photos: int


def identity_of(library: Library, concept: Concept) -> Identity:
    """Collect ids and names from the log of operations, which forgetting removes last."""
    ids, names = {concept.id}, [concept.name]
    operations = library.operations()
    # A merge that was taken back joined nothing: the other one is there again, with files and a name of its own.
    there = {one.id for one in library.concepts() if one.id != concept.id}
    while True:
        merged = {
            int(operation.payload["removed"])
            for operation in operations
            if operation.kind == "merge" and operation.payload.get("kept") in ids
        } - there
        if merged <= ids:
            break
        ids |= merged
    for operation in operations:
        if operation.payload.get("concept") in ids:
            names += [operation.payload.get("name"), operation.payload.get("previous")]
        if operation.payload.get("kept") in ids:
            names.append(operation.payload.get("removed_name"))
    others = {name_key(c.name): c.name for c in library.concepts() if c.name and c.id != concept.id}
    own = {name_key(name): name for name in names if name and name_key(name) not in others}
    return Identity(frozenset(ids), tuple(own.values()), tuple(others.values()))


def grouped_elsewhere(library: Library, concept: Concept) -> frozenset[int]:
    """Detections that are in another group, named or not: they looked more like that than like the concept."""
    return frozenset(
        member.detection_id
        for member in library.memberships()
        if member.concept_id != concept.id and member.status == "confirmed"
    )


def forget_members(
    library: Library, concept: Concept, elsewhere: frozenset[int] = frozenset()
) -> ForgottenMembers:
    """Remove what was found of the concept in its photos, confirmed or suggested, and mark these photos.

    `elsewhere`: what belonged to another group before that was looked for; a suggestion alone does not take it away.
    """
    with library.transaction():
        memberships = library.memberships(concept.id)
        own = {
            member.detection_id
            for member in memberships
            if member.status == "confirmed"
            or (member.status == "suggested" and member.detection_id not in elsewhere)
        }
        photos = {library.detection(detection_id).photo_id for detection_id in own}
        held = _held(library, except_id=concept.id)
        gone = [
            detection.id
            for photo_id in photos
            for detection in library.detections(photo_id)
            if detection.id not in held and (detection.kind != "face" or detection.id in own)
        ]
        shared = {library.detection(detection_id).photo_id for detection_id in own & held}
        detections, vectors = library.delete_detections(gone)
        library.remove_members(concept.id, [member.detection_id for member in memberships])
        library.mark_forgotten(photos - shared)
        _dissolve_small_groups(library)
    return ForgottenMembers(detections, vectors, len(memberships), len(photos - shared), len(shared))


def keep_only_claimed(library: Library, detection_ids: Iterable[int]) -> None:
    """Remove those of the detections that belong to nothing a person decided about.

    For photos that showed something forgotten, and from which a person teaches something now.
    """
    library.delete_detections(set(detection_ids) - _held(library))


def _held(library: Library, except_id: int | None = None) -> set[int]:
    """Detections that a person decided belong to a concept; with a whole picture also its regions."""
    held: set[int] = set()
    for kind in ("face", "object"):
        for concept_id in library.labeled_concepts(kind) - {except_id}:
            for member in library.members(concept_id):
                held.add(member.id)
                if member.kind != "face":
                    held.update(region.id for region in library.detections(member.photo_id, "object"))
    return held


def _dissolve_small_groups(library: Library) -> None:
    """Delete unnamed groups that have too few members left."""
    decided = library.labeled_concepts("face") | library.labeled_concepts("object")
    for concept in library.concepts():
        if concept.id not in decided and len(library.members(concept.id)) < 2:
            library.delete_concept(concept.id)


def forget_records(
    library: Library, concept: Concept, identity: Identity, mentions: NameMentions, jobs: Iterable[Job]
) -> dict[str, int]:
    """Remove the concept itself and what operations and ended `jobs` say of it, together; returns how many."""
    removed = {"operations": 0, "jobs": 0, "facts": 0}
    with library.transaction():
        for other in library.concepts():
            for fact in library.facts(other.id):
                # What was told about somebody else may name this one.
                if other.id == concept.id or mentions.in_text(fact.text):
                    library.delete_fact(fact.id)
                    removed["facts"] += 1
        # What is written in or beside photos stays there; here it is kept for search only.
        removed["texts"] = library.delete_texts_with(mentions.in_text)
        for operation in library.operations():
            removed["operations"] += _scrub(library, operation, identity, mentions)
        for job in jobs:
            if job.state in ("done", "failed", "cancelled") and _tells(job, identity, mentions):
                library.delete_job(job.id)
                removed["jobs"] += 1
        library.delete_concept(concept.id)
    return removed


def concerns(job: Job, identity: Identity) -> bool:
    """Whether a job works on the concept or would make it anew."""
    if job.kind == JobKind.FORGET:
        return False
    name = job.payload.get("name")
    learned = isinstance(name, str) and name_key(name) in identity.name_keys
    return job.payload.get("concept") in identity.concept_ids or learned


def _tells(job: Job, identity: Identity, mentions: NameMentions) -> bool:
    about = (job.payload.get("concept"), (job.result or {}).get("concept"))
    return any(concept in identity.concept_ids for concept in about) or mentions.in_value(
        [job.subject, job.message, job.error, job.payload, job.result]
    )


def _scrub(library: Library, operation: Operation, identity: Identity, mentions: NameMentions) -> int:
    """Remove an entry about the concept; of others, remove what they say about its members. 1 if it changed."""
    payload, ids = operation.payload, identity.concept_ids
    subjects = {payload.get(key) for key in ("concept", "kept", "removed", "made")}
    if subjects & ids or ids & set(payload.get("concepts", [])) or mentions.in_value(payload):
        library.delete_operation(operation.id)
        return 1
    cleaned = {key: _without(value, ids) for key, value in payload.items()}
    if cleaned == payload:
        return 0
    library.rewrite_operation(operation.id, cleaned)
    return 1


def _without(value: Any, concept_ids: frozenset[int]) -> Any:
    """A list of memberships, or of changes to them, without those of these concepts; anything else as it is."""
    if not isinstance(value, list):
        return value
    return [item for item in value if not (isinstance(item, dict) and _concept_in(item) & concept_ids)]


def _concept_in(item: dict[str, Any]) -> set[Any]:
    """The concepts of a membership, or of a row before and after a change."""
    rows = [item, *(row for row in (item.get("before"), item.get("after")) if isinstance(row, dict))]
    return {row.get("concept_id") for row in rows} - {None}


def concept_or_none(library: Library, concept_id: int) -> Concept | None:
    """The concept, unless it is gone already."""
    try:
        return library.concept(concept_id)
    except NotFoundError:
        return None
