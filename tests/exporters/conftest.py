"""A tiny random Chameleon-format backbone, exported once per session of tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from exporters.onnx.export import export_backbone
from exporters.onnx.torch_session import TorchSession
from exporters.runtime.ort_session import OrtSession
from personalizer.backbones.base import Backbone
from personalizer.backbones.registry import load_backbone
from personalizer.backbones.spec import BackboneSpec
from personalizer.prefix.dual_prefix import DualPrefix, DualPrefixConfig, save_prefix


@pytest.fixture(scope="session")
def backbone(pocket_like: Path) -> Backbone:
    return load_backbone(str(pocket_like), "cpu")


@pytest.fixture(scope="session")
def exports(backbone: Backbone, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Exported directories by precision. Read-only: tests that damage one take a copy."""
    root = tmp_path_factory.mktemp("exports")
    for precision in ("fp32", "int8"):
        export_backbone(backbone, root / precision, precision=precision)
    return {precision: root / precision for precision in ("fp32", "int8")}


@pytest.fixture(scope="session")
def fp32(exports: dict[str, Path]) -> OrtSession:
    return OrtSession(exports["fp32"])


@pytest.fixture(scope="session")
def int8(exports: dict[str, Path]) -> OrtSession:
    return OrtSession(exports["int8"])


@pytest.fixture(scope="session")
def torch_session(backbone: Backbone) -> TorchSession:
    return TorchSession(backbone)


@pytest.fixture(scope="session")
def prefix_directory(backbone: Backbone, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A concept with random rows, written by the code that training uses."""
    directory = tmp_path_factory.mktemp("concept")
    write_prefix(directory, backbone.spec)
    return directory


@pytest.fixture(scope="session")
def other_prefix_directory(backbone: Backbone, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another concept, of another size."""
    directory = tmp_path_factory.mktemp("other")
    config = DualPrefixConfig(generation_tokens=2, understanding_tokens=5)
    write_prefix(directory, backbone.spec, config, seed=8, name="Mika")
    return directory


def write_prefix(
    directory: Path,
    spec: BackboneSpec,
    config: DualPrefixConfig | None = None,
    seed: int = 7,
    name: str = "Rex",
) -> None:
    config = config or DualPrefixConfig(generation_tokens=3, understanding_tokens=4)
    generator = torch.Generator().manual_seed(seed)
    start = torch.randn(config.num_virtual_tokens, spec.hidden_size, generator=generator) * 0.15
    prefix = DualPrefix(config, start, output_scale=0.15)
    torch.nn.init.normal_(prefix.output_offset, generator=generator)
    save_prefix(prefix, directory, spec=spec, concept={"id": 1, "name": name}, training={})


@pytest.fixture(scope="session")
def pictures() -> list[Image.Image]:
    """Noise of several frequencies: random encoders give such pictures different codes."""
    rng = np.random.default_rng(3)
    small = [rng.integers(0, 256, (size, size, 3), dtype=np.uint8) for size in (4, 8, 16)]
    return [Image.fromarray(array).resize((32, 32), Image.Resampling.BICUBIC) for array in small]
