"""Removes montages that show what is hidden or left out by now. Knows the home's own folder of pictures only."""

from __future__ import annotations

from personalizer.home import Home
from personalizer.library.library import Library
from personalizer.photos.formats import drawing_notes
from personalizer.scan.exclusions import Exclusions, exclusions_of, is_left_out

SOURCE_HASHES = "source hashes"
"""The key under which a montage names the contents of its photos: the beginnings of their hashes."""
HASH_LETTERS = 32


def remove_montages(home: Home, library: Library) -> int:
    """Delete montages of hidden concepts and of excluded photos; returns how many. Others in the folder stay.

    Pictures that were saved elsewhere are the user's.
    """
    hidden = {
        concept.name
        for concept in library.concepts()
        if concept.state == "hidden" and concept.name is not None
    }
    rules = exclusions_of(library)
    removed = 0
    for path in sorted(home.imagined.glob("*.png")) if home.imagined.is_dir() else []:
        notes = drawing_notes(path)
        if notes is None or notes.get("painter") != "montage":
            continue
        shown = set(notes.get("concept", "").split(", "))
        hashes = [part for part in notes.get(SOURCE_HASHES, "").split(" ") if part]
        if shown & hidden or any(_is_left_out(library, rules, part) for part in hashes):
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def _is_left_out(library: Library, rules: Exclusions, beginning: str) -> bool:
    """Whether the photo with this hash is excluded. One that is gone is not: nobody left it out."""
    photo = library.photo_by_hash_beginning(beginning)
    return photo is not None and is_left_out(library, rules, photo.id)
