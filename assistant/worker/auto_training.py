"""Trains named concepts in the watching worker while the machine is idle; yields to all other jobs.

Decides when the job runs and when it yields; `personalizer/training/outdated.py` chooses the concepts, `idle` measures
the machine. A job that yields is requeued and resumes from its checkpoint.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from assistant.daemon.training_switch import STATE_SETTING, TrainingState, is_on
from assistant.worker.idle import Machine
from assistant.worker.log import SafeToLog
from exporters.installed import of_same_backbone
from personalizer.errors import JobCancelled
from personalizer.home import Home
from personalizer.jobs.kinds import JobKind
from personalizer.jobs.loop import Handler, JobContext
from personalizer.jobs.queue import JobQueue
from personalizer.library.library import Library
from personalizer.schemas import Job
from personalizer.training.outdated import (
    Due,
    TrainingRules,
    begin_attempt,
    due_trainings,
    failing,
    give_up,
    given_up,
    take_back_attempt,
)

PRIORITY = -2
"""After everything else, also after what a new version of the backbone asks for."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AutoTrainingConfig:
    """Settings of automatic training: concepts, backbone and times."""

    backbone: str = "pocket"
    device: str = "auto"
    enabled: bool = True
    """Whether concepts may be trained, where the library does not forbid it."""
    rules: TrainingRules = field(default_factory=TrainingRules)
    """Which concepts."""

    look_every_s: float = 5.0
    settle_s: float = 60.0
    """A concept has to be left alone for so long: somebody may be in the middle of confirming its photos."""
    quiet_s: float = 30.0
    """Since the last job that somebody asked for."""
    calm_looks: int = 3
    """So many looks in a row have to find the machine idle."""


