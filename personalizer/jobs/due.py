"""Remembers in the library that something changed since concepts were last grouped. Knows no clustering."""

from __future__ import annotations

import uuid

from personalizer.library.library import Library

_KEY = "clustering.due"


def mark_due(library: Library) -> str:
    """Say that grouping has to be done and return the mark.

    To be called before the change, or in one transaction with it, so that no crash comes between.
    """
    # Every mark is another one: what is marked while a clustering computes is not covered by it.
    mark = uuid.uuid4().hex
    library.set_setting(_KEY, mark)
    return mark


def due_mark(library: Library) -> str | None:
    """The mark, or None when nothing has changed. To be read before clustering, for `settle`."""
    return library.setting(_KEY)


def settle(library: Library, mark: str | None) -> None:
    """Say that what `mark` was set for is done; a later mark stays."""
    with library.transaction():
        if due_mark(library) == mark:
            library.set_setting(_KEY, None)
