"""The manifest of an exported backbone: its files, checkpoint version and precision.

Detects changed files; knows no graph and no runtime.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from personalizer.backbones.preprocessing import PixelScaling
from personalizer.backbones.spec import BackboneSpec
from personalizer.errors import CorruptArtifactError, NotReadyError
from personalizer.home import write_atomically

Precision = Literal["fp32", "int8", "int8-dynamic"]
FORMAT = 1
"""Raised whenever an older runtime could not read the files any more."""
MANIFEST_FILE = "manifest.json"
EXPORT_AGAIN = "Export the backbone again; it is rebuilt from its checkpoint and nothing of yours is lost."
_STAMP_FILE = "verified.json"


@dataclass(frozen=True, slots=True)
class FileEntry:
    """Expected size and hash of a file."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything about an exported backbone that is not in a graph."""

    spec: BackboneSpec
    scaling: PixelScaling
    precision: Precision
    opset: int
    files: Mapping[str, FileEntry]
    versions: Mapping[str, str]
    """The libraries that wrote it."""
    image_context: Literal["codes"] = "codes"
    """How the model reads an image: `codes` means as the embeddings of the codes that it would write."""
    validation: Mapping[str, Any] = field(default_factory=dict)
    """How far it is from the torch model, measured when it was exported."""
    format: int = FORMAT

    @property
    def fingerprint(self) -> str:
        """Changes when anything changes that a key/value cache depends on."""
        parts = [
            self.spec.version,
            *(self.files[name].sha256 for name in ("decoder.onnx", "embeddings.safetensors")),
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def write(self, directory: Path) -> None:
        """Write the manifest, which makes the directory a complete export."""
        write_atomically(directory / MANIFEST_FILE, (json.dumps(asdict(self), indent=1) + "\n").encode())

    @staticmethod
    def read(directory: Path) -> Manifest:
        """Read and check the manifest of an export.

        Raises `NotReadyError` if there is none or it has another format, `CorruptArtifactError` if it is
        damaged.
        """
        path = directory / MANIFEST_FILE
        tried = f"opening the exported backbone in {directory}"
        if not path.exists():
            raise NotReadyError(tried=tried, found="it has no manifest", fix="Export the backbone first.")
        try:
            content: dict[str, Any] = json.loads(path.read_bytes())
            if content["format"] != FORMAT:
                raise NotReadyError(
                    tried=tried,
                    found=f"format {content['format']}, and this version reads format {FORMAT}",
                    fix=EXPORT_AGAIN,
                )
            known = {item.name for item in fields(Manifest)}
            values = {name: value for name, value in content.items() if name in known}
            values["spec"] = spec_from_json(content["spec"])
            values["scaling"] = PixelScaling(**content["scaling"])
            values["files"] = {name: FileEntry(**entry) for name, entry in content["files"].items()}
            return Manifest(**values)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CorruptArtifactError(
                tried=tried, found=f"a damaged manifest ({error})", fix=EXPORT_AGAIN
            ) from error

    def verify(self, directory: Path) -> None:
        """Compare the files with their entries; raise `CorruptArtifactError` at the first that differs.

        Sizes are always compared, contents unless the same files (by size and modification time) were hashed before.
        """
        stamp: dict[str, list[int]] = {}
        for name, entry in self.files.items():
            try:
                status = (directory / name).stat()
            except OSError as error:
                raise _mismatch(directory, name, "it is missing") from error
            if status.st_size != entry.bytes:
                raise _mismatch(directory, name, f"it has {status.st_size} bytes instead of {entry.bytes}")
            stamp[name] = [status.st_size, status.st_mtime_ns]
        if stamp == _read_stamp(directory):
            return
        for name, entry in self.files.items():
            if hash_file(directory / name) != entry.sha256:
                raise _mismatch(directory, name, "its content changed")
        if os.access(directory, os.W_OK):
            write_atomically(directory / _STAMP_FILE, json.dumps(stamp).encode())


def spec_from_json(content: Mapping[str, Any]) -> BackboneSpec:
    """A spec from parsed JSON, whose lists are tuples again."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in content.items()
    }
    return BackboneSpec(**values)


def file_entries(directory: Path) -> dict[str, FileEntry]:
    """Entries for every file in `directory`, except a manifest and a stamp."""
    names = sorted(path.name for path in directory.iterdir() if path.is_file())
    return {
        name: FileEntry((directory / name).stat().st_size, hash_file(directory / name))
        for name in names
        if name not in (MANIFEST_FILE, _STAMP_FILE)
    }


def hash_file(path: Path) -> str:
    """SHA-256 of the content, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_stamp(directory: Path) -> object:
    try:
        return json.loads((directory / _STAMP_FILE).read_bytes())
    except (OSError, ValueError):
        return None


def _mismatch(directory: Path, name: str, found: str) -> CorruptArtifactError:
    return CorruptArtifactError(tried=f"checking {directory / name}", found=found, fix=EXPORT_AGAIN)
