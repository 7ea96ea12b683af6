"""How fast a job goes and how long it will take, from how far it is and when it began. Knows the jobs' rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from personalizer.library import Library
from personalizer.library_database import now_text
from personalizer.schemas import Job

_LEAST_S = 1.0
_BEGAN = "jobs.began"


@dataclass(frozen=True, slots=True)
class JobPace:
    """Steps in a second, and seconds until the last one where that is known."""

    per_s: float
    left_s: float | None

    @staticmethod
    def of(done: int, elapsed_s: float, left: int) -> JobPace | None:
        """Of `done` steps in that time, with so many left; None before anything can be said."""
        if done <= 0 or elapsed_s <= 0:
            return None
        per_s = done / elapsed_s
        return JobPace(round(per_s, 3), round(left / per_s, 1) if left >= 0 else None)


def note_began(library: Library, job_id: int, done: int, total: int) -> None:
    """Remember that a job, or another part of it, goes on from here: it may have done much in an earlier run."""
    library.set_setting(_BEGAN, json.dumps({"job": job_id, "done": done, "total": total, "at": now_text()}))


def paces(library: Library, jobs: list[Job]) -> dict[int, JobPace]:
    """The pace of the running job since `note_began`, by its id, as far as it can be told."""
    try:
        began = json.loads(library.setting(_BEGAN) or "{}")
        job = next((job for job in jobs if job.state == "running" and job.id == began.get("job")), None)
        if job is None or not job.total or job.total != began["total"]:
            return {}
        elapsed_s = (datetime.now(UTC) - datetime.fromisoformat(began["at"])).total_seconds()
        pace = JobPace.of(job.done - began["done"], elapsed_s, job.total - job.done)
    except (ValueError, KeyError, TypeError):
        return {}
    return {} if pace is None or elapsed_s < _LEAST_S else {job.id: pace}
