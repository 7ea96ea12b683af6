"""What placing new items among groups and concepts needs to be told, and what comes out of it. Decides nothing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from personalizer.schemas import ConceptKind

CHUNK_ITEMS: dict[ConceptKind, int] = {"face": 1024, "object": 256}
"""New items in one neighbourhood. Vectors of things are twenty times as long."""


@dataclass(frozen=True, slots=True)
class PlacementSettings:
    """Similarities, on the scale of the kind: 1 - distance for faces, the mean cosine for things."""

    threshold: float
    """Groups that nobody decided about form and grow from this average similarity up."""
    min_size: int
    suggest: float
    """From here up a person is asked whether an item belongs to a concept."""
    sure: float
    """From here up an item may join a decided concept without asking."""
    close: float
    """Two groups that are at least this similar are one, however tight each of them is."""
    margin: float = 0.04
    """How much more an item has to resemble its group than any other group."""
    alone: float = 0.1
    """How much more it has to resemble a concept that has one member only."""
    same: float = 0.75
    """From here up an item is as good as the same picture."""
    unusual: float = 0.08
    """A concept's spread is taken to be at least this share of its mean squared distance."""
    odd: float = 1.1
    """What is beyond this many times the usual squared distance is rather somebody or something else."""
    min_quality: float = 0.0
    """Items below may join a group and never found, extend or link one."""
    poor: float = 0.0
    """How much more than `sure` they have to resemble a decided concept to join it without asking."""


@dataclass(slots=True)
class Placement:
    """What is to be written. Positions are those of the items in `KindState.store`."""

    old: dict[int, set[int]] = field(default_factory=dict)
    """Groups that may have changed, as they were."""
    new: list[set[int]] = field(default_factory=list)
    """What these groups and the items around them are now; what is in none of them waits."""
    attached: list[tuple[int, int]] = field(default_factory=list)
    """(decided concept, item): joins without asking."""
    suggested: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    """By concept, of the items of this neighbourhood."""
    around: set[int] = field(default_factory=set)
    concepts: set[int] = field(default_factory=set)
    """Suggestions of these items to these concepts are replaced by `suggested`."""
