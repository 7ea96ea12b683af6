"""Automatic training: when it runs, what it makes way for, what becomes of failures; real queue, real loop."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from waiting import until

from assistant.daemon.training_switch import is_on, stored_state, switch
from assistant.worker.auto_training import AutoTraining, AutoTrainingConfig
from assistant.worker.idle import IdleLimits, Machine, Sources
from personalizer.errors import FamiliarError, JobCancelled
from personalizer.home import Home
from personalizer.jobs.kinds import JobKind
from personalizer.jobs.loop import JobContext, run_worker_loop
from personalizer.jobs.queue import JobQueue
from personalizer.jobs.retry import RetryPolicy
from personalizer.library.library import Library
from personalizer.schemas import Job
from personalizer.training.outdated import TrainingRules, note_trained, photos_of

AT_ONCE = AutoTrainingConfig(look_every_s=0.02, settle_s=0, quiet_s=0, calm_looks=1)


@dataclass
class World:
    """A library with one concept that is due, and a worker whose training counts steps."""

    home: Home
    library: Library
    queue: JobQueue
    battery: Path
    steps: int = 0
    wanted_steps: int = 10**9
    fails: bool = False
    began: list[int] = field(default_factory=list)
    scanned_at_s: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)

    def train(self, job: Job, context: JobContext) -> dict[str, Any]:
        """As the real one: a step at a time, looking whether to stop after each, with a checkpoint."""
        assert job.kind == "train"
        self.began.append(self.steps)
        if self.fails:
            raise FamiliarError(tried="training", found="it fails", fix="nothing")
        while self.steps < self.wanted_steps:
            time.sleep(0.002)
            self.steps += 1
            if context.cancelled():
                raise JobCancelled
        concept = job.payload["concept"]
        self.library.set_prefix(concept, backbone="v1", directory=self.home.concepts, state="ready")
        note_trained(self.library, concept, photos_of(self.library, concept), self.library.told_keys(concept))
        return {"steps": self.steps}

    def scan(self, job: Job, context: JobContext) -> dict[str, Any]:
        self.scanned_at_s = time.monotonic()
        return {}

    def training(self, config: AutoTrainingConfig = AT_ONCE, **more: Any) -> AutoTraining:
        idle = psutil.cpu_times()
        sources = Sources(self.battery, lambda: idle, None, None)
        machine = Machine(self.home.root, "cpu", IdleLimits(1, 1, 0, 0), sources)
        chosen = replace(config, device="cpu", **more)
        return AutoTraining(self.home, self.library, self.queue, machine, chosen)

    def plug(self, into_mains: bool) -> None:
        supply = self.battery / "BAT0"
        supply.mkdir(parents=True, exist_ok=True)
        (supply / "type").write_text("Battery\n")
        (supply / "status").write_text("Charging\n" if into_mains else "Discharging\n")

    @contextmanager
    def run(self, training: AutoTraining) -> Iterator[None]:
        others = {JobKind.TRAIN: self.train, JobKind.SCAN: self.scan}
        handlers = others | {JobKind.AUTO_TRAIN: training.handler(self.train)}
        loop = threading.Thread(
            target=run_worker_loop,
            args=(self.queue, handlers, self.stop),
            kwargs={"runnable": lambda: list(handlers if training.may_run else others)},
        )
        with training:
            loop.start()
            yield
            self.stop.set()
            loop.join(timeout=10)
            assert not loop.is_alive()

    def job(self) -> Job:
        return next(job for job in self.queue.list() if job.kind == JobKind.AUTO_TRAIN)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    home = Home(tmp_path / "home").ensure()
    with Library.open(home.database) as library:
        concept = library.create_concept("object", "Bo")
        for number in range(3):
            library.connection.execute(
                """INSERT INTO photos(id, content_hash, last_path, width_px, height_px, added_at)
                   VALUES (?1, ?1, '/x', 1, 1, '')""",
                (number + 1,),
            )
            library.connection.execute(
                "INSERT INTO photo_files(path, photo_id, size, mtime_ns) VALUES (?1, ?1, 1, 1)", (number + 1,)
            )
            library.connection.execute(
                """INSERT INTO detections(id, photo_id, kind, box_left, box_top, box_right, box_bottom, score,
                     detector) VALUES (?1, ?1, 'photo', 0, 0, 1, 1, 1, 'x')""",
                (number + 1,),
            )
        library.add_members(concept.id, [1, 2, 3], source="user", status="confirmed")
        made = World(home, library, JobQueue(library), tmp_path / "power")
        made.plug(into_mains=True)
        yield made


def test_it_trains_what_is_due_once(world: World) -> None:
    world.wanted_steps = 5
    with world.run(world.training()):
        until(lambda: world.library.concept(1).state == "ready")
        until(lambda: (state := stored_state(world.library)) and state.state == "nothing to do")
        time.sleep(0.2)
        assert [(job.kind, job.state) for job in world.queue.list()] == [(JobKind.AUTO_TRAIN, "done")]
    assert stored_state(world.library) is None, "nobody watches any more"


def test_a_job_that_somebody_waits_for_comes_at_once_and_the_training_goes_on_after_it(world: World) -> None:
    with world.run(world.training()):
        until(lambda: world.steps > 20)
        asked_at_s = time.monotonic()
        scan = world.queue.enqueue("scan", "library", {}, priority=10)
        until(lambda: world.queue.get(scan).state == "done")
        assert world.scanned_at_s - asked_at_s < 1.0
        until(lambda: len(world.began) == 2)
        assert world.began[1] > 20, "it goes on from where it stopped"
        world.wanted_steps = world.steps + 5
        until(lambda: world.job().state == "done")
    assert world.job().attempts == 1, "making way is no attempt"


def test_a_job_that_this_worker_cannot_do_does_not_stop_the_training(world: World) -> None:
    with world.run(world.training()):
        until(lambda: world.steps > 5)
        world.queue.enqueue("of another kind", "library", {}, priority=10)
        before = world.steps
        until(lambda: world.steps > before + 50)
        assert len(world.began) == 1


def test_a_job_that_was_put_off_stops_the_training_again_when_its_time_has_come(world: World) -> None:
    seen: list[int] = []

    def busy(job: Job, context: JobContext) -> dict[str, Any]:
        seen.append(world.steps)
        if len(seen) == 1:
            raise TimeoutError("the drive sleeps")
        return {}

    world.scan = busy  # type: ignore[method-assign]
    world.queue = JobQueue(world.library, retries=RetryPolicy(first_delay_s=0.3))
    with world.run(world.training()):
        until(lambda: world.steps > 5)
        scan = world.queue.enqueue("scan", "library", {})
        until(lambda: world.queue.get(scan).state == "done")
    assert len(seen) == 2 and world.steps > seen[0], "it went on in between"


def test_a_clock_that_was_set_back_has_it_make_way_as_soon_as_the_queue_would(world: World) -> None:
    with world.run(world.training()):
        until(lambda: world.steps > 5)
        scan = world.queue.enqueue("scan", "library", {})
        until(lambda: world.queue.get(scan).state == "done")
        until(lambda: len(world.began) == 2)
        # Put off by ten seconds, an hour from now: the clock was an hour ahead.
        world.library.connection.execute(
            "UPDATE jobs SET state = 'queued', not_before = ?, delay_s = 10 WHERE id = ?",
            (time.time() + 3600, scan),
        )
        until(lambda: world.queue.get(scan).state == "done")


def test_pulling_the_plug_stops_it_and_it_says_why(world: World) -> None:
    with world.run(world.training()):
        until(lambda: world.steps > 5)
        world.plug(into_mains=False)
        until(lambda: world.job().state == "queued")
        stopped_at = world.steps
        until(lambda: (state := stored_state(world.library)) and state.reason == "on battery")
        time.sleep(0.2)
        assert world.steps == stopped_at
        world.plug(into_mains=True)
        until(lambda: world.steps > stopped_at)


def test_pausing_stops_it(world: World) -> None:
    with world.run(world.training()):
        until(lambda: world.steps > 5)
        world.queue.pause()
        until(lambda: world.job().state == "queued")
        world.queue.resume()
        before = world.steps
        until(lambda: world.steps > before)


def test_what_fails_is_not_tried_for_ever(world: World) -> None:
    world.fails = True
    rules = TrainingRules(attempts=2, retry_after_s=0)
    with world.run(world.training(rules=rules)):
        until(lambda: len(world.began) == 2)
        time.sleep(0.5)
        assert len(world.began) == 2
        assert [job.state for job in world.queue.list()] == ["failed", "failed"]
        # More photos, another chance.
        world.fails, world.wanted_steps = False, 3
        world.library.connection.execute(
            "INSERT INTO photos(id, content_hash, last_path, width_px, height_px, added_at) VALUES (9,'9','/x',1,1,'')"
        )
        world.library.connection.execute(
            "INSERT INTO photo_files(path, photo_id, size, mtime_ns) VALUES ('9', 9, 1, 1)"
        )
        world.library.connection.execute(
            """INSERT INTO detections(id, photo_id, kind, box_left, box_top, box_right, box_bottom, score, detector)
               VALUES (9, 9, 'photo', 0, 0, 1, 1, 1, 'x')"""
        )
        world.library.add_members(1, [9], source="user", status="confirmed")
        until(lambda: world.library.concept(1).state == "ready")


def test_cancelling_it_is_final(world: World) -> None:
    with world.run(world.training()):
        until(lambda: world.steps > 5)
        world.queue.request_cancel(world.job().id)
        until(lambda: world.job().state == "cancelled")
        time.sleep(0.3)
        assert len(world.began) == 1


def test_it_can_be_switched_off_while_it_runs(world: World) -> None:
    with world.run(world.training()):
        until(lambda: world.steps > 5)
        switch(world.library, False)
        assert not is_on(world.library)
        until(lambda: world.job().state in ("queued", "cancelled"))
        until(lambda: (state := stored_state(world.library)) and state.state == "off")
        before = world.steps
        time.sleep(0.2)
        assert world.steps == before
        switch(world.library, True)
        until(lambda: world.steps > before)


def test_a_training_that_somebody_asked_for_is_left_to_its_own_job(world: World) -> None:
    world.queue.enqueue("train", "1", {"concept": 1})
    assert world.training().look().state == "nothing to do"
    assert [job.kind for job in world.queue.list()] == ["train"]


def test_it_waits_until_the_photos_have_settled_and_nobody_used_it(world: World) -> None:
    settling = world.training(AutoTrainingConfig(settle_s=3600, quiet_s=0, calm_looks=1))
    state = settling.look()
    assert (state.state, state.reason) == ("waiting", "its photos changed a moment ago")
    assert world.queue.list() == []
    scan = world.queue.enqueue("scan", "library", {})
    world.queue.claim(1)
    used = world.training(AutoTrainingConfig(settle_s=0, quiet_s=3600, calm_looks=1))
    assert used.look().reason == "scan is running"
    world.queue.finish(scan, {})
    assert used.look().reason == "it was used a moment ago"
    calm = world.training(AutoTrainingConfig(settle_s=0, quiet_s=0, calm_looks=3))
    assert [calm.look().state for _ in range(3)] == ["waiting", "waiting", "training"]


def test_a_worker_that_may_not_train_does_not(world: World) -> None:
    with world.run(world.training(enabled=False)):
        time.sleep(0.3)
    assert world.began == [] and world.queue.list() == []
