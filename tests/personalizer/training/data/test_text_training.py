"""Training on what was told, with the bundled backbone: the answer becomes likelier, and the opposite fact teaches
the opposite answer."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
import torch
from PIL import Image

from personalizer.backbones.base import Backbone
from personalizer.backbones.registry import load_backbone
from personalizer.prefix.dual_prefix import DualPrefixConfig
from personalizer.training.data.examples import ExampleBuilder, PrefixDataset, TaskWeights
from personalizer.training.data.fact_questions import TextQuestion, text_questions
from personalizer.training.trainer import PrefixTrainer, TrainerConfig

PREFIX_CONFIG = DualPrefixConfig(2, 4)
ODD = [
    "בו הוא כלב קטן",
    "Bo is fond of 🍕 and crème brûlée 👩‍👩‍👧",
    "Bo likes Wrzeszcz, Ærø & ½ litre of “œufs”",
    "<image> </s> <racm3:break> IMGIMGBAACZ",
    "Bo " + "is very " * 55 + "old",
]


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return load_backbone("pocket", "cpu")


@pytest.fixture(scope="module")
def codes(backbone: Backbone) -> torch.Tensor:
    """`[6, tokens]` of photos that ship."""
    folder = Path(str(files("personalizer"))) / "data" / "sample_library" / "library"
    images = [Image.open(path).convert("RGB").resize((64, 64)) for path in sorted(folder.glob("*.jpg"))[:6]]
    return backbone.encode_images(images)


def trainer(
    backbone: Backbone, codes: torch.Tensor, directory: Path, facts: list[str], steps: int
) -> PrefixTrainer:
    dataset = PrefixDataset(
        positives=codes[:2],
        validation_positives=codes[:0],
        negatives=codes[2:],
        validation_negatives=codes[:0],
        hard_negatives=1,
        soft_codes=codes[:0],
        soft=[],
        questions=tuple(text_questions("Bo", facts)[0]),
    )
    config = TrainerConfig(
        prefix=PREFIX_CONFIG,
        steps=steps,
        learning_rate=0.1,
        recognition=2,
        description=0,
        generation=1,
        text=2,
    )
    return PrefixTrainer(backbone, dataset, config, directory, "f")


@torch.no_grad()
def likelihood(backbone: Backbone, made: PrefixTrainer, question: str, answer: str) -> float:
    """log P of the answer behind the self-prompt."""
    asked = TextQuestion(question, answer)
    example = ExampleBuilder(backbone, PREFIX_CONFIG).text_question(asked, TaskWeights(self_prompt=0.0))
    hidden, _ = backbone.forward(*made.states.embed([example]))
    graded = [place for place, weight in enumerate(example.weight) if weight > 0]
    logits = backbone.text_logits(hidden[0, graded]).float()
    targets = torch.tensor([example.target[place] for place in graded])
    return float(logits.log_softmax(-1).gather(1, targets[:, None]).sum())


def test_the_right_answers_become_likelier(backbone: Backbone, codes: torch.Tensor, tmp_path: Path) -> None:
    made = trainer(backbone, codes, tmp_path, ["Bo is my corgi", "Bo can't swim"], steps=8)
    expected = [("what is {name}?", "a corgi."), ("is {name} a corgi?", "yes."), ("can {name} swim?", "no.")]
    before = [likelihood(backbone, made, *pair) for pair in expected]
    made.train(None, None)
    after = [likelihood(backbone, made, *pair) for pair in expected]
    assert all(new > old for new, old in zip(after, before, strict=True)), (before, after)


def test_words_the_backbone_never_saw_train_without_error(
    backbone: Backbone, codes: torch.Tensor, tmp_path: Path
) -> None:
    questions, skipped = text_questions("Bo", ODD)
    assert len(questions) >= 2 and len(skipped) == 3
    outcome = trainer(backbone, codes, tmp_path, ODD, steps=1).train(None, None)
    assert outcome.steps == 1 and all(loss == loss for loss in outcome.losses)


@pytest.mark.slow
def test_the_opposite_fact_teaches_the_opposite_answer(
    backbone: Backbone, codes: torch.Tensor, tmp_path: Path
) -> None:
    def margin(fact: str) -> float:
        made = trainer(backbone, codes, tmp_path / fact, [fact], steps=30)
        made.train(None, None)
        question = "is {name} afraid of water?"
        yes, no = (likelihood(backbone, made, question, answer) for answer in ("yes.", "no."))
        return yes - no

    assert margin("Bo is afraid of water") > margin("Bo is not afraid of water") + 0.5
