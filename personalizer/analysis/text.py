"""Printed text in a picture → lines with boxes, by two PP-OCR networks on onnxruntime. Knows no file and no library.

The networks lie in the package of the extra `ocr`. Only these two files are read: the package's own code, which can
download models, is never imported. Example: a photo of a shop → "Café Müller", 0.99, and where that stands.
"""

from __future__ import annotations

import importlib.util
import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from personalizer.analysis.text_regions import Pixels, TextRegion, cut_out, text_regions
from personalizer.errors import NotReadyError
from personalizer.onnx_runtime import open_session
from personalizer.schemas import BoundingBox, Float32Array

PACKAGE = "rapidocr"
DETECTOR, RECOGNIZER = "PP-OCRv6_det_small.onnx", "PP-OCRv6_rec_small.onnx"
_SIDE_STEP_PX = 32
"""The detector takes sides that are multiples of this."""
_LINE_HEIGHT_PX = 48
_LINE_WIDTHS_PX = (320, 2400)
"""Shorter lines are filled up, longer ones squeezed."""
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"}
    | {"’": "'", "‘": "'", "`": "'", "´": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-"}
)
"""What Unicode does not decompose, and punctuation that people type in another way than it is printed."""


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of text, or one piece of it where words stand far apart."""

    text: str
    confidence: float
    """Mean probability of its characters, 0 to 1."""
    box: BoundingBox


@dataclass(frozen=True, slots=True)
class ReadingLimits:
    """How much is read of a picture; time and memory depend on these, not on its size."""

    search_pixels: int = 900_000
    """A larger picture is reduced to so many pixels before text is looked for."""
    page_pixels: int = 6_000_000
    """Lines are cut out of the picture reduced to so many pixels."""
    most_enlarged: float = 2.0
    """A smaller picture is enlarged up to this factor before text is looked for."""
    longest_side_px: int = 4096
    """Of what is searched, for pictures that are hardly anything but long."""
    most_lines: int = 100
    """The highest lines are read, the others left out."""
    sure: float = 0.8
    """Lines below this confidence are left out."""
    fewest_characters: int = 2
    """Letters and digits. The networks see a single one in any round or straight thing."""


class TextReader:
    """Finds lines and reads them. Tested with Latin letters; lines that stand on their head are not read."""

    def __init__(self, *, threads: int = 1, limits: ReadingLimits | None = None) -> None:
        self.threads = threads
        self.limits = limits or ReadingLimits()

    @cached_property
    def detector(self) -> Any:
        return open_session(model_file(DETECTOR).read_bytes(), self.threads, of_one_size=False)

    @cached_property
    def recognizer(self) -> Any:
        return open_session(model_file(RECOGNIZER).read_bytes(), self.threads, of_one_size=False)

    @cached_property
    def characters(self) -> list[str]:
        """What the recognizer's classes mean. Between two characters it says the first, which is none."""
        listed = self.recognizer.get_modelmeta().custom_metadata_map["character"]
        return ["", *listed.split("\n"), " "]

    def load(self) -> None:
        """Open both networks now. Raises `NotReadyError` where the extra `ocr` is not installed."""
        _ = self.detector, self.recognizer

    def read(self, image: Image.Image) -> list[TextLine]:
        """The lines in an RGB picture, in the order of reading."""
        scale = min(1.0, math.sqrt(self.limits.page_pixels / (image.width * image.height)))
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        page = image if size == image.size else image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
        pixels = np.asarray(page.convert("RGB"))
        regions = sorted(self._find(pixels), key=lambda region: -region.height_px)
        lines = []
        for region in regions[: self.limits.most_lines]:
            text, confidence = self._recognize(cut_out(pixels, region))
            count = sum(character.isalnum() for character in text)
            if confidence >= self.limits.sure and count >= self.limits.fewest_characters:
                box = region.scaled(image.width / size[0], image.height / size[1]).box.clipped(image.size)
                lines.append(TextLine(text, confidence, box))
        return _in_reading_order(lines)

    def _find(self, pixels: Pixels) -> list[TextRegion]:
        """Where lines are, in pixels of the page."""
        import cv2

        height, width = pixels.shape[:2]
        scale = min(
            math.sqrt(self.limits.search_pixels / (width * height)),
            self.limits.longest_side_px / max(width, height),
            self.limits.most_enlarged,
        )
        size = (_multiple(width * scale), _multiple(height * scale))
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        searched = np.asarray(cv2.resize(pixels, size, interpolation=method), dtype=np.uint8)
        [output] = self.detector.run(None, {"x": _network_input(searched)})
        regions = (region.scaled(width / size[0], height / size[1]) for region in text_regions(output[0, 0]))
        return [region for region in regions if min(region.length_px, region.height_px) >= 1]

    def _recognize(self, line: Pixels) -> tuple[str, float]:
        """The text of a picture of one line, and the mean probability of its characters."""
        import cv2

        height, width = line.shape[:2]
        shortest, longest = _LINE_WIDTHS_PX
        size = (min(longest, max(1, math.ceil(width * _LINE_HEIGHT_PX / height))), _LINE_HEIGHT_PX)
        method = cv2.INTER_AREA if height > _LINE_HEIGHT_PX else cv2.INTER_LINEAR
        resized = np.asarray(cv2.resize(line, size, interpolation=method), dtype=np.uint8)
        padding = ((0, 0), (0, 0), (0, 0), (0, max(0, shortest - size[0])))
        [output] = self.recognizer.run(None, {"x": np.pad(_network_input(resized), padding)})
        return self._decode(output[0])

    def _decode(self, probabilities: Float32Array) -> tuple[str, float]:
        """`[steps, classes]` → the greedy CTC reading: repetitions are one character, the first class is none."""
        best = probabilities.argmax(axis=1)
        changes = np.append(True, best[1:] != best[:-1]) & (best > 0)
        if not changes.any():
            return "", 0.0
        text = "".join(self.characters[index] for index in best[changes])
        return " ".join(text.split()), float(probabilities.max(axis=1)[changes].mean())


