"""A backbone kept in few bits still teaches rows, nearly as the whole one does."""

from __future__ import annotations

import sys

import pytest
import torch

from personalizer.backbones.chameleon import ChameleonBackbone, Quantization, load_chameleon
from personalizer.backbones.registry import backbone_directory
from personalizer.errors import NotReadyError
from personalizer.prefix.dual_prefix import DualPrefix, DualPrefixConfig
from personalizer.prefix.prompts import personal_prompt
from personalizer.training.data.examples import ExampleBuilder, TaskWeights
from personalizer.training.hidden_states import ExampleStates
from personalizer.training.loss import Objective

PREFIX_CONFIG = DualPrefixConfig(4, 3)
CPU = torch.device("cpu")


def loss_and_gradients(backbone: ChameleonBackbone) -> tuple[float, list[torch.Tensor]]:
    generator = torch.Generator().manual_seed(2)
    builder, weights = ExampleBuilder(backbone, PREFIX_CONFIG), TaskWeights()
    prefix = DualPrefix(
        PREFIX_CONFIG,
        backbone.embed_text(torch.arange(PREFIX_CONFIG.num_virtual_tokens) + 4000),
        backbone.output_scale(),
    )
    tokens = backbone.spec.tokens_per_image
    codes = torch.randint(0, backbone.spec.codebook_size, (6, tokens), generator=generator).tolist()
    examples = [builder.recognition((0, codes[number]), number % 2 == 0, weights) for number in range(4)]
    examples += [builder.description((0, codes[4]), weights), builder.generation(codes[5], None, weights)]
    states = ExampleStates(backbone, prefix, shared=builder.prompt_positions(personal_prompt()))
    loss = Objective(backbone, prefix, states, kl_weight=0.0).loss(examples)
    loss.backward()
    assert prefix.input_offset.grad is not None and prefix.output_offset.grad is not None
    return float(loss.detach()), [prefix.input_offset.grad, prefix.output_offset.grad]


def test_rows_learn_through_eight_bits() -> None:
    pytest.importorskip("optimum.quanto", reason="the extra `quantize` is not installed")
    directory = backbone_directory("pocket")
    whole = load_chameleon(directory, CPU)
    kept: Quantization = "int8"
    few = load_chameleon(directory, CPU, quantize=kept)
    assert few.spec == whole.spec
    weight = few.model.model.layers[0].mlp.up_proj.weight
    assert type(weight) is not type(whole.model.model.layers[0].mlp.up_proj.weight)
    assert not any(parameter.requires_grad for parameter in few.model.parameters())
    expected, gradients = loss_and_gradients(whole)
    found, few_gradients = loss_and_gradients(few)
    assert found != expected and found == pytest.approx(expected, abs=0.01)
    for gradient, other in zip(gradients, few_gradients, strict=True):
        assert bool((other != 0).any(dim=1).all()), "every row learns"
        assert float(torch.cosine_similarity(gradient.flatten(), other.flatten(), dim=0)) > 0.95


def test_without_the_extra_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optimum", None)
    with pytest.raises(NotReadyError, match="optimum-quanto"):
        load_chameleon(backbone_directory("pocket"), CPU, quantize="int8")
