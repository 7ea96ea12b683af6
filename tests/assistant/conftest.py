"""A home whose backbone is a tiny random one, exported once per session of tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from personalizer.home import Home
from personalizer.library.library import Library
from personalizer.schemas import Concept


@dataclass(frozen=True)
class Exported:
    """A checkpoint and its export. Read-only."""

    checkpoint: Path
    runtime: Path
    version: str


@pytest.fixture(scope="session")
def exported(pocket_like: Path, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    from exporters.onnx.export import export_backbone
    from personalizer.backbones.registry import load_backbone

    runtime = tmp_path_factory.mktemp("exported") / "runtime"
    backbone = load_backbone(str(pocket_like), "cpu")
    export_backbone(backbone, runtime)
    return Exported(pocket_like, runtime, backbone.spec.version)


@pytest.fixture
def home(tmp_path: Path, exported: Exported) -> Home:
    """A home that can serve the backbone at once."""
    from exporters.installed import note_export, runtime_directory

    made = Home(tmp_path / "home").ensure()
    shutil.copytree(exported.runtime, runtime_directory(made, exported.version))
    note_export(made, str(exported.checkpoint), exported.version)
    return made


@pytest.fixture
def know_prefix(home: Home, exported: Exported) -> Callable[..., Concept]:
    """Makes a named thing with random learned rows, as if it had been trained for the tiny backbone."""
    import torch

    from exporters.manifest import Manifest
    from personalizer.prefix.dual_prefix import DualPrefix, DualPrefixConfig, save_prefix

    spec = Manifest.read(exported.runtime).spec

    def know(library: Library, name: str, rows: int = 2) -> Concept:
        concept = library.create_concept("object", name)
        directory = home.concepts / str(concept.id)
        config = DualPrefixConfig(generation_tokens=rows, understanding_tokens=rows)
        generator = torch.Generator().manual_seed(concept.id)
        start = torch.randn(config.num_virtual_tokens, spec.hidden_size, generator=generator)
        prefix = DualPrefix(config, start, output_scale=0.1)
        save_prefix(prefix, directory, spec=spec, concept={"id": concept.id, "name": name}, training={})
        return library.set_prefix(concept.id, backbone=spec.version, directory=directory, state="ready")

    return know
