from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from personalizer.backbones.base import Backbone
from personalizer.backbones.registry import load_backbone
from personalizer.prefix.dual_prefix import DualPrefixConfig
from personalizer.prefix.prompts import ImageSlot, VirtualTokens
from personalizer.training.data.examples import (
    CODE,
    CONTEXT,
    TEXT,
    VIRTUAL,
    Example,
    ExampleBuilder,
    ExampleSampler,
    PrefixDataset,
    TaskWeights,
)
from personalizer.training.data.fact_questions import TextQuestion
from personalizer.training.data.soft_positives import SoftPositive

PREFIX_CONFIG = DualPrefixConfig(generation_tokens=6, understanding_tokens=3)
NAME, GENERATION, UNDERSTANDING = [0], [1, 2, 3, 4, 5, 6], [7, 8, 9]
CODES = list(range(16))
WEIGHTS = TaskWeights(recognition=1.0, description=0.4, generation=0.5, self_prompt=0.1)


@pytest.fixture(scope="module")
def backbone(pocket_like: Path) -> Backbone:
    return load_backbone(str(pocket_like), "cpu")


@pytest.fixture(scope="module")
def builder(backbone: Backbone) -> ExampleBuilder:
    return ExampleBuilder(backbone, PREFIX_CONFIG)


def rows_read(example: Example) -> list[int]:
    return [value for kind, value in zip(example.kind, example.value, strict=True) if kind == VIRTUAL]


def graded(example: Example) -> list[tuple[bool, int, float]]:
    """`(is a code, target, weight)` of what counts."""
    parts = zip(example.target_is_code, example.target, example.weight, strict=True)
    return [(code, target, weight) for code, target, weight in parts if weight > 0]


def check_shape(example: Example, backbone: Backbone) -> None:
    """Holds for every example: targets are the next position, and nothing of the prompt is graded."""
    spec = backbone.spec
    assert (
        len({len(getattr(example, name)) for name in ("kind", "value", "target", "target_is_code", "weight")})
        == 1
    )
    begin, end = example.image_span
    assert set(example.kind[begin:end]) <= {CODE, CONTEXT, TEXT}
    assert (example.image is None) == (begin == end)
    assert len(example.kind) < spec.max_positions
    assert (example.kind[0], example.value[0]) == (TEXT, spec.begin_ids[0])
    for place in range(1, len(example.kind)):
        kind, value = example.kind[place], example.value[place]
        expected = value + spec.text_vocabulary if kind == VIRTUAL else value
        assert example.target[place - 1] == expected
        assert example.target_is_code[place - 1] == (kind == CODE)
    separator = max(
        place
        for place in range(len(example.kind))
        if (example.kind[place], example.value[place]) == (TEXT, spec.separator_ids[0])
    )
    assert not any(example.weight[:separator]), "the prompt is not graded"
    assert example.weight[separator] > 0, "the answer starts behind the separator"


@pytest.mark.parametrize("yes", [True, False])
def test_recognition_answers_with_the_understanding_rows_first(
    builder: ExampleBuilder, backbone: Backbone, yes: bool
) -> None:
    example = builder.recognition((0, CODES), yes, WEIGHTS)
    check_shape(example, backbone)
    vocabulary = backbone.spec.text_vocabulary
    words = backbone.tokenize("yes." if yes else "no.")
    found = graded(example)
    assert [target for _, target, _ in found] == [
        *(vocabulary + row for row in UNDERSTANDING),
        *words,
        backbone.spec.end_id,
    ]
    assert not any(code for code, _, _ in found)
    # The personal prompt, the name in the question, then the self-prompt.
    assert rows_read(example) == NAME + GENERATION + UNDERSTANDING + NAME + UNDERSTANDING
    codes = [value for kind, value in zip(example.kind, example.value, strict=True) if kind == CODE]
    assert codes == CODES


def test_each_part_has_its_weight_however_long_it_is(builder: ExampleBuilder) -> None:
    recognition = graded(builder.recognition((0, CODES), True, WEIGHTS))
    assert sum(weight for _, _, weight in recognition[:3]) == pytest.approx(0.1)
    assert sum(weight for _, _, weight in recognition[3:]) == pytest.approx(1.0)
    generation = graded(builder.generation(CODES, None, WEIGHTS))
    assert sum(weight for code, _, weight in generation if code) == pytest.approx(0.5)
    description = graded(builder.description((0, CODES), WEIGHTS))
    assert sum(weight for _, _, weight in description) == pytest.approx(0.5)


def test_descriptions_name_the_concept_by_its_row(builder: ExampleBuilder, backbone: Backbone) -> None:
    example = builder.description((0, CODES), WEIGHTS)
    check_shape(example, backbone)
    targets = [target for _, target, _ in graded(example)]
    vocabulary = backbone.spec.text_vocabulary
    assert targets[:3] == [vocabulary + row for row in UNDERSTANDING]
    assert targets.count(vocabulary) == 1
    name = targets.index(vocabulary)
    assert backbone.detokenize(targets[3:name]) == "a photo of "
    assert backbone.detokenize(targets[name + 1 : -1]) == "."
    assert targets[-1] == backbone.spec.end_id


