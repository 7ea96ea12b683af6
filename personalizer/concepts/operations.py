"""What a person does to concepts after they were found: naming, merging, splitting, saying who is where.

Every operation is one transaction and one entry of the log, with all it changed, so that `undo` can take it back. Knows
the library; knows no image and no model.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from personalizer.concepts.change_log import recorded
from personalizer.concepts.learn import leave_others
from personalizer.concepts.suggestions import suggest_recognized
from personalizer.errors import NotFoundError, UsageError, counted
from personalizer.library.library import Library
from personalizer.names import valid_name
from personalizer.schemas import Concept, ConceptState, Detection, DetectionKind

MAX_LINKS = 5_000
"""More pairs than that are not linked one by one: what a person moved is held by its membership anyway."""


@dataclass(frozen=True, slots=True)
class Done:
    """An operation's number in the log, and the concepts as it left them."""

    operation: int
    concepts: list[Concept]


def name_concept(library: Library, concept_id: int, name: str) -> Done:
    """Name a concept, or give it another name; a suggested one becomes `named`.

    Raises `UsageError` for a name that is not allowed or, in any case, taken; `NotFoundError` for the id.
    """
    name = valid_name(name)
    before = library.concept(concept_id)
    with recorded(library, "name", [concept_id]) as operation:
        named = library.rename_concept(concept_id, name)
        suggest_recognized(library, named)
        operation.payload = {"concept": concept_id, "name": name, "previous": before.name}
    return Done(operation.operation_id, [named])


def merge_concepts(library: Library, first_id: int, second_id: int, target: int | None = None) -> Done:
    """Say that two concepts are one; the one that remains is returned.

    The named one remains, or the first when neither has a name. When both have one, `target` has to say
    which. What a person said about a detection in the remaining concept stands; it gets the facts of both. Must-links
    keep its halves together whatever is grouped later.
    """
    first, second = library.concept(first_id), library.concept(second_id)
    keep, drop = _merge_order(first, second, target)
    with recorded(library, "merge", [keep.id, drop.id]) as operation:
        _link_halves(library, library.members(keep.id), library.members(drop.id))
        own = {member.detection_id: member for member in library.memberships(keep.id)}
        for member in library.memberships(drop.id):
            standing = own.get(member.detection_id)
            # Somebody who joins again what was split means it: a later yes counts more than that no.
            again = member.source == "user" and member.status == "confirmed"
            if standing is not None and standing.source == "user" and not again:
                continue
            if member.status == "rejected" and standing is not None:
                continue
            # The user joined them, so a later clustering must not take them apart.
            library.add_members(
                keep.id,
                [member.detection_id],
                source="cluster" if member.status == "suggested" else "user",
                status=member.status,
            )
        confirmed = [member.id for member in library.members(keep.id)]
        library.add_members(keep.id, confirmed, source="user", status="confirmed")
        library.move_facts(drop.id, keep.id)
        library.delete_concept(drop.id)
        suggest_recognized(library, library.mark_stale(keep.id))
        operation.payload = {"kept": keep.id, "removed": drop.id, "removed_name": drop.name}
    return Done(operation.operation_id, [library.concept(keep.id)])


def _link_halves(library: Library, kept: Sequence[Detection], joining: Sequence[Detection]) -> None:
    """Must-links from one of the first to each of the others, instead of what was said against them before."""
    library.remove_links(
        pair
        for pair, kind in library.links().items()
        if kind == "cannot" and _crosses(pair, {d.id for d in kept}, {d.id for d in joining})
    )
    if kept:
        library.add_links(((kept[0].id, other.id) for other in joining if other.id != kept[0].id), "must")


def _crosses(pair: tuple[int, int], one: set[int], other: set[int]) -> bool:
    return (pair[0] in one and pair[1] in other) or (pair[0] in other and pair[1] in one)


