"""Running a batch cleverly gives what running it plainly gives."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from personalizer.backbones.base import Backbone
from personalizer.backbones.registry import load_backbone
from personalizer.prefix.dual_prefix import DualPrefix, DualPrefixConfig
from personalizer.prefix.prompts import Text, personal_prompt, question, question_about_image
from personalizer.training.data.examples import TEXT, Example, ExampleBuilder, TaskWeights
from personalizer.training.hidden_states import ExampleStates, buckets_by_length
from personalizer.training.loss import Objective

PREFIX_CONFIG = DualPrefixConfig(4, 3)


@pytest.fixture(scope="module", params=["pocket_like", "published", "pocket"])
def backbone(request: pytest.FixtureRequest) -> Backbone:
    """The bundled one and both tiny ones; grouped queries are in `published`."""
    name = request.param if request.param == "pocket" else str(request.getfixturevalue(request.param))
    return load_backbone(name, "cpu")


def made(backbone: Backbone) -> tuple[DualPrefix, ExampleBuilder, list[Example]]:
    """Rows that are nothing in particular, and examples of every task and of several lengths."""
    generator = torch.Generator().manual_seed(3)
    start = backbone.embed_text(torch.arange(PREFIX_CONFIG.num_virtual_tokens) + 5).float()
    prefix = DualPrefix(PREFIX_CONFIG, start, backbone.output_scale())
    with torch.no_grad():
        prefix.input_offset.normal_(generator=generator)
        prefix.output_offset.normal_(generator=generator)
    builder, weights = ExampleBuilder(backbone, PREFIX_CONFIG), TaskWeights()
    spec = backbone.spec

    def picture() -> tuple[int, list[int]]:
        codes = torch.randint(0, spec.codebook_size, (spec.tokens_per_image,), generator=generator)
        return 0, codes.tolist()

    words = [(TEXT, token) for token in [*backbone.tokenize("yes."), spec.end_id]]
    twice, thrice = picture(), picture()
    about = [*personal_prompt(), *question_about_image("is it red?")]
    examples = [
        builder.recognition(picture(), True, weights),
        builder.generation(picture()[1], 2, weights),
        builder.recognition(picture(), False, weights),
        builder.example([*personal_prompt(), *question("is {name} red?")], None, [(words, 1.0)]),
        builder.description(picture(), weights),
        # What is graded directly behind the shared beginning needs a state of the beginning itself.
        builder.example(personal_prompt(), None, [(words, 0.7)]),
        builder.example([Text("a photo.")], None, [(words, 0.3)]),
        builder.generation(picture()[1], None, weights),
        # Pictures that several examples read.
        builder.recognition(thrice, True, weights),
        builder.description(twice, weights),
        builder.example(about, thrice, [(words, 1.0)]),
        builder.recognition(twice, True, weights),
        builder.description(thrice, weights),
    ]
    return prefix, builder, examples


def loss_and_gradients(
    backbone: Backbone, prefix: DualPrefix, states: ExampleStates, examples: Sequence[Example]
) -> tuple[float, torch.Tensor]:
    prefix.zero_grad()
    loss = Objective(backbone, prefix, states, kl_weight=0.0).loss(examples)
    loss.backward()
    gradients = torch.cat([parameter.grad for parameter in prefix.parameters()])
    return float(loss.detach()), gradients.clone()


@pytest.mark.parametrize("checkpointing", [False, True])
def test_sharing_the_prompt_changes_neither_loss_nor_gradients(
    backbone: Backbone, checkpointing: bool
) -> None:
    prefix, builder, examples = made(backbone)
    plain = ExampleStates(backbone, prefix)
    whole = [plain.embed([example]) for example in examples]
    sharing = ExampleStates(
        backbone,
        prefix,
        shared=builder.prompt_positions(personal_prompt()),
        gradient_checkpointing=checkpointing,
    )
    expected, gradients = loss_and_gradients(backbone, prefix, plain, examples)
    found, shared_gradients = loss_and_gradients(backbone, prefix, sharing, examples)
    assert found == pytest.approx(expected, abs=1e-5)
    assert float(gradients.abs().max()) > 1e-3
    torch.testing.assert_close(shared_gradients, gradients, atol=1e-5, rtol=1e-4)
    # And both are what each example gives alone, run whole with its mask.
    places = [[len(example.kind) - 1] for example in examples]
    with torch.no_grad():
        for (embeddings, mask), last, state in zip(
            whole, places, sharing.hidden_states_at(examples, places), strict=True
        ):
            hidden, _ = backbone.forward(embeddings, mask)
            torch.testing.assert_close(state, hidden[0, last], atol=2e-4, rtol=1e-3)


def counted(backbone: Backbone, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many positions each run of the backbone from now on has."""
    positions: list[int] = []
    forward = backbone.forward

    def counting(embeddings: torch.Tensor, mask: object = None, cache: object = None) -> object:
        positions.append(embeddings.shape[0] * embeddings.shape[1])
        return forward(embeddings, mask, cache)

    monkeypatch.setattr(backbone, "forward", counting)
    return positions


