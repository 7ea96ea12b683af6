from __future__ import annotations

import hashlib
import importlib.util
import json
import math
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from safetensors.numpy import save_file

from personalizer.backbones.base import Backbone
from personalizer.backbones.registry import load_backbone
from personalizer.dual_prefix import MANIFEST_FILE, WEIGHTS_FILE, DualPrefixConfig, read_manifest
from personalizer.errors import JobCancelled, UsageError
from personalizer.library import Library
from personalizer.locations import Home
from personalizer.objective import graded_places
from personalizer.picture_bank import BANK_FILE
from personalizer.profiles import remember, take_back
from personalizer.schemas import BoundingBox, Embedding, NewDetection, Progress
from personalizer.soft_positives import SoftPositive
from personalizer.trainer import PrefixTrainer, TrainerConfig, TrainingOutcome, train_concept
from personalizer.training_checkpoint import CHECKPOINT_FILE
from personalizer.training_set import Example, ExampleBuilder, PrefixDataset, TaskWeights

CONFIG = TrainerConfig(
    rows=DualPrefixConfig(4, 3),
    steps=6,
    recognition=2,
    description=1,
    generation=2,
    soft_positives=6,
    soft_groups=2,
    views_per_photo=3,
    checkpoint_every_s=1e9,
)


@pytest.fixture(scope="module")
def backbone(pocket_like: Path) -> Backbone:
    return load_backbone(str(pocket_like), "cpu")


def random_dataset(positives: int = 3, soft: int = 3) -> PrefixDataset:
    generator = torch.Generator().manual_seed(4)

    def codes(count: int) -> torch.Tensor:
        return torch.randint(0, 32, (count, 16), generator=generator)

    return PrefixDataset(
        positives=codes(positives),
        held_positives=codes(2),
        negatives=codes(5),
        held_negatives=codes(3),
        hard_negatives=2,
        soft_codes=codes(soft),
        soft=[SoftPositive(index, 0.5, 3 - index) for index in range(soft)],
    )


def trainer(
    backbone: Backbone,
    directory: Path,
    config: TrainerConfig = CONFIG,
    fingerprint: str = "f",
    dataset: PrefixDataset | None = None,
) -> PrefixTrainer:
    return PrefixTrainer(backbone, dataset or random_dataset(), config, directory, fingerprint)


def rows(made: PrefixTrainer) -> torch.Tensor:
    return torch.cat([made.prefix.input_rows, made.prefix.output_rows]).detach().clone()


class Cancel:
    """Cancels after so many steps; remembers the steps it saw."""

    def __init__(self, after: int) -> None:
        self.after = after
        self.steps: list[int] = []

    def progress(self, progress: Progress) -> None:
        self.steps.append(progress.done)

    def __call__(self) -> bool:
        return len(self.steps) >= self.after


def test_gradients_reach_the_new_rows_only(backbone: Backbone, tmp_path: Path) -> None:
    before = {name: value.clone() for name, value in backbone.model.state_dict().items()}
    made = trainer(backbone, tmp_path)
    start = rows(made)
    outcome = made.train(None, None)
    assert outcome.steps == len(outcome.losses) == 6
    after = backbone.model.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert all(parameter.grad is None for parameter in backbone.model.parameters())
    moved = (rows(made) - start).abs().amax(dim=1)
    assert moved.shape == (2 * 8,) and bool((moved > 0).all()), "every row is read and emitted by some task"
    trained = {id(p) for group in made.optimiser.param_groups for p in group["params"]}
    assert trained == {id(p) for p in made.prefix.parameters()}


def test_loss_falls_on_a_tiny_set(backbone: Backbone, tmp_path: Path) -> None:
    config = replace(CONFIG, steps=60, learning_rate=0.1)
    outcome = trainer(backbone, tmp_path, config, dataset=random_dataset(positives=1, soft=0)).train(
        None, None
    )
    assert np.mean(outcome.losses[-10:]) < 0.7 * np.mean(outcome.losses[:5])
    assert all(math.isfinite(loss) for loss in outcome.losses)


