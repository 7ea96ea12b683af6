"""Which method of the worker carries out which kind of job."""

from __future__ import annotations

from assistant.worker.concept_jobs import ConceptJobs
from assistant.worker.grouping_jobs import GroupingJobs
from assistant.worker.scan_jobs import ScanJobs
from assistant.worker.training_jobs import TrainingJobs
from personalizer.home import Home
from personalizer.jobs.kinds import JobKind
from personalizer.jobs.loop import Handler
from personalizer.jobs.queue import JobQueue
from personalizer.library.library import Library


def make_handlers(home: Home, library: Library, queue: JobQueue) -> dict[str, Handler]:
    """The handlers by kind of job; `AUTO_TRAIN` is added by the worker that watches."""
    grouping, training = GroupingJobs(home, library), TrainingJobs(home, library, queue)
    scans = ScanJobs(home, library, queue, grouping, training)
    concepts = ConceptJobs(home, library, queue, grouping)
    return {
        JobKind.SCAN: scans.scan,
        JobKind.ANALYZE: scans.analyze,
        JobKind.READ_TEXT: scans.read_text,
        JobKind.CLUSTER: grouping.cluster,
        JobKind.RECLUSTER: grouping.recluster,
        JobKind.INDEX: grouping.index,
        JobKind.REBUILD_INDEX: grouping.rebuild_index,
        JobKind.LEARN: concepts.learn,
        JobKind.TRAIN: training.train,
        JobKind.EXPORT: training.export,
        JobKind.FORGET: concepts.forget,
        JobKind.FIND_FACES: scans.find_faces,
        JobKind.ERASE_FACES: concepts.erase_faces,
    }
