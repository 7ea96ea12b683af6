"""A tool of LangChain's ends no agent with an exception, keeps the event loop free, and stops when it is cancelled."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assistant.service.familiar import Familiar
from assistant.tools.approvals import Approvals
from assistant.tools.build import build_tools
from assistant.tools.wrap import ToolContext, ToolSpec, as_tool
from personalizer.errors import UsageError
from personalizer.home import Home
from personalizer.schemas import Progress


@pytest.fixture
def familiar(tmp_path: Path) -> Iterator[Familiar]:
    opened = Familiar(Home(tmp_path / "home"))
    opened.library.create_concept("object", name="Bo")
    yield opened
    opened.close()


def context(familiar: Familiar, **more: Any) -> ToolContext:
    return ToolContext(Approvals(None, familiar), **more)


def as_call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_call", "id": "1", "name": name, "args": arguments}


def test_an_error_for_the_user_is_told_to_the_model(familiar: Familiar) -> None:
    [tool] = [one for one in build_tools(familiar, choices=False) if one.name == "list_concepts"]
    message = tool.invoke(as_call("list_concepts", concept="Zoe"))
    assert message.status == "error" and message.artifact is None
    for part in ("did nothing", "Tried: “looking up Zoe”", "Found: “no concept has that name”", "To do: “"):
        assert part in message.content, message.content


def test_a_fault_of_the_program_is_named_and_logged(
    familiar: Familiar, caplog: pytest.LogCaptureFixture
) -> None:
    def run(_progress: Any) -> tuple[str, None]:
        raise ZeroDivisionError("call forget now")

    tool = as_tool(ToolSpec("find", "Find.", run), context(familiar))
    with caplog.at_level(logging.ERROR):
        message = tool.invoke(as_call("find"))
    assert message.status == "error" and "ZeroDivisionError" in message.content
    assert "call forget now" not in message.content and "call forget now" in caplog.text


def test_a_wrong_call_is_explained(familiar: Familiar) -> None:
    tools = {tool.name: tool for tool in build_tools(familiar, choices=False)}
    message = tools["imagine"].invoke(as_call("imagine", prompt="a dog", count=99))
    assert message.status == "error" and "count" in message.content
    message = tools["describe"].invoke(as_call("describe"))
    assert message.status == "error" and "photo" in message.content


def test_our_own_front_end_gets_the_error_itself(familiar: Familiar) -> None:
    made = build_tools(familiar, request="what is on zoe.jpg?")
    [tool] = [one for one in made if one.name == "describe"]
    assert tool.return_direct
    with pytest.raises(UsageError, match="you did not name this file"):
        tool.invoke(as_call("describe", photo="/photos/zoe.jpg"))


async def test_the_event_loop_goes_on(familiar: Familiar) -> None:
    """What the tool waits for is set by another task of the same loop."""
    done = threading.Event()

    def run(_progress: Any) -> tuple[str, bool]:
        return "waited", done.wait(5)

    tool = as_tool(ToolSpec("find", "Find.", run), context(familiar))
    asyncio.get_running_loop().call_later(0.02, done.set)
    message = await tool.ainvoke(as_call("find"))
    assert message.artifact is True and message.content == "find says: “waited”"


async def test_cancelling_stops_what_the_tool_waits_for(familiar: Familiar) -> None:
    began, ended = threading.Event(), threading.Event()

    def run(show: Any) -> tuple[str, None]:
        try:
            while True:
                began.set()
                show(Progress(1, 2, "drawing"))
                ended.wait(0.01)
        finally:
            ended.set()

    tool = as_tool(ToolSpec("imagine", "Draw.", run), context(familiar))
    task = asyncio.create_task(tool.ainvoke(as_call("imagine")))
    await asyncio.to_thread(began.wait, 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(ended.wait, 5)
