"""What a person says about concepts: it is in this photo or not, two are one, one is two; and taking that back.

The functions give a sentence for people and the record behind it, which is what `--json` prints. They raise
FamiliarError. Knows the façade; no model, no screen, no LangChain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from assistant.service.concepts import Changed
from assistant.service.familiar import Familiar
from assistant.tools.access import PhotoAccess
from assistant.tools.quoting import quote, title
from assistant.tools.wrap import ToolSpec
from personalizer.errors import UsageError, counted
from personalizer.schemas import ConceptSummary

OPERATIONS_CALLED = {
    "name": "the naming",
    "merge": "the merging",
    "split": "the splitting",
    "confirm": "the confirming",
    "reject": "the rejecting",
    "hide": "the hiding",
    "unhide": "the showing again",
    "feature": "the choice of its picture",
    "kind": "the change of its kind",
    "together": "what was said about one person twice in a photo",
    "remember": "what you told me",
    "take_back": "the removing of what you told me",
    "change_fact": "the change of what you told me",
    "undo": "the last undoing; what it took back is done again",
}
"""What each kind of operation is called in a sentence."""


def confirm_photo(
    familiar: Familiar, access: PhotoAccess, concept: str, photo: Path | str, face: int | None = None
) -> tuple[str, Changed]:
    """That photo of the library shows the concept. `face` counts the photo's faces from the left, from 1."""
    changed = familiar.confirm(concept, photo_reference(access, photo), face)
    return f"{_names(changed.concepts, concept)} is in {photo_title(photo)}.", changed


def reject_photo(
    familiar: Familiar, access: PhotoAccess, concept: str, photo: Path | str
) -> tuple[str, Changed]:
    """That photo of the library does not show the concept; it will not be suggested there again."""
    changed = familiar.reject(concept, photo_reference(access, photo))
    words = f"{_names(changed.concepts, concept)} is not in {photo_title(photo)}"
    return f"{words}, and will not be suggested there again.", changed


def merge_concepts_named(
    familiar: Familiar, access: PhotoAccess, concept: str, other: str
) -> tuple[str, ConceptSummary]:
    """The two, by name or number, are one; the one with a name stays, of two named ones the first."""
    titles = " and ".join(concept_title(familiar, key) for key in (concept, other))
    merged = familiar.merge(concept, other)
    kept = summary_title(merged)
    return f"{titles} are one now: {kept}, in {counted(merged.members, 'photo')}.", merged


def split_photos(
    familiar: Familiar, access: PhotoAccess, concept: str, photos: Sequence[Path | str]
) -> tuple[str, Changed]:
    """What these photos of the library show is somebody or something else: a concept of its own, without a name yet."""
    if not photos:
        raise UsageError(
            tried=f"splitting {concept}",
            found="no photo was named",
            fix="Name the photos that show somebody or something else.",
        )
    changed = familiar.split(concept, [photo_reference(access, photo) for photo in photos])
    left, made = changed.concepts[0], changed.concepts[-1]
    words = (
        f"Number {made.id} is somebody or something else now, in {counted(made.members, 'photo')}; "
        f"{summary_title(left)} is in {counted(left.members, 'photo')}."
    )
    return words, changed


def undo_last(familiar: Familiar, access: PhotoAccess, operation: int | None = None) -> tuple[str, Changed]:
    """The last thing that was said about concepts is taken back, or the operation with this number."""
    before = {one.id: one.name for one in familiar.concepts()}
    told = {name: familiar.profile(name).facts for name in familiar.library.names()}
    changed = familiar.undo(operation)
    what = OPERATIONS_CALLED.get(changed.undone or "", "the last operation")
    details = [*_renamed(before, changed.concepts), *_untold(told, familiar)]
    now = [f"{summary_title(one)} in {counted(one.members, 'photo')}" for one in changed.concepts]
    said = f"Undone: {what}. {' '.join(details)}".rstrip()
    return said + (f" As it is now: {'; '.join(now)}." if now and not details else ""), changed


def _renamed(before: Mapping[int, str | None], concepts: Sequence[ConceptSummary]) -> list[str]:
    """Which names are others now, or gone."""
    sentences = []
    for concept in concepts:
        old = before.get(concept.id)
        if old is not None and concept.name is None:
            sentences.append(f"Number {concept.id} is no longer called {title(old)}.")
        elif old is not None and concept.name is not None and concept.name != old:
            sentences.append(f"{title(old)} is called {title(concept.name)} again.")
    return sentences


