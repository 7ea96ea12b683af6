"""Rows in the first layers: what they move, what reaches them, and that nothing changes where there are none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import small_training as small
import torch
from safetensors.torch import load_file

from personalizer.backbones.base import Backbone
from personalizer.errors import JobCancelled, UsageError
from personalizer.prefix.dual_prefix import DualPrefix, DualPrefixConfig, read_manifest, save_prefix
from personalizer.prefix.former_names import with_former_names
from personalizer.prefix.prompts import NO, RECOGNITION_QUESTION, YES, personal_prompt, question_about_image
from personalizer.training.data.examples import Example, ExampleBuilder, TaskWeights
from personalizer.training.deep_prompt import initialize_deep_prompts, prompt_cache, virtual_token_positions
from personalizer.training.hidden_states import ExampleStates
from personalizer.training.loss import Objective
from personalizer.training.train_concept import fingerprint
from personalizer.training.trainer import TrainerConfig

PREFIX_CONFIG = DualPrefixConfig(4, 3, deep_layers=1)
TOLERANCES = {"atol": 1e-5, "rtol": 1e-4}


def made(backbone: Backbone, config: DualPrefixConfig = PREFIX_CONFIG) -> tuple[DualPrefix, ExampleBuilder]:
    """Rows that are nothing in particular, in the layers too."""
    generator = torch.Generator().manual_seed(3)
    builder = ExampleBuilder(backbone, config)
    start = backbone.embed_text(torch.arange(config.num_virtual_tokens) + 5).float()
    deep = None
    if config.deep_layers:
        prompt = builder.prompt_positions(personal_prompt())
        deep = initialize_deep_prompts(backbone, prompt, start, config.deep_layers)
    prefix = DualPrefix(config, start[: config.num_learned_tokens], backbone.output_scale(), deep)
    with torch.no_grad():
        for parameter in prefix.parameters():
            parameter.normal_(generator=generator)
    return prefix, builder


def examples(backbone: Backbone, builder: ExampleBuilder) -> list[Example]:
    generator = torch.Generator().manual_seed(4)
    weights, spec = TaskWeights(), backbone.spec
    first, second = (
        torch.randint(0, spec.codebook_size, (spec.tokens_per_image,), generator=generator).tolist()
        for _ in range(2)
    )
    return [
        builder.recognition((0, first), True, weights),
        builder.recognition((1, second), False, weights),
        builder.description((0, first), weights),
        builder.generation(second, None, weights),
        builder.generation(second, 2, weights),
    ]


def by_hand(
    backbone: Backbone, prefix: DualPrefix, builder: ExampleBuilder, example: Example
) -> torch.Tensor:
    """The last state of one example, run behind a prompt whose cache is moved in plain loops."""
    prompt = builder.prompt_positions(personal_prompt())
    cache = prompt_cache(backbone, prompt, prefix.input_embeddings)
    deep = prefix.deep_prompts
    assert deep is not None
    for layer, (keys, values) in zip(cache.layers, deep, strict=False):
        for row, place in virtual_token_positions(prompt).items():
            for part, moves in ((layer.keys, keys), (layer.values, values)):
                for head, move in enumerate(moves[row].chunk(backbone.spec.kv_heads)):
                    part[0, head, place] += move
    start = len(prompt)
    behind = Example(example.kind[start:], example.value[start:], [], [], [])
    plain = ExampleStates(backbone, DualPrefix(DualPrefixConfig(4, 3), prefix.input_embeddings.detach(), 1.0))
    hidden, _ = backbone.forward(plain.embed([behind])[0], None, cache)
    return hidden[0, -1]


def last(shown: Sequence[Example]) -> list[list[int]]:
    return [[len(example.kind) - 1] for example in shown]


def test_what_stands_behind_the_prompt_reads_the_moved_keys_and_values(backbone: Backbone) -> None:
    prefix, builder = made(backbone)
    states = ExampleStates(backbone, prefix, shared=builder.prompt_positions(personal_prompt()))
    shown = examples(backbone, builder)
    with torch.no_grad():
        together = states.hidden_states_at(shown, last(shown))
        for example, found in zip(shown[:4], together, strict=False):
            torch.testing.assert_close(
                found[0], by_hand(backbone, prefix, builder, example), atol=2e-4, rtol=1e-3
            )
            [alone] = states.hidden_states_at([example], last([example]))
            torch.testing.assert_close(alone, found, atol=2e-4, rtol=1e-3)
        # A lookalike is drawn without the personal prompt, and so without what moves it.
        prefix.deep_offset.zero_()
        still = states.hidden_states_at(shown, last(shown))
    changed = [float((one - other).abs().max()) for one, other in zip(together, still, strict=True)]
    assert min(changed[:4]) > 1e-2 and changed[4] == 0


def test_deep_prompts_of_zero_change_nothing(backbone: Backbone) -> None:
    prefix, builder = made(backbone)
    with torch.no_grad():
        prefix.deep_offset.zero_()
    plain = DualPrefix(
        replace(PREFIX_CONFIG, deep_layers=0), prefix.input_initialization, backbone.output_scale()
    )
    plain.load_state_dict({name: prefix.state_dict()[name] for name in plain.state_dict()})
    prompt, shown = builder.prompt_positions(personal_prompt()), examples(backbone, builder)
    with torch.no_grad():
        with_zeros, without = (
            ExampleStates(backbone, one, shared=prompt).hidden_states_at(shown, last(shown))
            for one in (prefix, plain)
        )
    assert all(torch.equal(one, other) for one, other in zip(with_zeros, without, strict=True))


@pytest.mark.parametrize("checkpointing", [False, True])
def test_gradients_are_those_of_finite_differences(backbone: Backbone, checkpointing: bool) -> None:
    prefix, builder = made(backbone)
    prompt, shown = builder.prompt_positions(personal_prompt()), examples(backbone, builder)
    states = ExampleStates(backbone, prefix, shared=prompt, gradient_checkpointing=checkpointing)
    objective = Objective(backbone, prefix, states, kl_weight=0.0)
    objective.loss(shown).backward()
    gradient = prefix.deep_offset.grad
    assert gradient is not None
    rows = gradient.abs().amax(dim=-1)
    assert rows.shape == (1, 2, 8) and bool((rows > 0).all()), "keys and values of every row"
    direction = torch.randn(gradient.shape, generator=torch.Generator().manual_seed(0))
    step = 1e-2
    losses = []
    with torch.no_grad():
        for sign in (1, -1):
            prefix.deep_offset.add_(sign * step * direction)
            losses.append(float(objective.loss(shown)))
            prefix.deep_offset.sub_(sign * step * direction)
    expected = (losses[0] - losses[1]) / (2 * step)
    assert float((gradient * direction).sum()) == pytest.approx(expected, rel=0.02, abs=1e-4)


def test_training_moves_them_and_leaves_the_backbone_alone(backbone: Backbone, tmp_path: Path) -> None:
    before = {name: value.clone() for name, value in backbone.model.state_dict().items()}  # type: ignore[attr-defined]
    trainer = small.trainer(
        backbone, tmp_path, replace(small.CONFIG, prefix=PREFIX_CONFIG, distractor_share=0.5)
    )
    assert trainer.prefix.deep_prompts is not None and not trainer.prefix.deep_prompts.any()
    trainer.train(None, None)
    assert bool((trainer.prefix.deep_prompts.abs().amax(dim=-1) > 0).all())
    after = backbone.model.state_dict()  # type: ignore[attr-defined]
    assert all(torch.equal(value, after[name]) for name, value in before.items())


@pytest.mark.parametrize("shared", [False, True])
def test_an_interrupted_training_goes_on_to_the_same_rows(
    backbone: Backbone, tmp_path: Path, shared: bool
) -> None:
    rows = DualPrefixConfig(4, 4 if shared else 3, shared=shared, deep_layers=2)
    config = replace(small.CONFIG, prefix=rows, distractor_share=0.5, kl_weight=0.5)
    whole = small.trainer(backbone, tmp_path / "whole", config)
    losses = whole.train(None, None).losses
    cancel = small.Cancel(4)
    with pytest.raises(JobCancelled):
        small.trainer(backbone, tmp_path / "cut", config).train(cancel.progress, cancel)
    continued = small.trainer(backbone, tmp_path / "cut", config)
    assert continued.train(None, None).losses == losses[4:]
    for name, value in whole.prefix.named_parameters():
        assert torch.equal(value, dict(continued.prefix.named_parameters())[name])
    assert set(dict(whole.prefix.named_parameters())) == {"input_offset", "output_offset", "deep_offset"}


def test_they_are_saved_in_a_format_of_their_own(backbone: Backbone, tmp_path: Path) -> None:
    for layers, version in ((0, 1), (2, 2)):
        directory = tmp_path / str(layers)
        prefix, _ = made(backbone, replace(PREFIX_CONFIG, deep_layers=layers))
        save_prefix(prefix, directory, spec=backbone.spec, concept={"id": 1, "name": "Bo"}, training={})
        manifest = read_manifest(directory)
        assert (manifest["format"], manifest["deep_layers"]) == (version, layers)
        stored = load_file(directory / "prefix.safetensors")
        assert ("deep_rows" in stored) == bool(layers)
    deep = prefix.deep_prompts
    assert deep is not None
    assert stored["deep_rows"].dtype == torch.float16
    torch.testing.assert_close(stored["deep_rows"].float(), deep.detach(), atol=1e-3, rtol=1e-3)


def test_two_layers_of_the_bundled_backbone_fit_what_a_concept_may_take(tmp_path: Path) -> None:
    from personalizer.backbones.registry import load_backbone

    pocket = load_backbone("pocket", "cpu")
    prefix, _ = made(pocket, DualPrefixConfig(deep_layers=2))
    report = {"report": {"skipped": [], "questions": 3, "elapsed_s": 30.0}, "fingerprint": "f" * 32}
    size = save_prefix(prefix, tmp_path, spec=pocket.spec, concept={"id": 1, "name": "Bo"}, training=report)
    assert size <= 150_000


def test_what_was_trained_before_there_were_any_is_still_finished() -> None:
    """Finished trainings were also made with settings that are gone, which were off."""
    settings = with_former_names(asdict(TrainerConfig()))
    del settings["rows"]["deep_layers"]
    current = fingerprint("v1", ["a"], TrainerConfig())
    gone = '"ema": 0.0, "patience": 0, "evaluate_every": 20, "pull": 0.0, '
    before = json.dumps(["v1", ["a"], settings]).replace('"preservation": ', gone + '"preservation": ')
    assert gone in before and current == hashlib.sha256(before.encode()).hexdigest()[:32]
    assert current != fingerprint("v1", ["a"], TrainerConfig(prefix=DualPrefixConfig(deep_layers=1)))


def test_more_layers_than_there_are_and_prompts_that_are_not_shared_are_refused(
    backbone: Backbone, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"outside 0\.\.256"):
        DualPrefixConfig(deep_layers=-1)
    many = replace(small.CONFIG, prefix=DualPrefixConfig(4, 3, deep_layers=backbone.spec.layers + 1))
    with pytest.raises(UsageError, match=f"has {backbone.spec.layers}"):
        small.trainer(backbone, tmp_path, many)
    prefix, builder = made(backbone)
    with pytest.raises(ValueError, match="none was given"):
        ExampleStates(backbone, prefix)
    with pytest.raises(ValueError, match="initialize them from"):
        DualPrefix(PREFIX_CONFIG, prefix.input_initialization, 1.0)
    prompt = builder.prompt_positions(personal_prompt())
    states = ExampleStates(backbone, prefix, shared=prompt)
    shown = examples(backbone, builder)[:1]
    with pytest.raises(ValueError, match="are not available"):
        states.hidden_states_at(shown, [[0]])


def test_what_was_trained_is_what_is_served(backbone: Backbone, tmp_path: Path) -> None:
    from exporters.onnx.torch_session import TorchSession
    from exporters.runtime.answers import prefill_answer
    from exporters.runtime.concept import ConceptRuntime

    config = replace(small.CONFIG, prefix=replace(PREFIX_CONFIG, deep_layers=2), steps=12, learning_rate=0.2)
    trainer = small.trainer(backbone, tmp_path, config)
    trainer.train(None, None)
    folder = tmp_path / "prefix"
    said = {"concept": {"id": 1, "name": "Bo"}, "training": {}}
    save_prefix(trainer.prefix, folder, spec=backbone.spec, **said)
    session = TorchSession(backbone)
    concept = ConceptRuntime.load(session, folder)
    codes = small.random_dataset().validation_positives
    contexts = [[context] for context in session.embed_image_codes(codes.numpy())]
    asked = question_about_image(RECOGNITION_QUESTION)
    hidden, _ = prefill_answer(concept, asked, contexts)
    logits = concept.logits(hidden)
    assert concept.prefix.deep_prompts is not None and np.abs(concept.prefix.deep_prompts).max() > 0.1
    yes, no = (backbone.tokenize(word)[0] for word in (YES, NO))
    # Keys and values are served in float16.
    np.testing.assert_allclose(
        logits[:, yes] - logits[:, no], trainer.yes_no_log_odds(True).numpy(), atol=2e-2
    )