def test_generation_emits_all_generation_rows_then_the_picture(
    builder: ExampleBuilder, backbone: Backbone
) -> None:
    example = builder.generation(CODES, None, WEIGHTS)
    check_shape(example, backbone)
    vocabulary = backbone.spec.text_vocabulary
    found = [(code, target) for code, target, _ in graded(example)]
    assert found == [
        *((False, vocabulary + row) for row in GENERATION),
        (False, backbone.spec.begin_image_ids[0]),
        *((True, code) for code in CODES),
    ]
    assert rows_read(example) == NAME + GENERATION + UNDERSTANDING + NAME + GENERATION


def test_text_questions_show_no_picture_and_are_answered_behind_the_understanding_rows(
    builder: ExampleBuilder, backbone: Backbone
) -> None:
    asked = TextQuestion("is {name} afraid of water?", "yes.")
    example = builder.text_question(asked, TaskWeights(text=0.7, self_prompt=0.1))
    check_shape(example, backbone)
    assert CODE not in example.kind and CONTEXT not in example.kind
    assert rows_read(example) == NAME + GENERATION + UNDERSTANDING + NAME + UNDERSTANDING
    vocabulary = backbone.spec.text_vocabulary
    words = [*backbone.tokenize("yes."), backbone.spec.end_id]
    found = graded(example)
    assert [target for _, target, _ in found] == [*(vocabulary + row for row in UNDERSTANDING), *words]
    assert sum(weight for _, _, weight in found[3:]) == pytest.approx(0.7)


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_soft_positives_use_their_first_rows_and_never_the_name(
    builder: ExampleBuilder, backbone: Backbone, rows: int
) -> None:
    example = builder.generation(CODES, rows, WEIGHTS)
    check_shape(example, backbone)
    assert rows_read(example) == GENERATION[:rows] * 2, "no name, no understanding rows, no further rows"
    vocabulary = backbone.spec.text_vocabulary
    learned = [
        target - vocabulary for code, target, _ in graded(example) if not code and target >= vocabulary
    ]
    assert learned == GENERATION[:rows]


def test_rows_are_counted_from_the_front_and_capped(builder: ExampleBuilder) -> None:
    assert list(builder.virtual_token_range(VirtualTokens("name"))) == NAME
    assert list(builder.virtual_token_range(VirtualTokens("generation"))) == GENERATION
    assert list(builder.virtual_token_range(VirtualTokens("generation", 2))) == GENERATION[:2]
    assert list(builder.virtual_token_range(VirtualTokens("generation", 99))) == GENERATION
    assert list(builder.virtual_token_range(VirtualTokens("understanding"))) == UNDERSTANDING


def test_pictures_stand_between_their_markers(builder: ExampleBuilder, backbone: Backbone) -> None:
    spec = backbone.spec
    assert builder.positions([ImageSlot()], (0, [3, 4])) == [
        (TEXT, spec.begin_image_ids[0]),
        (CODE, 3),
        (CODE, 4),
        (TEXT, spec.end_image_ids[0]),
    ]


def test_a_backbone_with_another_reader_gets_contexts(pocket_like: Path) -> None:
    other = load_backbone(str(pocket_like), "cpu")
    other.reads_own_codes = False
    example = ExampleBuilder(other, PREFIX_CONFIG).recognition((2, CODES), True, WEIGHTS)
    found = [value for kind, value in zip(example.kind, example.value, strict=True) if kind == CONTEXT]
    assert found == list(range(2 * 16, 3 * 16))
    assert CODE not in example.kind


def dataset(soft: int = 4, hard: int = 2) -> PrefixDataset:
    def codes(first: int, count: int) -> torch.Tensor:
        return torch.full((count, 16), first) + torch.arange(count)[:, None]

    return PrefixDataset(
        positives=codes(0, 3),
        validation_positives=codes(3, 1),
        negatives=codes(8, 6),
        validation_negatives=codes(14, 2),
        hard_negatives=hard,
        soft_codes=codes(20, soft),
        soft=[SoftPositive(index, 0.5, 4 - index) for index in range(soft)],
    )


def picture_of(example: Example) -> int:
    return next(value for kind, value in zip(example.kind, example.value, strict=True) if kind == CODE)


