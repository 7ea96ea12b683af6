"""Names for groups, other names for concepts, and concepts made of photos. Knows the façade; no model, no screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assistant.results import Learning
from assistant.service.familiar import Familiar
from assistant.tools.access import PhotoAccess
from assistant.tools.corrections import concept_title
from assistant.tools.quoting import quote, title
from assistant.tools.wrap import ToolSpec
from personalizer.errors import UsageError, counted
from personalizer.schemas import ConceptSummary, OnProgress


def name_group_or_rename(
    familiar: Familiar, access: PhotoAccess, name: str, *, id: int | None = None, concept: str | None = None
) -> tuple[str, ConceptSummary]:
    """Give the group with this number, or the concept that has another name, the name `name`.

    Raises UsageError unless exactly one of the two is given, and for a name that is not allowed; NotFoundError.
    """
    if (id is None) == (concept is None):
        raise UsageError(
            tried=f"naming something {title(name)}",
            found="both a number and a name were given" if concept else "it was not said what is to be named",
            fix="Say the number of a group, or the name that it has.",
        )
    key: int | str = id if id is not None else concept or ""
    before = concept_title(familiar, str(key))
    named = familiar.name(key, name)
    words = f"{before} is {title(named.name or '')} now, in {counted(named.members, 'photo')}."
    if named.suggested:
        words += f" {counted(named.suggested, 'more photo')} may show {title(named.name or '')}."
    return words, named


def learn_from_photos(
    familiar: Familiar,
    access: PhotoAccess,
    name: str,
    photos: Sequence[Path | str],
    on_progress: OnProgress | None = None,
) -> tuple[str, Learning]:
    """Make a concept of these photos, or give the one of that name more of them; its training waits in the queue.

    Raises UsageError for a photo out of bounds.
    """
    opened = [access.open(photo) for photo in photos]
    begun = familiar.begin_learning(name, opened, on_progress)
    words = f"I know {title(begun.concept)} now, from {counted(begun.photos, 'photo')}."
    if begun.skipped:
        words += f" {counted(len(begun.skipped), 'photo was', 'photos were')} of no use for that."
    if _faces_unasked(familiar):
        words += f" {_FACES}"
    return f"{words} It can be drawn once it is trained.", begun


_FACES = "Faces are looked for, on this machine only."
"""Said where nobody was ever asked about it."""


def _faces_unasked(familiar: Familiar) -> bool:
    return familiar.library.faces_are_on() and not familiar.library.was_asked_about_faces()


def name_concept_spec(familiar: Familiar, access: PhotoAccess) -> ToolSpec:
    """`name_concept(name, id, concept, photos)`, of which one of the last three says what is named."""
    from pydantic import Field

    fields: dict[str, Any] = {
        "name": (str, Field(description="the new name")),
        "id": (int | None, Field(default=None, description="the number of a group without a name")),
        "concept": (str | None, Field(default=None, description="the name it has, to give it another one")),
        "photos": (
            list[str],
            Field(default=[], description="photos of somebody or something new: file names or paths"),
        ),
    }

    def run(
        on_progress: OnProgress | None,
        name: str,
        id: int | None = None,
        concept: str | None = None,
        photos: Sequence[str] = (),
    ) -> tuple[str, ConceptSummary | Learning]:
        if photos and id is None and not concept:
            return learn_from_photos(familiar, access, name, photos, on_progress)
        if photos:
            raise UsageError(
                tried=f"naming something {title(name)}",
                found="photos and a number or a name were given",
                fix="Give one of them: photos make somebody new.",
            )
        return name_group_or_rename(familiar, access, name, id=id, concept=concept or None)

    def says(given: Mapping[str, Any]) -> str:
        if given.get("photos"):
            learn = f"Learn {quote(given['name'])} from {', '.join(map(quote, given['photos']))}"
            return f"{learn}. {_FACES}" if _faces_unasked(familiar) else learn
        what = quote(given["concept"]) if given.get("concept") else f"number {given.get('id')}"
        return f"Name {what} {quote(given['name'])}"

    about = (
        "Name a group of photos by its number, rename someone or something, or learn a new one from photos."
    )
    return ToolSpec("name_concept", about, run, fields, says)