def test_the_prompt_is_run_once(backbone: Backbone, monkeypatch: pytest.MonkeyPatch) -> None:
    prefix, builder, examples = made(backbone)
    positions = counted(backbone, monkeypatch)
    shared = builder.prompt_positions(personal_prompt())
    alike = [example for example in examples if example.kind[: len(shared)] == [kind for kind, _ in shared]]
    alike = [alike[number] for number in (0, 1, 3)]
    for used, times in (((), 3), (shared, 1)):
        positions.clear()
        states = ExampleStates(backbone, prefix, shared=used)
        states.hidden_states_at(alike, [[len(example.kind) - 1] for example in alike])
        own = [len(example.kind) - len(shared) for example in alike]
        assert sum(positions) - times * len(shared) <= 3 * max(own)


def test_a_picture_that_several_examples_read_is_run_once(
    backbone: Backbone, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix, builder, examples = made(backbone)
    shared = builder.prompt_positions(personal_prompt())
    together = examples[-5:]
    positions = counted(backbone, monkeypatch)
    states = ExampleStates(backbone, prefix, shared=shared)
    states.hidden_states_at(together, [[len(example.kind) - 1] for example in together])
    begin, end = together[0].image_span
    words = [len(example.kind) - end for example in together]
    assert begin == len(shared)
    assert sum(positions) <= len(shared) + 2 * (end - begin) + len(words) * max(words)


def test_a_distractor_is_read_as_if_each_prompt_were_alone(backbone: Backbone) -> None:
    prefix, builder, examples = made(backbone)
    shared = builder.prompt_positions(personal_prompt())
    skipped = len(backbone.spec.begin_ids)
    other = DualPrefix(PREFIX_CONFIG, prefix.input_embeddings.detach().flip(0), backbone.output_scale())
    caches = []
    for rows in (prefix, other):
        cache = backbone.new_cache()
        beginning = Example(*zip(*shared, strict=True), [], [], [])  # type: ignore[call-arg]
        backbone.forward(ExampleStates(backbone, rows).embed([beginning])[0], None, cache)
        caches.append(cache)
    alike = [example for example in examples if example.image_span[0] == len(shared)]
    places = [[len(example.kind) - 1] for example in alike]
    states = ExampleStates(backbone, prefix, shared=shared)
    beside, alone = states.hidden_states_at(alike, places, caches[1]), states.hidden_states_at(alike, places)
    for example, last, found, without in zip(alike, places, beside, alone, strict=True):
        behind = Example(example.kind[len(shared) :], example.value[len(shared) :], [], [], [])
        embeddings, _ = states.embed([behind])
        joined = backbone.concatenate_caches(caches[0], caches[1], skipped)
        hidden, _ = backbone.forward(embeddings, None, joined)
        torch.testing.assert_close(found, hidden[0, [last[0] - len(shared)]], atol=2e-4, rtol=1e-3)
        assert float((found - without).abs().max()) > 1e-3
    sum(state.sum() for state in beside).backward()  # type: ignore[union-attr]
    assert float(prefix.input_offset.grad.abs().max()) > 0  # type: ignore[union-attr]


def test_checkpointing_keeps_less_for_the_backward_pass(backbone: Backbone) -> None:
    prefix, builder, examples = made(backbone)
    kept: dict[bool, int] = {}
    for checkpointing in (False, True):
        seen: dict[int, int] = {}

        def remember(tensor: torch.Tensor, seen: dict[int, int] = seen) -> torch.Tensor:
            seen[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        shared = builder.prompt_positions(personal_prompt())
        states = ExampleStates(backbone, prefix, shared=shared, gradient_checkpointing=checkpointing)
        places = [[len(example.kind) - 1] for example in examples]
        with torch.autograd.graph.saved_tensors_hooks(remember, lambda tensor: tensor):
            found = states.hidden_states_at(examples, places)
        kept[checkpointing] = sum(seen.values())
        del found
    assert kept[True] < 0.6 * kept[False]


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([], []),
        ([90, 89, 94], [[1, 0, 2]]),
        ([10, 94, 12, 90], [[0, 2], [3, 1]]),
        # Each is little longer than the one before, and still the first must not be run as long as the last.
        ([40, 50, 60, 70, 80], [[0, 1, 2], [3, 4]]),
    ],
)
def test_lengths_that_run_together(lengths: list[int], expected: list[list[int]]) -> None:
    assert buckets_by_length(lengths) == expected