def test_batches_mix_the_tasks_and_never_show_what_is_held_out(
    builder: ExampleBuilder, backbone: Backbone
) -> None:
    sampler = ExampleSampler(builder, dataset(), WEIGHTS)
    rng = np.random.default_rng(0)
    yes, no = backbone.tokenize("yes.")[0], backbone.tokenize("no.")[0]
    shown: set[int] = set()
    negatives: list[int] = []
    for _ in range(60):
        examples = sampler.sample_batch(rng, recognition=4, description=1, generation=2)
        assert len(examples) == 7
        for number, example in enumerate(examples):
            check_shape(example, backbone)
            picture = picture_of(example)
            shown.add(picture)
            if number < 4:
                word = graded(example)[3][1]
                assert word == (yes if number % 2 == 0 else no)
                assert picture in (range(0, 3) if word == yes else range(8, 14))
                negatives += [] if word == yes else [picture]
            elif number < 6:
                assert picture in range(0, 3)
            else:
                assert picture in range(20, 24)
                assert len(rows_read(example)) == 2 * (4 - (picture - 20))
    assert shown == {0, 1, 2, *range(8, 14), *range(20, 24)}
    assert sum(picture < 10 for picture in negatives) / len(negatives) > 0.5, "hard negatives come more often"


def test_without_soft_positives_or_hard_negatives_true_ones_take_their_place(builder: ExampleBuilder) -> None:
    sampler = ExampleSampler(builder, dataset(soft=0, hard=0), WEIGHTS)
    examples = sampler.sample_batch(np.random.default_rng(0), recognition=2, description=0, generation=4)
    assert len(examples) == 6
    assert all(picture_of(example) in range(0, 3) for example in examples[2:])


def test_questions_come_last_and_as_often_for_each_answer(
    builder: ExampleBuilder, backbone: Backbone
) -> None:
    questions = [
        TextQuestion(f"is {{name}} {what}?", "yes.") for what in ("red", "blue", "big", "old", "wet")
    ]
    told = replace(dataset(), questions=(*questions, TextQuestion("is {name} sad?", "no.")))
    rng = np.random.default_rng(0)
    sampler = ExampleSampler(builder, told, WEIGHTS, text=2)
    batches = [sampler.sample_batch(rng, recognition=2, description=0, generation=1) for _ in range(60)]
    assert {len(examples) for examples in batches} == {5}
    asked = [example for examples in batches for example in examples[3:]]
    assert not any(CODE in example.kind for example in asked)
    no = backbone.tokenize("no.")[0]
    denied = sum(graded(example)[3][1] == no for example in asked)
    assert 40 <= denied <= 80, "half of 120, though five questions in six are answered with yes"


def test_without_facts_a_batch_is_what_it_was(builder: ExampleBuilder) -> None:
    plain, asking = (
        ExampleSampler(builder, dataset(), WEIGHTS),
        ExampleSampler(builder, dataset(), WEIGHTS, text=3),
    )
    batches = [
        sampler.sample_batch(np.random.default_rng(5), recognition=4, description=1, generation=2)
        for sampler in (plain, asking)
    ]
    assert batches[0] == batches[1]


def test_the_same_generator_draws_the_same_batch(builder: ExampleBuilder) -> None:
    sampler = ExampleSampler(builder, dataset(), WEIGHTS)
    first, second = (
        sampler.sample_batch(np.random.default_rng((3, 9)), recognition=4, description=1, generation=2)
        for _ in range(2)
    )
    assert first == second


def test_without_self_prompting_answers_have_no_rows_of_their_own(backbone: Backbone) -> None:
    plain = ExampleBuilder(backbone, replace(PREFIX_CONFIG, self_prompting=False))
    vocabulary = backbone.spec.text_vocabulary
    asked = TextQuestion("is {name} red?", "yes.")
    examples = [
        plain.recognition((0, CODES), True, WEIGHTS),
        plain.description((0, CODES), WEIGHTS),
        plain.text_question(asked, WEIGHTS),
        plain.generation(CODES, None, WEIGHTS),
        plain.generation(CODES, 2, WEIGHTS),
    ]
    for number, example in enumerate(examples):
        check_shape(example, backbone)
        emitted = [target for code, target, _ in graded(example) if not code and target >= vocabulary]
        assert emitted == ([vocabulary] if number == 1 else []), "only the name in a description"
    assert rows_read(examples[0]) == NAME + GENERATION + UNDERSTANDING + NAME
    assert rows_read(examples[3]) == NAME + GENERATION + UNDERSTANDING + NAME
    assert rows_read(examples[4]) == GENERATION[:2]


@pytest.mark.parametrize(("hard", "expected"), [(2, range(10, 14)), (6, range(8, 14))])
def test_hard_negatives_can_be_left_out_where_there_are_others(
    builder: ExampleBuilder, hard: int, expected: range
) -> None:
    sampler = ExampleSampler(builder, dataset(hard=hard), WEIGHTS, hard_negatives=False)
    rng = np.random.default_rng(0)
    batches = [sampler.sample_batch(rng, recognition=2, description=0, generation=0) for _ in range(80)]
    assert {picture_of(batch[1]) for batch in batches} == set(expected)
