"""How fast a job goes and how long it will take, from how far it is and when it began. Knows the jobs' rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from personalizer.library import Library
from personalizer.schemas import Job

_LEAST_S = 1.0


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


def paces(library: Library, jobs: list[Job]) -> dict[int, JobPace]:
    """The pace of each running job since it began, as far as it can be told."""
    found = {}
    began = {
        int(row["id"]): row["started_at"]
        for row in library.connection.execute("SELECT id, started_at FROM jobs WHERE state = 'running'")
    }
    for job in jobs:
        at = began.get(job.id)
        if job.state != "running" or at is None or not job.total:
            continue
        elapsed_s = (datetime.now(UTC) - datetime.fromisoformat(at)).total_seconds()
        pace = JobPace.of(job.done, elapsed_s, job.total - job.done) if elapsed_s >= _LEAST_S else None
        if pace is not None:
            found[job.id] = pace
    return found


def depths(library: Library) -> dict[str, int]:
    """How many jobs of each kind wait or run."""
    rows = library.connection.execute(
        "SELECT kind, COUNT(*) AS number FROM jobs WHERE state IN ('queued', 'running') GROUP BY kind ORDER BY kind"
    )
    return {row["kind"]: int(row["number"]) for row in rows}


def quarantined(library: Library) -> int:
    """How many files are left alone because reading them failed for good."""
    row = library.connection.execute(
        "SELECT COUNT(*) FROM failures WHERE reason IS NOT NULL AND retry = 0"
    ).fetchone()
    return int(row[0])
