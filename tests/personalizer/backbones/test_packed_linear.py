"""Packed layers compute what the layers compute, forwards and backwards, and only while they are applied."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from personalizer.backbones import packed_linear as frozen_linear
from personalizer.backbones.packed_linear import PackedLinears


def frozen_layers() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(24, 40), nn.SiLU(), nn.Linear(40, 24, bias=False)).requires_grad_(False)


def output_and_gradient(layers: nn.Module, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    given = values.clone().requires_grad_()
    output = layers(given)
    output.square().sum().backward()
    assert given.grad is not None
    return output.detach(), given.grad


@pytest.mark.parametrize("shape", [(24,), (7, 24), (2, 5, 24)])
def test_products_and_gradients_are_those_of_the_layers(shape: tuple[int, ...]) -> None:
    layers = frozen_layers()
    values = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    expected = output_and_gradient(layers, values)
    with PackedLinears(layers).applied():
        assert all("forward" in vars(layer) for layer in layers if isinstance(layer, nn.Linear))
        found = output_and_gradient(layers, values)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_gradients_pass_where_the_input_is_no_contiguous_block() -> None:
    layers = frozen_layers()
    values = torch.randn(24, 9, generator=torch.Generator().manual_seed(2)).t()
    expected = output_and_gradient(layers, values)
    with PackedLinears(layers).applied():
        found = output_and_gradient(layers, values)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_afterwards_the_layers_are_what_they_were_also_after_an_error() -> None:
    layers = frozen_layers()
    packed = PackedLinears(layers)
    with pytest.raises(RuntimeError, match="in between"), packed.applied():
        raise RuntimeError("in between")
    assert not any("forward" in vars(layer) for layer in layers)
    with torch.no_grad():
        layers[2].weight.zero_()
    assert not layers(torch.ones(24)).any()


def test_layers_that_learn_are_left_alone() -> None:
    layers = frozen_layers()
    layers[0].weight.requires_grad_(True)
    with PackedLinears(layers).applied():
        assert not any("forward" in vars(layer) for layer in layers)


def test_layers_in_other_precision_or_too_large_to_hold_twice_more_are_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    half = frozen_layers().to(torch.bfloat16)
    with PackedLinears(half).applied():
        assert not any("forward" in vars(layer) for layer in half)
    large = frozen_layers()
    monkeypatch.setattr(frozen_linear, "MAX_PACKED_MIB", 0)
    with PackedLinears(large).applied():
        assert not any("forward" in vars(layer) for layer in large)
