"""Where new items belong: into a concept, into a group that is there, into a new one, or nowhere yet.

Works on a neighbourhood: the new items, what resembles them, and the groups around. Candidates come from sketches;
every decision is made by exact distances to the members. Computes and writes nothing; knows no names.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from personalizer.group_linkage import (
    BoolArray,
    Float64Array,
    JoinLimits,
    Spread,
    Sums,
    join,
    similarity_at,
    squared_distance,
)
from personalizer.grouping_state import NONE, GroupingState, KindState
from personalizer.library import Library
from personalizer.schemas import ConceptKind, Int64Array

_GROUPS_AROUND = 24
_ITEMS_AROUND = 48
"""Candidates per new item. More than that many equally similar groups would leave no margin anyway."""
_MAX_AROUND = 3
"""Waiting items in one neighbourhood, for each new one."""
CHUNK_ITEMS: dict[ConceptKind, int] = {"face": 1024, "object": 256}
"""New items in one neighbourhood. Vectors of things are twenty times as long."""
_LOOSE_MEMBERS = 24
"""Groups up to this size that new items touch are linked anew with them: how they began was chance."""
_BLOCK = 8192


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


def place_items(
    library: Library,
    state: GroupingState,
    kind: KindState,
    new: Int64Array,
    settings: PlacementSettings,
    *,
    attach: bool = True,
) -> Placement:
    """Place the items at positions `new` `[n]`, which are in no group, with all that is around them.

    Without `attach` none of them joins a decided concept.
    """
    return _Neighbourhood(library, state, kind, new, settings).place(attach)


class _Neighbourhood:
    """One call of `place_items`. `items` are new and waiting ones, `groups` the concepts around them."""

    def __init__(
        self,
        library: Library,
        state: GroupingState,
        kind: KindState,
        new: Int64Array,
        settings: PlacementSettings,
    ) -> None:
        self.library, self.state, self.kind, self.settings = library, state, kind, settings
        self.constraints = state.constraints
        self.items, self.groups = self._gather(new)
        self.store = kind.store
        self.sums = Sums.of_items(self.store.vectors(library, self.items))
        measures = [kind.measures(library, concept_id) for concept_id in self.groups]
        self.group_sums = [measure.sums for measure in measures]
        self.spreads = [measure.spread for measure in measures]
        self.is_decided = np.array([concept_id in kind.decided for concept_id in self.groups], np.bool_)
        shape = (len(self.items), len(self.groups))
        self.squared: Float64Array = (
            self.sums.to(Sums.concatenated(self.group_sums)) if self.groups else np.zeros(shape)
        )
        self.blocked = self._blocked()
        self.loose = self._loose()
        self.positions = self.items
        if self.loose:
            # Behind the items, whose numbers stay what they are.
            members = np.concatenate([kind.members[self.groups[column]] for column in self.loose])
            self.positions = np.concatenate([self.items, members])
            self.sums = Sums.concatenated([self.sums, Sums.of_items(self.store.vectors(library, members))])
        self.index = {int(position): number for number, position in enumerate(self.positions)}
        self.result = Placement(around=set(self.items.tolist()), concepts=set(self.groups))

    # --- what is around

    def _gather(self, new: Int64Array) -> tuple[Int64Array, list[int]]:
        reach = squared_distance(
            self.kind.kind, min(self.settings.suggest, self.settings.threshold) - self.kind.store.slack
        )
        around = [new]
        found = new
        # Two items that resemble a third become a group with it although neither resembles the other's.
        for _ in range(self.settings.min_size - 1):
            known = np.concatenate(around)
            room = _MAX_AROUND * CHUNK_ITEMS[self.kind.kind] - len(known) + len(new)
            found = self._waiting_near(found, known, reach)[: max(room, 0)]
            if not len(found):
                break
            around.append(found)
        items = np.concatenate(around)
        groups = self._groups_near(items, reach)
        if self.constraints:
            tied = {
                int(position)
                for detection_id in self.kind.store.ids[items].tolist()
                for position in self.kind.store.positions(
                    np.array(self.constraints.together_with(detection_id), np.int64)
                )
            }
            groups |= {concept_id for position in tied for concept_id in self._concepts_of(position)}
            waiting = [p for p in tied if self.kind.group_of[p] == NONE and not self.kind.claimed[p]]
            items = np.concatenate([items, np.setdiff1d(np.array(waiting, np.int64), items)])
        return items, sorted(groups)

    def _concepts_of(self, position: int) -> list[int]:
        if self.kind.group_of[position] != NONE:
            return [int(self.kind.group_of[position])]
        if not self.kind.claimed[position]:
            return []
        return [c for c in self.kind.decided if c in self.kind.members and position in self.kind.members[c]]

    def _waiting_near(self, near: Int64Array, known: Int64Array, reach: float) -> Int64Array:
        """Waiting items within `reach` of one of `near`, nearest first."""
        store, waiting = self.kind.store, self.kind.deferred
        waiting = waiting[~np.isin(waiting, known)]
        nearest: dict[int, float] = {}
        rows = max(1, _BLOCK * 1024 // max(min(len(waiting), _BLOCK), 1))
        for begin in range(0, len(near), rows):
            part = near[begin : begin + rows]
            hits: list[list[tuple[float, int]]] = [[] for _ in part]
            for start in range(0, len(waiting), _BLOCK):
                columns = waiting[start : start + _BLOCK]
                distance = store.rough_squared(part, columns)
                for row, column in zip(*np.nonzero(distance <= reach), strict=True):
                    hits[row].append((float(distance[row, column]), int(columns[column])))
            for found in hits:
                for distance_to, position in sorted(found)[:_ITEMS_AROUND]:
                    nearest[position] = min(distance_to, nearest.get(position, np.inf))
        return np.array(sorted(nearest, key=lambda position: (nearest[position], position)), np.int64)

    def _groups_near(self, items: Int64Array, reach: float) -> set[int]:
        store = self.kind.store
        concepts, centres, squares = self.kind.rough_centres()
        chosen: set[int] = set()
        if not concepts:
            return chosen
        rows = max(1, _BLOCK * 512 // len(concepts))
        for start in range(0, len(items), rows):
            part = items[start : start + rows]
            distance = store.squares(part)[:, None] + squares[None] - 2 * store.rough(part) @ centres.T
            if len(concepts) > _GROUPS_AROUND:
                limit = np.partition(distance, _GROUPS_AROUND - 1, axis=1)[:, _GROUPS_AROUND - 1 :][:, :1]
                distance = np.where(distance <= limit, distance, np.inf)
            chosen |= {concepts[column] for column in np.flatnonzero((distance <= reach).any(axis=0))}
        return chosen

    def _loose(self) -> list[int]:
        """Columns of the small undecided groups that one of the items may join."""
        reach = squared_distance(self.kind.kind, self.settings.threshold - self.settings.margin)
        small = [
            column
            for column, concept_id in enumerate(self.groups)
            if not self.is_decided[column]
            and len(self.kind.members[concept_id]) <= _LOOSE_MEMBERS
            and (self.squared[:, column] <= reach).any()
        ]
        small.sort(key=lambda column: float(self.squared[:, column].min()))
        room = np.cumsum([len(self.kind.members[self.groups[column]]) for column in small])
        return [
            column
            for column, used in zip(small, room.tolist(), strict=True)
            if used <= _MAX_AROUND * CHUNK_ITEMS[self.kind.kind]
        ]

    def _blocked(self) -> BoolArray:
        """`[items, groups]`: what a photo, a person's no or a link forbids."""
        blocked = np.zeros((len(self.items), len(self.groups)), np.bool_)
        photos = self._exclusive_photos(self.items)
        column_of = {concept_id: column for column, concept_id in enumerate(self.groups)}
        for column, concept_id in enumerate(self.groups):
            refused = self.kind.refused.get(concept_id)
            if refused:
                blocked[:, column] = np.isin(self.items, list(refused))
            if self.kind.kind == "face":
                taken = self._exclusive_photos(self.kind.members[concept_id])
                blocked[:, column] |= np.isin(photos, taken[taken >= 0])
        if self.constraints:
            for row, detection_id in enumerate(self.store.ids[self.items].tolist()):
                foes = self.store.positions(np.array(self.constraints.foes_of(detection_id), np.int64))
                for concept_id in {c for foe in foes.tolist() for c in self._concepts_of(foe)}:
                    if concept_id in column_of:
                        blocked[row, column_of[concept_id]] = True
        return blocked

    def _exclusive_photos(self, positions: Int64Array) -> Int64Array:
        """The photos of items; -1 for those that may show one person twice."""
        photos = self.store.photos[positions]
        if self.state.shows_twice:
            photos = np.where(np.isin(photos, list(self.state.shows_twice)), -1, photos)
        return photos

    # --- deciding

    def place(self, attach: bool) -> Placement:
        settled = self._attach() if attach else set()
        rest = np.array([n for n in range(len(self.positions)) if n not in settled], np.int64)
        self._group(rest)
        return self.result

    def _similarity(self, squared: float) -> float:
        return similarity_at(self.kind.kind, squared)

    def _attach(self) -> set[int]:
        """Items that join a decided concept without asking; asks about others.

        Returns the numbers of those that joined, and of those that so probably will that they are no group of their own
        meanwhile.
        """
        tied = self._tied_to_decided()
        attached: set[int] = set(tied)
        self.result.attached += [(concept_id, int(self.items[number])) for number, concept_id in tied.items()]
        columns = np.flatnonzero(self.is_decided)
        if not len(columns):
            return attached
        open_squared = np.where(self.blocked, np.inf, self.squared)
        best = columns[open_squared[:, columns].argmin(axis=1)]
        value = open_squared[np.arange(len(self.items)), best]
        others = self._rivals(open_squared, best)
        runner_up = others.min(axis=1)
        probable: set[int] = set()
        suggest = squared_distance(self.kind.kind, self.settings.suggest)
        sure: dict[int, list[int]] = defaultdict(list)
        doubtful: dict[int, list[int]] = defaultdict(list)
        for number in np.argsort(value, kind="stable").tolist():
            if value[number] > suggest or number in attached:
                continue
            column = int(best[number])
            usual = self._is_usual(float(value[number]), self.spreads[column])
            margin = self._similarity(float(value[number])) - self._similarity(float(runner_up[number]))
            if usual and margin >= self.settings.margin:
                sure[column].append(number)
                continue
            if not usual:
                doubtful[column].append(number)
            if value[number] <= self._hardly_odd(column) and value[number] < runner_up[number]:
                probable.add(number)
            # Where it rather belongs to a group, the group is asked about as a whole.
            if runner_up[number] >= value[number] or self.is_decided[int(others[number].argmin())]:
                self.result.suggested[self.groups[column]].add(int(self.items[number]))
        for column, numbers in sure.items():
            filled: set[int] = set()
            for number in self._without_doubt(column, numbers, doubtful[column]):
                position, photo = (
                    int(self.items[number]),
                    int(self._exclusive_photos(self.items[[number]])[0]),
                )
                if self.kind.kind == "face" and photo >= 0 and photo in filled:
                    continue
                filled.add(photo)
                attached.add(number)
                self.result.attached.append((self.groups[column], position))
            for number in set(numbers) - attached:
                photo = int(self._exclusive_photos(self.items[[number]])[0])
                if self.kind.kind != "face" or photo < 0 or photo not in filled:
                    self.result.suggested[self.groups[column]].add(int(self.items[number]))
                    probable.add(number)
        return attached | probable

    def _rivals(self, open_squared: Float64Array, best: Int64Array) -> Float64Array:
        """`open_squared` `[items, groups]` without each item's best concept, and without groups like it.

        A few photos of a person that nobody was asked about yet are no rival of the person.
        """
        rivals = open_squared.copy()
        rivals[np.arange(len(self.items)), best] = np.inf
        undecided = np.flatnonzero(~self.is_decided)
        if len(undecided):
            sums = Sums.concatenated([self.group_sums[column] for column in undecided])
            for column in np.unique(best).tolist():
                like = sums.to(self.group_sums[column])[:, 0] <= self._hardly_odd(column)
                rivals[np.ix_(best == column, undecided[like])] = np.inf
        return rivals

    def _hardly_odd(self, column: int) -> float:
        """The squared distance to a concept up to which something may well be it, though a person has to say so."""
        return self.settings.odd * self.spreads[column].usual(self.settings.unusual)

    def _is_usual(self, squared: float, spread: Spread) -> bool:
        """Whether an item this far from a concept's members, on average, is one more of them beyond doubt."""
        similarity = self._similarity(squared)
        if similarity >= self.settings.same:
            return True
        if spread.count < 2:
            return similarity >= self.settings.sure + self.settings.alone
        return similarity >= self.settings.sure and squared <= spread.usual(self.settings.unusual)

    def _without_doubt(self, column: int, numbers: list[int], doubtful: list[int]) -> list[int]:
        """Those of `numbers` that resemble the concept's members more than what was found not to be one for sure.

        Photos of somebody's brother come in together: the one that could pass for a photo of the person resembles
        the others, which could not, even more.
        """
        if not doubtful:
            return numbers
        members = Sums.of_items(
            self.store.vectors(self.library, self.kind.members[self.groups[column]][-512:])
        )
        chosen = self.sums.taken(np.array(numbers, np.int64))
        to_members = chosen.to(members).min(axis=1)
        to_doubtful = chosen.to(self.sums.taken(np.array(doubtful, np.int64))).min(axis=1)
        return [
            number
            for number, near, doubt in zip(numbers, to_members, to_doubtful, strict=True)
            if self._similarity(float(near)) >= self._similarity(float(doubt))
        ]

    def _tied_to_decided(self) -> dict[int, int]:
        """Concepts by number of item, where a person said that the item and a member are one."""
        tied: dict[int, int] = {}
        if not self.constraints:
            return tied
        for number, detection_id in enumerate(self.store.ids[self.items].tolist()):
            friends = self.constraints.together_with(detection_id)
            if len(friends) < 2:
                continue
            positions = self.store.positions(np.array(friends, np.int64)).tolist()
            concepts = {c for p in positions for c in self._concepts_of(p) if c in self.kind.decided}
            refused = {c for c in concepts if self.items[number] in self.kind.refused.get(c, ())}
            # Two decided concepts at once is a question for a person.
            if len(concepts - refused) == 1:
                tied[number] = (concepts - refused).pop()
        return tied

    def _group(self, rest: Int64Array) -> None:
        """Groups among the items `rest` and the undecided groups around; then what only fits in."""
        settings = self.settings
        quality = self.store.quality[self.positions[rest]]
        core, poor = rest[quality >= settings.min_quality], rest[quality < settings.min_quality]
        undecided = [int(column) for column in np.flatnonzero(~self.is_decided)]
        columns = [column for column in undecided if column not in self.loose]
        members = [{int(position)} for position in self.positions[core]]
        members += [set(self.kind.members[self.groups[column]].tolist()) for column in columns]
        if not members:
            return
        sums = Sums.concatenated([self.sums.taken(core), *(self.group_sums[column] for column in columns)])
        limits = JoinLimits(
            squared_distance(self.kind.kind, settings.threshold),
            squared_distance(self.kind.kind, settings.close),
        )
        joined = join(sums, lambda part: self._apart([members[n] for n in part.tolist()]), limits)
        groups = unite(
            self.state,
            self.kind,
            [set().union(*(members[n] for n in group.tolist())) for group in joined],
        )
        for column in undecided:
            self.result.old[self.groups[column]] = set(self.kind.members[self.groups[column]].tolist())
        lone = [group for group in groups if len(group) < settings.min_size]
        groups = [group for group in groups if len(group) >= settings.min_size]
        self._take_back_close_calls(groups)
        grouped = set().union(*groups) if groups else set()
        waiting = np.array(
            [number for number in rest.tolist() if int(self.positions[number]) not in grouped], np.int64
        )
        self._fit(waiting, groups, set(poor.tolist()))
        self._suggest_groups(groups)
        self.result.new = groups
        # A pair that nobody may take apart is a group although it is small.
        self.result.new += [group for group in lone if len(group) > 1 and self._was_group(group)]

    def _was_group(self, group: set[int]) -> bool:
        return any(group & old for old in self.result.old.values())

    def _apart(self, members: list[set[int]]) -> BoolArray | None:
        """`[m, m]`: which entries must not come together."""
        return entries_apart(self.state, self.kind, members)

    def _take_back_close_calls(self, groups: list[set[int]]) -> None:
        """Let items wait that joined a group which was there, and resemble another one nearly as much."""
        column_of = {concept_id: column for column, concept_id in enumerate(self.groups)}
        threshold = squared_distance(self.kind.kind, self.settings.threshold)
        home: dict[int, int] = {}
        for number, group in enumerate(groups):
            for concept_id, old in self.result.old.items():
                if 2 * len(old & group) > len(old):
                    home[column_of[concept_id]] = number
        for number, group in enumerate(groups):
            inside = [column for column, place in home.items() if place == number]
            if not inside:
                continue
            outside = [c for c in range(len(self.groups)) if c not in inside]
            if not outside:
                continue
            for position in [p for p in group if self.index.get(p, len(self.items)) < len(self.items)]:
                row = self.index[position]
                open_squared = np.where(self.blocked[row], np.inf, self.squared[row])
                other = float(open_squared[outside].min())
                gap = self._similarity(float(self.squared[row, inside].min())) - self._similarity(other)
                tied = (
                    self.constraints
                    and len(self.constraints.together_with(int(self.store.ids[position]))) > 1
                )
                if other <= threshold and gap < self.settings.margin and not tied:
                    group.discard(position)

    def _fit(self, waiting: Int64Array, groups: list[set[int]], poor: set[int]) -> None:
        """Poor items join the group that they resemble clearly; whatever may belong to a group is suggested."""
        if not len(waiting) or not groups:
            return
        settings = self.settings
        targets = Sums.concatenated([self._sums_of(group) for group in groups])
        entries = [{int(self.positions[number])} for number in waiting] + groups
        apart = entries_apart(self.state, self.kind, entries)
        squared = self.sums.taken(waiting).to(targets)
        if apart is not None:
            squared[apart[: len(waiting), len(waiting) :]] = np.inf
        order = np.argsort(squared.min(axis=1), kind="stable")
        taken: set[tuple[int, int]] = set()
        for row in order.tolist():
            number = int(waiting[row])
            position = int(self.positions[number])
            best = int(squared[row].argmin())
            similarity = self._similarity(float(squared[row, best]))
            second = np.partition(squared[row], 1)[1] if squared.shape[1] > 1 else np.inf
            clear = similarity - self._similarity(float(second)) >= settings.margin
            photo = int(self._exclusive_photos(self.positions[[number]])[0])
            place = (best, photo)
            free = self.kind.kind != "face" or photo < 0 or place not in taken
            if number in poor and similarity >= settings.threshold + settings.margin and clear and free:
                taken.add(place)
                groups[best].add(position)
            elif similarity >= settings.suggest and free:
                concept = self._concept_of_group(groups[best])
                if concept is not None:
                    self.result.suggested[concept].add(position)

    def _suggest_groups(self, groups: list[set[int]]) -> None:
        """Ask whether a whole group belongs to a decided concept: none is taken in silently."""
        columns = np.flatnonzero(self.is_decided)
        if not len(columns) or not groups:
            return
        squared = Sums.concatenated([self._sums_of(group) for group in groups]).to(
            Sums.concatenated([self.group_sums[column] for column in columns])
        )
        limit = squared_distance(self.kind.kind, self.settings.suggest)
        for group, distances in zip(groups, squared, strict=True):
            self.result.around |= group
            best = int(distances.argmin())
            if distances[best] <= limit:
                concept_id = self.groups[columns[best]]
                self.result.suggested[concept_id] |= group - self.kind.refused.get(concept_id, set())

    def _concept_of_group(self, group: set[int]) -> int | None:
        held = [c for c, old in self.result.old.items() if 2 * len(old & group) > len(old)]
        return max(held, key=lambda c: (len(self.result.old[c] & group), -c)) if held else None

    def _sums_of(self, group: set[int]) -> Sums:
        parts, known = [], set()
        for column, concept_id in enumerate(self.groups):
            old = self.result.old.get(concept_id)
            if old is not None and column not in self.loose and old <= group:
                parts.append(self.group_sums[column])
                known |= old
        parts.append(self.sums.taken(np.array([self.index[p] for p in sorted(group - known)], np.int64)))
        whole = Sums.concatenated(parts)
        return whole.joined([np.arange(len(whole), dtype=np.int64)])


