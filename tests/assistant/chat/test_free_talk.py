"""What a larger language model may do in the chat: say words of its own, and ask to have something done."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from scripted_chat import Liar, Scripted
from waiting import until

from assistant.chat.agent import Assistant
from assistant.chat.events import (
    Answer,
    Cancelled,
    Event,
    Failed,
    NeedsApproval,
    Token,
    ToolFinished,
    ToolStarted,
)
from assistant.chat.plain import run
from assistant.chat.router.route import MAX_CHARACTERS
from assistant.service.familiar import Familiar
from personalizer.home import Home

REQUEST = "do the usual thing, please"
"""Nothing that a rule knows, so that the model is asked."""
MERGE = [("merge", {"concept": "Bo", "other": "Doggy"})]


@pytest.fixture
def familiar(tmp_path: Path) -> Iterator[Familiar]:
    made = Familiar(Home(tmp_path / "home"))
    for name in ("Bo", "Doggy"):
        made.library.create_concept("object", name=name)
    made.switch_chats(False)
    yield made
    made.close()


def talked(familiar: Familiar, script: list[Any], reply: str | None, text: str = REQUEST) -> list[Event]:
    """The events of one request; the question for approval is answered with `reply`."""
    assistant = Assistant(familiar, Scripted(script=script))
    events: list[Event] = []
    for event in assistant.respond(text):
        events.append(event)
        if isinstance(event, NeedsApproval) and reply is not None:
            [said] = assistant.respond(reply)
            events.append(said)
    return events


def test_its_words_are_its_own_and_do_nothing(familiar: Familiar) -> None:
    events = talked(familiar, ["I merged Bo and Doggy for you."], None)
    assert events[-1] == Answer("I merged Bo and Doggy for you.", by_model="Scripted")
    assert familiar.library.names() == ["Bo", "Doggy"] and familiar.history() == []


@pytest.mark.parametrize(
    ("reply", "names"), [("yes", ["Bo"]), ("no", ["Bo", "Doggy"]), ("maybe later", ["Bo", "Doggy"])]
)
def test_a_change_that_it_wants_is_asked_about(familiar: Familiar, reply: str, names: list[str]) -> None:
    events = talked(familiar, [MERGE, "done"], reply)
    [asked] = [event for event in events if isinstance(event, NeedsApproval)]
    assert "“Bo” and “Doggy”" in asked.text and asked.answers[-1] == "no"
    assert familiar.library.names() == names
    result = next(event for event in events if isinstance(event, ToolFinished))
    assert ("are one now" in result.text) == (reply == "yes")
    assert isinstance(events[-1], Answer) and events[-1].by_model is None, "the program says what was done"


def test_it_talks_piece_by_piece_and_can_be_stopped(familiar: Familiar) -> None:
    story = "once upon a time " * 2_000
    assistant = Assistant(familiar, Liar(messages=iter([AIMessage("Hello, how nice."), AIMessage(story)])))
    list(assistant.respond("who do you know?"))
    events = list(assistant.respond(REQUEST))
    tokens = [event.text for event in events if isinstance(event, Token)]
    assert len(tokens) > 2 and "".join(tokens) == "Hello, how nice."
    assert events[-1] == Answer("Hello, how nice.", by_model="Liar")
    # What a tool said is no part of what the model reads as its own words.
    said = [turn.text for turn in assistant.conversation.window(900, len)]
    assert said == [REQUEST, "Hello, how nice."]
    stop = threading.Event()
    events = []
    for event in assistant.respond("tell me a long story", cancelled=stop):
        events.append(event)
        if isinstance(event, Token):
            stop.set()
    assert isinstance(events[-1], Cancelled) and not any(isinstance(event, Answer) for event in events)
    assert isinstance(list(assistant.respond("who do you know?"))[-1], Answer)


def test_what_is_allowed_for_good_is_not_asked_again(familiar: Familiar) -> None:
    talked(familiar, [MERGE], "always")
    familiar.undo()
    assert not any(isinstance(event, NeedsApproval) for event in talked(familiar, [MERGE], None))
    assert familiar.library.names() == ["Bo"]


def test_forgetting_is_never_allowed_for_good(familiar: Familiar) -> None:
    forget = [("forget", {"concept": "Bo", "typed": "Bo"})]
    events = talked(familiar, [forget], "always")
    [asked] = [event for event in events if isinstance(event, NeedsApproval)]
    assert asked.answers == ("yes", "no")
    assert familiar.library.names() == ["Bo", "Doggy"]


def test_stopping_answers_no(familiar: Familiar) -> None:
    assistant = Assistant(familiar, Scripted(script=[MERGE]))
    stop = threading.Event()
    events = []
    for event in assistant.respond(REQUEST, cancelled=stop):
        events.append(event)
        if isinstance(event, NeedsApproval):
            stop.set()
    until(lambda: not assistant.approving.waits)
    assert isinstance(list(assistant.respond("who do you know?"))[-1], Answer)
    assert familiar.library.names() == ["Bo", "Doggy"]


def test_a_pipe_is_asked_on_its_next_line_and_nobody_there_means_no(familiar: Familiar) -> None:
    shown = io.StringIO()
    run(familiar, Scripted(script=[MERGE, MERGE]), io.StringIO(f"{REQUEST}\nyes\n"), shown)
    assert "nobody is there who could be asked" in shown.getvalue()
    assert familiar.library.names() == ["Bo", "Doggy"]


def test_a_message_that_is_too_long_is_refused_and_the_chat_goes_on(familiar: Familiar) -> None:
    familiar.switch_chats(True)
    assistant = Assistant(familiar)
    [failed] = assistant.respond("draw Bo " * 12_500)
    assert isinstance(failed, Failed) and "100,000 characters" in failed.found
    assert f"{MAX_CHARACTERS:,}" in failed.fix and len(failed.tried) < 400
    events = list(assistant.respond("who do you know?"))
    assert isinstance(events[0], ToolStarted) and isinstance(events[-1], Answer)
    assert [chat.messages for chat in familiar.chats()] != []


def test_a_file_that_is_no_model_is_said_to_be_none(familiar: Familiar, tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp")
    broken = tmp_path / "broken.gguf"
    with broken.open("wb") as file:
        file.truncate(200_000_000)  # too large to be known as small by its size
    [failed] = Assistant(familiar, broken).respond(REQUEST)
    assert isinstance(failed, Failed) and "broken.gguf" in failed.tried
    assert isinstance(list(Assistant(familiar, broken).respond("who do you know?"))[-1], Answer)
