"""Drawn text, for its words are known, on grounds of several colors and on real photos."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time

import numpy as np
import pytest
from photos import CHINA, FLOWER, package_file, package_photo
from PIL import Image, ImageDraw, ImageFont

from personalizer.analysis import text
from personalizer.analysis.text import (
    PACKAGE,
    ReadingLimits,
    TextLine,
    TextReader,
    contains_text,
    folded_text,
    model_file,
    read_text,
)
from personalizer.analysis.text_regions import TextRegion, cut_out, text_regions
from personalizer.errors import NotReadyError
from personalizer.schemas import BoundingBox

with_networks = pytest.mark.skipif(
    importlib.util.find_spec(PACKAGE) is None, reason="needs the extra: pip install 'familiar-assistant[ocr]'"
)
WHITE, BLACK, BLUE, RED, CREAM, GRAY = (
    "white",
    "black",
    (20, 60, 120),
    (200, 20, 20),
    (240, 230, 200),
    (90, 90, 90),
)

GERMAN, SPANISH = ["Café Müller", "Straße 12"], ["¿Dónde está?", "Señor Núñez"]


def font(size_px: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib."""
    return ImageFont.truetype(str(package_file("matplotlib", "mpl-data/fonts/ttf/DejaVuSans.ttf")), size_px)


def draw_lines(image: Image.Image, lines: list[str], size_px: int, color: object) -> list[BoundingBox]:
    """Writes lines below each other into the middle of `image`; returns where they stand."""
    draw = ImageDraw.Draw(image)
    top = (image.height - len(lines) * 2 * size_px) / 2
    boxes = []
    for number, line in enumerate(lines):
        left = (image.width - draw.textlength(line, font(size_px))) / 2
        place = (left, top + number * 2 * size_px)
        draw.text(place, line, font=font(size_px), fill=color)
        boxes.append(BoundingBox(*draw.textbbox(place, line, font=font(size_px))))
    return boxes


def lines_of(*texts: str) -> list[TextLine]:
    return [TextLine(line, 0.9, BoundingBox(0, 0, 1, 1)) for line in texts]


@with_networks
@pytest.mark.parametrize(
    ("size", "height_px", "color", "ground", "lines"),
    [
        ((240, 120), 18, BLACK, WHITE, GERMAN),
        ((240, 120), 18, BLACK, WHITE, SPANISH),
        ((640, 480), 24, WHITE, BLUE, GERMAN),
        ((640, 480), 56, RED, CREAM, SPANISH),
        ((1600, 1200), 40, GRAY, (190, 190, 190), GERMAN),
        ((3000, 4000), 100, BLACK, (230, 200, 60), SPANISH),
        ((300, 2400), 24, BLACK, WHITE, GERMAN),
    ],
)
def test_drawn_lines_are_read(
    size: tuple[int, int], height_px: int, color: object, ground: object, lines: list[str]
) -> None:
    image = Image.new("RGB", size, ground)
    boxes = draw_lines(image, lines, height_px, color)
    found = read_text(image)
    assert [line.text for line in found] == lines
    for line, box in zip(found, boxes, strict=True):
        assert line.confidence >= ReadingLimits().sure
        # The region around a line is a little wider than its letters.
        edges = (line.box.left, line.box.top, line.box.right, line.box.bottom)
        assert edges == pytest.approx((box.left, box.top, box.right, box.bottom), abs=height_px)
        assert line.box.clipped(size) == line.box


@with_networks
def test_text_on_a_photo_is_read() -> None:
    image = package_photo(*CHINA).resize((2560, 1708))
    draw_lines(image, ["Geburtstag 2023"], 60, "yellow")
    assert [line.text for line in read_text(image)] == ["Geburtstag 2023"]


@with_networks
def test_tilted_and_downward_lines_are_read() -> None:
    image = Image.new("RGB", (800, 800), WHITE)
    draw_lines(image, ["Happy Birthday"], 48, BLACK)
    assert [line.text for line in read_text(image.rotate(15, fillcolor=WHITE))] == ["Happy Birthday"]
    assert [line.text for line in read_text(image.rotate(-90))] == ["Happy Birthday"]


@with_networks
def test_columns_are_read_row_by_row() -> None:
    image = Image.new("RGB", (900, 300), WHITE)
    draw = ImageDraw.Draw(image)
    for place, word in (
        ((40, 50), "Monday"),
        ((600, 58), "Tuesday"),
        ((40, 180), "Friday"),
        ((600, 172), "Sunday"),
    ):
        draw.text(place, word, font=font(40), fill=BLACK)
    assert [line.text for line in read_text(image)] == ["Monday", "Tuesday", "Friday", "Sunday"]


@with_networks
@pytest.mark.parametrize(
    ("size", "ground"),
    [
        *((size, WHITE) for size in [(1, 1), (1, 400), (700, 2), (5000, 1), (640, 480), (6000, 60)]),
        ((640, 480), BLACK),
        ((640, 480), BLUE),
    ],
)
def test_empty_pictures_have_no_lines(size: tuple[int, int], ground: object) -> None:
    assert read_text(Image.new("RGB", size, ground)) == []


