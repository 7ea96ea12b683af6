"""A training that an earlier version queued, with settings under their former names."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import small_training as small
from safetensors.numpy import load_file
from worlds import World

SETTINGS = {
    "steps": 2,
    "rows": {"generation_rows": 3, "understanding_rows": 3, "shared": True},
    "preservation": 0.5,
    "preserved": 1,
    "companions": 0.5,
    "start": "mean",
    "pull": 0.1,
}


def test_a_job_with_former_names_is_trained(exported: Any, tmp_path: Path) -> None:
    """The manifest keeps the keys of earlier versions, so that these can still read the prefix."""
    from exporters.installed import note_export, runtime_directory

    with small.disc_world(tmp_path) as discs:
        shutil.copytree(exported.runtime, runtime_directory(discs.home, exported.version))
        note_export(discs.home, str(exported.checkpoint), exported.version)
        options = {"backbone": str(exported.checkpoint), "device": "cpu"}
        world = World(discs.home, discs.library, options=options)
        report = world.done("train", str(discs.concept), concept=discs.concept, settings=SETTINGS)
        folder = world.library.concept(discs.concept).prefix_dir
    assert report["steps"] == 2 and folder is not None
    manifest = json.loads((folder / "manifest.json").read_text())
    stored = {"generation_rows": 3, "understanding_rows": 3, "shared": True, "self_prompting": True}
    assert {key: manifest[key] for key in stored} == stored and "prefix" not in manifest
    assert len(load_file(folder / "prefix.safetensors")["generation_input"]) == 3
