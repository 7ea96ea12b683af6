"""Where new items belong: into a concept, into a group that is there, into a new one, or nowhere yet.

Works on a neighbourhood: the new items, what resembles them, and the groups around. First what joins decided concepts,
then the groups of the rest. Computes and writes nothing; knows no names.
"""

from __future__ import annotations

import numpy as np

from personalizer.clustering.assign_named import Attaching
from personalizer.clustering.assign_unnamed import UndecidedGroups
from personalizer.clustering.assignment import Placement, PlacementSettings
from personalizer.clustering.neighborhood import Neighbourhood
from personalizer.clustering.state import GroupingState, KindState
from personalizer.library.library import Library
from personalizer.schemas import Int64Array


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
    near = Neighbourhood(library, state, kind, new, settings)
    placement = Placement(around=set(near.items.tolist()), concepts=set(near.groups))
    settled = Attaching(near, placement).attach() if attach else set()
    rest = np.array([n for n in range(len(near.positions)) if n not in settled], np.int64)
    UndecidedGroups(near, placement).group(rest)
    return placement
