"""The baseline learns from the same examples to the same loss and gradients; only its way there is longer."""

from __future__ import annotations

import pytest
import torch

from personalizer.backbones.base import Backbone
from personalizer.backbones.chameleon import ChameleonBackbone
from personalizer.backbones.registry import load_backbone
from personalizer.benchmarks.naive_trainer import NaiveRecipe
from personalizer.prefix.dual_prefix import DualPrefix, DualPrefixConfig
from personalizer.prefix.prompts import personal_prompt
from personalizer.training.data.examples import Example, ExampleBuilder, TaskWeights
from personalizer.training.hidden_states import ExampleStates
from personalizer.training.loss import Objective, loss_positions

PREFIX_CONFIG = DualPrefixConfig(4, 3)


@pytest.fixture(scope="module", params=["pocket_like", "published", "pocket"])
def backbone(request: pytest.FixtureRequest) -> ChameleonBackbone:
    name = request.param if request.param == "pocket" else str(request.getfixturevalue(request.param))
    loaded: Backbone = load_backbone(name, "cpu")
    assert isinstance(loaded, ChameleonBackbone)
    return loaded


def batch(
    backbone: ChameleonBackbone,
) -> tuple[DualPrefix, ExampleBuilder, list[Example], dict[tuple[int, ...], torch.Tensor]]:
    generator = torch.Generator().manual_seed(6)
    prefix = DualPrefix(
        PREFIX_CONFIG,
        backbone.embed_text(torch.arange(PREFIX_CONFIG.num_virtual_tokens) + 5).float(),
        backbone.output_scale(),
    )
    with torch.no_grad():
        prefix.input_offset.normal_(generator=generator)
        prefix.output_offset.normal_(generator=generator)
    side = backbone.spec.image_size_px
    pixels = torch.rand((4, 3, side, side), generator=generator) * 2 - 1
    codes = backbone.encode_pixels(pixels).tolist()
    builder, weights = ExampleBuilder(backbone, PREFIX_CONFIG), TaskWeights()
    examples = [
        builder.recognition((0, codes[0]), True, weights),
        builder.recognition((1, codes[1]), False, weights),
        builder.description((0, codes[0]), weights),
        builder.generation(codes[2], None, weights),
        builder.generation(codes[3], 2, weights),
    ]
    pictures = {tuple(its_codes): picture for its_codes, picture in zip(codes, pixels, strict=True)}
    return prefix, builder, examples, pictures


def recipe(backbone: ChameleonBackbone, *, our_weights: bool, padded_to: int = 0) -> NaiveRecipe:
    prefix, _, examples, pictures = batch(backbone)
    return NaiveRecipe(
        backbone,
        prefix,
        pictures,
        padded_to=padded_to or max(len(example.target) for example in examples) + 9,
        learning_rate=0.01,
        our_weights=our_weights,
    )


def test_with_our_weights_it_is_the_same_loss_and_the_same_gradients(backbone: ChameleonBackbone) -> None:
    prefix, builder, examples, _ = batch(backbone)
    states = ExampleStates(backbone, prefix, shared=builder.prompt_positions(personal_prompt()))
    ours = Objective(backbone, prefix, states, kl_weight=0.0).loss(examples)
    ours.backward()
    naive = recipe(backbone, our_weights=True)
    theirs = naive.loss(examples)
    theirs.backward()
    assert float(theirs.detach()) == pytest.approx(float(ours.detach()), abs=1e-4)
    first = backbone.spec.text_vocabulary
    for matrix, offset, scale in (
        (naive.input_matrix, prefix.input_offset, prefix.input_scale),
        (naive.output_matrix, prefix.output_offset, prefix.output_scale),
    ):
        gradient = matrix.grad[first:] * scale
        assert float(gradient.abs().max()) > 1e-4
        torch.testing.assert_close(gradient, offset.grad, atol=2e-5, rtol=1e-3)


def test_its_own_loss_is_the_mean_over_all_labels_and_the_whole_vocabulary(
    backbone: ChameleonBackbone,
) -> None:
    prefix, _, examples, _ = batch(backbone)
    naive = recipe(backbone, our_weights=False)
    states = ExampleStates(backbone, prefix)
    values: list[torch.Tensor] = []
    with torch.no_grad():
        for example in examples:
            places = loss_positions(example)
            [hidden] = states.hidden_states_at([example], [places])
            chances = (hidden @ naive.output_matrix.T).log_softmax(dim=-1)
            for state, place in zip(chances, places, strict=True):
                target = example.target[place]
                values.append(-state[backbone.image_ids[target] if example.target_is_code[place] else target])
        found = naive.loss(examples)
    assert float(found) == pytest.approx(float(torch.stack(values).mean()), abs=1e-4)


def test_a_step_moves_the_new_rows_only_and_measures_them(backbone: ChameleonBackbone) -> None:
    prefix, _, examples, _ = batch(backbone)
    naive = recipe(backbone, our_weights=False)
    first = backbone.spec.text_vocabulary
    before = (naive.input_matrix.detach().clone(), naive.output_matrix.detach().clone())
    losses = [naive.step(examples) for _ in range(3)]
    assert losses[2] < losses[0]
    for matrix, was in zip((naive.input_matrix, naive.output_matrix), before, strict=True):
        assert torch.equal(matrix[:first], was[:first])
        assert bool((matrix[first:] != was[first:]).any(dim=1).all())
    naive.put_virtual_tokens_into(prefix)
    torch.testing.assert_close(prefix.input_embeddings, naive.input_matrix[first:], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(prefix.output_embeddings, naive.output_matrix[first:], atol=1e-5, rtol=1e-4)


def test_pictures_are_encoded_at_every_step_and_drawn_ones_twice(
    backbone: ChameleonBackbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, examples, _ = batch(backbone)
    naive, encode, encoded = recipe(backbone, our_weights=False), backbone.encode_pixels, []

    def counted(pixels: torch.Tensor) -> torch.Tensor:
        encoded.append(len(pixels))
        return encode(pixels)

    monkeypatch.setattr(backbone, "encode_pixels", counted)
    for _ in range(2):
        with torch.no_grad():
            naive.loss(examples)
    assert sum(encoded) == 2 * (5 + 2)
