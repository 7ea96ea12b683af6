"""Both ways of training take turns from the same rows, and what is measured of them is what they did."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import small_training as small
import torch

from personalizer.backbones.registry import load_backbone
from personalizer.benchmarks.training_speed import (
    Request,
    main,
    measure,
    validation_examples,
    validation_loss,
)
from personalizer.errors import UsageError
from personalizer.training.data.examples import ExampleBuilder

SETTINGS = {"recognition": 2, "description": 1, "generation": 2, "views_per_photo": 2, "soft_positives": 3}


@pytest.fixture(scope="module")
def request_for(pocket_like: Path, tmp_path_factory: pytest.TempPathFactory) -> Request:
    from PIL import Image

    folder = tmp_path_factory.mktemp("photos")
    paths = []
    for number in range(10):
        path = folder / f"{number}.png"
        Image.effect_noise((40, 40 + number), 60 + number).convert("RGB").save(path)
        paths.append(str(path))
    return Request(
        subject=paths[:2],
        negatives=paths[2:],
        sides=["ours", "baseline"],
        backbone=str(pocket_like),
        device="cpu",
        steps=6,
        evaluate_every=3,
        trainer=SETTINGS,
    )


def test_both_sides_start_alike_and_learn(request_for: Request) -> None:
    seen: list[tuple[int, int]] = []
    found = measure(request_for, lambda done, total: seen.append((done, total)))
    assert seen == [(step, 6) for step in range(7)]
    ours, baseline = found["ours"], found["baseline"]
    assert ours["held"][0] == baseline["held"][0], "the same rows, measured in the same way"
    for side in (ours, baseline):
        assert [step for step, _ in side["held"]] == [0, 3, 6]
        assert len(side["seconds"]) == 6 and min(side["seconds"]) > 0
        assert side["held"][-1][1] != side["held"][0][1]
    rows, hidden, words = 1 + 16 + 16, 32, 300 + 4
    assert ours["optimizer_bytes"] == 2 * 2 * 4 * rows * hidden
    assert baseline["optimizer_bytes"] > 2 * 2 * 4 * words * hidden
    assert found["peak_mib"] > 100
    json.dumps(found, allow_nan=False)


def test_validation_loss_counts_each_task_once(pocket_like: Path, tmp_path: Path) -> None:
    data, backbone = small.random_dataset(), load_backbone(str(pocket_like), "cpu")
    trainer = small.trainer(backbone, tmp_path, dataset=data)
    builder = ExampleBuilder(backbone, trainer.config.prefix)
    tasks = validation_examples(builder, data, trainer.config.weights)
    assert [len(task) for task in tasks] == [2, 3, 2, 2]
    with torch.no_grad():
        alone = [[float(trainer.objective.loss([example])) for example in task] for task in tasks]
    means = [sum(losses) / len(losses) for losses in alone]
    assert validation_loss(trainer.objective, tasks) == pytest.approx(sum(means) / 4, abs=1e-5)
    # None of them is trained on: each of its pictures is a held one.
    kept = {
        tuple(codes) for codes in [*data.validation_positives.tolist(), *data.validation_negatives.tolist()]
    }
    for example in (example for task in tasks for example in task):
        seen = [value for kind, value in zip(example.kind, example.value, strict=True) if kind == 1]
        last = [example.target[-1]] if example.target_is_code[-1] else []
        assert any(tuple((seen + last)[:16]) == codes for codes in kept)


def test_padding_is_as_asked_and_never_too_short(request_for: Request) -> None:
    once = replace(request_for, sides=["baseline"], steps=1, evaluate_every=0)
    usual = measure(once, lambda *_: None)["padded_to"]
    assert measure(replace(once, padded_to=usual + 40), lambda *_: None)["padded_to"] == usual + 40
    with pytest.raises(UsageError, match="longest"):
        measure(replace(once, padded_to=5), lambda *_: None)


def test_the_process_says_what_it_cannot_do(request_for: Request, capsys: pytest.CaptureFixture[str]) -> None:
    from dataclasses import asdict

    wrong: dict[str, Any] = asdict(replace(request_for, negatives=[]))
    assert main([json.dumps(wrong)]) == UsageError.exit_code
    assert "0 of other things" in json.loads(capsys.readouterr().out)["error"]["found"]