@with_networks
@pytest.mark.parametrize(
    "photo",
    [
        FLOWER,
        CHINA,
        ("skimage", "data/chelsea.png"),
        ("skimage", "data/coffee.png"),
        ("skimage", "data/rocket.jpg"),
        ("skimage", "data/hubble_deep_field.jpg"),
    ],
)
def test_photos_without_text_have_no_lines(photo: tuple[str, str]) -> None:
    assert read_text(package_photo(*photo)) == []


@with_networks
def test_a_photographed_page_is_read() -> None:
    lines = read_text(package_photo("skimage", "data/page.png"))
    assert contains_text(lines, "region-based segmentation")
    assert contains_text(lines, "markers of the coins and the background")


@with_networks
def test_a_huge_page_takes_bounded_time() -> None:
    """320 lines on 30 megapixels: the limits decide how many of them are read."""
    image = Image.new("RGB", (6400, 4800), WHITE)
    draw = ImageDraw.Draw(image)
    for row in range(40):
        for column in range(8):
            draw.text((40 + column * 800, 40 + row * 118), f"Wort {row}-{column}", font=font(72), fill=BLACK)
    reader = TextReader(limits=ReadingLimits(most_lines=12))
    begun = time.process_time()
    lines = reader.read(image)
    assert time.process_time() - begun < 20
    assert 8 <= len(lines) <= 12
    assert max(line.box.right for line in lines) > 1000


@with_networks
def test_no_network_is_used_and_the_package_is_not_imported() -> None:
    program = (
        "import sys\n"
        "sys.addaudithook(lambda event, _: event.split('.')[0] in ('socket', 'subprocess', 'pickle') and sys.exit(9))\n"
        "from PIL import Image\n"
        "from personalizer.analysis.text import read_text\n"
        "print(read_text(Image.new('RGB', (64, 64))))\n"
        f"assert not [name for name in sys.modules if name.split('.')[0] in ({PACKAGE!r}, 'torch')]\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(NotReadyError, match=r"pip install 'familiar-assistant\[ocr\]'"):
        TextReader().read(Image.new("RGB", (64, 64)))
    with pytest.raises(NotReadyError, match="extra `ocr`"):
        model_file(text.DETECTOR)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("cafe muller", True),
        ("CAFÉ MÜLLER", True),
        ("strasse", True),
        ("Straße 12", True),
        ("müller straße", True),  # across the end of a line
        ("Happy Birthday", True),  # the space was not seen
        ("birth", True),
        ("Geburtstag", True),  # divided at the end of a line
        ("well-known", True),  # a hyphen of its own at the end of a line
        ("it's", True),
        ("Müllerin", False),
        ("rst", False),  # of two words
        ("", False),
        ("  ", False),
    ],
)
def test_wanted_text_is_found(wanted: str, expected: bool) -> None:
    lines = lines_of(
        "Café Mu\u0308ller", "STRASSE 12", "HappyBirthday", "Geburts-", "tag It’s well-", "known"
    )
    assert contains_text(lines, wanted) is expected


def test_nothing_is_found_in_no_lines() -> None:
    assert not contains_text([], "text")


def test_letters_that_do_not_decompose_are_folded() -> None:
    assert folded_text(" Łódź  SMØRREBRØD „Œuvre“ İzmir ") == 'lodz smorrebrod "oeuvre" izmir'


def test_a_bar_in_the_map_is_a_region() -> None:
    """A bar of 100 × 10 px is widened by 1.6 · area / perimeter on all sides."""
    probabilities = np.zeros((100, 200), np.float32)
    probabilities[40:51, 50:151] = 0.9
    probabilities[5:8, 5:8] = 0.4
    [region] = text_regions(probabilities)
    margin = 1.6 * 1000 / 220
    assert region.length_px == pytest.approx(100 + 2 * margin, abs=3)
    assert region.height_px == pytest.approx(10 + 2 * margin, abs=3)
    assert region.center == pytest.approx((100, 45), abs=1)
    assert text_regions(np.zeros((32, 32), np.float32)) == []


def test_a_region_is_cut_out_in_the_direction_of_reading() -> None:
    pixels = np.zeros((100, 100, 3), np.uint8)
    pixels[20:40, 10:50] = 50
    pixels[20:40, 50:90] = 200
    line = cut_out(pixels, TextRegion((50, 30), (40, 0), (0, 10)))
    assert line.shape == (20, 80, 3)
    assert line[10, 10, 0] == 50
    assert line[10, 70, 0] == 200
    downward = cut_out(np.rot90(pixels, -1).copy(), TextRegion((70, 50), (10, 0), (0, 40)))
    assert downward.shape == (20, 80, 3)
    assert downward[10, 10, 0] == 50
    assert downward[10, 70, 0] == 200
