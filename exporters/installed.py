"""Finds the exported runtime of a checkpoint without reading the weights. Imports no torch.

The worker records sizes and times of the checkpoint's files with the exported version. Serving compares them; a changed
checkpoint is exported again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from personalizer.backbones.registry import POCKET, backbone_directory
from personalizer.errors import CorruptArtifactError, NotFoundError, NotReadyError
from personalizer.home import Home, write_atomically

INDEX = "index.json"
MANIFEST = "manifest.json"


def runtime_directory(home: Home, version: str) -> Path:
    """Where the export of this backbone version is, or goes."""
    return home.runtimes / version


def is_complete(directory: Path) -> bool:
    """Whether there is an export: its manifest is written last."""
    return (directory / MANIFEST).is_file()


def exported_version(home: Home, backbone: str) -> str | None:
    """The version of `backbone` whose export can be served, or None when it has to be exported first.

    Raises NotReadyError for a backbone that does not exist.
    """
    try:
        checkpoint = backbone_directory(backbone)
    except NotFoundError as error:
        raise NotReadyError(tried=error.tried, found=error.found, fix=error.fix) from error
    entry = _read_index(home).get(_key(backbone))
    if entry is None or entry.get("files") != _stamp(checkpoint):
        return None
    version = str(entry["version"])
    return version if is_complete(runtime_directory(home, version)) else None


def note_export(home: Home, backbone: str, version: str) -> None:
    """Remember that the export of `version` belongs to the checkpoint as it is now; for the worker only."""
    index = _read_index(home)
    before = index.get(_key(backbone), {})
    versions = {*before.get("earlier", []), before.get("version", version)} - {version}
    index[_key(backbone)] = {
        "version": version,
        "files": _stamp(backbone_directory(backbone)),
        "earlier": sorted(versions),
    }
    write_atomically(home.runtimes / INDEX, json.dumps(index, indent=1).encode())


def of_same_backbone(home: Home, prefix: Path, trained_for: str | None, backbone: str) -> bool:
    """Whether the prefix in `prefix` is for a version that `backbone` has, or had before it changed.

    Where none is known to have had the version `trained_for`, the names decide; a prefix that cannot be read counts
    as such: training makes it anew.
    """
    owners = [
        key
        for key, entry in _read_index(home).items()
        if trained_for == entry.get("version") or trained_for in entry.get("earlier", [])
    ]
    if owners:
        return _key(backbone) in owners
    try:
        trained = json.loads((prefix / MANIFEST).read_bytes())["backbone"]["name"]
    except (OSError, ValueError, KeyError, TypeError):
        return True
    return bool(trained == Path(backbone).name)


def _key(backbone: str) -> str:
    """The bundled backbone is the same one wherever Familiar is installed; any other is where it is."""
    return backbone if backbone == POCKET else str(backbone_directory(backbone).resolve())


def _stamp(directory: Path) -> dict[str, list[int]]:
    """Size in bytes and modification time in ns of the files that decide a version."""
    settings = ("config.json", "tokenizer.json", "preprocessor_config.json")
    names = [*directory.glob("*.safetensors"), *(directory / name for name in settings)]
    stats = {path.name: path.stat() for path in sorted(names) if path.exists()}
    return {name: [status.st_size, status.st_mtime_ns] for name, status in stats.items()}


def _read_index(home: Home) -> dict[str, Any]:
    path = home.runtimes / INDEX
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text())
    except ValueError as error:
        raise CorruptArtifactError(
            tried=f"reading {path}", found=str(error), fix=f"Delete {path}; the backbone is exported again."
        ) from error
    return content if isinstance(content, dict) else {}
