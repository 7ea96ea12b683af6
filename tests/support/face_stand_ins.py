"""Tiny networks with the inputs and outputs of YuNet and SFace, and the catalogue that has them in their places.

Not the real ones: "YuNet" sees faces in what is purely red, "SFace" gives the mean colours of a face's parts.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from personalizer.faces.downloads import CATALOGUE, FaceModel

FACE_PX = 128
"""The side of what "YuNet" takes for a face, in pixels of its input."""


def yunet() -> bytes:
    """A face of `FACE_PX` wherever a square of that size is red; the score is the share of it that is."""
    nodes, constants = [], []

    def constant(name: str, values: np.ndarray) -> str:
        constants.append(numpy_helper.from_array(values, name))
        return name

    # Blue, green, red.
    weight = np.array([-1, -1, 1], np.float32).reshape(1, 3, 1, 1) / 255
    nodes.append(helper.make_node("Conv", ["input", constant("w", weight)], ["redness"]))
    nodes.append(helper.make_node("Relu", ["redness"], ["red"]))
    outputs = []
    for stride in (8, 16, 32):
        cells = (640 // stride) ** 2
        pad = (FACE_PX - stride) // 2
        nodes.append(
            helper.make_node(
                "AveragePool",
                ["red"],
                [f"map_{stride}"],
                kernel_shape=[FACE_PX, FACE_PX],
                strides=[stride, stride],
                pads=[pad] * 4,
                count_include_pad=1,
            )
        )
        shape = constant(f"shape_{stride}", np.array([1, cells, 1], np.int64))
        # Only the coarsest grid is for faces as large as that.
        nodes.append(helper.make_node("Reshape", [f"map_{stride}", shape], [f"flat_{stride}"]))
        share = constant(f"share_{stride}", np.array(float(stride == 32), np.float32))
        nodes.append(helper.make_node("Mul", [f"flat_{stride}", share], [f"obj_{stride}"]))
        certain = np.ones((1, cells, 1), np.float32)
        # From the corner of a cell to its middle; sides as powers of e.
        box = np.tile(np.array([0.5, 0.5, *[np.log(FACE_PX / stride)] * 2], np.float32), (1, cells, 1))
        places = np.array([(-1, -1), (1, -1), (0, 0), (-1, 1), (1, 1)], np.float32)
        points = (0.5 + places * FACE_PX / 4 / stride).reshape(10).astype(np.float32)
        for name, values in (("cls", certain), ("bbox", box), ("kps", np.tile(points, (1, cells, 1)))):
            source = constant(f"{name}_{stride}_values", values)
            nodes.append(helper.make_node("Identity", [source], [f"{name}_{stride}"]))
        for name, width in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
            outputs.append(
                helper.make_tensor_value_info(f"{name}_{stride}", TensorProto.FLOAT, [1, cells, width])
            )
    picture = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, 640, 640])
    return _model(helper.make_graph(nodes, "yunet", [picture], outputs, constants))


def sface() -> bytes:
    """`[1, 3, 112, 112]` → `[1, 128]`: mean colours of 6 x 7 parts, less grey, and two zeros."""
    constants = [
        numpy_helper.from_array(np.array([1, 126], np.int64), "flat_shape"),
        numpy_helper.from_array(np.array([0, 0, 0, 2], np.int64), "room"),
        numpy_helper.from_array(np.array(127.5, np.float32), "grey"),
    ]
    nodes = [
        helper.make_node("Sub", ["data", "grey"], ["centred"]),
        helper.make_node("AveragePool", ["centred"], ["parts"], kernel_shape=[17, 16], strides=[17, 16]),
        helper.make_node("Reshape", ["parts", "flat_shape"], ["flat"]),
        helper.make_node("Pad", ["flat", "room"], ["fc1"]),
    ]
    face = helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 3, 112, 112])
    vector = helper.make_tensor_value_info("fc1", TensorProto.FLOAT, [1, 128])
    return _model(helper.make_graph(nodes, "sface", [face], [vector], constants))


def _model(graph: onnx.GraphProto) -> bytes:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


CONTENTS = {"yunet": yunet(), "sface": sface()}


def stand_in(name: str, url: str = "http://127.0.0.1:9/nothing-is-there") -> FaceModel:
    """The catalogue's entry with the size and hash of the stand-in."""
    content = CONTENTS[name]
    return replace(CATALOGUE[name], size=len(content), sha256=hashlib.sha256(content).hexdigest(), url=url)
