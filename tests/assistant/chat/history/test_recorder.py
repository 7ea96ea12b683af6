"""A chat is kept as it happened, where a person said so; nothing about keeping it stops an answer."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from kept_chats import described, drawing, drawn, familiar_that_keeps, said
from PIL import Image

from assistant.chat.events import (
    Answer,
    Cancelled,
    Failed,
    Question,
    Token,
    ToolFinished,
    ToolProgress,
    ToolStarted,
)
from assistant.chat.history import recorder as recording
from assistant.chat.history.recorder import Recorder
from assistant.chat.questions import MayKeepChats
from assistant.service.familiar import Familiar
from personalizer.concepts.name_mentions import NameMentions
from personalizer.home import Home
from personalizer.schemas import BoundingBox, Progress


@pytest.fixture
def familiar(tmp_path: Path) -> Iterator[Familiar]:
    made = familiar_that_keeps(tmp_path)
    yield made
    made.close()


def roles_and_texts(familiar: Familiar, chat_id: int) -> list[tuple[str, str]]:
    return [(one.role, one.text) for one in familiar.library.chat_messages(chat_id)]


def test_an_exchange_is_kept_with_its_result(familiar: Familiar, tmp_path: Path) -> None:
    recorder = Recorder(familiar)
    photo = tmp_path / "a.jpg"
    said(recorder, " who is in a.jpg? ", *described(photo, "That is Bo (78 % sure)."))
    assert recorder.chat_id is not None
    [exchange] = familiar.chat(recorder.chat_id).exchanges
    assert (exchange.request.text, exchange.request.ended) == ("who is in a.jpg?", "answered")
    [message] = exchange.answers
    assert (message.role, message.tool, message.text) == ("tool", "describe", "That is Bo (78 % sure).")
    assert message.elapsed_s is not None and message.elapsed_s >= 0
    assert [picture.path for picture in message.pictures] == [photo] and not message.of_faces


def test_who_said_what_is_told_apart(familiar: Familiar) -> None:
    recorder = Recorder(familiar)
    said(recorder, "hello", Token("Hel"), Token("lo."), Answer("Hello.", by_model="large.gguf"))
    said(recorder, "draw", Answer("What shall I draw?"))
    said(recorder, "again", ToolStarted("scan", "Scanning"), ToolProgress(Progress(1, 2, "x")), Cancelled())
    said(recorder, "more", Token("half an ans"), Cancelled())
    said(recorder, "find", Failed("finding", "nothing", "Say what."))
    face = BoundingBox(0, 0, 5, 5)
    said(
        recorder,
        "scan",
        ToolFinished("1 new", None),
        Question("Who is this?", Path("/p/x.jpg"), face, "number 3"),
    )
    assert recorder.chat_id is not None
    assert roles_and_texts(familiar, recorder.chat_id) == [
        ("user", "hello"),
        ("model", "Hello."),
        ("user", "draw"),
        ("program", "What shall I draw?"),
        ("user", "again"),
        ("user", "more"),
        ("model", "half an ans"),
        ("user", "find"),
        ("program", "Failed: finding\n  found: nothing\n  to do: Say what."),
        ("user", "scan"),
        ("tool", "1 new"),
        ("program", "Who is this?"),
    ]
    exchanges = familiar.chat(recorder.chat_id).exchanges
    assert [one.request.ended for one in exchanges] == ["answered"] * 2 + ["cancelled"] * 2 + [
        "failed",
        "answered",
    ]
    assert exchanges[-1].answers[-1].of_faces, "it shows a face that was found"
    assert familiar.chats()[0].title == "hello"


@pytest.mark.parametrize("decided", [None, False])
def test_nothing_is_kept_unless_a_person_said_so(tmp_path: Path, decided: bool | None) -> None:
    familiar = Familiar(Home(tmp_path / "home").ensure())
    if decided is not None:
        familiar.switch_chats(decided)
    assert familiar.library.was_asked_about_chats() == (decided is not None)
    recorder = Recorder(familiar)
    said(recorder, "Sesquipedalian")
    assert recorder.chat_id is None and familiar.chats() == [] and recorder.take_notice() is None
    familiar.close()
    assert all(b"squipedalian" not in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


def test_the_question_is_asked_once_and_its_answer_holds(tmp_path: Path) -> None:
    familiar = Familiar(Home(tmp_path / "home").ensure())
    question = MayKeepChats("hello")
    assert "in your library only" in question.ask().text
    assert question.answer(familiar, "who is in a.jpg?") is None
    skipped = question.answer(familiar, "")
    assert skipped is not None and skipped.then is question and not familiar.library.was_asked_about_chats()
    no = question.answer(familiar, "No")
    assert no is not None and "familiar chats on" in no.said and no.request == "hello"
    assert familiar.library.was_asked_about_chats() and not familiar.library.keeps_chats()
    question.answer(familiar, "y")
    assert familiar.library.keeps_chats()
    familiar.close()


def test_switching_off_in_the_middle_keeps_no_more(familiar: Familiar) -> None:
    recorder = Recorder(familiar)
    recorder.request("first")
    familiar.switch_chats(False)
    recorder.event(Answer("its answer"))
    said(recorder, "second")
    assert [one.text for one in familiar.library.chat_messages()] == ["first"]


def test_a_private_chat_leaves_nothing(familiar: Familiar) -> None:
    recorder, other = Recorder(familiar), Recorder(familiar)
    said(other, "another chat")
    said(recorder, "draw Bo", *drawn([path := drawing(familiar.home, "Bo")], ["Bo"]))
    assert recorder.make_private() and recorder.private and recorder.chat_id is None
    said(recorder, "Sesquipedalian")
    assert [chat.title for chat in familiar.chats()] == ["another chat"] and not path.exists()
    assert not recorder.make_private(), "nothing was left to remove"
    recorder.new_chat()
    said(recorder, "not private")
    assert len(familiar.chats()) == 2


def test_commands_about_chats_are_no_part_of_one(familiar: Familiar) -> None:
    recorder = Recorder(familiar)
    for command in ("/chats", "/search Bo", "/quit", "/RESUME 1"):
        said(recorder, command)
    assert familiar.chats() == []
    said(recorder, "/status")
    assert [chat.title for chat in familiar.chats()] == ["/status"]


def test_a_chat_that_is_deleted_while_it_goes_on_begins_anew(familiar: Familiar) -> None:
    recorder = Recorder(familiar)
    recorder.request("first")
    deleted = recorder.chat_id
    assert deleted is not None
    familiar.delete_chats([deleted])
    recorder.event(Answer("comes too late"))
    said(recorder, "second")
    assert [one.text for one in familiar.library.chat_messages()] == ["second", "About: second"]
    assert recorder.chat_id not in (None, deleted)


def test_a_locked_library_holds_no_answer_up_and_gets_the_rest_later(
    familiar: Familiar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "WAIT_S", 0.01)
    recorder = Recorder(familiar)
    said(recorder, "before")
    with closing(sqlite3.connect(familiar.home.database, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        said(recorder, "meanwhile")
        notice = recorder.take_notice()
        assert notice is not None and "cannot keep this chat" in notice
        said(recorder, "still")
        assert recorder.take_notice() is None, "it is said once"
        holder.execute("ROLLBACK")
    said(recorder, "after")
    assert [one.text for one in familiar.library.chat_messages() if one.role == "user"] == [
        "before",
        "meanwhile",
        "still",
        "after",
    ]
    assert all(one.request.ended for one in familiar.library.exchanges())


def test_a_full_disk_stops_no_answer(tmp_path: Path, largest_file: Any) -> None:
    familiar = familiar_that_keeps(tmp_path)
    recorder = Recorder(familiar)
    with largest_file(4096):
        said(recorder, "x" * 50_000)
    assert "cannot keep" in (recorder.take_notice() or "")
    said(recorder, "and on")
    assert [one.request.text[:6] for one in familiar.library.exchanges()] == ["xxxxxx", "and on"]
    familiar.close()


def test_bytes_that_are_no_text_are_kept_as_far_as_they_can_be(familiar: Familiar, tmp_path: Path) -> None:
    photo = tmp_path / "caf\udce9.jpg"
    Image.new("RGB", (4, 4)).save(photo, "JPEG")
    recorder = Recorder(familiar)
    said(recorder, f"who is in {photo}?", *described(photo, f"Bo is in {photo}."))
    assert recorder.take_notice() is None and recorder.chat_id is not None
    [exchange] = familiar.chat(recorder.chat_id).exchanges
    assert exchange.answers[0].pictures[0].path == photo
    assert exchange.request.text.endswith("caf\ufffd.jpg?")


def test_what_waits_and_names_somebody_forgotten_is_not_kept(
    familiar: Familiar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "WAIT_S", 0.01)
    recorder = Recorder(familiar)
    with closing(sqlite3.connect(familiar.home.database, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        said(recorder, "who is Zorblatt?")
        holder.execute("ROLLBACK")
    recorder.forget(NameMentions(["Zorblatt"]))
    said(recorder, "next")
    assert [one.text for one in familiar.library.chat_messages()] == ["next", "About: next"]


WRITER = """
import sys
from pathlib import Path
from assistant.chat.events import Answer
from assistant.chat.history.recorder import Recorder
from assistant.service.familiar import Familiar
from personalizer.home import Home
recorder = Recorder(Familiar(Home(Path(sys.argv[1]))))
for number in range(40):
    recorder.request(f"{sys.argv[2]} {number}")
    recorder.event(Answer(f"answer {number}"))
