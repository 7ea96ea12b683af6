"""Measures the mean object feature of general photos, which the product subtracts before comparing.

    python -m scripts.fit.object_mean PHOTOS.tar [--count 1500] [--out FILE]

The archive holds image files of anything; `--count` of them are taken evenly over its length.
"""

from __future__ import annotations

import argparse
import io
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.numpy import save

from personalizer.analysis.efficientnet import FEATURES
from personalizer.analysis.embed import OBJECT_MEAN, ObjectEmbedder
from personalizer.home import write_atomically

BATCH = 16


def evenly(archive: Path, count: int) -> Iterator[Image.Image]:
    """About `count` RGB pictures, spread over the archive."""
    with tarfile.open(archive) as tar:
        members = sorted((member for member in tar if member.isfile()), key=lambda member: member.name)
        wanted = np.unique(np.linspace(0, len(members) - 1, min(count, len(members))).astype(int))
        for index in wanted:
            file = tar.extractfile(members[index])
            assert file is not None
            with Image.open(io.BytesIO(file.read())) as image:
                yield image.convert("RGB")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("archive", type=Path)
    parser.add_argument("--count", type=int, default=1500)
    parser.add_argument("--out", type=Path, default=OBJECT_MEAN)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        # Without a mean file the vectors are the plain unit features.
        embedder = ObjectEmbedder(mean_file=Path(temporary) / "none")
        total, seen = np.zeros(FEATURES, np.float64), 0
        batch: list[Image.Image] = []
        for image in evenly(options.archive, options.count):
            batch.append(image)
            if len(batch) == BATCH:
                total += sum(view.embedding.vector.astype(np.float64) for view in embedder.view(batch))
                seen, batch = seen + len(batch), []
        if batch:
            total += sum(view.embedding.vector.astype(np.float64) for view in embedder.view(batch))
            seen += len(batch)
    mean = (total / seen).astype(np.float32)
    write_atomically(options.out, save({"mean": mean}))
    options.out.chmod(0o644)  # package data, not a user's
    print(f"{options.out}: mean of {seen} pictures, length {np.linalg.norm(mean):.3f}")


if __name__ == "__main__":
    main()
