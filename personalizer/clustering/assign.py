"""Assigns new items to a labeled concept, an existing cluster, a new cluster, or none yet.

Works on a neighborhood: the new items, similar items and nearby clusters. Labeled concepts come first, then clusters of
the rest. Writes nothing.
"""

from __future__ import annotations

import numpy as np

from personalizer.clustering.assign_labeled import LabeledAssignment
from personalizer.clustering.assign_unlabeled import UnlabeledAssignment
from personalizer.clustering.assignment import Assignment
from personalizer.clustering.neighborhood import Neighborhood
from personalizer.clustering.settings import KindSettings
from personalizer.clustering.state import GroupingState, KindState
from personalizer.library.library import Library
from personalizer.schemas import Int64Array


def assign_items(
    library: Library,
    state: GroupingState,
    kind: KindState,
    new: Int64Array,
    settings: KindSettings,
    *,
    assign: bool = True,
) -> Assignment:
    """Assign the items at positions `new` `[n]`, which are in no group, with all that is around them.

    Without `assign` none of them joins a labeled concept.
    """
    near = Neighborhood(library, state, kind, new, settings)
    assignment = Assignment(around=set(near.items.tolist()), concepts=set(near.groups))
    settled = LabeledAssignment(near, assignment).assign() if assign else set()
    rest = np.array([n for n in range(len(near.positions)) if n not in settled], np.int64)
    UnlabeledAssignment(near, assignment).group(rest)
    return assignment