def entries_apart(state: GroupingState, kind: KindState, entries: list[set[int]]) -> BoolArray | None:
    """`[m, m]`: which sets of items must not come together, by a photo that both are in or by a person's word."""
    from scipy.sparse import coo_matrix

    count = len(entries)
    apart: BoolArray | None = None
    positions = np.fromiter((p for entry in entries for p in entry), np.int64)
    owner = np.repeat(np.arange(count), [len(entry) for entry in entries])
    if kind.kind == "face":
        photos = kind.store.photos[positions]
        kept = ~np.isin(photos, list(state.shows_twice)) if state.shows_twice else np.ones(len(photos), bool)
        names, column = np.unique(photos[kept], return_inverse=True)
        shown = coo_matrix(
            (np.ones(int(kept.sum()), np.int32), (owner[kept], column)), shape=(count, max(len(names), 1))
        ).tocsr()
        together = (shown @ shown.T).tocoo()
        apart = np.zeros((count, count), np.bool_)
        apart[together.row, together.col] = True
    if state.constraints:
        apart = np.zeros((count, count), np.bool_) if apart is None else apart
        mentioned = kind.store.positions(np.array(sorted(state.constraints.mentioned()), np.int64))
        owner_of = dict(zip(positions.tolist(), owner.tolist(), strict=True))
        for position in mentioned.tolist():
            if position not in owner_of:
                continue
            foes = state.constraints.foes_of(int(kind.store.ids[position]))
            for foe in kind.store.positions(np.array(sorted(foes), np.int64)).tolist():
                if foe in owner_of:
                    first, second = owner_of[position], owner_of[foe]
                    apart[first, second] = apart[second, first] = True
    if apart is not None:
        np.fill_diagonal(apart, False)
    return apart


def unite(state: GroupingState, kind: KindState, groups: list[set[int]]) -> list[set[int]]:
    """Put groups together of which a person said that members are one, whatever they look like.

    Where the rest of two groups must not come together, only those come over that were spoken of.
    """
    if not state.constraints:
        return groups
    groups = [set(group) for group in groups]
    owner = {position: number for number, group in enumerate(groups) for position in group}
    for united in state.constraints.united():
        here = [p for p in kind.store.positions(np.array(sorted(united), np.int64)).tolist() if p in owner]
        numbers = sorted({owner[p] for p in here}, key=lambda number: (-len(groups[number]), number))
        for number in numbers[1:]:
            keep, other = groups[numbers[0]], groups[number]
            apart = entries_apart(state, kind, [keep, other])
            moving = other & set(here) if apart is not None and apart[0, 1] else set(other)
            keep |= moving
            other -= moving
            owner |= dict.fromkeys(moving, numbers[0])
    return [group for group in groups if group]