def test_starting_rows_are_the_free_name_and_pieces_of_own_pictures(
    backbone: Backbone, tmp_path: Path
) -> None:
    made = trainer(backbone, tmp_path)
    start = made.prefix.input_rows.detach()
    torch.testing.assert_close(start[0], backbone.name_prior())
    pieces = backbone.embed_image_codes(random_dataset().positives).flatten(0, 1)
    for row in start[1:]:
        assert bool((pieces == row).all(dim=1).any())


def test_only_graded_positions_count(backbone: Backbone, tmp_path: Path) -> None:
    made = trainer(backbone, tmp_path)
    builder = ExampleBuilder(backbone, CONFIG.rows)
    codes = random_dataset().positives[0].tolist()
    for example in (
        builder.recognition((0, codes), True, TaskWeights()),
        builder.description((0, codes), TaskWeights()),
        builder.generation(codes, None, TaskWeights()),
    ):
        with torch.no_grad():
            loss = made.objective.loss([example])
            graded = graded_places(example)
            ungraded = [place for place in range(len(example.target)) if place not in graded]
            other = replace(example, target=list(example.target))
            for place in ungraded:
                other.target[place] = (other.target[place] + 1) % 32
            assert torch.equal(made.objective.loss([other]), loss)
            other = replace(example, target=list(example.target))
            other.target[graded[-1]] = (other.target[graded[-1]] + 1) % 32
            assert not torch.equal(made.objective.loss([other]), loss)


def test_loss_is_the_weighted_cross_entropy_over_text_codes_and_rows(
    backbone: Backbone, tmp_path: Path
) -> None:
    made = trainer(backbone, tmp_path)
    with torch.no_grad():
        made.prefix.output_offset.normal_(generator=torch.Generator().manual_seed(0))
        builder = ExampleBuilder(backbone, CONFIG.rows)
        data = random_dataset()
        examples = [
            builder.recognition((0, data.positives[0].tolist()), True, TaskWeights()),
            builder.generation(data.soft_codes[0].tolist(), 2, TaskWeights()),
        ]
        expected = 0.0
        for example in examples:
            embedded, mask = made._states.embed([example])
            hidden, _ = backbone.forward(embedded, mask)
            for place in graded_places(example):
                state = hidden[0, place]
                if example.target_is_code[place]:
                    logits = backbone.image_logits(state)
                else:
                    logits = torch.cat([backbone.text_logits(state), made.prefix.output_rows @ state])
                expected -= float(logits.log_softmax(-1)[example.target[place]]) * example.weight[place]
        # Together they are padded to the longer one.
        assert float(made.objective.loss(examples)) == pytest.approx(expected / 2, rel=1e-4)


def test_a_cancelled_run_leaves_a_checkpoint_and_continues_to_the_same_rows(
    backbone: Backbone, tmp_path: Path
) -> None:
    whole = trainer(backbone, tmp_path / "whole")
    complete = whole.train(None, None)
    cancel = Cancel(after=3)
    with pytest.raises(JobCancelled):
        trainer(backbone, tmp_path / "cut").train(cancel.progress, cancel)
    assert (tmp_path / "cut" / CHECKPOINT_FILE).exists()
    continued, seen = trainer(backbone, tmp_path / "cut"), Cancel(after=99)
    outcome = continued.train(seen.progress, seen)
    assert cancel.steps == [1, 2, 3] and seen.steps == [4, 5, 6]
    assert torch.equal(rows(continued), rows(whole))
    assert outcome.losses == complete.losses[3:]
    assert outcome.yes_no_threshold == complete.yes_no_threshold
    continued.discard_checkpoint()
    assert not (tmp_path / "cut" / CHECKPOINT_FILE).exists()


def test_a_crash_after_the_last_step_costs_no_steps(backbone: Backbone, tmp_path: Path) -> None:
    first = trainer(backbone, tmp_path)
    first.train(None, None)
    again, seen = trainer(backbone, tmp_path), Cancel(after=99)
    assert again.train(seen.progress, seen).steps == 6
    assert seen.steps == [] and torch.equal(rows(again), rows(first))


