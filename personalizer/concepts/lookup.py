"""The user's people, pets and things, and photos, found by what a person calls them. Knows the library; no vector."""

from __future__ import annotations

from pathlib import Path

from personalizer.errors import NotFoundError, UsageError, counted
from personalizer.library.library import Library
from personalizer.schemas import Concept, ConceptSummary, Photo

_PATHS_LISTED = 8


def summaries(library: Library, *, with_hidden: bool = False) -> list[ConceptSummary]:
    """The concepts, hidden ones only where asked: named ones by name, then the others, largest first."""
    counts = library.member_counts()
    examples = library.example_paths()
    listed = [
        ConceptSummary(
            id=concept.id,
            name=concept.name,
            kind=concept.kind,
            members=counts.get((concept.id, "confirmed"), 0),
            suggested=counts.get((concept.id, "suggested"), 0),
            state=concept.state,
            example=examples.get(concept.id),
        )
        for concept in library.concepts()
        if with_hidden or concept.state != "hidden"
    ]
    return sorted(listed, key=lambda c: (c.name is None, (c.name or "").casefold(), -c.members, c.id))


def find_concept(library: Library, reference: str) -> Concept:
    """The concept with this name (any case) or, when no name matches, this number; else `NotFoundError`."""
    concept = library.concept_by_name(reference)
    if concept is None and reference.strip().isdecimal():
        return library.concept(int(reference))
    if concept is None:
        names = library.names()
        raise NotFoundError(
            tried=f"looking for {reference!r}",
            found=f"the known names are {', '.join(names)}" if names else "nothing is named yet",
            fix="List them with: familiar concepts",
        )
    return concept


def find_photo(library: Library, reference: str) -> Photo:
    """The photo at this path, of this file name, or with this number. Raises `NotFoundError`, `UsageError`.

    A file name has to be unique, unless all files of that name are copies of one photo.
    """
    photo = library.photo_by_path(Path(reference))
    if photo is not None:
        return photo
    tried = f"looking for the photo {reference}"
    files = library.files_named(reference) if reference == Path(reference).name else []
    if len({photo_id for _, photo_id in files}) > 1:
        listed = [str(path) for path, _ in files[:_PATHS_LISTED]]
        more = [f"and {len(files) - len(listed)} more"] if len(files) > len(listed) else []
        raise UsageError(
            tried=tried,
            found="\n    ".join(
                [f"{counted(len(files), 'file has', 'files have')} that name:", *listed, *more]
            ),
            fix="Give the path of one of them.",
        )
    if files:
        return library.photo(files[0][1])
    if reference.isdecimal():
        return library.photo(int(reference))
    raise NotFoundError(
        tried=tried,
        found="the library does not know it",
        fix="Give the path or the name of a photo in one of your folders, or scan first: familiar scan",
    )


def short_reference(library: Library, photo_id: int) -> str:
    """What `find_photo` takes for this photo: its file name where that is unique, else its number."""
    name = library.photo(photo_id).path.name
    return name if {found for _, found in library.files_named(name)} == {photo_id} else str(photo_id)
