"""The recognition table on small drawn subjects, through the real embedder and library."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from assistant.evaluation.recognition import evaluate_recognition
from personalizer.locations import Home
from personalizer.schemas import Progress

pytestmark = pytest.mark.slow


def _picture(kind: str, number: int) -> Image.Image:
    """A subject of its own shape and colours, elsewhere and on another ground each time."""
    random = np.random.default_rng([number, *kind.encode()])
    ground = tuple(int(value) for value in random.integers(90, 255, 3))
    picture = Image.new("RGB", (160, 160), ground)
    paint = ImageDraw.Draw(picture)
    x, y = (int(value) for value in random.integers(5, 35, 2))
    if kind == "target":
        for ring in range(6):
            paint.ellipse(
                (x + 9 * ring, y + 9 * ring, x + 120 - 9 * ring, y + 120 - 9 * ring),
                fill=("red", "white")[ring % 2],
            )
    elif kind == "board":
        for row in range(8):
            for column in range(8):
                left, top = x + 15 * column, y + 15 * row
                paint.rectangle(
                    (left, top, left + 14, top + 14), fill=("black", "yellow")[(row + column) % 2]
                )
    else:
        for _ in range(12):
            corners = [tuple(int(v) for v in random.integers(0, 160, 2)) for _ in range(3)]
            paint.polygon(corners, fill=tuple(int(value) for value in random.integers(0, 255, 3)))
    return picture


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for kind in ("target", "board"):
        (tmp_path / "subjects" / kind).mkdir(parents=True)
        for number in range(5):
            _picture(kind, number).save(tmp_path / "subjects" / kind / f"{number}.png")
    (tmp_path / "negatives").mkdir()
    for number in range(8):
        _picture("shards", number).save(tmp_path / "negatives" / f"{number}.png")
    (tmp_path / "negatives" / "broken.jpg").write_bytes(b"\xff\xd8 not a photo")
    return tmp_path / "subjects", tmp_path / "negatives"


def test_retrieval_knows_drawn_subjects_and_resumes(folders: tuple[Path, Path], tmp_path: Path) -> None:
    seen: list[Progress] = []
    home = Home(tmp_path / "home")
    report = evaluate_recognition(*folders, home=home, splits=2, trained_splits=0, on_progress=seen.append)
    assert report["weighted"] > 0.9
    assert report["retrieval_only"]["trials"] == 4
    assert report["prefix_only"] is None
    assert set(report["per_concept"]) == {"target", "board"}
    assert list(report["settings"]["unreadable"]) == [str(folders[1] / "broken.jpg")]
    assert report["settings"]["photos"] == 18
    analysed = sum("analysing" in progress.message for progress in seen)
    seen.clear()
    again = evaluate_recognition(*folders, home=home, splits=2, trained_splits=0, on_progress=seen.append)
    assert (
        analysed == 19 and sum("analysing" in p.message for p in seen) == 1
    )  # the broken one is tried again
    assert again == report
