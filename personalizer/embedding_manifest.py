"""What the object embedding's ONNX file is called and must be; shared by its conversion and its use."""

from __future__ import annotations

MODEL_NAME = "efficientnet-lite0"
ONNX_NAME = "efficientnet_lite0.onnx"
MANIFEST_NAME = "efficientnet_lite0.json"
SOURCE_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
GRAPH_VERSION = 1
"""Counted up when the outputs of the graph change, so that an older conversion is made again."""
INPUT_SIDE_PX = 224
FEATURES = 1280
MAP_SIDE = 7
