"""Reads the sidecars of a photo for an answer about it; the library does not store their texts."""

from __future__ import annotations

import dataclasses

from assistant.results import SidecarFile
from personalizer.library.library import Library
from personalizer.photos.dates import better_date
from personalizer.photos.decode import DecodedPhoto
from personalizer.photos.sidecars import SidecarFacts, read_sidecar
from personalizer.scan.sidecar_files import in_words
from personalizer.schemas import Photo


def filled_in(decoded: DecodedPhoto, stored: Photo | None) -> DecodedPhoto:
    """The photo with the date and the place that the library has from files beside it, where its own has none."""
    if stored is None:
        return decoded
    taken_at = better_date(decoded.taken_at, stored.taken_at)
    if decoded.latitude is not None:
        return dataclasses.replace(decoded, taken_at=taken_at)
    return dataclasses.replace(
        decoded, taken_at=taken_at, latitude=stored.latitude, longitude=stored.longitude
    )


def what_lies_beside(
    library: Library, stored: Photo | None, own: SidecarFacts
) -> tuple[list[SidecarFile], SidecarFacts]:
    """The files that belong to a photo, and what is written about it in its `own` file or in these: the first word on
    each matter.
    """
    title, description, keywords = own.title, own.description, own.keywords
    if stored is None:
        return [], SidecarFacts(title=title, description=description, keywords=keywords)
    files: list[SidecarFile] = []
    for companion in library.companion_files(stored.id):
        files.append(SidecarFile(companion.path, in_words(companion.kind)))
        said = read_sidecar(companion.path) if companion.kind in ("xmp", "takeout") else None
        if said is None:
            continue
        # The title in Google's export is the name of the file.
        title = title or (said.title if companion.kind == "xmp" else None)
        description, keywords = description or said.description, keywords or said.keywords
    return files, SidecarFacts(title=title, description=description, keywords=keywords)
