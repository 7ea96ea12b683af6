"""Patterns of what is left out: names as people type them, whatever letters and signs are in them."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from personalizer.errors import UsageError
from personalizer.scan.exclusions import Exclusions
from personalizer.scan.patterns import valid_pattern

ROOT = "/photos"


def left_out(pattern: str, *paths: str) -> list[str]:
    """Those of these paths below the root that a pattern leaves out."""
    rules = Exclusions((valid_pattern(pattern),))
    return [path for path in paths if rules.skips_path(f"{ROOT}/{path}", ROOT)]


@pytest.mark.parametrize(
    ("pattern", "out", "kept"),
    [
        ("Screenshots", ["Screenshots/a.jpg", "2019/screenshots/b/a.jpg"], ["My Screenshots/a.jpg"]),
        ("*.png", ["a.png", "2019/A.PNG"], ["a.png.jpg", "png/a.jpg"]),
        (
            "Scans/2019",
            ["Scans/2019/a.jpg", "Scans/2019/b/a.jpg"],
            ["Scans/2020/a.jpg", "x/Scans/2019/a.jpg"],
        ),
        ("Scans/2019/*.tif", ["Scans/2019/a.tif"], ["Scans/2019/a.jpg", "Scans/2019/x/a.tif", "a.tif"]),
        ("Scans/**/*.tif", ["Scans/a.tif", "Scans/2019/x/a.tif"], ["2019/a.tif"]),
        ("export/", ["export/a.jpg", "2019/export/a.jpg"], ["export"]),
        ("/photos/private", ["private/a.jpg"], ["2019/private/a.jpg"]),
        ("/photos/2019/*.png", ["2019/a.png"], ["2020/a.png", "2019/x/a.png"]),
        ("/other/private", [], ["private/a.jpg"]),
        ("IMG_00[1-3]?.jpg", ["IMG_0012.jpg"], ["IMG_0042.jpg", "IMG_001.jpg"]),
        ("[!a]*.jpg", ["b.jpg"], ["a.jpg"]),
        ("(1).jpg", ["(1).jpg"], ["1.jpg"]),
    ],
)
def test_patterns(pattern: str, out: list[str], kept: list[str]) -> None:
    assert left_out(pattern, *out, *kept) == out


def decomposed(text: str) -> str:
    """As Macs write it."""
    return unicodedata.normalize("NFD", text)


@pytest.mark.parametrize("name", ["Fête", "Zoë & Jürgen", "Ångström*", "ガーデン", "Việt Nam/2019"])
def test_accents_match_in_either_form(name: str) -> None:
    for typed in (name, decomposed(name)):
        for on_disk in (name, decomposed(name)):
            path = f"{on_disk.replace('*', ' 1')}/a.jpg"
            assert left_out(typed, path, "other/a.jpg") == [path]
            assert left_out(f"{ROOT}/{typed}", path) == [path]


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        ("[2019] trip", r"\[2019\] trip"),
        ("IMG (1) [edited]", r"IMG\ \(1\)\ \[edited\]"),
        ("[Bob-Anna] wedding", r"\[Bob-Anna\]\ wedding"),
        ("[[a]]", r"\[\[a\]\]"),
        ("open [bracket", r"open\ \[bracket"),
        ("x [a&&b]", r"x\ \[a\&\&b\]"),
        ("back\\slash", r"back\\slash"),
    ],
)
def test_brackets_and_escapes_stand_for_themselves(name: str, escaped: str) -> None:
    path = f"{name}/a.jpg"
    for typed in (name, escaped, f"{ROOT}/{name}", f"{ROOT}/{escaped}/", f"{name[:-1]}?", f"*{name}"):
        assert left_out(typed, path, "other/a.jpg") == [path], typed


def test_a_place_as_a_file_manager_copies_it() -> None:
    assert left_out("file:///photos/F%C3%AAte%20%5B1%5D", "Fête [1]/a.jpg") == ["Fête [1]/a.jpg"]


@pytest.mark.parametrize("pattern", ["", "  ", "*", "**/", "/", "!a.jpg", "a\nb", "~nobody-here/x"])
def test_patterns_that_make_no_sense_are_refused(pattern: str) -> None:
    with pytest.raises(UsageError) as raised:
        valid_pattern(pattern)
    assert raised.value.fix


def test_a_place_is_stored_by_its_real_name(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert valid_pattern(str(tmp_path / "link")) == str(tmp_path / "real")
    assert valid_pattern("~/x/") == str(Path.home() / "x") + "/"


@pytest.mark.parametrize("name", ["[2019] trip", "what?", "a*b", "Fête"])
def test_links_in_a_place_are_resolved_up_to_its_pattern(tmp_path: Path, name: str) -> None:
    (tmp_path / "real" / decomposed(name)).mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert valid_pattern(f"{tmp_path}/link/{name}") == f"{tmp_path}/real/{name}"
    assert valid_pattern(f"{tmp_path}/link/{name}/*.png") == f"{tmp_path}/real/{name}/*.png"
    assert valid_pattern(f"{tmp_path}/link/[ab]*/") == f"{tmp_path}/real/[ab]*/"


def test_a_link_of_a_decomposed_name_is_found(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / decomposed("Fêtes")).symlink_to(tmp_path / "real")
    assert valid_pattern(f"{tmp_path}/Fêtes/x") == f"{tmp_path}/real/x"
