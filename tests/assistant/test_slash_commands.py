"""Slash commands: what is one, and how its arguments are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.slash_commands import (
    COMMANDS,
    help_text,
    is_command,
    matching_commands,
    parse_command,
    split_learning,
    split_name,
    split_photo,
)
from personalizer.errors import UsageError


@pytest.mark.parametrize("text", ["/help", "/describe a.jpg", "/HELP", "/nonsense", "/?"])
def test_commands(text: str) -> None:
    assert is_command(text)


@pytest.mark.parametrize(
    "text", ["/home/ann/a.jpg", "/home/ann/a.jpg who is this", "help", "", "draw a/b", "/"]
)
def test_not_commands(text: str) -> None:
    assert not is_command(text)


def test_an_unknown_command_names_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        parse_command("/imagin a boat")
    assert "/imagine" in caught.value.fix


def test_help_lists_every_command() -> None:
    assert all(command.usage in help_text() for command in COMMANDS)


def test_commands_complete_until_a_space() -> None:
    assert [command.name for command in matching_commands("/sc")] == ["/scan"]
    assert len(matching_commands("/")) == len(COMMANDS)
    assert matching_commands("/scan ") == []
    assert matching_commands("draw") == []


def test_a_photo_and_a_question(tmp_path: Path) -> None:
    spaced = tmp_path / "my dog 1.jpg"
    spaced.touch()
    assert split_photo(f"{spaced} is this Bo?") == (spaced, "is this Bo?")
    assert split_photo(f'"{spaced}" is this Bo?') == (spaced, "is this Bo?")
    assert split_photo("gone.jpg who?") == (Path("gone.jpg"), "who?")
    assert split_photo("~/a.jpg") == (Path("~/a.jpg").expanduser(), "")
    with pytest.raises(UsageError):
        split_photo("")


def test_a_question_with_an_apostrophe_is_no_open_quote() -> None:
    assert split_photo("a.jpg is this Bo's ball?") == (Path("a.jpg"), "is this Bo's ball?")


def test_a_name_of_several_words_and_its_photos(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.jpg").touch()
    assert split_learning("Grandma Ingrid a.jpg 'b c.png'") == (
        "Grandma Ingrid",
        [Path("a.jpg"), Path("b c.png")],
    )
    assert split_learning(f"Bo {tmp_path}/") == ("Bo", sorted(tmp_path.iterdir()))
    for incomplete in ("", "Bo", "a.jpg b.jpg"):
        with pytest.raises(UsageError):
            split_learning(incomplete)


def test_a_number_and_a_name() -> None:
    assert split_name("3 Grandma Ingrid") == (3, "Grandma Ingrid")
    assert split_name("#12 'Bo'") == (12, "Bo")
    with pytest.raises(UsageError):
        split_name("Bo 3")
