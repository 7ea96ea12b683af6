"""Replaces the two files of a trained prefix, weights and manifest; a kill at any moment leaves a matching pair.

Of the manifest this module reads only the hash of the weights.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from personalizer.home import write_atomically
from personalizer.prefix.format import MANIFEST_FILE, WEIGHTS_FILE

_STAGED_FILE = f".{MANIFEST_FILE}.staged"


def replace_pair(directory: Path, weights: bytes, manifest: bytes) -> None:
    """Replace both files, or neither. `manifest` is JSON whose `sha256` is that of `weights`."""
    weights_path, manifest_path = directory / WEIGHTS_FILE, directory / MANIFEST_FILE
    previous = weights_path.read_bytes() if weights_path.exists() else None
    staged = directory / _STAGED_FILE
    try:
        # Everything that a full disk can stop happens before the first file is replaced.
        write_atomically(staged, manifest)
        write_atomically(weights_path, weights)
        try:
            staged.replace(manifest_path)
        except BaseException:
            if previous is None:
                weights_path.unlink(missing_ok=True)
            else:
                write_atomically(weights_path, previous)
            raise
    finally:
        staged.unlink(missing_ok=True)


def current_manifest(directory: Path) -> Path:
    """The manifest that matches the weights: the staged one if a kill came between the two replacements."""
    staged = directory / _STAGED_FILE
    if staged.exists():
        try:
            expected = json.loads(staged.read_bytes())["sha256"]
            if hashlib.sha256((directory / WEIGHTS_FILE).read_bytes()).hexdigest() == expected:
                return staged
        except (OSError, ValueError, KeyError, TypeError):
            pass  # a crash came earlier: the previous pair is whole
    return directory / MANIFEST_FILE


def finish_replacing(directory: Path) -> None:
    """Finish an interrupted `replace_pair`: move a staged manifest that matches the weights into place.

    Call it only in the process that writes.
    """
    manifest = current_manifest(directory)
    if manifest.name == _STAGED_FILE:
        manifest.replace(directory / MANIFEST_FILE)


def remove_leftovers(directory: Path) -> None:
    """Remove temporary files of killed processes. Call it only in the process that writes, between two writes."""
    for leftover in [*directory.glob(".*.tmp"), directory / _STAGED_FILE]:
        leftover.unlink(missing_ok=True)
