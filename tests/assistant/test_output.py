"""What the command line prints: JSON, progress, thumbnails."""

from __future__ import annotations

import dataclasses
import io
import json
from datetime import datetime
from pathlib import Path

import numpy as np
from PIL import Image

from assistant.cli_output import concept_lines, error_document, scan_lines, to_json
from assistant.progress import shown_progress
from assistant.thumbnails import Captioned, contact_sheet, half_blocks, side_by_side
from personalizer.errors import NotFoundError
from personalizer.schemas import BoundingBox, ConceptSummary, Progress, ScanReport


@dataclasses.dataclass
class Everything:
    path: Path
    at: datetime
    box: BoundingBox
    number: np.float32
    missing: float
    nested: list[dict[str, Path]]


def test_json_has_only_plain_values() -> None:
    made = Everything(
        Path("/a"),
        datetime(2024, 5, 1),
        BoundingBox(0, 1, 2, 3),
        np.float32(0.5),
        float("nan"),
        [{"p": Path("b")}],
    )
    assert json.loads(to_json(made)) == {
        "path": "/a",
        "at": "2024-05-01T00:00:00",
        "box": {"left": 0, "top": 1, "right": 2, "bottom": 3},
        "number": 0.5,
        "missing": None,
        "nested": [{"p": "b"}],
    }


def test_errors_say_what_was_tried_found_and_what_to_do() -> None:
    error = NotFoundError(tried="a", found="b", fix="c")
    assert error_document(error) == {"error": {"tried": "a", "found": "b", "fix": "c"}}


def test_lines_for_people() -> None:
    report = ScanReport(
        seen=3, new=2, changed=0, moved=0, missing=1, failed=[{"path": "x.jpg", "reason": "empty"}]
    )
    assert "2 new, 1 missing" in scan_lines(report)
    assert "x.jpg: empty" in scan_lines(report)
    assert "learn NAME" in concept_lines([])
    assert "Bo" in concept_lines([ConceptSummary(1, "Bo", "object", 3, 0, "ready")])


def test_progress_outside_a_terminal_is_lines_and_not_too_many() -> None:
    stream = io.StringIO()
    with shown_progress(quiet=False, stream=stream) as show:
        for number in range(1, 101):
            show(Progress(number, 100, "Reading"))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "Reading (1/100)"
    assert lines[-1] == "Reading (100/100)"
    assert len(lines) < 5


def test_quiet_progress_is_silent() -> None:
    stream = io.StringIO()
    with shown_progress(quiet=True, stream=stream) as show:
        show(Progress(1, 1, "Reading"))
    assert stream.getvalue() == ""


def test_half_blocks_hold_two_pixels_per_character() -> None:
    image = Image.new("RGB", (4, 4), "white")
    image.paste("black", (0, 2, 4, 4))
    lines = half_blocks(image, 4)
    assert [line.count("▀") for line in lines] == [4, 4]
    assert "38;2;255;255;255;48;2;255;255;255" in lines[0]
    assert "38;2;0;0;0;48;2;0;0;0" in lines[1]


def test_thumbnails_and_sheets_of_several_pictures(tmp_path: Path) -> None:
    pictures = []
    for number, size in enumerate([(64, 64), (300, 200), (100, 400)]):
        path = tmp_path / f"{number}.png"
        Image.new("RGB", size, (number * 80, 100, 50)).save(path)
        pictures.append(Captioned(path, f"picture {number}"))
    text = side_by_side(pictures, columns=10, width=24)
    assert text.count("picture") == 3
    sheet = contact_sheet([("first", pictures[:2]), ("second", pictures)], tile_px=50)
    assert sheet.width == 3 * 58 + 8
