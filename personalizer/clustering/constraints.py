"""Must-link and cannot-link constraints (Wagstaff et al., 2001), made free of contradictions: the newest word wins.

Two faces of one photo cannot link either, unless the photo may show a person twice. Compares no vectors.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from personalizer.clustering.items import ItemStore
from personalizer.library.concepts.links import LinkKind, Pair
from personalizer.schemas import BoolArray


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A link that contradicts newer links and is therefore ignored."""

    first_id: int
    second_id: int
    kind: LinkKind


@dataclass(slots=True)
class LinkConstraints:
    """Must-link components and cannot-link pairs of detections. Made by `from_links`."""

    contradictions: list[Contradiction] = field(default_factory=list)
    """What was overruled, the newest first."""
    shows_twice: set[int] = field(default_factory=set)
    """Photos that may show one person more than once."""
    _parent: dict[int, int] = field(default_factory=dict)
    _members: dict[int, list[int]] = field(default_factory=dict)
    _cannot_links: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    """By root: the roots that it must not be joined with."""

    @classmethod
    def from_links(
        cls, newest_first: Iterable[tuple[Pair, LinkKind]], shows_twice: Iterable[int] = ()
    ) -> LinkConstraints:
        """From links, the newest first: each one holds unless those before it forbid it."""
        made = cls(shows_twice=set(shows_twice))
        for (first, second), kind in newest_first:
            if not (made._must_link(first, second) if kind == "must" else made._cannot_link(first, second)):
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

    def must_links_of(self, detection_id: int) -> list[int]:
        """All detections that are the same one thing, itself included."""
        root = self.root(detection_id)
        return self._members.get(root, [detection_id])

    def must_linked(self) -> Iterator[list[int]]:
        """Every set of two or more detections that are one thing."""
        return (members for members in self._members.values() if len(members) > 1)

    def cannot_links_of(self, detection_id: int) -> list[int]:
        """All detections that are certainly something else."""
        cannot_links = self._cannot_links.get(self.root(detection_id), ())
        return [
            member for cannot_link in cannot_links for member in self._members.get(cannot_link, [cannot_link])
        ]

    def mentioned(self) -> set[int]:
        """Every detection that a link is about."""
        return set(self._parent)

    def _know(self, detection_id: int) -> int:
        if detection_id not in self._parent:
            self._parent[detection_id] = detection_id
            self._members[detection_id] = [detection_id]
        return self.root(detection_id)

    def _must_link(self, first: int, second: int) -> bool:
        keep, drop = self._know(first), self._know(second)
        if keep == drop:
            return True
        if drop in self._cannot_links[keep]:
            return False
        if len(self._members[keep]) < len(self._members[drop]):
            keep, drop = drop, keep
        self._parent[drop] = keep
        self._members[keep] += self._members.pop(drop)
        for cannot_link in self._cannot_links.pop(drop, set()):
            self._cannot_links[cannot_link].discard(drop)
            self._cannot_links[cannot_link].add(keep)
            self._cannot_links[keep].add(cannot_link)
        return True

    def _cannot_link(self, first: int, second: int) -> bool:
        one, other = self._know(first), self._know(second)
        if one == other:
            return False
        self._cannot_links[one].add(other)
        self._cannot_links[other].add(one)
        return True


def cannot_link_matrix(
    constraints: LinkConstraints, items: ItemStore, entries: list[set[int]]
) -> BoolArray | None:
    """`[m, m]`: which sets of items must not come together, by a photo that both are in or by a person's word."""
    from scipy.sparse import coo_matrix

    count = len(entries)
    apart: BoolArray | None = None
    positions = np.fromiter((p for entry in entries for p in entry), np.int64)
    owner = np.repeat(np.arange(count), [len(entry) for entry in entries])
    if items.kind == "face":
        photos = items.photos[positions]
        kept = (
            ~np.isin(photos, list(constraints.shows_twice))
            if constraints.shows_twice
            else np.ones(len(photos), bool)
        )
        names, column = np.unique(photos[kept], return_inverse=True)
        shown = coo_matrix(
            (np.ones(int(kept.sum()), np.int32), (owner[kept], column)), shape=(count, max(len(names), 1))
        ).tocsr()
        together = (shown @ shown.T).tocoo()
        apart = np.zeros((count, count), np.bool_)
        apart[together.row, together.col] = True
    if constraints:
        apart = np.zeros((count, count), np.bool_) if apart is None else apart
        mentioned = items.positions(np.array(sorted(constraints.mentioned()), np.int64))
        owner_of = dict(zip(positions.tolist(), owner.tolist(), strict=True))
        for position in mentioned.tolist():
            if position not in owner_of:
                continue
            cannot_links = constraints.cannot_links_of(int(items.ids[position]))
            for cannot_link in items.positions(np.array(sorted(cannot_links), np.int64)).tolist():
                if cannot_link in owner_of:
                    first, second = owner_of[position], owner_of[cannot_link]
                    apart[first, second] = apart[second, first] = True
    if apart is not None:
        np.fill_diagonal(apart, False)
    return apart


def join_must_links(constraints: LinkConstraints, items: ItemStore, groups: list[set[int]]) -> list[set[int]]:
    """Put groups together of which a person said that members are one, whatever they look like.

    Where the rest of two groups must not come together, only those come over that were spoken of.
    """
    if not constraints:
        return groups
    groups = [set(group) for group in groups]
    owner = {position: number for number, group in enumerate(groups) for position in group}
    for must_linked in constraints.must_linked():
        here = [p for p in items.positions(np.array(sorted(must_linked), np.int64)).tolist() if p in owner]
        numbers = sorted({owner[p] for p in here}, key=lambda number: (-len(groups[number]), number))
        for number in numbers[1:]:
            keep, other = groups[numbers[0]], groups[number]
            apart = cannot_link_matrix(constraints, items, [keep, other])
            moving = other & set(here) if apart is not None and apart[0, 1] else set(other)
            keep |= moving
            other -= moving
            owner |= dict.fromkeys(moving, numbers[0])
    return [group for group in groups if group]
