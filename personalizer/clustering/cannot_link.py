"""Which items must not come together, by a photo that both are in or by a person's word, and which must.

Knows positions, photos and what was said; compares no vectors.
"""

from __future__ import annotations

import numpy as np

from personalizer.clustering.state import GroupingState, KindState
from personalizer.schemas import BoolArray


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