def _merge_order(first: Concept, second: Concept, target: int | None) -> tuple[Concept, Concept]:
    """(what remains, what goes into it)."""
    tried = f"merging concepts {first.id} and {second.id}"
    if first.id == second.id:
        raise UsageError(tried=tried, found="they are the same", fix="Give two different ones.")
    if first.kind != second.kind:
        raise UsageError(
            tried=tried,
            found="one is a person and the other a thing",
            fix=f"If both are one thing, say so first: familiar learn --thing"
            f" {first.id if first.kind == 'face' else second.id}",
        )
    if target is not None:
        if target not in (first.id, second.id):
            raise UsageError(
                tried=tried,
                found=f"the one to keep, {target}, is neither",
                fix=f"Keep {first.id} or {second.id}.",
            )
        return (first, second) if target == first.id else (second, first)
    if first.name is not None and second.name is not None:
        raise UsageError(
            tried=tried,
            found=f"both have a name: {first.name!r} and {second.name!r}",
            fix="Say which one to keep, or give both the name you want to keep in turn.",
        )
    return (second, first) if first.name is None and second.name is not None else (first, second)


def split_concept(library: Library, concept: Concept, photo_ids: Iterable[int]) -> Done:
    """Take what these photos show out of the concept into a new one without a name, for good: cannot-links say so.

    The concept comes first in the result, then the new one. Raises `NotFoundError` for a photo that does not show it,
    `UsageError` when nothing would remain.
    """
    leaving = [
        member.id
        for photo_id in dict.fromkeys(photo_ids)
        for member in _members_in(library, concept, photo_id)
    ]
    staying = [member.id for member in library.members(concept.id) if member.id not in leaving]
    if not leaving or not staying:
        raise UsageError(
            tried=f"splitting {_title(concept)}",
            found="no photo was given" if not leaving else "these are all of its photos",
            fix="Give the photos that show somebody or something else, and leave the others.",
        )
    with recorded(library, "split", [concept.id]) as operation:
        made = library.create_concept(concept.kind)
        library.add_members(concept.id, leaving, source="user", status="rejected")
        library.add_members(made.id, leaving, source="user", status="confirmed")
        pairs = list(product(leaving, staying))[:MAX_LINKS]
        library.add_links(pairs, "cannot")
        library.mark_stale(concept.id)
        operation.payload = {"concept": concept.id, "made": made.id}
    return Done(operation.operation_id, [library.concept(concept.id), library.concept(made.id)])


def reject(library: Library, concept: Concept, photo_id: int) -> Done:
    """Say that a photo does not show the concept: it is never suggested or attached there again."""
    found = _candidates(library, concept, photo_id)
    confirmed = {member.id for member in library.members(concept.id)}
    with recorded(library, "reject", [concept.id]) as operation:
        library.add_members(concept.id, [one.id for one in found], source="user", status="rejected")
        if confirmed & {one.id for one in found}:
            library.mark_stale(concept.id)
        suggest_recognized(library, concept)
        operation.payload = {"concept": concept.id, "photo": photo_id}
    return Done(operation.operation_id, [library.concept(concept.id)])


def confirm(library: Library, concept: Concept, photo_id: int, face: int | None = None) -> Done:
    """Say that a photo shows the concept. `face` counts the faces of the photo from the left, from 1.

    What only clustering put elsewhere comes along. Raises `UsageError` where it could be several faces.
    """
    return _confirm(library, concept, [_the_one(library, concept, photo_id, face)])


def confirm_all(library: Library, concept: Concept) -> Done:
    """Say that all suggestions are right. Raises `NotFoundError` when there is none."""
    suggested = library.members(concept.id, "suggested")
    if not suggested:
        raise NotFoundError(
            tried=f"confirming what is suggested for {_title(concept)}",
            found="nothing is suggested",
            fix="Name a photo to add it.",
        )
    return _confirm(library, concept, suggested)


def _confirm(library: Library, concept: Concept, detections: Sequence[Detection]) -> Done:
    ids = {one.id for one in detections}
    others = {member.concept_id for member in library.memberships() if member.detection_id in ids}
    already = ids <= {member.id for member in library.members(concept.id)}
    with recorded(library, "confirm", others | {concept.id}) as operation:
        library.add_members(concept.id, ids, source="user", status="confirmed")
        leave_others(library, concept, ids)
        if not already:
            library.mark_stale(concept.id)
        suggest_recognized(library, concept)
        operation.payload = {"concept": concept.id, "photos": sorted({one.photo_id for one in detections})}
    return Done(operation.operation_id, [library.concept(concept.id)])


