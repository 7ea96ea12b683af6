"""The record of an assignment that is to be stored. Decides nothing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field


@dataclass(slots=True)
class Assignment:
    """Assignments to be stored. Positions are those of the items in `KindState.store`."""

    old: dict[int, set[int]] = field(default_factory=dict)
    """Groups that may have changed, as they were."""
    new: list[set[int]] = field(default_factory=list)
    """What these groups and the items around them are now; what is in none of them waits."""
    assigned: list[tuple[int, int]] = field(default_factory=list)
    """(labeled concept, item): joins without asking."""
    suggested: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    """By concept, of the items of this neighborhood."""
    around: set[int] = field(default_factory=set)
    concepts: set[int] = field(default_factory=set)
    """Suggestions of these items to these concepts are replaced by `suggested`."""
