"""The rest of a line that Tab accepts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.completion import complete

NAMES = ["Bo", "Grandma Ingrid", "小白猫"]


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("/des", "/describe"),
        ("/", "/describe"),
        ("draw Gran", "draw Grandma Ingrid"),
        ("draw Grandma In", "draw Grandma Ingrid"),
        ("draw 小白", "draw 小白猫"),
        ("program", None),
        ("draw Bo", None),
        ("draw x", None),
        ("", None),
        ("/zzz", None),
    ],
)
def test_commands_and_names(typed: str, completed: str | None) -> None:
    assert complete(typed, NAMES) == completed


def test_paths_of_photos_and_folders(tmp_path: Path) -> None:
    (tmp_path / "party one.jpg").touch()
    (tmp_path / "party.txt").touch()
    (tmp_path / "album").mkdir()
    assert complete(f"who is in {tmp_path}/pa", NAMES) == f"who is in {tmp_path}/party one.jpg"
    assert complete(f"who is in {tmp_path}/party o", NAMES) == f"who is in {tmp_path}/party one.jpg"
    assert complete(f"/add {tmp_path}/al", NAMES) == f"/add {tmp_path}/album/"
    assert complete(f"/add {tmp_path}/nothing", NAMES) is None


def test_names_with_control_characters_are_not_completed(tmp_path: Path) -> None:
    (tmp_path / "party\x1b[2J.jpg").touch()
    assert complete(f"who is in {tmp_path}/pa", NAMES) is None
    (tmp_path / "party one.jpg").touch()
    assert complete(f"who is in {tmp_path}/pa", NAMES) == f"who is in {tmp_path}/party one.jpg"