print(recorder.chat_id, recorder.take_notice())
"""


def test_two_processes_may_write_chats_at_once(familiar: Familiar) -> None:
    command = [sys.executable, "-c", WRITER, str(familiar.home.root)]
    writers = [
        subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True) for name in ("one", "two")
    ]
    ended = [writer.communicate(timeout=60)[0].split() for writer in writers]
    assert [notice for _, notice in ended] == ["None", "None"]
    for (chat_id, _), name in zip(ended, ("one", "two"), strict=True):
        exchanges = familiar.chat(chat_id).exchanges
        assert [one.request.text for one in exchanges] == [f"{name} {number}" for number in range(40)]
        assert [one.answers[0].text for one in exchanges] == [f"answer {number}" for number in range(40)]
    assert familiar.library.connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


KILLED = """
import os, signal, sys
from pathlib import Path
from assistant.chat.events import Answer, ToolFinished
from assistant.chat.history.recorder import Recorder
from assistant.service.familiar import Familiar
from personalizer.home import Home
recorder = Recorder(Familiar(Home(Path(sys.argv[1]))))
recorder.request("first")
recorder.event(Answer("answered"))
recorder.request("second")
recorder.event(ToolFinished("half of it", None))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_in_the_middle_leaves_all_but_what_was_not_answered(familiar: Familiar) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(familiar.home.root)], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    [chat] = familiar.chats()
    first, second = familiar.chat(chat.id).exchanges
    assert not first.unfinished and first.answers[0].text == "answered"
    assert second.unfinished and second.answers[0].text == "half of it"
    recorder = Recorder(familiar, chat.id)
    said(recorder, "third")
    assert [one.unfinished for one in familiar.chat(chat.id).exchanges] == [False, True, False]
