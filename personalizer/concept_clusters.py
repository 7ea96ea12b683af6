"""Finds groups of faces and of photos of things in a library, and fits new ones to what people decided.

What a person decided is never overwritten. Knows the library and similarities; knows no image and no model.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from personalizer import clustering
from personalizer.clustering import LinkageSettings
from personalizer.concept_items import Items, face_items, object_items
from personalizer.library import Library
from personalizer.schemas import Concept, ConceptKind, Float32Array, Int64Array, MembershipStatus


@dataclass(frozen=True, slots=True)
class AttachSettings:
    """New items join a decided concept as a suggestion from `suggest` up and without asking from `sure` up.

    Both are average similarities to the concept's confirmed members.
    """

    suggest: float
    sure: float

    def __post_init__(self) -> None:
        if self.sure < self.suggest:
            raise ValueError(f"sure {self.sure} must not be below suggest {self.suggest}")


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """Similarities are 1 - distance for faces and cosine for things.

    Faces join at an average distance of 0.55, a little under the 0.6 that dlib's authors publish for pairs.
    Things join where two different ones hardly ever do: a wrong group costs the user more than a missed one.
    """

    face: LinkageSettings = field(default_factory=lambda: LinkageSettings(threshold=0.45, min_size=2))
    face_attach: AttachSettings = field(default_factory=lambda: AttachSettings(suggest=0.42, sure=0.5))
    thing: LinkageSettings = field(default_factory=lambda: LinkageSettings(threshold=0.5, min_size=3))
    thing_attach: AttachSettings = field(default_factory=lambda: AttachSettings(suggest=0.4, sure=0.6))


@dataclass(frozen=True, slots=True)
class ClusterReport:
    """What clustering found. `faces` and `objects` are groups without a name; `unassigned` counts items."""

    faces: int
    objects: int
    unassigned: int
    attached: int
    """Items that joined a concept the user had decided about, without asking."""
    suggested: int
    """Items that may belong to such a concept and wait for the user."""


def cluster(library: Library, settings: ClusterSettings | None = None) -> ClusterReport:
    """Group all faces and all photos of things anew; concepts a person decided about keep their members.

    Groups that were there before keep their ids when most of them is still together. Nothing is written
    before all is computed, so the library is locked only for a moment.
    """
    settings = settings or ClusterSettings()
    faces = _cluster_kind(library, face_items(library), settings.face, settings.face_attach)
    things = _cluster_kind(library, object_items(library), settings.thing, settings.thing_attach)
    return ClusterReport(
        faces=faces.groups,
        objects=things.groups,
        unassigned=faces.unassigned + things.unassigned,
        attached=faces.attached + things.attached,
        suggested=faces.suggested + things.suggested,
    )


@dataclass(frozen=True, slots=True)
class _KindReport:
    groups: int
    unassigned: int
    attached: int
    suggested: int


@dataclass(frozen=True, slots=True)
class _Joined:
    """An item that belongs, or may belong, to a concept a person decided about."""

    concept_id: int
    item: int
    status: MembershipStatus


def _cluster_kind(
    library: Library, items: Items, linkage: LinkageSettings, attach: AttachSettings
) -> _KindReport:
    decided = decided_concepts(library, items.kind)
    taken = np.zeros(len(items), dtype=np.bool_)
    for concept in decided:
        taken[_confirmed_positions(library, items, concept)] = True
    joined = _attach(library, items, decided, taken, attach)
    taken[[member.item for member in joined]] = True
    free = np.flatnonzero(~taken)
    apart = items.photo_ids[free] if items.kind == "face" else None
    labels = clustering.link(items.similarities(free), len(free), linkage, apart)
    groups = [
        set(items.detection_ids[free[labels == label]].tolist())
        for label in range(int(labels.max(initial=-1)) + 1)
    ]
    with library.transaction():
        _store_joined(library, items, joined)
        _store_groups(library, items.kind, groups)
    confirmed = sum(member.status == "confirmed" for member in joined)
    unassigned = int((labels == clustering.UNCLUSTERED).sum())
    return _KindReport(len(groups), unassigned, confirmed, len(joined) - confirmed)


def decided_concepts(library: Library, kind: ConceptKind) -> list[Concept]:
    """Concepts of one kind that a person named, hid or put together."""
    by_user = {member.concept_id for member in library.memberships() if member.source == "user"}
    return [
        concept
        for concept in library.concepts()
        if concept.kind == kind
        and (concept.name is not None or concept.state != "suggested" or concept.id in by_user)
    ]


def _confirmed_positions(library: Library, items: Items, concept: Concept) -> Int64Array:
    return items.positions([member.id for member in library.members(concept.id)])


def _attach(
    library: Library,
    items: Items,
    decided: list[Concept],
    taken: npt.NDArray[np.bool_],
    settings: AttachSettings,
) -> list[_Joined]:
    """Fit each item that is not `taken` `[n]` to the decided concept it resembles most, if it does enough."""
    known = [(concept, _confirmed_positions(library, items, concept)) for concept in decided]
    known = [(concept, positions) for concept, positions in known if len(positions)]
    if not known:
        return []
    scores = _average_similarities(items, [positions for _, positions in known])
    for column, (concept, positions) in enumerate(known):
        refused = [m.detection_id for m in library.memberships(concept.id) if m.status == "rejected"]
        scores[items.positions(refused), column] = -np.inf
        if items.kind == "face":
            # A photo that already shows this person cannot show them twice.
            scores[np.isin(items.photo_ids, items.photo_ids[positions]), column] = -np.inf
    joined: list[_Joined] = []
    filled: set[tuple[int, int]] = set()
    best = scores.argmax(axis=1)
    # The surest first: of two faces in one photo the better match is the person, the other is not.
    order = np.argsort(-scores[np.arange(len(items)), best], kind="stable")
    for item in order[~taken[order]].tolist():
        column = int(best[item])
        score = float(scores[item, column])
        if score < settings.suggest:
            break
        place = (column, int(items.photo_ids[item]))
        if items.kind == "face" and place in filled:
            continue
        filled.add(place)
        joined.append(
            _Joined(known[column][0].id, item, "confirmed" if score >= settings.sure else "suggested")
        )
    return joined


def _average_similarities(items: Items, groups: list[Int64Array], block_items: int = 1024) -> Float32Array:
    """The mean similarity of every item to every group, `[n, groups]`."""
    scores = np.empty((len(items), len(groups)), dtype=np.float32)
    similarities = items.similarities()
    for start in range(0, len(items), block_items):
        rows = np.arange(start, min(start + block_items, len(items)), dtype=np.int64)
        for column, group in enumerate(groups):
            scores[rows, column] = similarities(rows, group).mean(axis=1)
    return scores


def _store_joined(library: Library, items: Items, joined: list[_Joined]) -> None:
    """Replace what earlier clustering only suggested to decided concepts by what this one found."""
    decided = decided_concepts(library, items.kind)
    for concept in decided:
        suggested = [
            member.detection_id
            for member in library.memberships(concept.id)
            if member.source == "cluster" and member.status == "suggested"
        ]
        library.remove_members(concept.id, suggested)
    ids = {concept.id for concept in decided}
    for member in joined:
        # The concept may have been merged or forgotten since it was read.
        if member.concept_id in ids:
            detection_id = int(items.detection_ids[member.item])
            library.add_members(member.concept_id, [detection_id], source="cluster", status=member.status)


def _store_groups(library: Library, kind: ConceptKind, groups: list[set[int]]) -> None:
    """Make the undecided concepts of this kind be exactly `groups`, reusing the ids of those they overlap."""
    decided = {concept.id for concept in decided_concepts(library, kind)}
    # A person may have named a group while this one was computed.
    spoken_for = {
        m.detection_id for m in library.memberships() if m.concept_id in decided and m.status != "rejected"
    }
    groups = [group - spoken_for for group in groups]
    old = {
        concept.id: {member.id for member in library.members(concept.id)}
        for concept in library.concepts()
        if concept.kind == kind and concept.id not in decided
    }
    overlaps = sorted(
        (-len(members & group), number, concept_id)
        for number, group in enumerate(groups)
        for concept_id, members in old.items()
        if 2 * len(members & group) > len(members)
    )
    kept: dict[int, int] = {}
    for _, number, concept_id in overlaps:
        if number not in kept:
            kept[number] = concept_id
    for concept_id in old.keys() - set(kept.values()):
        library.delete_concept(concept_id)
    for number, group in enumerate(groups):
        if not group:
            continue
        concept_id = kept[number] if number in kept else library.create_concept(kind).id
        before = old.get(concept_id, set())
        library.remove_members(concept_id, before - group)
        library.add_members(concept_id, group - before, source="cluster", status="confirmed")
