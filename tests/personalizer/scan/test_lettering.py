"""What is written in photos: read by another process, newest first, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont
from stored_photos import store_photo

from personalizer.analysis.text import can_read
from personalizer.library.library import Library
from personalizer.scan.lettering import read_lettering

pytestmark = pytest.mark.skipif(not can_read(), reason="the extra `ocr` is not installed")


def sign(path: Path, text: str) -> Path:
    picture = Image.new("RGB", (480, 160), "white")
    ImageDraw.Draw(picture).text((30, 50), text, "black", ImageFont.load_default(48))
    picture.save(path)
    return path


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "home" / "library.sqlite3") as opened:
        yield opened


@pytest.fixture
def signs(library: Library, tmp_path: Path) -> dict[str, int]:
    import hashlib

    ids = {}
    for year, name in enumerate(("BAKERY", "HARBOUR", "", "broken"), start=2020):
        path = tmp_path / f"{name or 'nothing'}.png"
        if name == "broken":
            path.write_bytes(b"\x89PNG\r\n\x1a\n and no more")
        else:
            sign(path, name)
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        taken = datetime(year, 1, 1)
        ids[name] = store_photo(library, content_hash=content, path=path, taken_at=taken).id
    return ids


def run(library: Library, cancelled: Callable[[], bool] = lambda: False) -> dict[str, int]:
    return read_lettering(library, progress=lambda _: None, cancelled=cancelled, advanced=lambda: None)


def test_signs_are_read_once_and_found(library: Library, signs: dict[str, int]) -> None:
    assert library.photos_without_lettering(1) == [signs["broken"]], "the newest first"
    assert run(library) == {"read": 4, "with_text": 2, "left": 0}
    assert set(library.photos_written_about([["bakery"]], lettering=True)) == {signs["BAKERY"]}
    assert set(library.photos_written_about([["harbour"]], lettering=True)) == {signs["HARBOUR"]}
    assert run(library) == {"read": 0, "with_text": 0, "left": 0}


def test_it_stops_and_goes_on(library: Library, signs: dict[str, int]) -> None:
    assert run(library, lambda: True) == {"read": 0, "with_text": 0, "left": 4}
    first = run(library, lambda: len(library.photos_without_lettering()) < 4)
    assert first["read"] == 1 and first["left"] == 3
    assert run(library)["read"] == first["left"]


def test_what_was_forgotten_is_not_read(library: Library, signs: dict[str, int]) -> None:
    library.mark_forgotten([signs["BAKERY"]])
    run(library)
    assert library.photos_written_about([["bakery"]]) == {}
    library.mark_forgotten([signs["HARBOUR"]])
    assert library.photos_written_about([["harbour"]]) == {}
    assert not {signs["BAKERY"], signs["HARBOUR"]} & set(library.photos_without_lettering())
