"""How alike two pictures look to a frozen recognition network (after arXiv 1801.03924), and what it takes them for.

Squared error rewards blur. Distances between the network's feature maps, from edges to objects, reward what makes a
thing recognisable. The network is EfficientNet-Lite0, which also judges drawings in `evaluate backbone`; the model
card says so.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from exporters.onnx.efficientnet import load_network, weights_path
from personalizer.errors import CorruptArtifactError

SIDE_PX = 128
"""Pictures are enlarged to this: the network was trained at 224, where objects span that many of its cells."""
STAGE_ENDS = (2, 4, 10, 15)
"""Blocks behind which maps are compared, at a quarter to a thirty-second of the side."""


class Recognizer(nn.Module):
    """EfficientNet-Lite0's feature maps and pooled features; frozen, but gradients reach the pictures."""

    def __init__(self) -> None:
        super().__init__()
        self._network = load_network(weights_path()).requires_grad_(False)

    def forward(self, pixels: torch.Tensor) -> tuple[list[torch.Tensor], torch.Tensor]:
        """`[n, 3, side, side]` in -1..1 → unit-length maps `[n, channels, h, w]` of each stage, pooled `[n, 1280]`."""
        network = self._network
        enlarged = functional.interpolate(pixels, SIDE_PX, mode="bilinear", align_corners=False)
        hidden = functional.relu6(network._bn0(network._conv_stem((enlarged * 127.5 + 0.5) / 128.0)))
        maps = []
        for number, block in enumerate(network._blocks):
            hidden = block(hidden)
            if number in STAGE_ENDS:
                maps.append(functional.normalize(hidden, dim=1, eps=1e-4))
        last = functional.relu6(network._bn1(network._conv_head(hidden)))
        return maps, last.mean(dim=(2, 3))


class Basis(nn.Module):
    """Principal components of pooled features, all divided by one scale so that their relative importance stays."""

    mean: torch.Tensor
    axes: torch.Tensor

    def __init__(self, file: Path, count: int) -> None:
        super().__init__()
        try:
            stored = dict(np.load(file))
            if len(stored["axes"]) < count:
                raise ValueError(f"it has {len(stored['axes'])} components, {count} are needed")
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise CorruptArtifactError(
                tried=f"reading the basis {file}",
                found=str(error),
                fix="Make it again with scripts.pocket.data.teacher.",
            ) from error
        self.scale = float(stored["scale"])
        self.register_buffer("mean", torch.from_numpy(stored["mean"]).float(), persistent=False)
        self.register_buffer("axes", torch.from_numpy(stored["axes"][:count]).float(), persistent=False)

    def forward(self, pooled: torch.Tensor) -> torch.Tensor:
        """`[n, 1280]` → `[n, count]`, about of unit variance."""
        return (pooled - self.mean) @ self.axes.T / self.scale


def map_distance(first: list[torch.Tensor], second: list[torch.Tensor]) -> torch.Tensor:
    """Mean over stages and places of the squared distance between unit vectors: 0 to 4."""
    distances = [(a - b).pow(2).sum(dim=1).mean() for a, b in zip(first, second, strict=True)]
    return torch.stack(distances).mean()
