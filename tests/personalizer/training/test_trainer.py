"""What one step minimises, where rows start and what is measured on what was held out."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_training as small
import torch

from personalizer.backbones.base import Backbone
from personalizer.errors import UsageError
from personalizer.training.data.examples import Example, ExampleBuilder, TaskWeights
from personalizer.training.loss import loss_positions
from personalizer.training.trainer import TrainerConfig


def test_gradients_reach_the_new_rows_only(backbone: Backbone, tmp_path: Path) -> None:
    before = {name: value.clone() for name, value in backbone.model.state_dict().items()}
    made = small.trainer(backbone, tmp_path)
    start = small.embeddings(made)
    outcome = made.train(None, None)
    assert outcome.steps == len(outcome.losses) == 6
    after = backbone.model.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert all(parameter.grad is None for parameter in backbone.model.parameters())
    moved = (small.embeddings(made) - start).abs().amax(dim=1)
    assert moved.shape == (2 * 8,) and bool((moved > 0).all()), "every row is read and emitted by some task"
    trained = {id(p) for group in made.optimizer.param_groups for p in group["params"]}
    assert trained == {id(p) for p in made.prefix.parameters()}


def test_loss_falls_on_a_tiny_set(backbone: Backbone, tmp_path: Path) -> None:
    config = replace(small.CONFIG, steps=60, learning_rate=0.1)
    outcome = small.trainer(
        backbone, tmp_path, config, dataset=small.random_dataset(positives=1, soft=0)
    ).train(None, None)
    assert np.mean(outcome.losses[-10:]) < 0.7 * np.mean(outcome.losses[:5])
    assert all(math.isfinite(loss) for loss in outcome.losses)


def test_initial_tokens_are_the_free_name_and_pieces_of_own_pictures(
    backbone: Backbone, tmp_path: Path
) -> None:
    made = small.trainer(backbone, tmp_path)
    start = made.prefix.input_embeddings.detach()
    torch.testing.assert_close(start[0], backbone.name_prior())
    pieces = backbone.embed_image_codes(small.random_dataset().positives).flatten(0, 1)
    for row in start[1:]:
        assert bool((pieces == row).all(dim=1).any())


def test_only_graded_positions_count(backbone: Backbone, tmp_path: Path) -> None:
    made = small.trainer(backbone, tmp_path)
    builder = ExampleBuilder(backbone, small.CONFIG.prefix)
    codes = small.random_dataset().positives[0].tolist()
    for example in (
        builder.recognition((0, codes), True, TaskWeights()),
        builder.description((0, codes), TaskWeights()),
        builder.generation(codes, None, TaskWeights()),
    ):
        with torch.no_grad():
            loss = made.objective.loss([example])
            graded = loss_positions(example)
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
    made = small.trainer(backbone, tmp_path)
    with torch.no_grad():
        made.prefix.output_offset.normal_(generator=torch.Generator().manual_seed(0))
        builder = ExampleBuilder(backbone, small.CONFIG.prefix)
        data = small.random_dataset()
        examples = [
            builder.recognition((0, data.positives[0].tolist()), True, TaskWeights()),
            builder.generation(data.soft_codes[0].tolist(), 2, TaskWeights()),
        ]
        expected = 0.0
        for example in examples:
            embedded, mask = made.states.embed([example])
            hidden, _ = backbone.forward(embedded, mask)
            for place in loss_positions(example):
                state = hidden[0, place]
                if example.target_is_code[place]:
                    logits = backbone.image_logits(state)
                else:
                    logits = torch.cat([backbone.text_logits(state), made.prefix.output_embeddings @ state])
                expected -= float(logits.log_softmax(-1)[example.target[place]]) * example.weight[place]
        # Together they are padded to the longer one.
        assert float(made.objective.loss(examples)) == pytest.approx(expected / 2, rel=1e-4)


@pytest.mark.parametrize(
    "wrong", [{"steps": 0}, {"learning_rate": 0.0}, {"recognition": 1}, {"generation": -1}]
)
def test_impossible_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        TrainerConfig(**wrong)


def test_accuracy_on_what_was_held_out(backbone: Backbone, tmp_path: Path) -> None:
    made = small.trainer(backbone, tmp_path, replace(small.CONFIG, weights=TaskWeights(recognition=0.0)))
    positives, negatives = made.yes_no_log_odds(True), made.yes_no_log_odds(False)
    assert positives.shape == (2,) and negatives.shape == (3,)
    outcome = made.train(None, None)
    assert 0.0 <= outcome.recognition_augmented <= 1.0
    nothing = replace(small.random_dataset(), validation_positives=torch.zeros((0, 16), dtype=torch.long))
    outcome = small.trainer(backbone, tmp_path / "none", dataset=nothing).train(None, None)
    assert math.isnan(outcome.recognition_augmented) and outcome.yes_no_threshold == 0.0


def test_yes_no_reads_the_answers_first_word(backbone: Backbone, tmp_path: Path) -> None:
    """The same margin as a plain pass over the prompt and the self-prompt, without the answer behind it."""
    made = small.trainer(backbone, tmp_path)
    codes = small.random_dataset().validation_positives[1].tolist()
    builder = ExampleBuilder(backbone, small.CONFIG.prefix)
    example = builder.recognition((4, codes), True, TaskWeights())
    words = [*backbone.tokenize("yes."), backbone.spec.end_id]
    kept = len(example.kind) - (len(words) - 1)
    cut = Example(*(getattr(example, name)[:kept] for name in Example.__slots__))
    with torch.no_grad():
        hidden, _ = backbone.forward(*made.states.embed([cut]))
        logits = backbone.text_logits(hidden[0, -1])
    yes, no = backbone.tokenize("yes.")[0], backbone.tokenize("no.")[0]
    assert float(made.yes_no_log_odds(True)[1]) == pytest.approx(float(logits[yes] - logits[no]), abs=1e-4)
