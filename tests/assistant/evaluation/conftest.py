"""Subjects and negatives drawn with their own shapes and colours: easy to tell apart, cheap to make."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from safetensors.numpy import save_file

from assistant.evaluation.data.options import EvaluationRun
from personalizer.home import Home
from personalizer.recognition.picture_bank import BANK_FILE


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
def draw_subject(tmp_path: Path) -> Callable[[str, int], Path]:
    """Draw photos of `target` or `board` into a folder of its own among the subjects."""

    def draw(kind: str, count: int) -> Path:
        folder = tmp_path / "subjects" / kind
        folder.mkdir(parents=True)
        for number in range(count):
            _picture(kind, number).save(folder / f"{number}.png")
        return folder

    return draw


@pytest.fixture
def folders(tmp_path: Path, draw_subject: Callable[[str, int], Path]) -> tuple[Path, Path]:
    """Five photos of each of two subjects, eight negatives, and a file that is no photo."""
    for kind in ("target", "board"):
        draw_subject(kind, 5)
    (tmp_path / "negatives").mkdir()
    for number in range(8):
        _picture("shards", number).save(tmp_path / "negatives" / f"{number}.png")
    (tmp_path / "negatives" / "broken.jpg").write_bytes(b"\xff\xd8 not a photo")
    return tmp_path / "subjects", tmp_path / "negatives"


@pytest.fixture
def run(home: Home, exported: Any, tmp_path: Path) -> EvaluationRun:
    """A home and a backbone with a bank of pictures, to tell a concept from."""
    checkpoint = Path(shutil.copytree(exported.checkpoint, tmp_path / "tiny"))
    random = np.random.default_rng(0)
    vectors = random.normal(size=(40, 1280)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    bank = {"codes": random.integers(0, 32, (40, 16)).astype(np.int16), "vectors": vectors}
    save_file(bank, checkpoint / BANK_FILE, metadata={"embedding_version": "another"})
    return EvaluationRun(home, str(checkpoint), "cpu")
