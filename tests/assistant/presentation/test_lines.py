"""What the command line prints: JSON, progress, thumbnails."""

from __future__ import annotations

import dataclasses
import io
import json
import re
import sys
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image

from assistant.cli.app import run_app
from assistant.cli.front_end import FrontEnd
from assistant.demo.run import DemoResult
from assistant.demo.summary import summary_lines
from assistant.presentation.lines import concept_lines, error_document, error_lines, scan_lines, to_json
from assistant.presentation.printable import printable, short_path, wrapped
from assistant.presentation.progress import shown_progress
from assistant.presentation.thumbnails import Captioned, contact_sheet, half_blocks, side_by_side
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


HOSTILE = "Bo\x1b]0;owned\x07 \x9b31m [/] [beach]\r\x7f\udce9"
SHOWN = r"Bo\x1b]0;owned\x07 \x9b31m [/] [beach]\x0d\x7f\udce9"


def test_control_characters_are_made_visible_and_lines_and_tabs_kept() -> None:
    assert printable(HOSTILE) == SHOWN
    assert printable("a\n\tb – é 🐈") == "a\n\tb – é 🐈"


def test_results_and_errors_for_people_obey_no_name(capsys: pytest.CaptureFixture[str]) -> None:
    FrontEnd(None, "pocket", "auto", json=False, quiet=True).show(HOSTILE, str)
    assert capsys.readouterr().out == f"{SHOWN}\n"
    assert error_lines(NotFoundError(tried=HOSTILE, found="b", fix="c")).startswith(f"Failed: {SHOWN}\n")


def test_an_unexpected_error_is_printed_word_for_word(capsys: pytest.CaptureFixture[str]) -> None:
    broken = typer.Typer()

    @broken.command()
    def fail() -> None:
        raise RuntimeError(HOSTILE)

    assert run_app(broken, ["--"]) == 1
    shown = capsys.readouterr().err
    assert SHOWN in shown and "Traceback" in shown
    assert "\x1b" not in shown and "\x9b" not in shown


def test_json_is_ascii_and_keeps_every_character() -> None:
    assert to_json(HOSTILE).isascii()
    assert "\x7f" not in to_json(HOSTILE).replace("\\x7f", "")
    assert json.loads(to_json(HOSTILE)) == HOSTILE


def test_progress_messages_are_neither_markup_nor_codes() -> None:
    plain = io.StringIO()
    with shown_progress(quiet=False, stream=plain) as show:
        show(Progress(1, 2, HOSTILE))
    assert plain.getvalue() == f"{SHOWN} (1/2)\n"
    terminal = Terminal()
    with shown_progress(quiet=False, stream=terminal) as show:
        show(Progress(1, 2, HOSTILE))
        show(Progress(2, 2, HOSTILE))
    written = terminal.getvalue()
    assert "[/] [beach]" in written
    assert "\x1b]0;" not in written and "\x9b" not in written


def test_a_printed_line_never_shares_a_row_with_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    with shown_progress(quiet=False, stream=terminal) as show:
        show(Progress(1, 2, "Reading a.jpg"))
        print("2 new photos [/] about 3 s", file=sys.stderr)
        show(Progress(2, 2, "Reading b.jpg"))
    # Each escape sequence that erases a row or moves up begins a new row.
    rows = re.split(r"\n|\r|\x1b\[\d*[AK]", terminal.getvalue())
    assert [row for row in rows if "about 3 s" in row] == ["2 new photos [/] about 3 s"]


def test_paths_are_short_and_lines_are_wrapped_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert short_path(Path("/home/ada/Pictures/a b.jpg")) == "~/Pictures/a b.jpg"
    assert (short_path("/home/ada"), short_path("/home/adalbert")) == ("~", "/home/adalbert")
    text = "photos    three of them were read and one was not\n  short"
    assert wrapped(text, 30) == "photos    three of them were\n          read and one was not\n  short"
    assert wrapped("a " + "b" * 50, 20) == "a\n" + "b" * 50, "a path stays whole"
    assert wrapped(text, 200) == text


class Terminal(io.StringIO):
    """What is written as to a terminal."""

    def isatty(self) -> bool:
        return True


def test_the_demo_prints_its_own_thumbnails_and_nobody_elses_codes(tmp_path: Path) -> None:
    picture = tmp_path / "photo.png"
    Image.new("RGB", (64, 64), "teal").save(picture)
    asked = {"photo": str(picture), "question": "\x1b[5mwho?", "answer": "\x1b[2J", "verdict": "yes"}
    result = DemoResult(
        photos=1,
        detections=1,
        concepts=[{"name": HOSTILE, "class_name": "dog", "how": "found", "state": "ready"}],
        trained=[],
        describe=[{**asked, "shows": "Bo", "correct": True}],
        imagine=[{"prompt": HOSTILE, "path": str(picture)}],
        contact_sheet="sheet\x1b[1m.png",
        home=str(tmp_path),
        elapsed_s={"total": 1.0},
        repeated=False,
    )
    text = summary_lines(result, pictures=True)
    assert "▀" in text and "\x1b[38;2;" in text
    codes = set(re.findall(r"\x1b\[[\d;]*[A-Za-z]", text))
    assert all(code == "\x1b[0m" or code.startswith("\x1b[38;2;") for code in codes)
    assert text.count("\x1b") == len(re.findall(r"\x1b\[(?:0|38;2;[\d;]+)m", text))


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
