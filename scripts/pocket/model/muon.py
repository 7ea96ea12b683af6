"""Muon: momentum whose direction is made orthogonal before it is applied (K. Jordan et al., 2024).

For the matrices of a transformer it needs markedly fewer steps than AdamW. PyTorch's own computes in bfloat16, which
a CPU without it emulates some ten times slower than the float32 used here.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch

_A, _B, _C = 3.4445, -4.7750, 2.0315
"""Of the quintic iteration that drives all singular values towards one in five steps."""


def orthogonal(matrices: torch.Tensor) -> torch.Tensor:
    """`[n, rows, columns]` with every singular value near one, the singular vectors kept."""
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.transpose(1, 2) if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        gram = x @ x.transpose(1, 2)
        x = _A * x + (_B * gram + _C * gram @ gram) @ x
    return x.transpose(1, 2) if tall else x


class Muon(torch.optim.Optimizer):
    """For two-dimensional parameters. The step's root mean square is that of AdamW's, so rates carry over."""

    def __init__(
        self,
        parameters: Iterable[torch.nn.Parameter],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.05,
    ) -> None:
        super().__init__(list(parameters), {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """Matrices of one shape are orthogonalised together."""
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[tuple[torch.nn.Parameter, torch.Tensor]]] = {}
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["momentum"] = torch.zeros_like(parameter)
                average = state["momentum"]
                average.lerp_(parameter.grad, 1 - group["momentum"])
                ahead = parameter.grad.lerp(average, group["momentum"])
                by_shape.setdefault(parameter.shape, []).append((parameter, ahead))
            for shape, members in by_shape.items():
                directions = orthogonal(torch.stack([ahead for _, ahead in members]))
                scale = 0.2 * max(shape) ** 0.5
                for (parameter, _), direction in zip(members, directions, strict=True):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    parameter.add_(direction, alpha=-group["lr"] * scale)
