"""What is running, waiting and failed."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

from assistant.daemon.client import USER_PRIORITY
from assistant.daemon.process import running_worker_pid, watching_pid
from assistant.results import (
    Check,
    NextStep,
    Status,
    UnreadPhoto,
    WorkerStatus,
)
from assistant.service.base import Core, existing
from assistant.service.faces import face_notice
from personalizer.errors import UsageError
from personalizer.jobs.kinds import JobKind
from personalizer.scan.notes import read_notes
from personalizer.schemas import Job, OnProgress
from personalizer.training.outdated import due_trainings, given_up
from personalizer.watch.polled_folders import read_polled

_PHOTO_ID, _ANALYSIS_ID = "photo:", "analysis:"
"""Before the number of an unreadable file, and of a photo that newer models failed with, which are no job's."""


class Jobs(Core):
    """Jobs of one library."""

    def jobs(self) -> list[Job | UnreadPhoto]:
        """The photos that could not be read, or looked at again, and all jobs, oldest first."""
        return [*self.unread_photos(), *self.queue.list()]

    def unread_photos(self) -> list[UnreadPhoto]:
        """The files that could not be read, and those that newer models failed with, each with the reason."""
        unreadable = [
            UnreadPhoto(
                id=f"{_PHOTO_ID}{file.number}",
                subject=str(file.path),
                state="failed",
                attempts=file.attempts,
                error=file.reason,
                error_class="input" if file.left_alone else "transient",
                quarantined=file.left_alone,
            )
            for file in self.library.unreadable_files()
        ]
        outdated = [
            UnreadPhoto(
                id=f"{_ANALYSIS_ID}{photo.photo_id}",
                subject=str(photo.path),
                state="failed",
                attempts=photo.attempts,
                error=f"known by older models only: {photo.reason}",
                error_class="input",
                quarantined=True,
                kind="analysis",
            )
            for photo in self.library.outdated_photos()
        ]
        return unreadable + outdated

    def retry(self, key: int | str) -> Job:
        """Queue a failed, quarantined or cancelled job again, and see that somebody does it.

        `key` is its number; `photo:N`, `analysis:N` or a path has a file tried again that could not be read, or looked
        at again, `photos` all of them.
        """
        from assistant.daemon.process import ensure_worker, replace_outdated_worker

        # What a worker of another version failed with may be that it is of another version.
        replace_outdated_worker(self.home)
        text = str(key)
        job_id = self.queue.retry(int(text)) if text.isdecimal() else self._retry_photos(text)
        ensure_worker(self.home)
        return self.queue.get(job_id)

    def _retry_photos(self, which: str) -> int:
        """Take back that these were given up; returns the job that tries them."""
        if which == "photos":
            self.library.retry_unreadable(None)
            if self.library.retry_analysis(None):
                self._queue_analysis()
            return self._queue_scan()
        for prefix, take_back, queue in (
            (_PHOTO_ID, self.library.retry_unreadable, self._queue_scan),
            (_ANALYSIS_ID, self.library.retry_analysis, self._queue_analysis),
        ):
            if which.startswith(prefix) and which.removeprefix(prefix).isdecimal():
                take_back(int(which.removeprefix(prefix)))
                return queue()
        path = existing(Path(which), "trying again").resolve()
        photo = self.library.photo_by_path(path)
        if photo is not None and photo.id in {known.photo_id for known in self.library.outdated_photos()}:
            self.library.retry_analysis(photo.id)
            return self._queue_analysis()
        self.library.retry_unreadable(path)
        return self._queue_scan()

    def _queue_scan(self) -> int:
        told = {"backbone": self.backbone, "device": self.device}
        return self.queue.enqueue(JobKind.SCAN, "library", told, USER_PRIORITY)

    def _queue_analysis(self) -> int:
        return self.queue.enqueue(JobKind.ANALYZE, "library", {}, USER_PRIORITY)

    def cancel(self, job_id: int) -> Job:
        """Stop a job that waits or runs, or dismiss one that failed. Raises NotFoundError, UsageError."""
        job = self.queue.get(job_id)
        if job.state == "failed":
            return self.dismiss(job_id)
        if job.state == "done":
            raise UsageError(
                tried=f"cancelling job {job_id}",
                found="it is done already",
                fix="Nothing is left to stop. What it changed can often be taken back: familiar history",
            )
        self.queue.request_cancel(job_id)
        return self.queue.get(job_id)

    def dismiss(self, job_id: int) -> Job:
        """Count a failed job no longer as failed; it is not tried again. Raises NotFoundError, UsageError."""
        if not self.queue.dismiss(job_id):
            job = self.queue.get(job_id)
            raise UsageError(
                tried=f"dismissing job {job_id}",
                found=f"it has not failed: it is {job.state}",
                fix=f"To stop a job that waits or runs: familiar jobs cancel {job_id}",
            )
        return self.queue.get(job_id)

    def next_steps(self) -> list[NextStep]:
        """What a person can do next, the most useful first."""
        from assistant.setup.next_steps import next_steps
        from personalizer.concepts.lookup import summaries

        return next_steps(self.status(), summaries(self.library), len(self.library.roots()))

    def pause(self) -> dict[str, bool]:
        """Start no further job."""
        self.queue.pause()
        return {"paused": True}

    def resume(self) -> dict[str, bool]:
        """Undo `pause`."""
        self.queue.resume()
        return {"paused": False}

    def status(self) -> Status:
        """What is there and what is going on."""
        counts, notes = self.library.counts(), read_notes(self.library)
        watching = watching_pid(self.home) is not None
        jobs = self.queue.list()
        states = ("queued", "running", "done", "failed", "cancelled")
        active = [job for job in jobs if job.state in ("queued", "running")]
        pid = running_worker_pid(self.home)
        return Status(
            home=self.home.root,
            jobs={state: sum(job.state == state for job in jobs) for state in states}
            | {"quarantined": sum(job.quarantined for job in jobs)},
            running=active,
            photos=counts["photos"],
            detections=counts["detections"],
            faces=counts["faces"],
            failures=counts["failures"],
            concepts=counts["concepts"],
            named=counts["named"],
            ready=sum(concept.state == "ready" for concept in self.library.concepts()),
            backbone=self.backbone,
            worker=WorkerStatus(running=pid is not None, pid=pid or None, paused=self.queue.paused()),
            queue=dict(sorted(Counter(job.kind for job in active).items())),
            quarantined=counts["quarantined"],
            outdated=len(self.library.outdated_photos()),
            watching=watching,
            polled=[dataclasses.asdict(one) for one in read_polled(self.library)] if watching else [],
            training=self._training_status(),
            faces_on=self.library.faces_are_on(),
            frozen=[{"path": str(root), "reason": why} for root, why in self.library.frozen_roots().items()],
            excluded=self.library.exclusions(),
            waiting=notes.waiting,
            unlisted=notes.unlisted,
            unread_kinds=notes.unread_kinds,
            links=notes.links,
            notices=[notice] if (notice := face_notice(self.home, self.library)) else [],
            **self.library.shot_counts(),
        )

    def _training_status(self) -> dict[str, Any]:
        from assistant.daemon.training_switch import TrainingState, is_on, stored_state

        on = is_on(self.library)
        said = stored_state(self.library) if watching_pid(self.home) is not None else None
        if said is None:
            due = len(due_trainings(self.library, self.backbone))
            said = TrainingState("waiting", "only while `familiar watch` runs", due)
            if not due:
                said = TrainingState("nothing to do")
        if not on:
            said = TrainingState("off")
        return {"on": on, **dataclasses.asdict(said), "given_up": given_up(self.library)}

    def rebuild_index(self, on_progress: OnProgress | None = None) -> dict[str, Any]:
        """Make the vector index anew from the library."""
        return self._run(JobKind.REBUILD_INDEX, "library", {}, on_progress)

    def doctor(self) -> list[Check]:
        """Whether everything that is needed is there."""
        from assistant.setup.doctor import examine

        return examine(self.home, self._serving_check)

    def _serving_check(self) -> Check:
        return self._serving.check()

    def switch_training(self, on: bool) -> Status:
        """Train concepts automatically from now on, or no longer."""
        from assistant.daemon.training_switch import switch

        switch(self.library, on)
        return self.status()