class AutoTraining:
    """While entered, checks every few seconds whether a concept should be trained and the machine is idle."""

    def __init__(
        self,
        home: Home,
        library: Library,
        queue: JobQueue,
        machine: Machine,
        config: AutoTrainingConfig | None = None,
    ) -> None:
        self._home = home
        self._library = library
        self._queue = queue
        self._machine = machine
        self._config = config or AutoTrainingConfig()
        self._rules = self._config.rules
        self._seen: dict[int, tuple[str, float]] = {}
        """What would be trained, and since when that has been the same."""
        self._calm = 0
        self._open = False
        self._working = False
        self._said: TrainingState | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    # --- for the worker's loop

    @property
    def may_run(self) -> bool:
        """Whether a job of this kind may be taken out of the queue now."""
        return self._open

    def handler(self, train: Handler) -> Handler:
        """What runs a job of this kind, with the handler of trainings that somebody asked for."""

        def train_when_idle(job: Job, context: JobContext) -> dict[str, Any]:
            due = next((due for due in self._due() if due.concept.id == job.payload["concept"]), None)
            if due is None:
                return {"trained": False}
            begin_attempt(self._library, due)
            self._working = True
            context.yield_when(lambda: self.must_make_way(context))
            try:
                # What the worker calls a training is one, whoever asked for it.
                return train(dataclasses.replace(job, kind=JobKind.TRAIN), context)
            except JobCancelled:
                if self._queue.cancelled(job.id):
                    give_up(self._library, due, self._rules)
                else:
                    take_back_attempt(self._library, due)
                raise
            finally:
                self._working = False

        return train_when_idle

    def must_make_way(self, context: JobContext) -> bool:
        """Whether the training that runs has to stop now: somebody needs the worker, or the machine."""
        if not self._open or self._queue.paused():
            return True
        if not context.should_yield():
            return False
        # Whoever asked may ask again in a moment: the next look waits until it has been quiet.
        self._open, self._calm = False, 0
        return True

    # --- the thread

    def start(self) -> None:
        """Begin looking."""
        self._thread = threading.Thread(target=self._loop, name="auto-training", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End looking."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._library.set_setting(STATE_SETTING, None)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _loop(self) -> None:
        while not self._stop.is_set():
            try:
                self.look()
            except Exception:  # a locked library must not end it
                logger.exception("automatic training goes on after an error")
            self._stop.wait(self._config.look_every_s)

    def look(self) -> TrainingState:
        """Look once: queue what is due, and decide whether it may run until the next look."""
        if not self._config.enabled or not is_on(self._library):
            self._open = False
            self._withdraw()
            return self._say(TrainingState("off"))
        due = self._due()
        if self._working:
            # It may be done but for its last files, and then is due no longer.
            reason = self._why_not()
            self._open = not reason
            return self._say(
                TrainingState("waiting" if reason else "training", reason or "", max(1, len(due)))
            )
        ripe = self._ripe(due)
        if not due:
            self._open = False
            self._withdraw()
            if failing(self._library) > given_up(self._library, self._rules):
                return self._say(TrainingState("waiting", "a training failed, and is tried again later"))
            return self._say(TrainingState("nothing to do"))
        if ripe:
            self._enqueue(ripe[0])
        reason = self._why_not() or ("" if ripe else "its photos changed a moment ago")
        self._open = not reason
        if reason:
            return self._say(TrainingState("waiting", reason, len(due)))
        return self._say(TrainingState("training", due=len(due)))

    def _due(self) -> list[Due]:
        """Without those that have a training of their own in the queue, or a prefix for another backbone."""
        asked_for = {
            job.payload.get("concept")
            for state in ("queued", "running")
            for job in self._queue.list(state)
            if job.kind == JobKind.TRAIN
        }
        return [
            due
            for due in due_trainings(self._library, self._config.backbone, self._rules)
            if due.concept.id not in asked_for and self._is_ours(due)
        ]

    def _is_ours(self, due: Due) -> bool:
        concept = due.concept
        return concept.prefix_dir is None or of_same_backbone(
            self._home, concept.prefix_dir, concept.backbone, self._config.backbone
        )

    def _ripe(self, due: list[Due]) -> list[Due]:
        now_s = time.monotonic()
        before = self._seen
        self._seen = {
            one.concept.id: before[one.concept.id]
            if before.get(one.concept.id, ("", 0.0))[0] == one.wanted
            else (one.wanted, now_s)
            for one in due
        }
        return [one for one in due if now_s - self._seen[one.concept.id][1] >= self._config.settle_s]

    def _enqueue(self, due: Due) -> None:
        if any(
            job.kind == JobKind.AUTO_TRAIN
            for state in ("queued", "running")
            for job in self._queue.list(state)
        ):
            return
        wanted = {"concept": due.concept.id, "backbone": self._config.backbone, "device": self._config.device}
        self._queue.enqueue(JobKind.AUTO_TRAIN, str(due.concept.id), wanted, PRIORITY)

    def _withdraw(self) -> None:
        for job in self._queue.list("queued"):
            if job.kind == JobKind.AUTO_TRAIN:
                self._queue.request_cancel(job.id)

    def _why_not(self) -> str | None:
        """Why nothing may be trained now."""
        # Asked every time, since it compares with what it saw last.
        busy = self._machine.busy_with(working=self._working)
        if self._queue.paused():
            return "paused"
        running = next((job for job in self._queue.list("running") if job.kind != JobKind.AUTO_TRAIN), None)
        if running is not None:
            return f"{running.kind} is running"
        if busy is not None:
            self._calm = 0
            return busy
        if self._working:
            return None
        if self._just_used():
            return "it was used a moment ago"
        self._calm += 1
        return None if self._calm >= self._config.calm_looks else "seeing whether the machine is idle"

    def _just_used(self) -> bool:
        ended_at = self._queue.last_ended_at(but_of=JobKind.AUTO_TRAIN)
        if ended_at is None:
            return False
        ago = datetime.now(UTC) - ended_at
        return timedelta(0) <= ago < timedelta(seconds=self._config.quiet_s)

    def _say(self, state: TrainingState) -> TrainingState:
        if state != self._said:
            if self._said is None or (state.state, _kind_of(state)) != (
                self._said.state,
                _kind_of(self._said),
            ):
                logger.info(
                    "automatic training: %s",
                    SafeToLog(f"{state.state}: {state.reason}" if state.reason else state.state),
                    extra={"fields": {"due": state.due}},
                )
            self._said = state
            self._library.set_setting(STATE_SETTING, json.dumps(dataclasses.asdict(state)))
        return state


def _kind_of(state: TrainingState) -> str:
    """The reason without its numbers, so that every per cent is not a line of the log."""
    return "".join(character for character in state.reason if not character.isdigit())
