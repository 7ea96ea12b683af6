"""Training a concept of a real library: what is trained again, what is refused, what a failure leaves."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import small_training as small

from personalizer.backbones.base import Backbone
from personalizer.concepts.facts import remember, take_back
from personalizer.errors import JobCancelled, UsageError
from personalizer.home import Home
from personalizer.jobs.loop import JobContext
from personalizer.jobs.queue import JobQueue
from personalizer.library.library import Library
from personalizer.prefix.dual_prefix import MANIFEST_FILE, WEIGHTS_FILE, read_manifest
from personalizer.schemas import Progress
from personalizer.training.checkpoint import CHECKPOINT_FILE
from personalizer.training.train_concept import train_concept

KEYS = {"concept", "steps", "elapsed_s", "trained_values", "bytes", "peak_rss_mib", "recognition_augmented"}


def test_training_a_concept_and_not_repeating_it(world: SimpleNamespace, backbone: Backbone) -> None:
    report, seen = small.train(world, backbone)
    assert set(report) >= KEYS
    assert (report["concept"], report["steps"], report["photos"]) == ("Red disc", 5, 3)
    assert report["trained_values"] == 2 * 8 * 32
    assert [progress.done for progress in seen] == [0, 1, 2, 3, 4, 5]
    assert 0 <= report["recognition_augmented"] <= 1
    concept = world.library.concept(world.concept)
    directory = world.home.concepts / str(world.concept)
    assert (concept.state, concept.backbone) == ("ready", backbone.spec.version)
    assert concept.prefix_dir == directory
    assert {path.name for path in directory.iterdir()} == {MANIFEST_FILE, WEIGHTS_FILE}
    assert report["bytes"] == sum(path.stat().st_size for path in directory.iterdir())
    json.dumps(report, allow_nan=False)
    json.dumps(read_manifest(directory), allow_nan=False)

    weights = (directory / WEIGHTS_FILE).read_bytes()
    again, seen = small.train(world, backbone)
    assert seen == [] and again["elapsed_s"] < report["elapsed_s"]
    assert {key: again[key] for key in KEYS - {"elapsed_s"}} == {
        key: report[key] for key in KEYS - {"elapsed_s"}
    }
    assert (directory / WEIGHTS_FILE).read_bytes() == weights


@pytest.mark.parametrize(
    "change", ["member", "rejected", "fact", "settings", "damaged rows", "damaged manifest"]
)
def test_what_changed_is_trained_again(world: SimpleNamespace, backbone: Backbone, change: str) -> None:
    small.train(world, backbone)
    directory = world.home.concepts / str(world.concept)
    config = replace(small.CONFIG, steps=5)
    if change == "member":
        [extra, *_] = small.record(
            world.library, small.photo(world.folder, "red", (220, 20, 20), 7), [1.0, 0.1, 0, 0]
        )
        world.library.add_members(world.concept, [extra], source="user", status="confirmed")
    elif change == "rejected":
        world.library.add_members(world.concept, [world.others[0]], source="user", status="rejected")
    elif change == "fact":
        remember(world.library, world.concept, "the red disc is afraid of water")
    elif change == "settings":
        config = replace(config, seed=1)
    elif change == "damaged rows":
        (directory / WEIGHTS_FILE).write_bytes(b"")
    else:
        (directory / MANIFEST_FILE).write_text("{")
    report, seen = small.train(world, backbone, config=config)
    assert [progress.done for progress in seen] == [0, 1, 2, 3, 4, 5]
    assert report["steps"] == 5
    assert small.train(world, backbone, config=config)[1] == []


def test_what_was_told_is_taught_and_stays_out_of_what_the_prefix_carries(
    world: SimpleNamespace, backbone: Backbone
) -> None:
    for fact in ("Red disc is afraid of water", "אדום", "🍕", "my toy", "<image> is red"):
        remember(world.library, world.concept, fact)
    report, _ = small.train(world, backbone)
    assert report["questions"] > 3
    assert [fact["number"] for fact in report["untaught"]] == [2, 3, 5]
    assert all(fact["reason"] for fact in report["untaught"])
    manifest = (world.home.concepts / str(world.concept) / MANIFEST_FILE).read_text()
    assert "water" not in manifest and "toy" not in manifest
    take_back(world.library, world.concept, 3)
    assert small.train(world, backbone)[1] == [], "what teaches nothing changes nothing"
    assert world.library.concept(world.concept).state == "ready"
    take_back(world.library, world.concept, 1)
    assert len(small.train(world, backbone)[1]) == 6


@pytest.mark.parametrize("finished", [False, True])
@pytest.mark.parametrize("change", ["told", "taken back", "confirmed", "rejected", "nothing to learn"])
def test_what_changes_while_it_is_trained_is_learned_the_next_time(
    world: SimpleNamespace, backbone: Backbone, change: str, finished: bool
) -> None:
    library = world.library
    remember(library, world.concept, "Red disc is fond of snow")
    if finished:
        small.train(world, backbone, config=replace(small.CONFIG, steps=2, seed=7))

    def meanwhile(progress: Progress) -> None:
        if progress.done != 2:
            return
        if change == "told":
            remember(library, world.concept, "Red disc is afraid of water")
        elif change == "taken back":
            take_back(library, world.concept, 1)
        elif change == "nothing to learn":
            remember(library, world.concept, "🍕")
        else:
            library.add_members(world.concept, [world.others[0]], source="user", status=change)

    config = replace(small.CONFIG, steps=3)
    train_concept(library, world.home, world.concept, backbone, config, progress=meanwhile)
    concept = library.concept(world.concept)
    assert concept.prefix_dir is not None and read_manifest(concept.prefix_dir)["training"]["report"]
    learned = change == "nothing to learn"
    # What is told waits; the concept stays in use.
    assert concept.state == ("stale" if change in ("confirmed", "rejected") else "ready")
    _, seen = small.train(world, backbone, config=config)
    assert (seen == []) == learned
    assert library.concept(world.concept).state == "ready"


def test_cancelling_keeps_the_previous_prefix_and_the_steps(
    world: SimpleNamespace, backbone: Backbone
) -> None:
    directory = world.home.concepts / str(world.concept)
    small.train(world, backbone)
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    cancel, config = small.Cancel(after=3), replace(small.CONFIG, steps=5, seed=9)
    with pytest.raises(JobCancelled):
        train_concept(
            world.library,
            world.home,
            world.concept,
            backbone,
            config,
            progress=cancel.progress,
            cancelled=cancel,
        )
    after = {path.name: path.read_bytes() for path in directory.iterdir()}
    assert after.pop(CHECKPOINT_FILE) and after == before
    _, seen = small.train(world, backbone, config=config)
    assert [progress.done for progress in seen][1:] == list(range(cancel.steps[-1] + 1, 6))
    assert not (directory / CHECKPOINT_FILE).exists()


def test_a_full_disk_keeps_the_previous_prefix(
    world: SimpleNamespace, backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.train(world, backbone)
    directory = world.home.concepts / str(world.concept)
    before = {path.name: path.read_bytes() for path in directory.iterdir()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        small.train(world, backbone, config=replace(small.CONFIG, steps=2))
    monkeypatch.undo()
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before


def test_another_face_in_the_same_photos_is_another_training(
    world: SimpleNamespace, backbone: Backbone
) -> None:
    library = world.library
    faces = [
        small.record(
            library,
            small.photo(world.folder, "pair", (200, 150, 120), n),
            [0.1, 0.1, 0.1 * n, 0],
            "face",
            "1",
            2,
        )
        for n in range(2)
    ]
    for n in range(3):
        small.record(library, small.photo(world.folder, "stranger", (90, 80, 70), n), [5, 5, n, 9], "face")
    concept = library.create_concept("face", "Ada")
    library.add_members(concept.id, [pair[0] for pair in faces], source="user", status="confirmed")
    world.concept = concept.id
    assert small.train(world, backbone)[1]
    library.remove_members(concept.id, [pair[0] for pair in faces])
    library.add_members(concept.id, [pair[1] for pair in faces], source="user", status="confirmed")
    assert small.train(world, backbone)[1], "the rows of the other face would be served as this one's"


def test_a_concept_without_members_or_readable_photos_says_so(
    world: SimpleNamespace, backbone: Backbone
) -> None:
    empty = world.library.create_concept("object", "Nothing")
    with pytest.raises(UsageError, match="Nothing"):
        train_concept(world.library, world.home, empty.id, backbone, small.CONFIG)
    for path in world.folder.glob("red-*"):
        path.unlink()
    with pytest.raises(UsageError, match="member photos can be read"):
        small.train(world, backbone)
    assert world.library.concept(world.concept).state == "named"


def test_one_unreadable_member_does_not_stop_training(world: SimpleNamespace, backbone: Backbone) -> None:
    (world.folder / "red-1.jpg").write_bytes(b"no picture")
    (world.folder / "other-2.jpg").unlink()
    report = small.train(world, backbone)[0]
    assert (report["steps"], report["photos"]) == (5, 2)
    reasons = {Path(entry["path"]).name: entry["reason"] for entry in report["skipped"]}
    assert reasons == {
        "red-1.jpg": "the file has changed since it was scanned",
        "other-2.jpg": "there is no such file",
    }


def test_without_anything_to_tell_it_apart_from(world: SimpleNamespace, backbone: Backbone) -> None:
    for path in world.folder.glob("other-*"):
        path.unlink()
    with pytest.raises(UsageError, match="other photos"):
        small.train(world, backbone)


def test_without_any_other_photo(tmp_path: Path, backbone: Backbone) -> None:
    home = Home(tmp_path / "home").ensure()
    with Library.open(home.database) as library:
        ids = [
            small.record(library, small.photo(tmp_path, "red", (220, 20, 20), n), [1, 0, 0, 0])[0]
            for n in range(2)
        ]
        concept = library.create_concept("object", "Alone")
        library.add_members(concept.id, ids, source="user", status="confirmed")
        with pytest.raises(UsageError, match="no other photos"):
            train_concept(library, home, concept.id, backbone, small.CONFIG)


def test_a_single_other_photo_is_enough(tmp_path: Path, backbone: Backbone) -> None:
    home = Home(tmp_path / "home").ensure()
    with Library.open(home.database) as library:
        [member, *_] = small.record(library, small.photo(tmp_path, "red", (220, 20, 20), 0), [1, 0, 0, 0])
        small.record(library, small.photo(tmp_path, "blue", (20, 20, 220), 0), [0, 1, 0, 0])
        concept = library.create_concept("object", "One shot")
        library.add_members(concept.id, [member], source="user", status="confirmed")
        report = train_concept(library, home, concept.id, backbone, replace(small.CONFIG, steps=2))
    assert 0 <= report["recognition_augmented"] <= 1


def test_a_training_that_is_killed_every_evening_gets_done(
    world: SimpleNamespace, backbone: Backbone
) -> None:
    class PowerCut(BaseException):
        pass

    queue, reached = JobQueue(world.library), [0]
    config = replace(small.CONFIG, steps=40, checkpoint_every_s=0.0)
    job_id = queue.enqueue("train", str(world.concept))

    def two_steps(progress: Progress) -> None:
        if progress.done >= reached[-1] + 3:
            reached.append(progress.done)
            raise PowerCut

    for _ in range(5):
        job = queue.claim(1)
        assert job is not None and job.id == job_id
        context = JobContext(queue, job, threading.Event())
        with pytest.raises(PowerCut):
            train_concept(
                world.library,
                world.home,
                world.concept,
                backbone,
                config,
                progress=two_steps,
                advanced=context.advanced,
            )
        assert queue.recover_orphans() == 1, "it is not given up"
    assert reached[-1] >= 10
