"""Turns the published weights of the face cascade (MTCNN) into the three graphs that ship in `personalizer/data`.

    pip download --no-deps facenet-pytorch==2.6.0 && python -m scripts.fit.face_cascade facenet_pytorch-2.6.0-*.whl

The wheel is only read: it wants a torch of its own. Weights: MIT, see `LICENSE` beside the graphs. Networks: "Joint
Face Detection and Alignment using Multi-task Cascaded Convolutional Networks" (arXiv 1604.02878).
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper

from personalizer.faces.mtcnn import CASCADE_DIR, GRAPH_VERSION, MANIFEST_NAME
from personalizer.onnx_runtime import open_session

SOURCES = {
    "proposal": ("pnet.pt", "a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f"),
    "refinement": ("rnet.pt", "bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86"),
    "output": ("onet.pt", "165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d"),
}
LICENSE = "facenet_pytorch-2.6.0.dist-info/LICENSE.md"
# Pooling after each convolution: kernel, or None; the stride is 2.
POOLS: dict[str, tuple[int | None, ...]] = {
    "proposal": (2, None, None),
    "refinement": (3, 3, None),
    "output": (3, 3, 2, None),
}
SIDES: dict[str, int | None] = {"proposal": None, "refinement": 24, "output": 48}
HEADS = {
    "proposal": ("conv4_1", "conv4_2"),
    "refinement": ("dense5_1", "dense5_2"),
    "output": ("dense6_1", "dense6_2", "dense6_3"),
}
MAX_DIFFERENCE = 1e-4


class Graph:
    """Writes one of the three networks. The scaling of the pixels is folded into the first convolution."""

    def __init__(self, name: str, weights: dict[str, np.ndarray]) -> None:
        self.name, self.weights = name, weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, values: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(values.copy(), name))
        return name

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def of(self, name: str, part: str) -> np.ndarray:
        return self.weights[f"{name}.{part}"]

    def rectify(self, hidden: str, name: str, axes: int) -> str:
        slope = self.of(name, "weight").reshape(-1, *([1] * axes))
        return self.add("PRelu", [hidden, self.constant(f"{name}_slope", slope)], name)

    def build(self) -> bytes:
        """`[n, height, width, 3]` uint8 RGB → face probability, box offsets and, in the last, points."""
        self.add("Cast", ["pixels"], "floats", to=onnx.TensorProto.FLOAT)
        hidden = self.add("Transpose", ["floats"], "planes", perm=[0, 3, 1, 2])
        for number, pool in enumerate(POOLS[self.name], start=1):
            weight, bias = self.of(f"conv{number}", "weight"), self.of(f"conv{number}", "bias")
            if number == 1:
                weight, bias = weight / 128, bias - weight.sum(axis=(1, 2, 3)) * (127.5 / 128)
            inputs = [hidden, self.constant(f"w{number}", weight), self.constant(f"b{number}", bias)]
            hidden = self.add("Conv", inputs, f"conv{number}")
            hidden = self.rectify(hidden, f"prelu{number}", 2)
            if pool:
                hidden = self.add(
                    "MaxPool",
                    [hidden],
                    f"pool{number}",
                    kernel_shape=[pool, pool],
                    strides=[2, 2],
                    ceil_mode=1,
                )
        outputs = ["face", "offsets", "points"]
        if self.name == "proposal":
            for head, output in zip(HEADS[self.name], ("scores", "offsets"), strict=False):
                weight = self.constant(f"{head}_w", self.of(head, "weight"))
                self.add("Conv", [hidden, weight, self.constant(f"{head}_b", self.of(head, "bias"))], output)
        else:
            # The published weights read the last map column by column.
            hidden = self.add("Transpose", [hidden], "columns", perm=[0, 3, 2, 1])
            hidden = self.add("Flatten", [hidden], "flat")
            layer = len(POOLS[self.name]) + 1
            hidden = self.dense(hidden, f"dense{layer}", "hidden")
            hidden = self.rectify(hidden, f"prelu{layer}", 0)
            for head, output in zip(HEADS[self.name], ("scores", *outputs[1:]), strict=False):
                self.dense(hidden, head, output)
        self.add("Softmax", ["scores"], "both", axis=1)
        self.add("Gather", ["both", self.constant("one", np.array(1))], "face", axis=1)
        side = SIDES[self.name]
        shape = ["n", side or "height", side or "width", 3]
        graph = helper.make_graph(
            self.nodes,
            f"face-{self.name}",
            [helper.make_tensor_value_info("pixels", onnx.TensorProto.UINT8, shape)],
            [
                helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
                for name, shape in zip(outputs, self.output_shapes(), strict=False)
            ],
            self.constants,
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8, producer_name="familiar"
        )
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())

    def output_shapes(self) -> list[list[int | str]]:
        if self.name == "proposal":
            return [["n", "rows", "columns"], ["n", 4, "rows", "columns"]]
        return [["n"], ["n", 4], *([["n", 10]] if self.name == "output" else [])]

    def dense(self, hidden: str, name: str, output: str) -> str:
        weight = self.constant(f"{name}_w", self.of(name, "weight"))
        bias = self.constant(f"{name}_b", self.of(name, "bias"))
        return self.add("Gemm", [hidden, weight, bias], output, transB=1)


def by_torch(name: str, weights: dict[str, torch.Tensor], pixels: torch.Tensor) -> list[torch.Tensor]:
    """What the published network says of `[n, height, width, 3]`, computed with torch's own operations."""
    from torch.nn import functional

    hidden = (pixels.float().permute(0, 3, 1, 2) - 127.5) / 128
    for number, pool in enumerate(POOLS[name], start=1):
        hidden = functional.conv2d(hidden, weights[f"conv{number}.weight"], weights[f"conv{number}.bias"])
        hidden = functional.prelu(hidden, weights[f"prelu{number}.weight"])
        if pool:
            hidden = functional.max_pool2d(hidden, pool, 2, ceil_mode=True)
    if name != "proposal":
        layer = len(POOLS[name]) + 1
        hidden = hidden.permute(0, 3, 2, 1).flatten(1)
        hidden = functional.linear(hidden, weights[f"dense{layer}.weight"], weights[f"dense{layer}.bias"])
        hidden = functional.prelu(hidden, weights[f"prelu{layer}.weight"])
    apply = functional.conv2d if name == "proposal" else functional.linear
    heads = [apply(hidden, weights[f"{head}.weight"], weights[f"{head}.bias"]) for head in HEADS[name]]
    return [torch.softmax(heads[0], dim=1)[:, 1], *heads[1:]]