def hide(library: Library, concept: Concept) -> Done:
    """Recognise, suggest and name the concept no more, without forgetting it."""
    if concept.state == "hidden":
        raise UsageError(
            tried=f"hiding {_title(concept)}",
            found="it is hidden",
            fix=f"Show it: familiar unhide {concept.id}",
        )
    with recorded(library, "hide", [concept.id]) as operation:
        library.set_state(concept.id, "hidden")
        operation.payload = {"concept": concept.id}
    return Done(operation.operation_id, [library.concept(concept.id)])


def unhide(library: Library, concept: Concept) -> Done:
    """Undo `hide`, however long ago."""
    if concept.state != "hidden" or concept.id in library.begun_forgetting():
        raise UsageError(
            tried=f"showing {_title(concept)}", found="it is not hidden", fix="See: familiar concepts"
        )
    with recorded(library, "unhide", [concept.id]) as operation:
        # Its members may have changed while it was hidden.
        shown: ConceptState = (
            "stale" if concept.prefix_dir is not None else "named" if concept.name else "suggested"
        )
        library.set_state(concept.id, shown)
        operation.payload = {"concept": concept.id}
    return Done(operation.operation_id, [library.concept(concept.id)])


def feature(library: Library, concept: Concept, photo_id: int) -> Done:
    """Choose the photo that stands for the concept."""
    [chosen, *_] = _members_in(library, concept, photo_id)
    with recorded(library, "feature", [concept.id]) as operation:
        library.set_feature(concept.id, chosen.id)
        operation.payload = {"concept": concept.id, "photo": photo_id}
    return Done(operation.operation_id, [library.concept(concept.id)])


def show_twice(library: Library, photo_id: int, twice: bool) -> Done:
    """Say whether a photo may show one person more than once, as a mirror or a collage does."""
    with recorded(library, "together", [], [photo_id]) as operation:
        library.set_shows_twice([photo_id], twice)
        operation.payload = {"photo": photo_id, "twice": twice}
    return Done(operation.operation_id, [])


def _candidates(library: Library, concept: Concept, photo_id: int) -> list[Detection]:
    """What in the photo can be of the concept: what is said to be, else everything of its kind."""
    kind: DetectionKind = "face" if concept.kind == "face" else "photo"
    found = library.detections(photo_id, kind)
    members = {m.detection_id for m in library.memberships(concept.id) if m.status != "rejected"}
    known = [one for one in found if one.id in members]
    if not found:
        raise NotFoundError(
            tried=f"looking for {_title(concept)} in photo {photo_id}",
            found="no face was found in it" if kind == "face" else "it has not been looked at",
            fix="Choose another photo.",
        )
    return known or found


def _the_one(library: Library, concept: Concept, photo_id: int, face: int | None) -> Detection:
    found = sorted(_candidates(library, concept, photo_id), key=lambda one: one.box.left)
    if face is not None:
        found = sorted(library.detections(photo_id, "face"), key=lambda one: one.box.left)
        if not 1 <= face <= len(found) or concept.kind != "face":
            raise UsageError(
                tried=f"choosing face {face} of photo {photo_id}",
                found=f"{counted(len(found), 'face was', 'faces were')} found in it"
                if concept.kind == "face"
                else f"{_title(concept)} is no person",
                fix="Count from the left, from 1.",
            )
        return found[face - 1]
    if len(found) > 1:
        raise UsageError(
            tried=f"saying that photo {photo_id} shows {_title(concept)}",
            found=f"there are {len(found)} faces in it",
            fix="Say which, counted from the left: --face N",
        )
    return found[0]


def _members_in(library: Library, concept: Concept, photo_id: int) -> list[Detection]:
    found = [member for member in library.members(concept.id) if member.photo_id == photo_id]
    if not found:
        raise NotFoundError(
            tried=f"looking for {_title(concept)} in photo {photo_id}",
            found="it is not among the photos of it",
            fix="See its photos with: familiar report",
        )
    return found


def _title(concept: Concept) -> str:
    return concept.name or f"concept {concept.id}"
