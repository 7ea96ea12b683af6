"""Paths of photos in what people type: as terminals, file managers and shells paste them."""

from __future__ import annotations

import os
import shlex
import unicodedata
from pathlib import Path
from urllib.parse import quote

import pytest

from assistant.language.parse import parse
from assistant.service.base import as_on_disk, existing
from personalizer.errors import NotFoundError
from personalizer.photos.formats import PHOTO_SUFFIXES

PATHS = [
    "/p/beach.jpg",
    "/p/Mom's photos/beach.jpg",
    "/p/the dogs' bowl/Bo's (1).HEIC",
    "/p/Fête & Co/[2019] #1; $x!.avif",
    unicodedata.normalize("NFD", "/p/Fête/Zoë.dng"),
    "/p/Mom’s “best”/Bild ä 100%.tif",
    "/p/a{b}~*|<c>`d`.jp2",
]
SAID = ("is Bo in {}?", "describe {}", "{}", "{}, please.", "who is in {} and where was it?")


def escaped(path: str) -> str:
    """As a terminal pastes a file that is dropped on it."""
    return "".join(f"\\{letter}" if letter in " '\"()[]{}&#;$!~*|<>`’“”\\" else letter for letter in path)


def in_double_quotes(path: str) -> str:
    return '"' + "".join(f"\\{letter}" if letter in '"\\$`' else letter for letter in path) + '"'


def address(path: str) -> str:
    return f"file://{quote(path)}"


@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("path", PATHS)
def test_a_pasted_path_is_the_file(path: str, said: str) -> None:
    for written in (shlex.quote(path), escaped(path), in_double_quotes(path), address(path)):
        request = parse(said.format(written), ["Bo"])
        assert request.photos == (path,), written
        assert "⟦photo⟧" in request.skeleton and ".jpg" not in request.skeleton


@pytest.mark.parametrize(
    ("text", "photos"),
    [
        ('who is in "/p/Mom\'s photos/beach.jpg"?', ("/p/Mom's photos/beach.jpg",)),
        ("is it in 'Bo's dog.jpg'?", ("Bo's dog.jpg",)),
        ("who's in Mom's.jpg?", ("Mom's.jpg",)),
        ("who's at /p/Mom's photos/my beach.jpg?", ("/p/Mom's photos/my beach.jpg",)),
        ("‘a b.jpg’ and “c d.png”", ("a b.jpg", "c d.png")),
        ("/p/'Mom'\\''s photos'/a.jpg", ("/p/Mom's photos/a.jpg",)),
        ('/p/"a b"/c.jpg', ("/p/a b/c.jpg",)),
        (r"is Bo in a\(1\).jpg?", ("a(1).jpg",)),
        (r"it is a\(1\).jpg.", ("a(1).jpg",)),
        ("IMG_1(1).jpg, a[2].jpg and 'b c.png'", ("IMG_1(1).jpg", "a[2].jpg", "b c.png")),
        ("(see a.jpg)", ("a.jpg",)),
        ("a.jpg's dog", ("a.jpg",)),
        ("what's in '/a/b.jpg' and who's in '/c/d e.jpg'?", ("/a/b.jpg", "/c/d e.jpg")),
        (r"C:\photos\ab.jpg", (r"C:\photos\ab.jpg",)),
        ("file://localhost/p/a%27b.heic", ("/p/a'b.heic",)),
        ("~/My Photos/IMG 1.jpg?", ("~/My Photos/IMG 1.jpg",)),
        ("who's Bo's friend?", ()),
        ("'tis a photo", ()),
    ],
)
def test_paths_as_people_type_them(text: str, photos: tuple[str, ...]) -> None:
    assert parse(text, ["Bo"]).photos == photos


@pytest.mark.parametrize("suffix", sorted(PHOTO_SUFFIXES))
def test_every_photo_that_can_be_read_is_seen(suffix: str) -> None:
    for name in (f"Mom's a{suffix}", f"B (1){suffix.upper()}"):
        assert parse(f"who is in {shlex.quote(name)}?", []).photos == (name,)


def test_bytes_that_are_no_text_stay_in_a_path() -> None:
    path = os.fsdecode(b"/p/caf\xe9 1.jpg")
    assert parse(f"who is in '{path}'?", []).photos == (path,)
    assert parse(f"file://{quote(os.fsencode(path))}", []).photos == (path,)


@pytest.mark.parametrize(
    ("on_disk", "typed"),
    [
        (unicodedata.normalize("NFD", "Fête"), "Fête"),
        ("Fête", unicodedata.normalize("NFD", "Fête")),
        ("Mom’s", "Mom's"),
        ("Screenshot 9.41\u202fAM", "Screenshot 9.41 AM"),
    ],
)
def test_a_file_is_found_by_what_its_name_looks_like(tmp_path: Path, on_disk: str, typed: str) -> None:
    file = tmp_path / on_disk / f"{on_disk}.jpg"
    file.parent.mkdir()
    file.touch()
    assert existing(tmp_path / typed / f"{typed}.jpg", "describing") == file
    assert as_on_disk(file) == file
    with pytest.raises(NotFoundError):
        existing(tmp_path / typed / f"{typed} 2.jpg", "describing")
