"""Paths in the chat are those of photos that can be read: one list, which scanning uses as well."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from assistant.language.parse import parse
from personalizer.photos.formats import PHOTO_SUFFIXES, may_be_photo

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("suffix", sorted(PHOTO_SUFFIXES))
def test_a_photo_that_can_be_read_is_found_in_words(suffix: str) -> None:
    for name in (f"IMG_1{suffix}", f"IMG_1{suffix.upper()}"):
        assert parse(f"who is in {name}?", []).photos == (name,)
        assert may_be_photo(name)


@pytest.mark.parametrize("name", ["scan.jxl", "notes.txt", "photos.tiffany"])
def test_another_file_is_no_photo(name: str) -> None:
    assert parse(f"who is in {name}?", []).photos == ()


def test_there_is_one_list() -> None:
    """A list of formats elsewhere begins with the commonest one."""
    listed = re.compile(r"""["'(|.]jpe?g\??["'|)].*\bpng\b""", re.IGNORECASE)
    lists = {
        path.relative_to(ROOT).as_posix()
        for package in ("personalizer", "exporters", "assistant", "tui")
        for path in (ROOT / package).rglob("*.py")
        if listed.search(path.read_text("utf-8"))
    }
    # What Pillow calls its formats is about content; the benchmark reads face corpora.
    others = {"personalizer/photos/decode.py", "personalizer/benchmarks/face_recognition_tool.py"}
    assert lists - others == {"personalizer/photos/formats.py"}