@pytest.mark.parametrize(
    "damage", ["cut", "empty", "flipped", "no metadata", "another fingerprint", "no JSON"]
)
def test_checkpoints_that_do_not_fit_are_ignored(backbone: Backbone, tmp_path: Path, damage: str) -> None:
    trainer(backbone, tmp_path, replace(CONFIG, steps=2)).train(None, None)
    path = tmp_path / CHECKPOINT_FILE
    content = bytearray(path.read_bytes())
    if damage == "cut":
        path.write_bytes(content[:-7])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "flipped":
        content[-3] ^= 0x40
        path.write_bytes(content)
    elif damage == "no metadata":
        save_file({"input_offset": np.zeros((8, 32), np.float32)}, path)
    elif damage == "no JSON":
        save_file({"input_offset": np.zeros((8, 32), np.float32)}, path, metadata={"training": "7"})
    fingerprint = "g" if damage == "another fingerprint" else "f"
    made, seen = trainer(backbone, tmp_path, replace(CONFIG, steps=2), fingerprint), Cancel(after=99)
    made.train(seen.progress, seen)
    assert seen.steps == [1, 2]


def test_checkpoints_are_written_while_training_and_atomically(
    backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    often = replace(CONFIG, checkpoint_every_s=0.0)
    cancel = Cancel(after=2)
    with pytest.raises(JobCancelled):
        trainer(backbone, tmp_path, often).train(cancel.progress, cancel)
    before = (tmp_path / CHECKPOINT_FILE).read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        trainer(backbone, tmp_path, often).train(None, None)
    monkeypatch.undo()
    assert (tmp_path / CHECKPOINT_FILE).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT_FILE]
    seen = Cancel(after=99)
    trainer(backbone, tmp_path, often).train(seen.progress, seen)
    assert seen.steps == [3, 4, 5, 6]


@pytest.mark.parametrize(
    "wrong", [{"steps": 0}, {"learning_rate": 0.0}, {"recognition": 1}, {"generation": -1}]
)
def test_impossible_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        TrainerConfig(**wrong)


def test_accuracy_on_what_was_held_out(backbone: Backbone, tmp_path: Path) -> None:
    made = trainer(backbone, tmp_path, replace(CONFIG, weights=TaskWeights(recognition=0.0)))
    positives, negatives = made.yes_no(True), made.yes_no(False)
    assert positives.shape == (2,) and negatives.shape == (3,)
    outcome = made.train(None, None)
    assert 0.0 <= outcome.recognition_augmented <= 1.0
    nothing = replace(random_dataset(), held_positives=torch.zeros((0, 16), dtype=torch.long))
    outcome = trainer(backbone, tmp_path / "none", dataset=nothing).train(None, None)
    assert math.isnan(outcome.recognition_augmented) and outcome.yes_no_threshold == 0.0


def test_yes_no_reads_the_answers_first_word(backbone: Backbone, tmp_path: Path) -> None:
    """The same margin as a plain pass over the prompt and the self-prompt, without the answer behind it."""
    made = trainer(backbone, tmp_path)
    codes = random_dataset().held_positives[1].tolist()
    builder = ExampleBuilder(backbone, CONFIG.rows)
    example = builder.recognition((4, codes), True, TaskWeights())
    words = [*backbone.tokenize("yes."), backbone.spec.end_id]
    kept = len(example.kind) - (len(words) - 1)
    cut = Example(*(getattr(example, name)[:kept] for name in Example.__slots__))
    with torch.no_grad():
        hidden, _ = backbone.forward(*made._states.embed([cut]))
        logits = backbone.text_logits(hidden[0, -1])
    yes, no = backbone.tokenize("yes.")[0], backbone.tokenize("no.")[0]
    assert float(made.yes_no(True)[1]) == pytest.approx(float(logits[yes] - logits[no]), abs=1e-4)


# --- train_concept on a real library ---------------------------------------------------------------------------


def photo(folder: Path, name: str, colour: tuple[int, int, int], number: int) -> Path:
    image = Image.new("RGB", (90 + number, 70), (30 * number % 200, 120, 90))
    ImageDraw.Draw(image).ellipse((20, 10 + number, 70, 55 + number), fill=colour)
    path = folder / f"{name}-{number}.jpg"
    image.save(path)
    return path


