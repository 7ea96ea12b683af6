"""When items join a cluster: similarities and smallest sizes, one record per kind. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from personalizer.faces.quality import QUALITY_GATE
from personalizer.schemas import ConceptKind

CHUNK_ITEMS: dict[ConceptKind, int] = {"face": 1024, "object": 256}
"""New items in one neighborhood. Vectors of things are ten times as long."""


@dataclass(frozen=True, slots=True)
class KindSettings:
    """Similarities, on the scale of the kind: 1 - distance for faces, the cosine for things.

    To be assigned to a labeled concept without a question, an item also has to be as close to its members as they are
    to each other, and closer than to everything else by a margin.
    """

    threshold: float
    """Unlabeled clusters form and grow from this average similarity up."""
    min_size: int
    """Smaller clusters are not kept."""
    suggest: float
    """From here up a person is asked whether an item belongs to a labeled concept."""
    sure: float
    """From here up an item may join a labeled concept without asking."""
    close: float
    """Two clusters that are at least this similar are one, however tight each of them is."""
    margin: float = 0.04
    """How much more an item has to resemble its cluster than any other."""
    alone: float = 0.1
    """How much more it has to resemble a concept that has one member only."""
    same: float = 0.75
    """From here up an item is as good as the same picture."""
    unusual: float = 0.08
    """A concept's dispersion is taken to be at least this share of its mean squared distance."""
    odd: float = 1.1
    """What is beyond this many times the usual squared distance is rather somebody or something else."""
    min_quality: float = 0.0
    """Items below may join a cluster and never found, extend or link one."""
    poor: float = 0.0
    """How much more than `sure` they have to resemble a labeled concept to join it without asking."""

    def __post_init__(self) -> None:
        if self.min_size < 2:
            raise ValueError(f"min_size must be at least 2, found {self.min_size}")
        if self.sure < self.suggest:
            raise ValueError(f"sure {self.sure} must not be below suggest {self.suggest}")


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """Faces join at an average distance of 0.55, a little under the 0.6 that dlib's authors publish for pairs; two
    clusters that are tight and more than 0.45 apart stay two. Things join where two different ones hardly ever do: a
    wrong cluster costs the user more than a missed one.
    """

    face: KindSettings = field(
        default_factory=lambda: KindSettings(
            threshold=0.45,
            min_size=2,
            suggest=0.42,
            sure=0.5,
            close=0.55,
            min_quality=QUALITY_GATE,
            poor=0.05,
        )
    )
    thing: KindSettings = field(
        default_factory=lambda: KindSettings(
            threshold=0.61, min_size=3, suggest=0.45, sure=0.65, close=0.65, same=0.9
        )
    )

    def for_kind(self, kind: ConceptKind) -> KindSettings:
        """What assigning items of one kind needs."""
        return self.face if kind == "face" else self.thing