def convert(wheel: Path, out: Path) -> None:
    """Write the graphs, their licence and a manifest with their hashes to `out`."""
    out.mkdir(parents=True, exist_ok=True)
    manifest: dict[str, Any] = {"graph_version": GRAPH_VERSION, "source": wheel.name, "graphs": {}}
    with zipfile.ZipFile(wheel) as archive:
        (out / "LICENSE").write_bytes(archive.read(LICENSE))
        for name, (source, expected) in SOURCES.items():
            content = archive.read(f"facenet_pytorch/data/{source}")
            found = hashlib.sha256(content).hexdigest()
            if found != expected:
                raise SystemExit(f"{source} in {wheel} has the SHA-256 {found}, not {expected}")
            weights = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
            graph = Graph(name, {key: value.numpy() for key, value in weights.items()}).build()
            side = SIDES[name] or 60
            pixels = torch.randint(0, 256, (2, side, side, 3), dtype=torch.uint8)
            session = open_session(graph, threads=1, of_one_size=False)
            pairs = zip(
                session.run(None, {"pixels": pixels.numpy()}), by_torch(name, weights, pixels), strict=True
            )
            difference = max(float(np.abs(ours - theirs.numpy()).max()) for ours, theirs in pairs)
            if not difference <= MAX_DIFFERENCE:
                raise SystemExit(f"{name} differs from torch by {difference:.2g}")
            (out / f"{name}.onnx").write_bytes(graph)
            manifest["graphs"][name] = {
                "source_sha256": expected,
                "sha256": hashlib.sha256(graph).hexdigest(),
                "max_difference_to_torch": difference,
            }
    (out / MANIFEST_NAME).write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--out", type=Path, default=CASCADE_DIR)
    chosen = parser.parse_args()
    convert(chosen.wheel, chosen.out)
