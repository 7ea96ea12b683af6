"""Removes montages that show what is hidden or left out by now. Knows the home's own folder of pictures only."""

from __future__ import annotations

from personalizer.home import Home
from personalizer.library.library import Library
from personalizer.photos.formats import drawing_notes
from personalizer.scan.exclusions import Exclusions, exclusions_of

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
    roots = [str(root) for root in library.roots()]
    removed = 0
    for path in sorted(home.imagined.glob("*.png")) if home.imagined.is_dir() else []:
        notes = drawing_notes(path)
        if notes is None or notes.get("painter") != "montage":
            continue
        shown = set(notes.get("concept", "").split(", "))
        hashes = [part for part in notes.get(SOURCE_HASHES, "").split(" ") if part]
        if shown & hidden or any(_is_left_out(library, rules, roots, part) for part in hashes):
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def _is_left_out(library: Library, rules: Exclusions, roots: list[str], beginning: str) -> bool:
    """Whether every file of the photo with this hash is excluded. A photo that is gone is not: it was not hidden."""
    photo = library.photo_by_hash_beginning(beginning)
    if photo is None:
        return False
    paths = [str(path) for path in library.photo_paths(photo.id)]
    inside = [(path, root) for path in paths for root in roots if path.startswith(f"{root}/")]
    return bool(inside) and all(rules.skips_path(path, root) for path, root in inside)
