"""What people said about pairs of detections, made free of contradictions: the newest word wins.

Knows links and nothing about vectors, photos or concepts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from personalizer.library.concepts.links import LinkKind, Pair


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A link that cannot hold together with what was said later, and so does not."""

    first_id: int
    second_id: int
    kind: LinkKind


@dataclass(slots=True)
class LinkConstraints:
    """Which detections are one thing, transitively, and which are not. Made by `of`."""

    contradictions: list[Contradiction] = field(default_factory=list)
    """What was overruled, the newest first."""
    _parent: dict[int, int] = field(default_factory=dict)
    _members: dict[int, list[int]] = field(default_factory=dict)
    _foes: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    """By root: the roots that it must not be joined with."""

    @classmethod
    def of(cls, newest_first: Iterable[tuple[Pair, LinkKind]]) -> LinkConstraints:
        """From links, the newest first: each one holds unless those before it forbid it."""
        made = cls()
        for (first, second), kind in newest_first:
            if not (made._unite(first, second) if kind == "must" else made._divide(first, second)):
                made.contradictions.append(Contradiction(first, second, kind))
        return made

    def __bool__(self) -> bool:
        return bool(self._parent)

    def root(self, detection_id: int) -> int:
        """The same number for all detections that are one thing."""
        path = []
        while (parent := self._parent.get(detection_id, detection_id)) != detection_id:
            path.append(detection_id)
            detection_id = parent
        for passed in path:
            self._parent[passed] = detection_id
        return detection_id

    def together_with(self, detection_id: int) -> list[int]:
        """All detections that are the same one thing, itself included."""
        root = self.root(detection_id)
        return self._members.get(root, [detection_id])

    def united(self) -> Iterator[list[int]]:
        """Every set of two or more detections that are one thing."""
        return (members for members in self._members.values() if len(members) > 1)

    def foes_of(self, detection_id: int) -> list[int]:
        """All detections that are certainly something else."""
        foes = self._foes.get(self.root(detection_id), ())
        return [member for foe in foes for member in self._members.get(foe, [foe])]

    def mentioned(self) -> set[int]:
        """Every detection that a link is about."""
        return set(self._parent)

    def _know(self, detection_id: int) -> int:
        if detection_id not in self._parent:
            self._parent[detection_id] = detection_id
            self._members[detection_id] = [detection_id]
        return self.root(detection_id)

    def _unite(self, first: int, second: int) -> bool:
        keep, drop = self._know(first), self._know(second)
        if keep == drop:
            return True
        if drop in self._foes[keep]:
            return False
        if len(self._members[keep]) < len(self._members[drop]):
            keep, drop = drop, keep
        self._parent[drop] = keep
        self._members[keep] += self._members.pop(drop)
        for foe in self._foes.pop(drop, set()):
            self._foes[foe].discard(drop)
            self._foes[foe].add(keep)
            self._foes[keep].add(foe)
        return True

    def _divide(self, first: int, second: int) -> bool:
        one, other = self._know(first), self._know(second)
        if one == other:
            return False
        self._foes[one].add(other)
        self._foes[other].add(one)
        return True
