"""A home whose backbone is a tiny random one, exported once per session of tests."""

from __future__ import annotations

import importlib.util
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from personalizer.locations import Home


@dataclass(frozen=True)
class Exported:
    """A checkpoint and its export. Read-only."""

    checkpoint: Path
    runtime: Path
    version: str


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """By the pocket recipe: 16 px pictures of 4 × 4 codes."""
    from exporters.onnx.export import export_backbone
    from personalizer.backbones.registry import load_backbone

    file = Path(__file__).parents[1] / "personalizer" / "chameleon_checkpoints.py"
    spec = importlib.util.spec_from_file_location("chameleon_checkpoints", file)
    assert spec is not None and spec.loader is not None
    checkpoints = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(checkpoints)
    folder = tmp_path_factory.mktemp("exported")
    checkpoints.write_pocket_like(folder / "checkpoint")
    backbone = load_backbone(str(folder / "checkpoint"), "cpu")
    export_backbone(backbone, folder / "runtime")
    return Exported(folder / "checkpoint", folder / "runtime", backbone.spec.version)


@pytest.fixture
def home(tmp_path: Path, exported: Exported) -> Home:
    """A home that can serve the backbone at once."""
    from assistant.runtimes import note_export, runtime_directory

    made = Home(tmp_path / "home").ensure()
    shutil.copytree(exported.runtime, runtime_directory(made, exported.version))
    note_export(made, str(exported.checkpoint), exported.version)
    return made
