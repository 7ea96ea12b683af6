"""Makes the sheet of montages in docs/PICTURES.md from the sample library, as `familiar imagine` makes them.

python -m scripts.montage_sheet
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from assistant.demo.run import Sample, read_samples
from assistant.imagine.montage import MontagePainter
from assistant.language.parse import parse
from personalizer.analysis.main_thing import shipped_network
from personalizer.library.library import Library
from personalizer.library.photos.photos import NewPhoto
from personalizer.photos.decode import load_photo
from personalizer.schemas import BoundingBox, Embedding, NewDetection

REQUESTS = (
    ("Biscuit on a beach", "Biscuit in a forest at night", "Biscuit in the snow as a painting"),
    ("Kiwi in a garden", "Kiwi on the moon", "a pencil drawing of Kiwi in the mountains"),
    ("Bolt on a beach at sunset", "Bolt in the living room", "Bolt in a forest, pixel art"),
    ("Marmalade on a red sofa", "Marmalade and Biscuit in the park", "Marmalade on a road in the rain"),
)
CELL_PX, CAPTION_PX = 300, 18
SEED = 1
TARGET = Path(__file__).resolve().parent.parent / "docs" / "pictures" / "montages.jpg"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=TARGET)
    out: Path = parser.parse_args().out
    width, height = len(REQUESTS[0]) * CELL_PX, len(REQUESTS) * (CELL_PX + CAPTION_PX)
    sheet = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(sheet)
    with tempfile.TemporaryDirectory() as folder, Library.open(Path(folder) / "library.sqlite3") as library:
        for sample in read_samples():
            if sample.subject is not None and not sample.held_out:
                add(library, sample)
        painter = MontagePainter(library, shipped_network(), lambda _place, _seed: None)
        for row, requests in enumerate(REQUESTS):
            for column, request in enumerate(requests):
                words = parse(request, library.names())
                concepts = [concept for concept in library.concepts() if concept.name in words.concepts]
                picture = painter.paint(painter.understand(words, concepts), concepts, SEED).image
                place = (column * CELL_PX, row * (CELL_PX + CAPTION_PX))
                sheet.paste(picture.resize((CELL_PX - 4, CELL_PX - 4), Image.Resampling.LANCZOS), place)
                pen.text((place[0] + 2, place[1] + CELL_PX - 2), request, fill="black")
    sheet.save(out, quality=85)


def add(library: Library, sample: Sample) -> None:
    """One more photo of its subject, which is a named thing."""
    name = str(sample.subject)
    photo, status = load_photo(sample.path), sample.path.stat()
    whole = NewDetection("photo", BoundingBox(0, 0, photo.width_px, photo.height_px), 1.0, "whole")
    stored = library.record_photo(
        NewPhoto(
            content_hash=hashlib.sha256(sample.path.read_bytes()).hexdigest(),
            path=sample.path,
            size=status.st_size,
            mtime_ns=status.st_mtime_ns,
            width_px=photo.width_px,
            height_px=photo.height_px,
            taken_at=None,
            latitude=None,
            longitude=None,
            camera=None,
            detections=[(whole, Embedding(np.ones(4, np.float32) / 2, "m", "1"))],
        )
    )
    concept = library.concept_by_name(name) or library.create_concept("object", name)
    members = [detection.id for detection in library.detections(stored.id, kind="photo")]
    library.add_members(concept.id, members, source="user", status="confirmed")


if __name__ == "__main__":
    main()
