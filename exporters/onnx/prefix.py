"""Exports the key/value cache of a concept's personal prompt, which serving reads beside the prefix."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np

from exporters.manifest import hash_file
from exporters.runtime.concept import ConceptRuntime, PrefixWeights
from exporters.runtime.session import BackboneSession
from exporters.tensor_files import save_tensors
from personalizer.home import write_atomically
from personalizer.prefix.format import CACHE_FILE, CACHE_MANIFEST, MANIFEST_FILE, WEIGHTS_FILE


def export_concept(
    session: BackboneSession, prefix_directory: Path, directory: Path | None = None
) -> list[Path]:
    """Store the keys and values of a concept's personal prompt, beside its prefix or with a copy of it
    elsewhere.

    The cache belongs to this export of the backbone; any other session computes its own. Returns the files.
    """
    runtime = ConceptRuntime(session, PrefixWeights.read(prefix_directory))
    target = prefix_directory if directory is None else directory
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    if target.resolve() != prefix_directory.resolve():
        for name in (WEIGHTS_FILE, MANIFEST_FILE):
            shutil.copyfile(prefix_directory / name, target / name)
            (target / name).chmod(0o600)
    arrays = session.cache_to_arrays(runtime.prompt_cache)
    save_tensors(
        target / CACHE_FILE, {f"past_{index}": array.astype(np.float16) for index, array in enumerate(arrays)}
    )
    belongs_to = {
        "session": session.fingerprint,
        "prefix": hash_file(target / WEIGHTS_FILE),
        "cache": hash_file(target / CACHE_FILE),
    }
    write_atomically(target / CACHE_MANIFEST, json.dumps(belongs_to, indent=1).encode())
    return [target / name for name in (WEIGHTS_FILE, MANIFEST_FILE, CACHE_FILE, CACHE_MANIFEST)]