def record(
    library: Library,
    path: Path,
    vector: list[float],
    kind: str = "photo",
    version: str = "1",
    people: int = 1,
) -> list[int]:
    """A photo with its whole-picture detection and a region, or with faces; returns the detections' ids."""
    unit = np.array(vector, np.float32) / np.linalg.norm(vector)
    embedding = Embedding(unit, "m", version)
    box = BoundingBox(20, 10, 70, 60)
    found = [(NewDetection("photo", BoundingBox(0, 0, 90, 70), 1.0, "whole"), embedding)]
    if kind == "photo":
        found.append((NewDetection("object", box, 0.9, "cam"), embedding))
    for person in range(people if kind == "face" else 0):
        place = BoundingBox(20 + 20 * person, 10, 40 + 20 * person, 30)
        moved = Embedding(unit + np.float32(person), "f", version)
        found.append((NewDetection("face", place, 0.9, "dlib"), moved))
    size = path.stat().st_size
    recorded = library.record_photo(
        content_hash=hashlib.sha256(path.read_bytes()).hexdigest(),
        path=path,
        size=size,
        mtime_ns=1,
        width_px=90,
        height_px=70,
        taken_at=None,
        latitude=None,
        longitude=None,
        camera=None,
        detections=found,
    )
    return [detection.id for detection in library.detections(photo_id=recorded.id, kind=kind)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A library of three photos of a red disc and eight of others, with vectors that say so."""
    folder = tmp_path / "photos"
    folder.mkdir()
    home = Home(tmp_path / "home").ensure()
    with Library.open(home.database) as library:
        members = [
            record(library, photo(folder, "red", (220, 20, 20), n), [1.0, 0.1 * n, 0, 0])[0] for n in range(3)
        ]
        others = [
            record(library, photo(folder, "other", (20, 40 * n % 255, 220), n), [0.1 * n, 1.0, 0.3 * n, 0.2])[
                0
            ]
            for n in range(8)
        ]
        concept = library.create_concept("object", "Red disc")
        library.add_members(concept.id, members, source="user", status="confirmed")
        yield SimpleNamespace(
            library=library, home=home, folder=folder, concept=concept.id, members=members, others=others
        )


KEYS = {"concept", "steps", "elapsed_s", "trained_values", "bytes", "peak_rss_mib", "recognition_augmented"}


def train(
    world: SimpleNamespace, backbone: Backbone, **options: Any
) -> tuple[dict[str, Any], list[Progress]]:
    seen: list[Progress] = []
    config = options.pop("config", replace(CONFIG, steps=5))
    report = train_concept(
        world.library, world.home, world.concept, backbone, config, progress=seen.append, **options
    )
    return report, seen


def test_training_a_concept_and_not_repeating_it(world: SimpleNamespace, backbone: Backbone) -> None:
    report, seen = train(world, backbone)
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
    again, seen = train(world, backbone)
    assert seen == [] and again["elapsed_s"] < report["elapsed_s"]
    assert {key: again[key] for key in KEYS - {"elapsed_s"}} == {
        key: report[key] for key in KEYS - {"elapsed_s"}
    }
    assert (directory / WEIGHTS_FILE).read_bytes() == weights


@pytest.mark.parametrize(
    "change", ["member", "rejected", "fact", "settings", "damaged rows", "damaged manifest"]
)
def test_what_changed_is_trained_again(world: SimpleNamespace, backbone: Backbone, change: str) -> None:
    train(world, backbone)
    directory = world.home.concepts / str(world.concept)
    config = replace(CONFIG, steps=5)
    if change == "member":
        [extra, *_] = record(world.library, photo(world.folder, "red", (220, 20, 20), 7), [1.0, 0.1, 0, 0])
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
    report, seen = train(world, backbone, config=config)
    assert [progress.done for progress in seen] == [0, 1, 2, 3, 4, 5]
    assert report["steps"] == 5
    assert train(world, backbone, config=config)[1] == []


def test_what_was_told_is_taught_and_stays_out_of_what_the_prefix_carries(
    world: SimpleNamespace, backbone: Backbone
) -> None:
    for fact in ("Red disc is afraid of water", "אדום", "🍕", "my toy", "<image> is red"):
        remember(world.library, world.concept, fact)
    report, _ = train(world, backbone)
    assert report["questions"] > 3
    assert [fact["number"] for fact in report["untaught"]] == [2, 3, 5]
    assert all(fact["reason"] for fact in report["untaught"])
    manifest = (world.home.concepts / str(world.concept) / MANIFEST_FILE).read_text()
    assert "water" not in manifest and "toy" not in manifest
    take_back(world.library, world.concept, 3)
    assert train(world, backbone)[1] == [], "what teaches nothing changes nothing"
    assert world.library.concept(world.concept).state == "ready"
    take_back(world.library, world.concept, 1)
    assert len(train(world, backbone)[1]) == 6


def test_cancelling_keeps_the_previous_prefix_and_the_steps(
    world: SimpleNamespace, backbone: Backbone
) -> None:
    directory = world.home.concepts / str(world.concept)
    train(world, backbone)
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    cancel, config = Cancel(after=3), replace(CONFIG, steps=5, seed=9)
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
    _, seen = train(world, backbone, config=config)
    assert [progress.done for progress in seen][1:] == list(range(cancel.steps[-1] + 1, 6))
    assert not (directory / CHECKPOINT_FILE).exists()


def test_a_full_disk_keeps_the_previous_prefix(
    world: SimpleNamespace, backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(world, backbone)
    directory = world.home.concepts / str(world.concept)
    before = {path.name: path.read_bytes() for path in directory.iterdir()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        train(world, backbone, config=replace(CONFIG, steps=2))
    monkeypatch.undo()
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before


def test_another_face_in_the_same_photos_is_another_training(
    world: SimpleNamespace, backbone: Backbone
) -> None:
    library = world.library
    faces = [
        record(
            library, photo(world.folder, "pair", (200, 150, 120), n), [0.1, 0.1, 0.1 * n, 0], "face", "1", 2
        )
        for n in range(2)
    ]
    for n in range(3):
        record(library, photo(world.folder, "stranger", (90, 80, 70), n), [5, 5, n, 9], "face")
    concept = library.create_concept("face", "Ada")
    library.add_members(concept.id, [pair[0] for pair in faces], source="user", status="confirmed")
    world.concept = concept.id
    assert train(world, backbone)[1]
    library.remove_members(concept.id, [pair[0] for pair in faces])
    library.add_members(concept.id, [pair[1] for pair in faces], source="user", status="confirmed")
    assert train(world, backbone)[1], "the rows of the other face would be served as this one's"


def test_a_concept_without_members_or_readable_photos_says_so(
    world: SimpleNamespace, backbone: Backbone
) -> None:
    empty = world.library.create_concept("object", "Nothing")
    with pytest.raises(UsageError, match="Nothing"):
        train_concept(world.library, world.home, empty.id, backbone, CONFIG)
    for path in world.folder.glob("red-*"):
        path.unlink()
    with pytest.raises(UsageError, match="member photos can be read"):
        train(world, backbone)
    assert world.library.concept(world.concept).state == "named"


def test_one_unreadable_member_does_not_stop_training(world: SimpleNamespace, backbone: Backbone) -> None:
    (world.folder / "red-1.jpg").write_bytes(b"no picture")
    (world.folder / "other-2.jpg").unlink()
    report = train(world, backbone)[0]
    assert (report["steps"], report["photos"]) == (5, 2)
    reasons = {Path(entry["path"]).name: entry["reason"] for entry in report["skipped"]}
    assert reasons == {
        "red-1.jpg": "the file has changed since it was scanned",
        "other-2.jpg": "there is no such file",
    }


def collect(world: SimpleNamespace, backbone: Backbone, **options: Any) -> PrefixDataset:
    from personalizer.concept_pictures import collect_pictures

    return collect_pictures(
        world.library,
        world.home,
        world.library.concept(world.concept),
        backbone,
        backbone.directory,
        views_per_photo=2,
        soft_positives=0,
        soft_groups=2,
        generation_rows=4,
        seed=0,
        **options,
    )


def test_a_file_that_holds_another_picture_now_is_not_trained_on(
    world: SimpleNamespace, backbone: Backbone
) -> None:
    before = collect(world, backbone)
    # Saved over with a picture that is a member already, and with one that nobody has seen.
    shutil.copyfile(world.folder / "red-0.jpg", world.folder / "red-1.jpg")
    photo(world.folder, "other", (1, 2, 3), 2)
    skipped: list[Any] = []
    after = collect(world, backbone, on_skipped=skipped.append)
    assert len(after.positives) == len(before.positives) - 2
    assert len(after.negatives) == len(before.negatives) - 1
    assert [one.path.name for one in skipped] == ["red-1.jpg", "other-2.jpg"]
    assert {one.reason for one in skipped} == {"the file has changed since it was scanned"}


def test_a_photo_is_read_from_the_copy_that_still_holds_it(
    world: SimpleNamespace, backbone: Backbone
) -> None:
    before = collect(world, backbone)
    copy = world.folder / "copy of red-1.jpg"
    shutil.copyfile(world.folder / "red-1.jpg", copy)
    known = world.library.photo_by_path(world.folder / "red-1.jpg")
    world.library.record_file(copy, known.id, copy.stat().st_size, 1)
    (world.folder / "red-1.jpg").write_bytes(b"no picture")
    assert torch.equal(collect(world, backbone).positives, before.positives)


def test_without_anything_to_tell_it_apart_from(world: SimpleNamespace, backbone: Backbone) -> None:
    for path in world.folder.glob("other-*"):
        path.unlink()
    with pytest.raises(UsageError, match="other photos"):
        train(world, backbone)


def test_without_any_other_photo(tmp_path: Path, backbone: Backbone) -> None:
    home = Home(tmp_path / "home").ensure()
    with Library.open(home.database) as library:
        ids = [record(library, photo(tmp_path, "red", (220, 20, 20), n), [1, 0, 0, 0])[0] for n in range(2)]
        concept = library.create_concept("object", "Alone")
        library.add_members(concept.id, ids, source="user", status="confirmed")
        with pytest.raises(UsageError, match="no other photos"):
            train_concept(library, home, concept.id, backbone, CONFIG)


def test_a_single_other_photo_is_enough(tmp_path: Path, backbone: Backbone) -> None:
    home = Home(tmp_path / "home").ensure()
    with Library.open(home.database) as library:
        [member, *_] = record(library, photo(tmp_path, "red", (220, 20, 20), 0), [1, 0, 0, 0])
        record(library, photo(tmp_path, "blue", (20, 20, 220), 0), [0, 1, 0, 0])
        concept = library.create_concept("object", "One shot")
        library.add_members(concept.id, [member], source="user", status="confirmed")
        report = train_concept(library, home, concept.id, backbone, replace(CONFIG, steps=2))
    assert 0 <= report["recognition_augmented"] <= 1


@pytest.mark.parametrize("bank", ["same version", "another version", "another size"])
def test_the_bank_supplies_negatives_and_soft_positives(
    world: SimpleNamespace, pocket_like: Path, tmp_path: Path, bank: str
) -> None:
    from personalizer.concept_pictures import collect_pictures

    folder = Path(shutil.copytree(pocket_like, tmp_path / "with-bank"))
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 4 if bank != "another size" else 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    codes = rng.integers(0, 32, (40, 16)).astype(np.int16)
    version = "1" if bank == "same version" else "2"
    save_file(
        {"codes": codes, "vectors": vectors}, folder / BANK_FILE, metadata={"embedding_version": version}
    )
    backbone = load_backbone(str(folder), "cpu")
    found = collect_pictures(
        world.library,
        world.home,
        world.library.concept(world.concept),
        backbone,
        folder,
        views_per_photo=4,
        soft_positives=12,
        soft_groups=3,
        generation_rows=8,
        seed=0,
    )
    assert found.positives.shape == (12, 16) and found.held_positives.shape == (12, 16)
    everything = {tuple(row) for part in (found.negatives, found.held_negatives) for row in part.tolist()}
    assert {tuple(row) for row in codes.tolist()} <= everything
    assert len(found.soft) == len(found.soft_codes) == (12 if bank == "same version" else 8)
    if bank == "same version":
        assert any(tuple(row) in {tuple(r) for r in codes.tolist()} for row in found.soft_codes.tolist())
    assert 0 < found.hard_negatives <= len(found.negatives)
    own = {tuple(row) for row in found.positives.tolist()}
    assert not own & {tuple(row) for row in found.negatives.tolist()}


@pytest.mark.parametrize("said", ["nothing", "rejected", "suggested"])
def test_lookalikes_are_negatives_only_when_a_person_said_so(
    world: SimpleNamespace, backbone: Backbone, said: str
) -> None:
    library = world.library
    [alike, *_] = record(library, photo(world.folder, "twin", (220, 30, 20), 5), [1.0, 0.1, 0.05, 0])
    if said != "nothing":
        library.add_members(world.concept, [alike], source="user", status=said)
    found = collect(world, backbone)
    assert len(found.negatives) == (9 if said == "rejected" else 8)
    if said == "rejected":
        twin = backbone.encode_images([Image.open(world.folder / "twin-5.jpg")])[0]
        assert torch.equal(found.negatives[0], twin), "the hardest come first"


@pytest.mark.parametrize("kind", ["object", "face"])
@pytest.mark.parametrize("said", ["nothing", "rejected", "suggested"])
def test_what_may_be_the_concept_is_no_negative(
    world: SimpleNamespace, backbone: Backbone, kind: str, said: str
) -> None:
    library = world.library
    if kind == "face":
        [face] = record(library, photo(world.folder, "face", (200, 150, 120), 0), [1.0, 0, 0, 0], "face")
        world.concept = library.create_concept("face", "Ada").id
        library.add_members(world.concept, [face], source="user", status="confirmed")
        record(library, photo(world.folder, "stranger", (9, 80, 7), 1), [0, 0, 1.0, 0], "face")
    # Too far away to be left out as a lookalike.
    unsure, *_ = record(
        library,
        photo(world.folder, "unsure", (220, 30, 90), 5),
        [0.5, 0, 0.8, 0],
        "photo" if kind == "object" else "face",
    )
    if said != "nothing":
        library.add_members(world.concept, [unsure], source="cluster", status=said)
    found = collect(world, backbone)
    everything = len(
        {tuple(row) for part in (found.negatives, found.held_negatives) for row in part.tolist()}
    )
    others = 8 if kind == "object" else 1
    assert everything == others + (said != "suggested")


# --- a killed process ------------------------------------------------------------------------------------------

CHILD = """
import importlib.util, sys, torch
torch.set_num_threads(1)
spec = importlib.util.spec_from_file_location("trainer_tests", sys.argv[1])
tests = importlib.util.module_from_spec(spec)
sys.modules["trainer_tests"] = tests
spec.loader.exec_module(tests)
tests.train_and_say(sys.argv[2], sys.argv[3])
"""
LONG = replace(CONFIG, steps=300, checkpoint_every_s=0.0)


def train_and_say(checkpoint: str, directory: str) -> TrainingOutcome:
    made = trainer(load_backbone(checkpoint, "cpu"), Path(directory), LONG)
    return made.train(lambda progress: print(progress.done, flush=True), None)


@pytest.mark.slow
def test_a_killed_training_continues(pocket_like: Path, backbone: Backbone, tmp_path: Path) -> None:
    assert importlib.util.find_spec("personalizer") is not None
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, __file__, str(pocket_like), str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert child.stdout is not None
    for line in child.stdout:
        if int(line) >= 8:
            break
    os.kill(child.pid, signal.SIGKILL)
    rest = [int(line) for line in child.stdout]
    child.wait()
    done = max([8, *rest])
    seen = Cancel(after=10**9)
    made = trainer(backbone, tmp_path, LONG)
    made.train(seen.progress, seen)
    assert seen.steps[-1] == 300
    assert 7 <= seen.steps[0] - 1 <= done, "at most the step that was being saved is done again"
