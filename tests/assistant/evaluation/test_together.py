"""Two concepts in one prompt: who is asked beside whom, about which pictures, and the whole measure on drawn ones."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from safetensors.numpy import save_file

from assistant.evaluation.protocol import Split, Subject
from assistant.evaluation.recognition import Comparison, evaluate_recognition
from assistant.evaluation.tables import recognition_table
from assistant.evaluation.together import COMPOSITES, composed, make_composites, make_pairs
from personalizer.locations import Home
from personalizer.picture_bank import BANK_FILE
from personalizer.schemas import Progress

PHOTOS = 20


def compared(name: str, place: int, split: int = 0) -> Comparison:
    """Three photos of its own among 20; it was shown another one."""
    own = range(4 * place, 4 * place + 3)
    ids = [number for number in range(PHOTOS) if number != 4 * place + 3]
    return Comparison(
        split=Split(Subject(name, (Path("a.jpg"), Path("b.jpg"))), split, (Path("a.jpg"),)),
        kind="object",
        shot_ids=[4 * place + 3],
        photo_ids=ids,
        is_positive=np.isin(ids, own),
        same_class=np.isin(ids, own),
        log_odds=[0.0] * len(ids),
        retrieval_log_odds=[0.0] * len(ids),
        boxes=[None] * len(ids),
    )


def test_everyone_is_asked_for_once_beside_somebody_of_the_same_split() -> None:
    splits = [compared(name, place, split) for split in (0, 1) for place, name in enumerate("abcd")]
    splits.append(compared("lonely", 4, 2))
    pairs = make_pairs(splits, seed=3)
    assert sorted(pair.asked for pair in pairs) == list(range(8))
    assert all(pair.asked != pair.beside for pair in pairs)
    assert all(splits[p.asked].split.number == splits[p.beside].split.number for p in pairs)
    assert make_pairs(splits, seed=3) == pairs != make_pairs(splits, seed=4)


def test_composites_show_what_they_say_from_photos_that_nobody_learned() -> None:
    one, other = compared("a", 0), compared("b", 1)
    made = make_composites(one, other, seed=0)
    assert made == make_composites(one, other, seed=0) != make_composites(one, other, seed=1)
    assert len(made) == 4 * COMPOSITES and len({(c.shows_asked, c.shows_beside) for c in made}) == 4
    for composite in made:
        halves = {composite.left, composite.right}
        assert bool(halves & {0, 1, 2}) == composite.shows_asked
        assert bool(halves & {4, 5, 6}) == composite.shows_beside
        assert not halves & {3, 7}, "a photo that a prefix was trained on"
    assert {c.left in (0, 1, 2) for c in made if c.shows_asked and c.shows_beside} == {True, False}


def test_a_composite_has_the_middle_of_both_photos() -> None:
    wide = Image.new("RGB", (300, 100), "blue")
    ImageDraw.Draw(wide).rectangle((130, 0, 170, 100), fill="red")
    picture = composed(wide, Image.new("RGB", (80, 200), "green"))
    assert picture.width == picture.height
    left, right = (picture.getpixel((picture.width * place // 8, 200)) for place in (2, 6))
    assert left == (255, 0, 0) and right == (0, 128, 0)


def subject(kind: str, number: int) -> Image.Image:
    random = np.random.default_rng([number, *kind.encode()])
    picture = Image.new("RGB", (120, 120), tuple(int(value) for value in random.integers(90, 255, 3)))
    paint = ImageDraw.Draw(picture)
    x, y = (int(value) for value in random.integers(5, 30, 2))
    if kind == "target":
        for ring in range(5):
            at = (x + 8 * ring, y + 8 * ring, x + 84 - 8 * ring, y + 84 - 8 * ring)
            paint.ellipse(at, fill=("red", "white")[ring % 2])
    elif kind == "board":
        for cell in range(36):
            left, top = x + 14 * (cell % 6), y + 14 * (cell // 6)
            colour = ("black", "yellow")[(cell + cell // 6) % 2]
            paint.rectangle((left, top, left + 13, top + 13), fill=colour)
    else:
        corners = [tuple(int(v) for v in random.integers(0, 120, 2)) for _ in range(3)]
        paint.polygon(corners, fill=tuple(int(value) for value in random.integers(0, 255, 3)))
    return picture


@pytest.fixture
def checkpoint(exported: Any, tmp_path: Path) -> Path:
    """The tiny backbone with some pictures to tell things from."""
    folder = Path(shutil.copytree(exported.checkpoint, tmp_path / "checkpoint"))
    random = np.random.default_rng(0)
    bank = {
        "codes": random.integers(0, 32, (40, 16), dtype=np.int16),
        "vectors": random.standard_normal((40, 8)).astype(np.float16),
    }
    save_file(bank, folder / BANK_FILE)
    return folder


@pytest.mark.slow
def test_trained_prefixes_are_asked_for_beside_each_other_and_not_again(
    checkpoint: Path, models: Path, tmp_path: Path
) -> None:
    home = Home(tmp_path / "home").ensure()
    shutil.copytree(models, home.models, dirs_exist_ok=True)
    for kind, count in (("target", 5), ("board", 5), ("shards", 6)):
        folder = tmp_path / ("negatives" if kind == "shards" else f"subjects/{kind}")
        folder.mkdir(parents=True)
        for number in range(count):
            subject(kind, number).save(folder / f"{number}.png")
    seen: list[Progress] = []

    def measure() -> dict[str, Any]:
        seen.clear()
        return evaluate_recognition(
            tmp_path / "subjects",
            tmp_path / "negatives",
            home=home,
            splits=1,
            backbone=str(checkpoint),
            device="cpu",
            together=True,
            on_progress=seen.append,
        )

    report = measure()
    together = report["together"]
    assert sorted(together["pairs"]) == [["board", "target"], ["target", "board"]]
    assert together["alone"]["concepts"] == together["beside_another"]["concepts"] == 2
    kept = together["beside_another"]["weighted"] / together["alone"]["weighted"]
    assert together["beside_another"]["kept"] == pytest.approx(kept, abs=1e-3)
    assert set(together["composites"]) == {"product", "alone", "beside_another"}
    files = list(home.root.glob("trained/*/together.json"))
    assert len(files) == 2
    names = [row[0] for row in recognition_table(report)]
    assert "beside_another" in names and "two subjects: beside_another" in names
    times = [file.stat().st_mtime_ns for file in files]
    again = measure()
    assert again["together"] == together
    assert [file.stat().st_mtime_ns for file in files] == times, "what was answered is read again"
