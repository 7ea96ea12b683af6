"""Jobs that bring vectors into the index, group shots and cluster what they are of. Knows nothing of training."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from personalizer.home import Home
from personalizer.jobs.due import due_mark, settle
from personalizer.jobs.loop import JobContext
from personalizer.library.library import Library
from personalizer.schemas import Job

if TYPE_CHECKING:
    from personalizer.clustering.state import GroupingState
    from personalizer.concepts.suggestions import SuggestionPass
    from personalizer.index.process import IndexProcess


logger = logging.getLogger(__name__)


class GroupingJobs:
    """Index and groups of one library; each method returns what the job's result records (JSON values)."""

    def __init__(self, home: Home, library: Library) -> None:
        self._home = home
        self._library = library

    def index(self, job: Job, context: JobContext, *, compare: bool = False) -> dict[str, Any]:
        """Push the vectors that Chroma lacks."""
        context.progress(0, 0, "Indexing")
        return {"indexed": self._vectors.sync(self._library, compare=compare)}

    def index_if_possible(self, job: Job, context: JobContext, *, compare: bool = False) -> dict[str, Any]:
        """Grouping and training read SQLite: a read-only index must not stop them."""
        try:
            return self.index(job, context, compare=compare)
        except Exception as error:
            logger.exception("the vectors stay in the library until the index can be written")
            return {"indexed": 0, "index_error": str(error) or type(error).__name__}

    def rebuild_index(self, job: Job, context: JobContext) -> dict[str, Any]:
        """Make Chroma anew from the vectors in SQLite."""
        context.progress(0, 0, "Building the index again")
        rebuilt = self._vectors.rebuild(self._library)
        return {"indexed": rebuilt}

    def new_index(self) -> None:
        """Make Chroma anew in new files: in the old ones vectors linger that were removed."""
        self._vectors.erase(self._library)
        try:
            self._vectors.sync(self._library)
        except Exception:
            logger.exception("the vectors stay in the library until the index can be written")

    def cluster(self, job: Job, context: JobContext) -> dict[str, Any]:
        """Group what was found into suggested concepts."""
        from personalizer.clustering.update import cluster

        context.progress(0, 0, "Grouping")
        due = due_mark(self._library)
        report = cluster(self._library, state=self._grouping, progress=context.reporter())
        # Whom to ask about follows from what is recognised, as in a description, and not from how groups formed.
        self._grouping.take_over_suggestions(self._library, self._suggestions.run)
        settle(self._library, due)
        return {"cluster": dataclasses.asdict(report)}

    def recluster(self, job: Job, context: JobContext) -> dict[str, Any]:
        """Re-clusters all unlabelled items: returns what that changes and, when asked to, stores the change."""
        from personalizer.clustering.recluster import recluster

        context.progress(0, 0, "Grouping everything anew")
        found = recluster(
            self._library, apply=bool(job.payload["apply"]), state=self._grouping, progress=context.reporter()
        )
        return dataclasses.asdict(found)

    def group_shots(self, context: JobContext, folders: Sequence[str] | None) -> dict[str, Any]:
        """Which photos are one shot, before photos are counted as members of anything; and what lies beside them, of
        these folders or of all.
        """
        from personalizer.scan.sidecar_files import find_companions
        from personalizer.shots.group import add_missing_fingerprints, group_shots

        context.progress(0, 0, "Looking for copies and bursts")
        # First: a date that a photo has from a file beside it tells whether it is of a burst.
        companions = find_companions(self._library, context.cancelled, folders=folders)
        if folders is None:
            add_missing_fingerprints(self._library, cancelled=context.cancelled)
        shots = group_shots(self._library)
        return {"shots": dataclasses.asdict(shots), "companions": dataclasses.asdict(companions)}

    @cached_property
    def _vectors(self) -> IndexProcess:
        from personalizer.index.process import IndexProcess

        return IndexProcess(self._home.chroma)

    @cached_property
    def _suggestions(self) -> SuggestionPass:
        from personalizer.concepts.suggestions import SuggestionPass

        return SuggestionPass(self._library)

    @cached_property
    def _grouping(self) -> GroupingState:
        """What is known of the groups from one job to the next."""
        from personalizer.clustering.state import GroupingState

        return GroupingState()
