"""What a concept is, a person or a thing, said by a person after a detector or a guess had said otherwise.

People are known by their faces, things by whole photos: so the same photos stand for it in another way.
"""

from __future__ import annotations

from typing import Literal

from personalizer.concepts.change_log import recorded
from personalizer.concepts.learn import shared_faces, whole_picture
from personalizer.concepts.operations import Done
from personalizer.errors import UsageError
from personalizer.library.library import Library
from personalizer.schemas import Concept, ConceptKind

KIND_WORDS: dict[ConceptKind, str] = {"face": "a person", "object": "a thing"}


def change_kind(library: Library, concept: Concept, kind: ConceptKind) -> Done:
    """Say that the concept is of this kind; its photos stay its photos, and what it was trained with is stale.

    Raises `UsageError` where it is so already, and for a person in whose photos no matching face is.
    """
    title = concept.name or f"concept {concept.id}"
    tried = f"making {title} {KIND_WORDS[kind]}"
    if concept.kind == kind:
        raise UsageError(tried=tried, found="it is that already", fix="See: familiar concepts")
    photos = list(dict.fromkeys(member.photo_id for member in library.members(concept.id)))
    said = {member.detection_id for member in library.memberships(concept.id) if member.source == "user"}
    source: Literal["user", "cluster"] = "user" if said else "cluster"
    with recorded(library, "kind", [concept.id]) as operation:
        if kind == "face":
            chosen = shared_faces(library, photos, None)
        else:
            chosen = {photo: whole_picture(library, photo) for photo in photos}
        if photos and not chosen:
            raise UsageError(
                tried=tried,
                found="no face that matches was found in its photos",
                fix="Teach it photos with the face well visible, under another name.",
            )
        refused = {
            library.detection(member.detection_id).photo_id
            for member in library.memberships(concept.id)
            if member.status == "rejected"
        } - set(photos)
        library.remove_members(
            concept.id, [member.detection_id for member in library.memberships(concept.id)]
        )
        library.set_feature(concept.id, None)
        library.set_kind(concept.id, kind)
        library.add_members(concept.id, sorted(chosen.values()), source=source, status="confirmed")
        if kind == "object":
            # Where it was said not to be, the thing is not either.
            library.add_members(
                concept.id,
                [whole_picture(library, photo) for photo in sorted(refused)],
                source="user",
                status="rejected",
            )
        changed = library.mark_stale(concept.id)
        operation.payload = {"concept": concept.id, "kind": kind}
    return Done(operation.operation_id, [changed])
