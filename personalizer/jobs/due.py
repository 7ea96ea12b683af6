"""Remembers in the library that something changed since concepts were last grouped. Knows no clustering."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from typing import Any

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


_SCAN_KEY = "scan.due"


def mark_scan_due(library: Library, payload: Mapping[str, Any], *, made_up_for: str = "") -> str:
    """Say that the folders are to be read, with what the scan's job is told; returns the mark for `settle_scan`.

    To be called before: a scan that ends in whatever way leaves the mark behind. A scan that makes up for an earlier
    one (`made_up_for`: the hash of its input) keeps that one's mark, so that it is given up with it.
    """
    before = library.setting(_SCAN_KEY)
    if made_up_for and before is not None and _hash(before) == made_up_for:
        return before
    mark = json.dumps({"mark": uuid.uuid4().hex, "payload": dict(payload)}, sort_keys=True)
    library.set_setting(_SCAN_KEY, mark)
    return mark


def settle_scan(library: Library, mark: str) -> None:
    """Say that the scan for `mark` was finished, or called off by a person; a later mark stays."""
    with library.transaction():
        if library.setting(_SCAN_KEY) == mark:
            library.set_setting(_SCAN_KEY, None)


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
