"""A home with a library, a queue and the worker's handlers, run in this process; tests add what is special to them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from assistant.worker.registry import make_handlers
from personalizer.home import Home
from personalizer.jobs.loop import run_worker_loop
from personalizer.jobs.queue import JobQueue
from personalizer.library.library import Library
from personalizer.schemas import Job

ON_CPU = {"backbone": "pocket", "device": "cpu"}


@dataclass
class World:
    home: Home
    library: Library
    options: dict[str, Any] = field(default_factory=lambda: dict(ON_CPU), kw_only=True)
    """Part of what every job is asked for with."""

    @property
    def queue(self) -> JobQueue:
        return JobQueue(self.library)

    def handlers(self) -> dict[str, Any]:
        return make_handlers(self.home, self.library, self.queue)

    def work(self, *kinds: str) -> None:
        """Run the jobs of these kinds that wait, and none that they enqueue of another."""
        handlers = self.handlers()
        chosen = {kind: handlers[kind] for kind in kinds}
        run_worker_loop(self.queue, chosen, threading.Event(), idle_exit_s=0)

    def do(self, kind: str, subject: str = "library", **payload: Any) -> Job:
        """One job, however it ends."""
        job_id = self.queue.enqueue(kind, subject, {**self.options, **payload})
        self.work(kind)
        return self.queue.get(job_id)

    def done(self, kind: str, subject: str = "library", **payload: Any) -> dict[str, Any]:
        """The result of a job that has to succeed."""
        job = self.do(kind, subject, **payload)
        assert job.state == "done", job.error
        assert job.result is not None
        return job.result
