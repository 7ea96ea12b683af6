"""A person's word that chosen photos show somebody or something: which faces or pictures stand for the name then on.

Knows the library and who said what; knows no image and no model.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np

from personalizer.clustering.items import box_area, portrait_photos
from personalizer.clustering.settings import ClusterSettings
from personalizer.errors import NotFoundError, UsageError
from personalizer.library.library import Library, Membership
from personalizer.names import valid_name
from personalizer.schemas import Concept, ConceptKind, Detection, Float64Array

_CANNOT_LINK_DISTANCE = 1e6
"""So far that no average over a few pairs with such a one comes near any limit."""


@dataclass(frozen=True, slots=True)
class LearnedMembers:
    """Which detections stand for a concept from now on, and the photos that could not be used."""

    concept: Concept
    detection_ids: list[int]
    skipped: list[dict[str, int | str]]


def learn_members(
    library: Library,
    name: str,
    photo_ids: Iterable[int],
    *,
    kind: ConceptKind | None = None,
) -> LearnedMembers:
    """Say that these photos show `name`: a new concept, or more members of the one that has the name.

    Without `kind`, a new concept is a person when one matching face is in every photo (or fills two thirds of
    them: a detector misses some), else a thing, which is stood for by the whole picture. Members are the
    user's word: confirmed, and taken out of unnamed groups and of whatever clustering alone put them in.
    """
    name = valid_name(name)
    photos = list(dict.fromkeys(photo_ids))
    if not photos:
        raise UsageError(
            tried=f"learning {name!r}", found="no photo was given", fix="Give three to five photos."
        )
    with library.transaction():
        known = library.concept_by_name(name)
        chosen_kind = known.kind if known is not None else kind
        faces = {} if chosen_kind == "object" else shared_faces(library, photos, known)
        if chosen_kind is None:
            chosen_kind = "face" if _shows_person(library, photos, faces) else "object"
        whole = {photo: whole_picture(library, photo) for photo in photos}
        chosen = faces if chosen_kind == "face" else whole
        if not chosen:
            raise UsageError(
                tried=f"learning the person {name!r}",
                found="no face that matches was found in these photos",
                fix="Choose photos with the face well visible"
                + (
                    f". Is {name} no person? familiar learn --thing {name!r} PHOTO..."
                    if kind is None
                    else "."
                ),
            )
        concept = known if known is not None else library.create_concept(chosen_kind, name=name)
        detection_ids = sorted(chosen.values())
        library.add_members(concept.id, detection_ids, source="user", status="confirmed")
        concept = library.mark_stale(concept.id)
        left = leave_others(library, concept, set(detection_ids))
        skipped: list[dict[str, int | str]] = [
            {"photo": photo, "reason": "no matching face was found"}
            for photo in photos
            if photo not in chosen
        ]
        library.append_operation(
            "learn",
            {
                "concept": concept.id,
                "name": concept.name,
                "detections": detection_ids,
                "skipped": skipped,
                "left": [asdict(member) for member in left],
            },
        )
    return LearnedMembers(concept, detection_ids, skipped)


def _shows_person(library: Library, photos: list[int], faces: dict[int, int]) -> bool:
    """Whether these photos are about the person with these `faces` (detection id by photo id)."""
    if len(faces) == len(photos):
        return True
    if len(faces) < 2 or 3 * len(faces) < 2 * len(photos):
        return False
    whole = [d for photo in faces for d in library.detections(photo_id=photo, kind="photo")]
    return len(portrait_photos(whole, [library.detection(face) for face in faces.values()])) == len(faces)


def whole_picture(library: Library, photo_id: int) -> int:
    whole = library.detections(photo_id=photo_id, kind="photo")
    if not whole:
        library.photo(photo_id)  # raises when there is no such photo
        raise NotFoundError(
            tried=f"using photo {photo_id}", found="it has not been analysed", fix="Run: familiar scan"
        )
    return whole[0].id


def shared_faces(library: Library, photos: list[int], known: Concept | None) -> dict[int, int]:
    """The face that these photos have in common: detection id by photo id, only where there is one.

    For a person who is known, the faces that match the members; for a single photo, its only face.
    """
    from scipy.spatial.distance import cdist

    found: list[Detection] = [d for photo in photos for d in library.detections(photo_id=photo, kind="face")]
    if not found:
        return {}
    members = [] if known is None else [m for m in library.members(known.id) if m.photo_id not in photos]
    _, vector_of = library.comparable_vectors(d.id for d in (*members, *found))
    if not any(detection.id in vector_of for detection in found):
        # The members were not looked at again yet by the model at work now.
        _, vector_of = library.comparable_vectors(detection.id for detection in found)
    members = [member for member in members if member.id in vector_of]
    found = [detection for detection in found if detection.id in vector_of]
    both = [*members, *found]
    vectors = np.stack([vector_of[detection.id] for detection in both])
    if len(photos) == 1 and not members:
        return {photos[0]: found[0].id} if len(found) == 1 else {}
    similarity, alike = 1 - cdist(vectors, vectors), ClusterSettings().face.suggest
    if members:
        score = similarity[len(members) :, : len(members)].mean(axis=1)
        chosen: dict[int, tuple[float, int]] = {}
        for detection, value in zip(found, score, strict=True):
            if value >= alike and value > chosen.get(detection.photo_id, (-np.inf, 0))[0]:
                chosen[detection.photo_id] = (float(value), detection.id)
        return {photo: detection_id for photo, (_, detection_id) in chosen.items()}
    groups = _linked(found, 1 - similarity, 1 - alike)
    if not groups:
        return {}
    # Two people may be in all of the photos; the one who is larger is meant.
    group = max(groups, key=lambda g: (len(g), sum(box_area(d.box) for d in g)))
    return {detection.photo_id: detection.id for detection in group}


def _linked(faces: list[Detection], distance: Float64Array, limit: float) -> list[list[Detection]]:
    """Average linkage of a few faces up to a mean distance, `distance` `[n, n]`; no two of one photo, none alone."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    if len(faces) < 2:
        return []
    photos = np.array([face.photo_id for face in faces])
    apart = photos[:, None] == photos[None]
    matrix = np.where(apart, _CANNOT_LINK_DISTANCE, distance)
    np.fill_diagonal(matrix, 0)
    labels = fcluster(linkage(squareform(matrix, checks=False), "average"), limit, "distance")
    groups = [
        [face for face, label in zip(faces, labels, strict=True) if label == number]
        for number in dict.fromkeys(labels.tolist())
    ]
    return [group for group in groups if len(group) > 1]


def leave_others(library: Library, concept: Concept, detection_ids: set[int]) -> list[Membership]:
    """Take detections out of every other concept that only clustering put them in; returns what ended.

    A scan may have attached them to a similar concept without asking: kept there, they would teach it what the
    user has just said is this one. What the user said about another concept stands. Of a group that nobody
    decided about may remain nothing.
    """
    decided = library.labeled_concepts(concept.kind)
    left = [
        member
        for member in library.memberships()
        if member.detection_id in detection_ids
        and member.concept_id != concept.id
        and member.source == "cluster"
    ]
    for concept_id in {member.concept_id for member in left}:
        ended = [member for member in left if member.concept_id == concept_id]
        library.remove_members(concept_id, [member.detection_id for member in ended])
        confirmed = any(member.status == "confirmed" for member in ended)
        if concept_id not in decided:
            if len(library.members(concept_id)) < 2:
                library.delete_concept(concept_id)
        elif confirmed:
            library.mark_stale(concept_id)
    return left
