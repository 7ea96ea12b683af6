"""Chats in SQLite: kept in order, found by their words, deleted from every byte of the file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from personalizer.errors import NotFoundError, NotReadyError
from personalizer.library.chats import ChatPicture, NewMessage, shortened
from personalizer.library.database import now_text
from personalizer.library.library import Library


@pytest.fixture
def library(library: Library) -> Library:
    library.switch_chats(True)
    return library


def ask(library: Library, text: str, answer: str = "yes", chat_id: int | None = None) -> tuple[int, int]:
    """One exchange; returns the ids of its chat and its request."""
    kept = library.keep_request(chat_id, text, now_text())
    assert kept is not None
    assert library.keep_message(kept[1], NewMessage("program", answer, now_text()))
    library.end_request(kept[1], "answered")
    return kept


def terms(library: Library) -> set[str]:
    """The words in the index."""
    library.connection.execute(
        "CREATE VIRTUAL TABLE IF NOT EXISTS temp.terms USING fts5vocab(main, chat_words, row)"
    )
    return {row["term"] for row in library.connection.execute("SELECT term FROM temp.terms")}


def test_answers_stay_with_their_requests_whoever_writes_between(library: Library) -> None:
    chat_id, first = ask(library, "first")
    _, second = ask(library, "second", chat_id=chat_id)
    library.keep_message(first, NewMessage("tool", "late", now_text(), "find", 0.5, {"kind": "x"}))
    assert [[one.text for one in exchange.answers] for exchange in library.exchanges(chat_id)] == [
        ["yes", "late"],
        ["yes"],
    ]
    assert not library.keep_message(second + 99, NewMessage("tool", "x", now_text()))
    assert library.exchanges(chat_id)[0].answers[1].artifact == {"kind": "x"}


def test_the_list_has_the_chat_that_was_used_last_first(library: Library) -> None:
    first, _ = ask(library, "first\n  request " + "x" * 500)
    second, _ = ask(library, "second")
    ask(library, "once more", chat_id=first)
    assert [(chat.id, chat.messages) for chat in library.chats()] == [(first, 4), (second, 2)]
    title = library.chats(1)[0].title
    assert title.startswith("first request xxx") and len(title) == 60 and title.endswith("…")
    assert shortened(" a\t b ") == "a b"
    for unknown in (77, 2**70, -1):
        with pytest.raises(NotFoundError):
            library.chat(unknown)


@pytest.mark.parametrize(
    "words", ["zürich CAFE", "cafe zur", "the café", 'café "*', "in AND* cafe OR Zürich"]
)
def test_a_message_is_found_by_its_words_in_any_spelling(library: Library, words: str) -> None:
    ask(library, "or was it in the café in Zürich and not elsewhere?", "no")
    ask(library, "elsewhere")
    [found] = library.search_chats(words)
    assert found.role == "user" and "café" in found.excerpt


def test_words_that_no_message_has_find_nothing(library: Library) -> None:
    ask(library, "in the café")
    for words in ("cafe zürich", "", '"', "caf é", "-"):
        assert library.search_chats(words) == []


def test_what_is_deleted_is_in_no_byte_and_no_index(library: Library) -> None:
    library.connection.execute("PRAGMA secure_delete = OFF")
    chat_id, _ = ask(library, "Sesquipedalian question", "Floccinaucinihilipilification")
    kept = library.keep_request(chat_id, "x", now_text())
    assert kept is not None
    picture = ChatPicture(Path("/photos/Hippopotomonstrosity.jpg"), "Pneumonoultra", drawn=True)
    artifact = {"names": ["Antidisestablishment"]}
    library.keep_message(kept[1], NewMessage("tool", "y", now_text(), None, None, artifact, (picture,)))
    other, request = ask(library, "an umbrella", "red")
    assert {"sesquipedalian", "umbrella"} <= terms(library)
    library.delete_chats([chat_id])
    library.compact()
    assert terms(library) == {"an", "umbrella", "red"}
    library.connection.execute("INSERT INTO chat_words(chat_words) VALUES ('integrity-check')")
    everything = b"".join(path.read_bytes() for path in library.path.parent.iterdir()).lower()
    for marker in (b"sesqui", b"floccin", b"hippopo", b"pneumono", b"antidis"):
        assert marker not in everything, marker
    assert [chat.id for chat in library.chats()] == [other] and not library.has_deleted_chats()
    library.delete_exchanges([request])
    assert library.chats() == [] and terms(library) == set()


def test_a_reader_keeps_the_file_from_being_written_anew_until_it_ends(library: Library) -> None:
    chat_id, _ = ask(library, "Sesquipedalian")
    library.wait_at_most(0.05)
    with closing(sqlite3.connect(library.path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT COUNT(*) FROM chats").fetchone()
        library.delete_chats([chat_id])
        with pytest.raises(NotReadyError):
            library.compact()
        assert library.chats() == [] and library.has_deleted_chats()
    library.compact()
    assert not library.has_deleted_chats()
    assert all(b"squipedalian" not in path.read_bytes() for path in library.path.parent.iterdir())


def test_only_drawings_of_other_exchanges_are_shared(library: Library) -> None:
    path = Path("/home/imagined/a.png")
    requests = [ask(library, text)[1] for text in ("one", "two")]
    for request, drawn in zip(requests, (True, False), strict=True):
        shown = (ChatPicture(path, drawn=drawn),)
        library.keep_message(request, NewMessage("tool", "x", now_text(), pictures=shown))
    assert not library.other_chats_show(path, [requests[0]]) and library.other_chats_show(path, [requests[1]])
