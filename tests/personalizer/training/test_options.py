"""Each option of the trainer does something, and an interrupted run goes on to the same rows with every one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from personalizer.backbones.base import Backbone
from personalizer.backbones.registry import load_backbone
from personalizer.errors import JobCancelled, UsageError
from personalizer.prefix.dual_prefix import DualPrefixConfig
from personalizer.prefix.former_names import with_former_names
from personalizer.training.data.examples import VIRTUAL, Example, ExampleBuilder, PrefixDataset, TaskWeights
from personalizer.training.data.soft_positives import SoftPositive
from personalizer.training.initialization import Initialization
from personalizer.training.kl_regularization import QUESTIONS_PER_PICTURE, KLRegularization
from personalizer.training.train_concept import fingerprint
from personalizer.training.trainer import REMOVED_SETTINGS, PrefixTrainer, TrainerConfig

CONFIG = TrainerConfig(
    prefix=DualPrefixConfig(4, 3),
    steps=8,
    recognition=2,
    description=1,
    generation=2,
    checkpoint_every_s=1e9,
)


@pytest.fixture(scope="module")
def backbone(pocket_like: Path) -> Backbone:
    return load_backbone(str(pocket_like), "cpu")


@pytest.fixture(scope="module")
def data() -> PrefixDataset:
    generator = torch.Generator().manual_seed(4)
    codes = [torch.randint(0, 32, (count, 16), generator=generator) for count in (3, 2, 5, 3, 2)]
    soft = [SoftPositive(index, 0.5, 2 - index) for index in range(2)]
    return PrefixDataset(*codes[:4], hard_negatives=2, soft_codes=codes[4], soft=soft)


def offsets(made: PrefixTrainer) -> torch.Tensor:
    return torch.cat([made.prefix.input_offset, made.prefix.output_offset]).detach().clone()


@pytest.mark.parametrize(
    "options",
    [
        {"gradient_checkpointing": True},
        {"kl_weight": 0.5},
        {"distractor_share": 0.5, "kl_questions": 2},
    ],
)
def test_every_option_goes_on_exactly(
    backbone: Backbone, data: PrefixDataset, tmp_path: Path, options: dict[str, Any]
) -> None:
    config, cut = replace(CONFIG, **options), 5
    whole = PrefixTrainer(backbone, data, config, tmp_path / "whole", "f")
    complete = whole.train(None, None)
    done: list[int] = []
    with pytest.raises(JobCancelled):
        PrefixTrainer(backbone, data, config, tmp_path / "cut", "f").train(
            lambda progress: done.append(progress.done), lambda: len(done) == cut
        )
    continued = PrefixTrainer(backbone, data, config, tmp_path / "cut", "f")
    outcome = continued.train(None, None)
    assert (outcome.steps, outcome.losses) == (complete.steps, complete.losses[cut:])
    assert torch.equal(offsets(continued), offsets(whole))
    # And once more behind the end, where only the measuring is left to do.
    again = PrefixTrainer(backbone, data, config, tmp_path / "cut", "f")
    assert again.train(None, None).losses == []
    assert torch.equal(offsets(again), offsets(whole))


def changed_answers(made: PrefixTrainer, backbone: Backbone, data: PrefixDataset) -> float:
    """How far the personal prompt moves answers about other pictures, in nats."""
    regularization = KLRegularization(backbone, made.prefix, ExampleBuilder(backbone, CONFIG.prefix))
    first = len(data.positives) + len(data.validation_positives)
    pictures = [(first + number, codes) for number, codes in enumerate(data.negatives.tolist())]
    with torch.no_grad():
        values = []
        for question in regularization.sample_questions(pictures, np.random.default_rng(0)):
            [state] = made.states.hidden_states_at([question.example], [question.positions])
            changed = made.objective.extended_text_logits(state).log_softmax(dim=-1)
            values.append(float(question.divergence(changed)))
    return sum(values) / len(values)


def test_kl_regularization_keeps_answers_about_other_things(
    backbone: Backbone, data: PrefixDataset, tmp_path: Path
) -> None:
    changed = {}
    for weight in (0.0, 3.0):
        config = replace(CONFIG, steps=40, kl_weight=weight)
        made = PrefixTrainer(backbone, data, config, tmp_path / str(weight), "f")
        made.train(None, None)
        changed[weight] = changed_answers(made, backbone, data)
    assert 0 <= changed[3.0] < 0.8 * changed[0.0]


def test_kl_questions_hold_the_frozen_models_predictions(
    backbone: Backbone, data: PrefixDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("personalizer.training.kl_regularization.FORCED_SHARE", 0.5)
    made = PrefixTrainer(backbone, data, CONFIG, tmp_path, "f")
    builder = ExampleBuilder(backbone, CONFIG.prefix)
    pictures = [(number, codes) for number, codes in enumerate(data.positives.tolist())]
    forced = 0
    for question in KLRegularization(backbone, made.prefix, builder).sample_questions(
        pictures, np.random.default_rng(0)
    ):
        example = question.example
        begin, _ = example.image_span
        rows = [place for place, kind in enumerate(example.kind) if kind == VIRTUAL and place > begin]
        forced += bool(rows)
        # The same without the personal prompt and without the rows before the answer.
        kept = [0, *(place for place in range(begin, len(example.kind)) if place not in rows)]
        bare = Example([example.kind[p] for p in kept], [example.value[p] for p in kept], [], [], [])
        with torch.no_grad():
            hidden, _ = backbone.forward(*made.states.embed([bare]))
            logits = backbone.text_logits(hidden[0, -len(question.positions) :]).log_softmax(dim=-1)
        torch.testing.assert_close(logits.gather(1, question.top_ids), question.frozen, atol=1e-4, rtol=1e-3)
        # An answer that nothing changed costs nothing, and one that anything changed costs something.
        silent = torch.full((len(logits), CONFIG.prefix.num_virtual_tokens), -1e9)
        unchanged = torch.cat([logits, silent], dim=1)
        assert float(question.divergence(unchanged)) == pytest.approx(0, abs=1e-5)
        assert float(question.divergence(unchanged.roll(1, dims=1))) > 0.01
        spoken = torch.cat([logits, torch.zeros_like(silent)], dim=1).log_softmax(dim=-1)
        assert float(question.divergence(spoken)) > 0.1
    assert forced


def test_what_was_asked_once_is_known(
    backbone: Backbone, data: PrefixDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = PrefixTrainer(backbone, data, CONFIG, tmp_path, "f")
    regularization = KLRegularization(backbone, made.prefix, ExampleBuilder(backbone, CONFIG.prefix))
    pictures = [(0, data.positives[0].tolist())]
    first = [regularization.sample_questions(pictures, np.random.default_rng(n))[0] for n in range(8)]
    monkeypatch.setattr(backbone, "forward", None)
    again = [regularization.sample_questions(pictures, np.random.default_rng(n))[0] for n in range(8)]
    assert all(one is other for one, other in zip(first, again, strict=True))
    assert len({id(one) for one in first}) == QUESTIONS_PER_PICTURE


@pytest.mark.parametrize(
    "wrong",
    [
        {"kl_weight": -1},
        {"kl_questions": 0},
        {"distractor_share": 1.5},
    ],
)
def test_impossible_options_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        TrainerConfig(**wrong)


@pytest.mark.parametrize(
    "wrong", [{"generation": 0, "recognition": 0, "description": 0}, {"initialization": "zeros"}]
)
def test_settings_that_train_nothing_or_begin_nowhere_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        TrainerConfig(**wrong)


def test_settings_from_a_job_are_checked() -> None:
    config = TrainerConfig.with_settings({"steps": 3, "prefix": {"shared": True}, "weights": {"text": 0.0}})
    assert config == replace(
        TrainerConfig(), steps=3, prefix=DualPrefixConfig(shared=True), weights=TaskWeights(text=0.0)
    )
    assert TrainerConfig.with_settings({}) == TrainerConfig()
    for wrong in ({"stepps": 3}, {"prefix": {"shard": True}}, {"prefix": 3}, {"rows": 3}, {"steps": "many"}):
        with pytest.raises(UsageError, match="with the settings"):
            TrainerConfig.with_settings(wrong)


FORMER_SETTINGS = {
    "rows": {"generation_rows": 4, "understanding_rows": 4},
    "preservation": 0.0,
    "preserved": 2,
    "companions": 0.0,
    "start": "mean",
    "hard_negatives": False,
}


@pytest.mark.parametrize(
    ("settings", "before"),
    [
        ({}, "98eb05a8ce8b62599f75218b5c4d8d7e"),
        (
            {"steps": 3, "rows": {"shared": True}, "weights": {"text": 0.0}},
            "b031000a2734ba09e5c1e7df1b76c452",
        ),
        ({"rows": {"deep_layers": 2}}, "7cb867280970a1e5c92b1f29b5af5b56"),
        (FORMER_SETTINGS, "2a0bf73ced13a1a9b42767ea2de7925b"),
    ],
)
def test_fingerprints_are_those_of_the_former_names(settings: dict[str, Any], before: str) -> None:
    """The values were printed by commit 8fd5693, before the fields were renamed."""
    assert fingerprint("v1", ["b", "a"], TrainerConfig.with_settings(settings)) == before


def test_former_names_and_current_names_set_the_same_fields() -> None:
    current = {
        "prefix": {"generation_tokens": 4, "understanding_tokens": 4},
        "kl_weight": 0.0,
        "kl_questions": 2,
        "distractor_share": 0.0,
        "initialization": "mean",
        "hard_negatives": False,
    }
    assert with_former_names(current) == FORMER_SETTINGS
    assert TrainerConfig.with_settings(FORMER_SETTINGS) == TrainerConfig.with_settings(current)
    config = TrainerConfig.with_settings(current)
    assert (config.kl_weight, config.kl_questions, config.distractor_share) == (0.0, 2, 0.0)
    assert config.initialization == "mean" and config.prefix == DualPrefixConfig(4, 4)


def test_settings_of_earlier_versions_are_ignored() -> None:
    """Jobs that were queued before an update may give them, whatever their values were."""
    earlier = {"ema": 0.95, "patience": 3, "evaluate_every": 1, "pull": 0.001}
    assert set(earlier) == set(REMOVED_SETTINGS)
    assert TrainerConfig.with_settings(earlier | {"steps": 3}) == TrainerConfig(steps=3)
    with pytest.raises(UsageError, match="emma"):
        TrainerConfig.with_settings(earlier | {"emma": 0.95})


def test_one_set_of_rows_stays_one(backbone: Backbone, data: PrefixDataset, tmp_path: Path) -> None:
    config = replace(CONFIG, prefix=DualPrefixConfig(4, 4, shared=True))
    made = PrefixTrainer(backbone, data, config, tmp_path, "f")
    before = made.prefix.tensors()
    made.train(None, None)
    after = made.prefix.tensors()
    for side in ("input", "output"):
        assert torch.equal(after[f"generation_{side}"], after[f"understanding_{side}"])
        moved = (after[f"generation_{side}"] - before[f"generation_{side}"]).abs().amax(dim=1)
        assert bool((moved > 0).all())


def test_without_self_prompting_no_row_but_the_name_is_ever_wanted(
    backbone: Backbone, data: PrefixDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(CONFIG, prefix=replace(CONFIG.prefix, self_prompting=False), steps=20)
    made = PrefixTrainer(backbone, data, config, tmp_path, "f")
    made.train(None, None)
    monkeypatch.setattr("personalizer.training.kl_regularization.FORCED_SHARE", 0.5)
    pictures = [(number, codes) for number, codes in enumerate(data.positives.tolist())]
    regularization = KLRegularization(backbone, made.prefix, made.builder)
    with torch.no_grad():
        for question in regularization.sample_questions(pictures, np.random.default_rng(0)):
            [state] = made.states.hidden_states_at([question.example], [question.positions])
            logits = made.objective.extended_text_logits(state)
            likeliest = logits[:, backbone.spec.text_vocabulary + 1 :].amax(dim=1)
            assert bool((likeliest < logits.amax(dim=1)).all())
            behind = question.example.kind[question.example.image_span[1] :]
            assert VIRTUAL not in behind, "no answer begins with rows"


@pytest.mark.parametrize("initialization", ["pieces", "mean", "random"])
def test_rows_begin_the_same_each_time(
    backbone: Backbone, data: PrefixDataset, tmp_path: Path, initialization: Initialization
) -> None:
    config = replace(CONFIG, initialization=initialization)
    first, again, other = (
        PrefixTrainer(backbone, data, made, tmp_path, "f").prefix.input_initialization
        for made in (config, config, replace(config, seed=1))
    )
    assert torch.equal(first, again) and first.shape == (8, backbone.spec.hidden_size)
    assert torch.equal(first[0], backbone.name_prior())
    assert torch.equal(first, other) == (initialization != "random")
    pieces = backbone.embed_image_codes(data.positives).flatten(0, 1)
    if initialization == "random":
        assert float(first[1:].pow(2).mean()) == pytest.approx(float(pieces.pow(2).mean()), rel=0.3)
    if initialization == "mean":
        # Each is the mean of those that are nearest to it: k-means has settled.
        nearest = torch.cdist(pieces, first[1:]).argmin(dim=1)
        for number in nearest.unique().tolist():
            torch.testing.assert_close(first[1 + number], pieces[nearest == number].mean(dim=0))
