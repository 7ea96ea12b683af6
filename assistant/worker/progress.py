"""Progress of a part as progress of its job."""

from __future__ import annotations

from personalizer.jobs.loop import JobContext
from personalizer.schemas import OnProgress, Progress


def reporter(context: JobContext, prefix: str = "") -> OnProgress:
    """Progress of a part as progress of the job."""

    def report(progress: Progress) -> None:
        message = f"{prefix}: {progress.message}" if prefix else progress.message
        context.progress(progress.done, progress.total, message)

    return report
