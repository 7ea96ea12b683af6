"""Renders the scenes that montages put cut-outs into: pictures and `scenes.json`.

    python scripts/render/render_scenes.py [--out DIR] [--only NAME …] [--size 768] [--contact-sheet FILE]

Deterministic: the same numpy, OpenCV and Pillow on the same kind of processor give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.render.scenes.catalogue import scenes
from scripts.render.scenes.scene import SIZE, Scene

DEFAULT_OUT = Path(__file__).resolve().parents[2] / "personalizer" / "data" / "scenes"
MANIFEST = "scenes.json"
QUALITY = 88


def save(picture: npt.NDArray[np.uint8], path: Path) -> None:
    """Writes one picture as WebP."""
    Image.fromarray(picture).save(path, "WEBP", quality=QUALITY, method=6)


def write_manifest(every: Sequence[Scene], folder: Path) -> None:
    """Writes what montages must know about the scenes."""
    text = json.dumps([scene.facts() for scene in every], indent=1, ensure_ascii=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def contact_sheet(
    every: Sequence[Scene], folder: Path, target: Path, tile: int = 256, across: int = 7
) -> None:
    """All pictures of a folder, reduced, in one."""
    sheet = Image.new("RGB", (across * tile, -(-len(every) // across) * tile))
    for k, scene in enumerate(every):
        if (folder / scene.file).exists():
            with Image.open(folder / scene.file) as picture:
                sheet.paste(
                    picture.convert("RGB").resize((tile, tile)), (k % across * tile, k // across * tile)
                )
    sheet.save(target)


def main(arguments: Sequence[str] | None = None) -> int:
    """Renders what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT)
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="names of scenes; the manifest stays complete"
    )
    parser.add_argument("--size", type=int, default=SIZE)
    parser.add_argument(
        "--contact-sheet",
        type=Path,
        help="an overview of the pictures that are in --out; renders only --only",
    )
    options = parser.parse_args(arguments)
    every = scenes()
    unknown = sorted(set(options.only or ()) - {scene.name for scene in every})
    if unknown:
        parser.error(f"no such scene: {', '.join(unknown)}")
    options.out.mkdir(parents=True, exist_ok=True)
    wanted = [scene for scene in every if scene.name in (options.only or ())]
    if options.only is None and options.contact_sheet is None:
        wanted = every
    for scene in wanted:
        start = time.monotonic()
        save(scene.render(options.size), options.out / scene.file)
        size = (options.out / scene.file).stat().st_size
        print(f"{scene.file}: {size / 1000:.0f} kB, {time.monotonic() - start:.1f} s", flush=True)
    write_manifest(every, options.out)
    if options.contact_sheet is not None:
        contact_sheet(every, options.out, options.contact_sheet)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
