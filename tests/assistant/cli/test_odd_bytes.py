"""Bytes that are not UTF-8 in what is typed: every command answers, none ends in a traceback."""

from __future__ import annotations

import io
import os
from contextlib import closing
from pathlib import Path

import pytest
from commands import json_here, run_here
from photos import draw_photo
from stored_photos import photo_with_vector

from assistant.chat.plain import run
from assistant.service.familiar import Familiar
from personalizer.concepts.learn import learn_members
from personalizer.home import Home
from personalizer.library.library import Library

ODD = [os.fsdecode(text) for text in (b"is the sky \xeb?", b"caf\xe9", b"\xff\xfe", b"Bo \xc3")]
CODES = {0, 2, 3}
"""Done, refused in words, or nobody of that name."""
COMMANDS = [
    ("name", "Bo", "{}"),
    ("name", "{}", "Bo"),
    ("rename", "{}", "{}"),
    ("remember", "Bo", "{}"),
    ("remember", "{}", "likes cheese"),
    ("profile", "{}"),
    ("forget", "{}", "--yes"),
    ("confirm", "Bo", "{}"),
    ("reject", "{}", "{}"),
    ("merge", "Bo", "{}"),
    ("split", "Bo", "{}"),
    ("feature", "Bo", "{}"),
    ("hide", "{}"),
    ("suggestions", "{}"),
    ("train", "{}"),
    ("learn", "{}", "/nowhere.jpg", "--yes"),
    ("learn", "Bo", "{}", "--yes"),
    ("learn", "--thing", "{}"),
    ("add", "{}", "--yes"),
    ("exclude", "{}"),
    ("describe", "{}"),
    ("route", "{}"),
    ("jobs", "retry", "{}"),
]


@pytest.fixture
def here(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home").ensure()
    with closing(Familiar(home)) as opened:
        learn_members(opened.library, "Bo", [photo_of(opened.library)])
    return home


def photo_of(library: Library) -> int:
    return photo_with_vector(library, "bo").id


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_answers(here: Home, command: tuple[str, ...]) -> None:
    for odd in ODD:
        done = run_here(here.root, *(part.format(odd) for part in command))
        assert done.returncode in CODES and "Traceback" not in done.stderr, (odd, done.stderr)


@pytest.mark.parametrize("odd", ODD)
def test_a_pattern_of_such_bytes_is_kept_and_taken_back(here: Home, odd: str) -> None:
    [kept] = json_here(here.root, "exclude", odd)["excluded"]
    assert kept["pattern"] == odd
    assert json_here(here.root, "exclude", "--remove", odd) == {"excluded": []}


@pytest.mark.parametrize("odd", ODD)
def test_a_question_of_such_bytes_is_answered(here: Home, tmp_path: Path, odd: str) -> None:
    photo = tmp_path / "a.jpg"
    draw_photo(1).save(photo)
    done = run_here(here.root, "describe", str(photo), "--ask", odd)
    assert done.returncode == 0 and done.stdout and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "typed", [b"is the sky \xeb?", b"who is Bo \xc3", b"/remember Bo \xff", b"/name \xeb Bo"]
)
def test_the_chat_answers_a_line_of_such_bytes(here: Home, typed: bytes) -> None:
    lines = io.TextIOWrapper(io.BytesIO(typed + b"\nwho is in caf\xe9.jpg?\n/quit\n"), encoding="utf-8")
    said = io.StringIO()
    with closing(Familiar(here)) as opened:
        assert run(opened, source=lines, target=said) == 0
    assert "Traceback" not in said.getvalue() and "no such file" in said.getvalue()
