"""dlib's face network as an ONNX graph: reads the weights out of dlib's file and writes the same computation anew.

onnxruntime takes a fraction of dlib's time for it. Knows the file and the graph, no picture and no library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from personalizer.schemas import Float32Array

CHIP_PX = 150
FEATURES = 128
_MEAN = (122.782, 117.001, 104.298)
"""Of red, green and blue, as dlib subtracts it; then everything is divided by 256."""
_STAGES = ((32, 3, False), (64, 4, True), (128, 3, True), (256, 3, True), (256, 1, True))
"""Channels, blocks, and whether the first block halves the picture."""
_CONVOLUTION, _AFFINE, _LAST = b"con_4", b"affine_", b"fc_2"
_TENSOR_VERSION = 2


@dataclass(frozen=True, slots=True, eq=False)
class _Convolution:
    """A convolution with the scaling behind it taken in."""

    weight: Float32Array
    """`[out, in, height, width]`"""
    bias: Float32Array


class _Reader:
    """Reads dlib's serialised network from front to back."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._place = 0

    def tensor_after(self, name: bytes, skipped: int = 0) -> Float32Array:
        """The flat values of the next layer called `name`, with `skipped` integers before them."""
        found = self._content.find(name, self._place)
        if found < 0:
            raise ValueError(f"the network has too few layers called {name.decode()}")
        self._place = found + len(name)
        for _ in range(skipped):
            self._integer()
        if self._integer() != _TENSOR_VERSION:
            raise ValueError("the network's numbers are stored in an unknown way")
        count = 1
        for _ in range(4):
            count *= self._integer()
        values = np.frombuffer(self._content, "<f4", count, self._place)
        self._place += 4 * count
        return values

    def _integer(self) -> int:
        """A byte with the sign and the number of bytes, then these."""
        control = self._content[self._place]
        end = self._place + 1 + (control & 15)
        value = int.from_bytes(self._content[self._place + 1 : end], "little")
        self._place = end
        return -value if control & 128 else value

    def convolution(self, channels: int, side: int) -> _Convolution:
        values, affine = self.tensor_after(_CONVOLUTION), self.tensor_after(_AFFINE)
        weight = values[:-channels].reshape(channels, -1, side, side)
        gamma, beta = affine.reshape(2, channels)
        return _Convolution(
            np.ascontiguousarray(weight * gamma[:, None, None, None], np.float32),
            np.ascontiguousarray(values[-channels:] * gamma + beta, np.float32),
        )


def face_graph(content: bytes) -> bytes:
    """The serialised ONNX model of the network in dlib's file.

    It takes faces `[n, 150, 150, 3]` as uint8 RGB, cut out as dlib does, and gives vectors `[n, 128]`.
    Raises ValueError for a file that holds another network.
    """
    from onnx import TensorProto, helper

    graph = _Graph()
    reader = _Reader(content)
    shape = np.array(_MEAN, np.float32).reshape(1, 3, 1, 1)
    out = graph.add("Cast", ["faces"], to=TensorProto.FLOAT)
    out = graph.add("Transpose", [out], perm=[0, 3, 1, 2])
    out = graph.add("Sub", [out, graph.constant(shape)])
    out = graph.add("Mul", [out, graph.constant(np.float32(1 / 256))])
    out = graph.convolve(out, reader.convolution(32, 7), stride=2, padding=0)
    out = graph.add("Relu", [out])
    out = graph.add("MaxPool", [out], kernel_shape=[3, 3], strides=[2, 2])
    side = ((CHIP_PX - 7) // 2 + 1 - 3) // 2 + 1
    before = 32
    for channels, blocks, halves in _STAGES:
        for number in range(blocks):
            down = halves and number == 0
            first, second = reader.convolution(channels, 3), reader.convolution(channels, 3)
            branch = graph.convolve(out, first, stride=2 if down else 1, padding=0 if down else 1)
            branch = graph.convolve(graph.add("Relu", [branch]), second, stride=1, padding=1)
            if down:
                out = graph.add("AveragePool", [out], kernel_shape=[2, 2], strides=[2, 2])
                halved, convolved = side // 2, (side - 3) // 2 + 1
                # Where the two differ in size, dlib adds what is there and leaves the rest.
                out = graph.pad(out, channels - before, 0)
                branch = graph.pad(branch, 0, halved - convolved)
                side, before = halved, channels
            out = graph.add("Relu", [graph.add("Add", [branch, out])])
    out = graph.add("Flatten", [graph.add("GlobalAveragePool", [out])], axis=1)
    last = reader.tensor_after(_LAST, skipped=2).reshape(-1, FEATURES)
    graph.add("MatMul", [out, graph.constant(np.ascontiguousarray(last))], output="vectors")
    taken = helper.make_tensor_value_info("faces", TensorProto.UINT8, ["n", CHIP_PX, CHIP_PX, 3])
    given = helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["n", FEATURES])
    made = helper.make_graph(graph.nodes, "faces", [taken], [given], graph.constants)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    serialised: bytes = model.SerializeToString()
    return serialised


class _Graph:
    """The nodes and constants of a graph that is being written."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, kind: str, inputs: list[str], *, output: str | None = None, **attributes: Any) -> str:
        from onnx import helper

        name = output or f"value{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def constant(self, values: Any) -> str:
        from onnx import numpy_helper

        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def convolve(self, source: str, layer: _Convolution, *, stride: int, padding: int) -> str:
        inputs = [source, self.constant(layer.weight), self.constant(layer.bias)]
        return self.add("Conv", inputs, strides=[stride, stride], pads=[padding] * 4)

    def pad(self, source: str, channels: int, side: int) -> str:
        """Zeros behind the channels and at the right and lower edge."""
        if not channels and not side:
            return source
        return self.add(
            "Pad", [source, self.constant(np.array([0, 0, 0, 0, 0, channels, side, side], np.int64))]
        )
