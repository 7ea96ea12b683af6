"""What a frozen recognition network sees in each picture: the target of the image tokenizer's semantic head.

EfficientNet-Lite0's pooled features at 128 px, reduced by PCA and standardised. Writes `features.npy` beside the
corpus. Knows nothing of tokens.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from assistant.evaluation.data.corpora import FEATURES_FILE, load_arrays
from exporters.onnx.efficientnet import load_network, weights_path
from personalizer.onnx_runtime import new_session
from scripts.pocket.command import run
from scripts.pocket.model.perceptual import SIDE_PX, Basis

FEATURES = 256


def teacher_session() -> Any:
    """EfficientNet-Lite0 at 128 px on onnxruntime, which runs depthwise convolutions several times faster."""
    network = load_network(weights_path())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "teacher.onnx"
        example = torch.zeros(2, 3, SIDE_PX, SIDE_PX)
        torch.onnx.export(
            network,
            (example,),
            file,
            input_names=["images"],
            output_names=["pooled", "map", "logits"],
            dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1, max=256)}},
            external_data=False,
            dynamo=True,
            verbose=False,
        )
        return new_session(file.read_bytes())


def features_of(session: Any, images: np.ndarray, batch: int = 64) -> np.ndarray:
    """Pooled features `[n, 1280]` of uint8 images `[n, h, w, 3]`."""
    rows = []
    for start in range(0, len(images), batch):
        pixels = torch.from_numpy(np.array(images[start : start + batch])).permute(0, 3, 1, 2).float()
        pixels = functional.interpolate(pixels, SIDE_PX, mode="bilinear", antialias=True)
        rows.append(session.run(["pooled"], {"images": ((pixels - 127.0) / 128.0).numpy()})[0])
        if start % (batch * 20) == 0:
            print(f"{start}/{len(images)}", flush=True)
    return np.concatenate(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, nargs="+", required=True)
    parser.add_argument(
        "--basis", type=Path, required=True, help="PCA basis; made from these corpora when absent"
    )
    options = parser.parse_args()
    session = teacher_session()
    raw, training = {}, []
    for folder in options.corpus:
        [pictures], records = load_arrays([folder])
        raw[folder] = features_of(session, pictures)
        training.append(raw[folder][[not record.held_out for record in records]])
    if not options.basis.exists():
        together = np.concatenate(training)
        mean = together.mean(axis=0)
        _, _, axes = np.linalg.svd((together - mean)[:: max(1, len(together) // 8000)], full_matrices=False)
        projected = (together - mean) @ axes[:FEATURES].T
        # One scale for all axes keeps their relative importance; whitening would blow up the noise axes.
        np.savez(options.basis, mean=mean, axes=axes[:FEATURES], scale=projected.std())
    basis = Basis(options.basis, FEATURES)
    for folder, values in raw.items():
        np.save(folder / FEATURES_FILE, basis(torch.from_numpy(values)).numpy())


if __name__ == "__main__":
    run(main)
