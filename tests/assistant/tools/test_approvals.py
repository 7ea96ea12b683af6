"""What changes something asks a person, and nobody else can say yes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.service.familiar import Familiar
from assistant.tools.access import PhotoAccess
from assistant.tools.approvals import CHANGING, ApprovalAnswer, ApprovalRequest, Approvals, NotApprovedError
from assistant.tools.build import build_tools
from personalizer.errors import NotFoundError, UsageError
from personalizer.home import Home


@pytest.fixture
def familiar(tmp_path: Path) -> Iterator[Familiar]:
    opened = Familiar(Home(tmp_path / "home"))
    opened.library.create_concept("object", name="Bo")
    yield opened
    opened.close()


class Person:
    """Somebody who gives these answers, one after another."""

    def __init__(self, *answers: ApprovalAnswer) -> None:
        self.answers = list(answers)
        self.asked: list[ApprovalRequest] = []

    def __call__(self, request: ApprovalRequest) -> ApprovalAnswer:
        self.asked.append(request)
        return self.answers.pop(0)


def call(familiar: Familiar, approvals: Approvals | None, tool: str, **arguments: Any) -> Any:
    made = {one.name: one for one in build_tools(familiar, approvals=approvals, choices=False)}
    return made[tool].invoke({"type": "tool_call", "id": "1", "name": tool, "args": arguments})


def told(familiar: Familiar) -> list[str]:
    return familiar.profile("Bo").facts


def test_nothing_is_changed_where_nobody_can_be_asked(familiar: Familiar) -> None:
    message = call(familiar, None, "remember", concept="Bo", text="Bo is four")
    assert message.status == "error" and told(familiar) == []
    assert "nobody is there who could be asked" in message.content
    assert "Approvals.allow_always" in message.content
    assert call(familiar, None, "list_concepts").status == "success"


def test_once_is_once(familiar: Familiar) -> None:
    person = Person("once", "no")
    approvals = Approvals(person, familiar)
    assert call(familiar, approvals, "remember", concept="Bo", text="Bo is four").status == "success"
    message = call(familiar, approvals, "remember", concept="Bo", text="Bo is five")
    assert message.status == "error" and "said no" in message.content
    assert told(familiar) == ["Bo is four"]
    assert [request.says for request in person.asked] == [
        "Remember about “Bo”: “Bo is four”",
        "Remember about “Bo”: “Bo is five”",
    ]
    assert person.asked[0].arguments == {"concept": "Bo", "text": "Bo is four"}


def test_chat_holds_for_this_tool_in_this_conversation(familiar: Familiar) -> None:
    person = Person("chat", "no", "no")
    approvals = Approvals(person, familiar)
    for text in ("Bo is four", "Bo is five"):
        assert call(familiar, approvals, "remember", concept="Bo", text=text).status == "success"
    assert call(familiar, approvals, "name_concept", concept="Bo", name="Max").status == "error"
    other = Approvals(person, familiar)
    assert call(familiar, other, "remember", concept="Bo", text="Bo is six").status == "error"
    assert len(person.asked) == 3 and told(familiar) == ["Bo is four", "Bo is five"]


def test_always_is_kept_in_the_library_and_can_be_taken_back(familiar: Familiar) -> None:
    call(familiar, Approvals(Person("always"), familiar), "remember", concept="Bo", text="Bo is four")
    again = Familiar(familiar.home)
    later = Approvals(None, again)
    assert later.always() == ["remember"]
    assert call(again, later, "remember", concept="Bo", text="Bo is five").status == "success"
    later.take_back("remember")
    assert later.always() == []
    assert call(again, later, "remember", concept="Bo", text="Bo is six").status == "error"
    with pytest.raises(NotFoundError):
        later.take_back("remember")
    assert told(again) == ["Bo is four", "Bo is five"]
    again.close()


@pytest.mark.parametrize("answer", ["chat", "always", "yes", None])
def test_forgetting_takes_no_standing_yes(familiar: Familiar, answer: Any) -> None:
    person = Person(answer, "no")
    approvals = Approvals(person, familiar)
    for _ in range(2):
        message = call(familiar, approvals, "forget", concept="Bo", typed="Bo")
        assert message.status == "error" and "said no" in message.content
    assert person.asked[0].answers == ("once", "no") and len(person.asked) == 2
    assert familiar.concept("Bo").name == "Bo" and approvals.always() == []
    with pytest.raises(UsageError, match="asked about every time"):
        approvals.allow_always("forget")
    familiar.library.set_setting("tools.always_allowed", '["forget", "remember"]')
    assert approvals.always() == ["remember"]


def test_an_approved_forgetting_still_needs_the_name(familiar: Familiar) -> None:
    message = call(familiar, Approvals(Person("once"), familiar), "forget", concept="Bo", typed="yes")
    assert message.status == "error" and "Nothing was removed" in message.content
    assert familiar.concept("Bo").name == "Bo"


def test_all_that_changes_something_asks(familiar: Familiar) -> None:
    """Every tool that is not known to only read."""
    reading = {"describe", "imagine", "find", "list_concepts"}
    tools = {tool.name: tool for tool in build_tools(familiar)}
    assert set(tools) - reading == {*CHANGING, "forget"}
    arguments: dict[str, dict[str, Any]] = {
        "name_concept": {"name": "Max", "concept": "Bo"},
        "merge": {"concept": "Bo", "other": "2"},
        "split": {"concept": "Bo", "photos": ["a.jpg"]},
        "undo": {},
        "train": {"concept": "Bo"},
        "remember": {"concept": "Bo", "text": "Bo is four"},
        "forget": {"concept": "Bo", "typed": "Bo"},
    }
    for name in set(tools) - reading:
        given = arguments.get(name, {"concept": "Bo", "photo": "a.jpg"})
        message = tools[name].invoke({"type": "tool_call", "id": "1", "name": name, "args": given})
        assert message.status == "error" and "nobody is there" in message.content, name


def test_a_photo_outside_is_opened_after_asking(familiar: Familiar, tmp_path: Path) -> None:
    outside = tmp_path / "outside.jpg"
    outside.touch()
    person = Person("no", "once", "chat")
    access = PhotoAccess(familiar, Approvals(person, familiar))
    with pytest.raises(NotApprovedError):
        access.open(outside)
    assert access.open(outside) == outside.resolve() == access.open(outside) == access.open(outside)
    assert len(person.asked) == 3, "once is once, chat is for the rest of it"
    assert person.asked[0].answers == ("once", "chat", "no") and "outside.jpg" in person.asked[0].says
    with pytest.raises(NotApprovedError, match="nobody is there"):
        PhotoAccess(familiar, Approvals(None, familiar)).open(outside)
    with pytest.raises(UsageError):
        PhotoAccess(familiar).open(outside)


def test_one_question_at_a_time(familiar: Familiar) -> None:
    """An agent may call tools at once: the answer "chat" to the first covers the second."""
    asked, go_on = [], threading.Event()

    def ask(request: ApprovalRequest) -> ApprovalAnswer:
        asked.append(request)
        go_on.wait(5)
        return "chat"

    approvals = Approvals(ask, familiar)
    threads = [
        threading.Thread(target=approvals.require, args=("confirm", f"Note {number}")) for number in range(3)
    ]
    for thread in threads:
        thread.start()
    go_on.set()
    for thread in threads:
        thread.join(5)
    assert len(asked) == 1 and not any(thread.is_alive() for thread in threads)
