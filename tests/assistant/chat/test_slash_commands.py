"""Slash commands: what is one, and how its arguments are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.chat.slash_commands import (
    COMMANDS,
    help_text,
    in_chat,
    is_command,
    leaves,
    matching_commands,
    parse_command,
    split_learning,
    split_name,
    split_photo,
    split_profile,
    split_telling,
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


@pytest.mark.parametrize(
    "question", ["who's this?", "is this Bo's or Ann's ball?", 'is it "Bo"?', "the dogs' toy?"]
)
@pytest.mark.parametrize(
    "written", ['"my photo.jpg"', "'my photo.jpg'", r"my\ photo.jpg", "a.jpg", "Bo's.jpg", "'Bo's dog.jpg'"]
)
def test_quoted_paths_and_questions_with_apostrophes(written: str, question: str) -> None:
    photo, asked = split_photo(f"{written}  {question}")
    quoted = written[0] in "\"'"
    assert photo == Path(written[1:-1] if quoted else written.replace("\\", ""))
    assert asked == question


def test_quotes_within_a_path() -> None:
    assert split_photo('/x/"My Photos"/a.jpg who?') == (Path("/x/My Photos/a.jpg"), "who?")
    assert split_photo("/x/'My Photos'/a.jpg") == (Path("/x/My Photos/a.jpg"), "")
    assert split_photo(r'"a \"b\".jpg" who?') == (Path('a "b".jpg'), "who?")
    assert split_photo('"open.jpg who?') == (Path('"open.jpg'), "who?")
    assert split_photo(r"C:\photos\a.jpg who?") == (Path(r"C:\photos\a.jpg"), "who?")


def test_what_is_too_long_for_a_name_is_no_error(tmp_path: Path) -> None:
    question = "is this " + "a very " * 80 + "long question?"
    assert split_photo(f"a.jpg {question}") == (Path("a.jpg"), question)
    spaced = tmp_path / "my dog 1.jpg"
    spaced.touch()
    assert split_photo(f"{spaced} {question}") == (spaced, question)
    endless = "/" + "a" * 300
    assert split_photo(f"{endless} who?") == (Path(endless), "who?")
    assert split_photo("~nobody-of-this-name/a.jpg")[0] == Path("~nobody-of-this-name/a.jpg")
    assert split_learning(f"Bo {endless}.jpg {endless}x.jpg")[1] == [
        Path(f"{endless}.jpg"),
        Path(f"{endless}x.jpg"),
    ]


def test_a_folder_that_cannot_be_read_is_a_usage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(UsageError) as caught:
        split_learning(f"Bo {tmp_path}/")
    assert "Permission denied" in caught.value.found


def test_leaving_needs_no_library() -> None:
    assert all(leaves(text) for text in ("/quit", " /Q ", "/exit"))
    assert not any(leaves(text) for text in ("/quiet", "quit", "/help", "/quit now"))


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
    assert split_name("3 Grandma Ingrid", []) == ("3", "Grandma Ingrid")
    assert split_name("#12 'Bo'", []) == ("12", "Bo")
    assert split_name("bo Rex", ["Bo", "Bo Junior"]) == ("Bo", "Rex")
    assert split_name("Bo Junior Rex", ["Bo", "Bo Junior"]) == ("Bo Junior", "Rex")
    assert split_name("Bo Junior", ["Bo", "Bo Junior"]) == ("Bo", "Junior")
    with pytest.raises(UsageError):
        split_name("Bo 3", ["Misty"])


@pytest.mark.parametrize(
    ("written", "name", "text"),
    [
        ("Bo is afraid of water", "Bo", "is afraid of water"),
        ("grandma ingrid knits", "grandma ingrid", "knits"),
        ("Grandma is old", "Grandma", "is old"),
        ('"Grandma Ingrid" knits “socks”', "Grandma Ingrid", "knits “socks”"),
        ("Rex Bo's friend", "Rex", "Bo's friend"),
    ],
)
def test_whom_it_is_about_and_what(written: str, name: str, text: str) -> None:
    assert split_telling(written, ["Bo", "Grandma Ingrid", "Grandma"]) == (name, text)


@pytest.mark.parametrize("written", ["", "Bo", "  "])
def test_telling_nothing_is_refused(written: str) -> None:
    with pytest.raises(UsageError):
        split_telling(written, ["Bo"])


def test_a_profile_and_what_to_take_back() -> None:
    assert split_profile("Grandma Ingrid") == ("Grandma Ingrid", None)
    assert split_profile("Grandma Ingrid remove 2") == ("Grandma Ingrid", 2)
    assert split_profile("'Bo' --remove #12") == ("Bo", 12)
    with pytest.raises(UsageError):
        split_profile(" ")


@pytest.mark.parametrize(
    ("shell", "chat"),
    [
        ("Name it first: familiar name 4 NAME", "Name it first: /name 4 NAME"),
        ("2 more may show Bo: familiar suggestions", "2 more may show Bo: /suggestions"),
        ("List them with: `familiar profile 'Bo'`", "List them with: `/profile 'Bo'`"),
        ("familiar chats on", "familiar chats on"),
        ("`familiar faces off --erase`", "`familiar faces off --erase`"),
        ("You told me: “type familiar find Bo”.", "You told me: “type familiar find Bo”."),
    ],
)
def test_a_chat_names_its_own_commands(shell: str, chat: str) -> None:
    assert in_chat(shell) == chat