def _untold(before: Mapping[str, Sequence[str]], familiar: Familiar) -> list[str]:
    """Which facts are no longer noted, or noted again."""
    sentences = []
    for name in familiar.library.names():
        now = familiar.profile(name).facts
        gone = [fact for fact in before.get(name, ()) if fact not in now]
        back = [fact for fact in now if fact not in before.get(name, now)]
        sentences += [f"No longer noted about {title(name)}: {quote(fact)}." for fact in gone]
        sentences += [f"Noted again about {title(name)}: {quote(fact)}." for fact in back]
    return sentences


def photo_reference(access: PhotoAccess, photo: Path | str) -> str:
    """What the façade finds the photo by: the path of one that was named in the conversation, else as it is given."""
    for path in reversed(access.named):
        if str(photo) in (path.name, str(path)):
            return str(path)
    return str(Path(photo).expanduser()) if str(photo).startswith("~") else str(photo)


def photo_title(photo: Path | str) -> str:
    """What a photo is called in a sentence: its file name, or its number."""
    text = str(photo)
    return f"photo number {text}" if text.isdecimal() else title(Path(text).name or text)


def summary_title(concept: ConceptSummary) -> str:
    """Its name, or its number where it has none."""
    return title(concept.name) if concept.name else f"number {concept.id}"


def concept_title(familiar: Familiar, key: str) -> str:
    """What the concept of this name or number is called. Raises NotFoundError."""
    concept = familiar.concept(key)
    return title(concept.name) if concept.name else f"Number {concept.id}"


def _names(concepts: Sequence[ConceptSummary], key: str) -> str:
    return title(concepts[0].name) if concepts and concepts[0].name else f"Number {key}"


def correction_specs(familiar: Familiar, access: PhotoAccess) -> list[ToolSpec]:
    """`confirm`, `reject`, `merge`, `split` and `undo`."""
    from pydantic import Field

    concept = (str, Field(description="the name of a person, pet or thing, or its number"))
    photo = (str, Field(description="a photo of the library: its file name, path or number"))
    photos = (list[str], Field(description="photos of the library: file names, paths or numbers"))
    other = (str, Field(description="the one that becomes part of it: a name or a number"))
    face = (
        int | None,
        Field(
            default=None,
            ge=1,
            description="which face, counted from the left; only where several could be meant",
        ),
    )
    operation = (
        int | None,
        Field(default=None, description="the number of what to take back; leave it out for the last"),
    )

    def quoted(given: Mapping[str, Any], key: str) -> str:
        return quote(str(given[key]))

    return [
        ToolSpec(
            "confirm",
            "Note that a photo shows someone or something you know.",
            lambda _, **given: confirm_photo(familiar, access, **given),
            {"concept": concept, "photo": photo, "face": face},
            lambda given: f"Note that {quoted(given, 'concept')} is in {quoted(given, 'photo')}",
        ),
        ToolSpec(
            "reject",
            "Note that a photo does not show someone or something you know.",
            lambda _, **given: reject_photo(familiar, access, **given),
            {"concept": concept, "photo": photo},
            lambda given: f"Note that {quoted(given, 'concept')} is not in {quoted(given, 'photo')}",
        ),
        ToolSpec(
            "merge",
            "Make one of two that are the same person, pet or thing.",
            lambda _, **given: merge_concepts_named(familiar, access, **given),
            {"concept": concept, "other": other},
            lambda given: f"Make one of {quoted(given, 'concept')} and {quoted(given, 'other')}",
        ),
        ToolSpec(
            "split",
            "Take photos that show somebody or something else out of a person, pet or thing.",
            lambda _, **given: split_photos(familiar, access, **given),
            {"concept": concept, "photos": photos},
            lambda given: f"Take {', '.join(map(quote, given['photos']))} out of {quoted(given, 'concept')}",
        ),
        ToolSpec(
            "undo",
            "Take back the last change to the people, pets and things that you know.",
            lambda _, id=None: undo_last(familiar, access, id),
            {"id": operation},
            lambda given: f"Take back {_which(given.get('id'))}",
        ),
    ]


def _which(operation: int | None) -> str:
    return "the last change" if operation is None else f"change number {operation}"
