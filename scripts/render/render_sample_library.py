"""Renders the sample library that ships with Familiar: JPEGs with EXIF data and a manifest.

    python scripts/render/render_sample_library.py [--out DIR] [--workers 1] [--only IMG_0042 …] [--contact-sheet FILE]

Deterministic: the same numpy and Pillow give the same bytes.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.render.geometry.renderer import render
from scripts.render.sample_library.plan import Photo, photos
from scripts.render.scene import FINE

DEFAULT_OUT = Path(__file__).resolve().parents[2] / "personalizer" / "data" / "sample_library"
JPEG_QUALITY = 82

# EXIF orientation → how the upright picture is stored, so that applying the orientation gives it back.
_STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def stored(upright: Image.Image, orientation: int) -> Image.Image:
    """The picture as a camera with this EXIF orientation would store it."""
    how = _STORED[orientation]
    return upright if how is None else upright.transpose(how)


def exif(photo: Photo) -> Image.Exif:
    """Orientation, date, camera and perhaps the place."""
    data = Image.Exif()
    data[0x0112] = photo.orientation
    data[0x010F], data[0x0110], data[0x0131] = "Familiar", "Sample camera", "render_sample_library"
    moment = photo.taken_at.strftime("%Y:%m:%d %H:%M:%S")
    data[0x0132] = moment
    data.get_ifd(0x8769).update({0x9003: moment, 0x9004: moment})
    if photo.gps:
        latitude, longitude = photo.gps
        data.get_ifd(0x8825).update(
            {
                1: "N" if latitude >= 0 else "S",
                2: _dms(latitude),
                3: "E" if longitude >= 0 else "W",
                4: _dms(longitude),
            }
        )
    return data


def _dms(degrees: float) -> tuple[float, float, float]:
    value = abs(degrees)
    whole, minutes = int(value), int(value % 1 * 60)
    return float(whole), float(minutes), round((value - whole - minutes / 60) * 3600, 2)


def jpeg_bytes(photo: Photo) -> bytes:
    """The finished file."""
    upright = Image.fromarray(render(photo.scene, photo.width, photo.height, FINE))
    buffer = io.BytesIO()
    stored(upright, photo.orientation).save(
        buffer, "JPEG", quality=JPEG_QUALITY, optimize=True, progressive=True, exif=exif(photo)
    )
    return buffer.getvalue()


def jpeg_bytes_of(number: int) -> bytes:
    """The finished file of the photo with this number (a number travels to a worker, a scene cannot)."""
    return jpeg_bytes(next(photo for photo in photos() if photo.number == number))


def manifest_entry(photo: Photo) -> dict[str, object]:
    """What the manifest says about a photo."""
    return {
        "file": photo.file,
        "subject": photo.subject,
        "class": photo.label,
        "caption": photo.caption,
        "place": photo.place,
        "view": photo.view,
        "light": photo.light,
        "split": photo.split,
    }


def contact_sheet(chosen: Sequence[Photo], target: Path) -> None:
    """A quick small rendering of the photos, eight in a row."""
    cells = []
    for photo in chosen:
        cell = Image.new("RGB", (160, 160))
        quick = Image.fromarray(render(photo.scene, photo.width // 3, photo.height // 3))
        cell.paste(quick, ((160 - quick.width) // 2, (160 - quick.height) // 2))
        cells.append(np.asarray(cell))
    cells += [np.zeros((160, 160, 3), np.uint8)] * (-len(cells) % 8)
    Image.fromarray(
        np.concatenate([np.concatenate(cells[i : i + 8], 1) for i in range(0, len(cells), 8)], 0)
    ).save(target)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=None, help="render only these numbers, such as 42")
    parser.add_argument(
        "--contact-sheet", type=Path, default=None, help="write a quick overview instead of the library"
    )
    args = parser.parse_args()
    everything = photos()
    chosen = [p for p in everything if args.only is None or str(p.number) in args.only]
    if args.contact_sheet:
        by_subject = sorted(
            chosen, key=lambda p: (p.subject is None, p.subject or "", p.split == "held_out", p.label or "zz")
        )
        contact_sheet(by_subject, args.contact_sheet)
        return
    for split in ("library", "held_out"):
        (args.out / split).mkdir(parents=True, exist_ok=True)
    if args.only is None:
        for old in args.out.glob("*/*.jpg"):
            old.unlink()
    with ProcessPoolExecutor(args.workers) as pool:
        for photo, data in zip(
            chosen, pool.map(jpeg_bytes_of, [photo.number for photo in chosen]), strict=True
        ):
            (args.out / photo.file).write_bytes(data)
            print(f"{photo.file}  {len(data) // 1024} KiB  {photo.caption}", flush=True)
    lines = ",\n".join("  " + json.dumps(manifest_entry(p)) for p in everything)
    (args.out / "manifest.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    total = sum(p.stat().st_size for p in args.out.rglob("*.jpg"))
    print(f"{len(everything)} photos, {total / 2**20:.2f} MiB")


if __name__ == "__main__":
    main()