def read_text(image: Image.Image) -> list[TextLine]:
    """The printed lines in an RGB picture of any size, in the order of reading; boxes are in its pixels.

    Raises `NotReadyError` where the extra `ocr` is not installed. The networks are loaded at the first picture.
    """
    return _shared_reader().read(image)


def contains_text(lines: Sequence[TextLine], wanted: str) -> bool:
    """Whether `wanted` stands in these lines, whatever its case and accents, also across the end of a line.

    Spaces count only where `wanted` is a single word: the space between two words is often not seen.
    """
    folded = folded_text(wanted)
    if not folded:
        return False
    texts = [folded_text(line.text) for line in lines]
    # A hyphen at the end of a line may be part of the word, or only divide it.
    candidates = [" ".join(texts).replace("- ", divided) for divided in ("- ", "-", "")]
    if " " in folded:
        folded = folded.replace(" ", "")
        candidates = [candidate.replace(" ", "") for candidate in candidates]
    return any(folded in candidate for candidate in candidates)


def folded_text(text: str) -> str:
    """What spellings of a text have in common that differ in case, accents, quotes, dashes and spaces only."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return " ".join("".join(c for c in decomposed if not unicodedata.combining(c)).split())


def can_read() -> bool:
    """Whether the extra `ocr` is installed."""
    try:
        return all(model_file(name).is_file() for name in (DETECTOR, RECOGNIZER))
    except (NotReadyError, OSError, ValueError):
        return False


def model_file(name: str) -> Path:
    """Where the package of the extra has a network; the package itself is not imported."""
    spec = importlib.util.find_spec(PACKAGE)
    path = Path(spec.origin).parent / "models" / name if spec is not None and spec.origin else None
    if path is None or not path.is_file():
        raise NotReadyError(
            tried="reading the text in a photo",
            found=f"the extra `ocr` is not installed (package {PACKAGE} with {name})",
            fix="Install it: pip install 'familiar-assistant[ocr]'",
        )
    return path


@cache
def _shared_reader() -> TextReader:
    return TextReader()


def _multiple(side_px: float) -> int:
    return max(1, round(side_px / _SIDE_STEP_PX)) * _SIDE_STEP_PX


def _network_input(pixels: Pixels) -> Float32Array:
    """`[height, width, 3]` RGB → `[1, 3, height, width]`, blue first, -1 to 1."""
    scaled = pixels[:, :, ::-1].astype(np.float32) / 127.5 - 1
    return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None])


def _in_reading_order(lines: list[TextLine]) -> list[TextLine]:
    """Rows from the top, each from the left. A line belongs to a row whose first line reaches its middle."""
    rows: list[list[TextLine]] = []
    for line in sorted(lines, key=lambda line: line.box.top + line.box.bottom):
        middle = (line.box.top + line.box.bottom) / 2
        if rows and middle < rows[-1][0].box.bottom:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda line: line.box.left)]
