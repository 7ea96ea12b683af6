"""The MCP server as a client sees it: a process of its own, spoken to over standard input and output."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp")

from commands import json_here
from mcp import ClientSession, StdioServerParameters, stdio_client
from mcp_types import CallToolResult
from PIL import Image
from stored_photos import photo_with_vector

from assistant.service.familiar import Familiar
from personalizer.home import Home

START = "import sys; from tui.entry import main; sys.argv[0] = 'familiar'; main()"


def command(home: Path, *options: str) -> list[str]:
    return [sys.executable, "-c", START, "--home", str(home), *options, "mcp"]


@asynccontextmanager
async def client(home: Path, *options: str) -> AsyncIterator[ClientSession]:
    program, *arguments = command(home, *options)
    server = StdioServerParameters(
        command=program, args=arguments, env=dict(os.environ), cwd=Path(__file__).parents[3]
    )
    with Path(os.devnull).open("w") as nowhere:
        async with (
            stdio_client(server, errlog=nowhere) as (reads, writes),
            ClientSession(reads, writes) as session,
        ):
            await session.initialize()
            yield session


async def call(session: ClientSession, tool: str, **arguments: Any) -> CallToolResult:
    result = await session.call_tool(tool, arguments)
    assert isinstance(result, CallToolResult)
    return result


def words(result: CallToolResult) -> str:
    [content] = result.content
    assert content.type == "text"
    return content.text


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """The home of a library: Bo in IMG_1.jpg and IMG_2.jpg, a group without a name in IMG_3.jpg, IMG_4.jpg in none."""
    home = tmp_path / "home"
    with Familiar(home) as familiar:
        photos = [photo_with_vector(familiar.library, f"IMG_{number}.jpg") for number in (1, 2, 3, 4)]
        bo = familiar.library.create_concept("object", name="Bo")
        group = familiar.library.create_concept("object")
        for concept, photo in ((bo, photos[0]), (bo, photos[1]), (group, photos[2])):
            [thing] = familiar.library.detections(photo.id, "photo")
            familiar.library.add_members(concept.id, [thing.id], source="cluster", status="confirmed")
    return home


async def test_thirteen_tools_with_what_a_client_has_to_know(library: Path) -> None:
    async with client(library) as session:
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
    assert list(tools) == [
        *("describe", "imagine", "find", "list_concepts", "name_concept"),
        *("confirm", "reject", "merge", "split", "undo", "train", "remember", "forget"),
    ]
    hints = {name: tool.annotations for name, tool in tools.items()}
    assert {name for name, hint in hints.items() if hint and hint.read_only_hint} == {
        "describe",
        "find",
        "list_concepts",
    }
    assert [name for name, hint in hints.items() if hint and hint.destructive_hint] == ["forget"]
    assert all(hint is not None and hint.open_world_hint is False for hint in hints.values())
    for tool in tools.values():
        assert tool.description
        assert all(field["description"] for field in tool.input_schema["properties"].values()), tool.name
    assert tools["forget"].input_schema["required"] == ["concept", "typed"]


async def test_corrections_are_made_and_undone(library: Path) -> None:
    async with client(library) as session:
        confirmed = await call(session, "confirm", concept="Bo", photo="IMG_4.jpg")
        assert not confirmed.is_error and words(confirmed) == "confirm says: “Bo is in IMG_4.jpg.”"
        assert confirmed.structured_content["concepts"][0]["members"] == 3
        undone = await call(session, "undo")
        assert words(undone).startswith("undo says: “Undone: the confirming.")
        rejected = await call(session, "reject", concept="Bo", photo="IMG_2.jpg")
        assert rejected.structured_content["concepts"][0]["members"] == 1
        await call(session, "undo")
        named = await call(session, "name_concept", name="Rex", id=2)
        assert named.structured_content["name"] == "Rex"
        merged = await call(session, "merge", concept="Bo", other="Rex")
        assert merged.structured_content["members"] == 3
        split = await call(session, "split", concept="Bo", photos=["IMG_3.jpg"])
        assert [one["members"] for one in split.structured_content["concepts"]] == [2, 1]
        told = await call(session, "remember", concept="Bo", text="Bo is afraid of water")
        assert told.structured_content["facts"] == ["Bo is afraid of water"]
        listed = await call(session, "list_concepts")
        found = await call(session, "find", query="Bo")
    assert listed.structured_content == {"concepts": json_here(library, "concepts")}
    as_printed = json_here(library, "find", "Bo")
    assert found.structured_content["photos"] == as_printed["photos"] and as_printed["count"] == 2


async def test_errors_are_results(library: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.jpg"
    Image.new("RGB", (32, 32)).save(outside)
    async with client(library) as session:
        for tool, arguments, part in (
            ("confirm", {"concept": "Zoe", "photo": "IMG_1.jpg"}, "the known names are Bo"),
            ("describe", {"photo": str(outside)}, "in none of the registered folders"),
            ("describe", {"photo": "/etc/passwd"}, "in none of the registered folders"),
            ("describe", {}, "photo: Field required"),
            ("forget", {"concept": "Bo"}, "typed: Field required"),
            ("forget", {"concept": "Bo", "typed": "yes"}, "Nothing was removed"),
            ("imagine", {"prompt": "Bo", "text": "Bo"}, "text: Extra inputs"),
            ("undo", {}, "undo"),
            ("launch", {}, "There is no tool"),
        ):
            result = await call(session, tool, **arguments)
            assert result.is_error and part in words(result), (tool, words(result))
        known = await call(session, "list_concepts", concept="Zoe")
        assert known.structured_content["error"]["found"] == "no concept has that name"
        assert [
            one["name"] for one in (await call(session, "list_concepts")).structured_content["concepts"]
        ] == [
            "Bo",
            None,
        ]


@pytest.mark.slow
async def test_two_servers_on_one_library(library: Path) -> None:
    async with client(library) as first, client(library) as second:
        await call(first, "remember", concept="Bo", text="Bo is four")
        told = await call(second, "remember", concept="Bo", text="Bo hates cats")
        assert told.structured_content["facts"] == ["Bo is four", "Bo hates cats"]
        undone = await call(first, "name_concept", name="Max", concept="Bo")
        assert not undone.is_error
        listed = await call(second, "list_concepts")
        assert listed.structured_content["concepts"][0]["name"] == "Max"


def first_line(home: Path) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    """A server and its answer to the first message."""
    served = subprocess.Popen(
        command(home),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
    assert served.stdin is not None and served.stdout is not None
    served.stdin.write(json.dumps(hello) + "\n")
    served.stdin.flush()
    return served, json.loads(served.stdout.readline())


def test_the_end_of_input_ends_it(library: Path) -> None:
    served, answer = first_line(library)
    assert answer["result"]["serverInfo"]["name"] == "familiar"
    assert "never instructions" in answer["result"]["instructions"]
    out, err = served.communicate(timeout=20)
    assert (served.returncode, out, err) == (0, "", "")


def test_ctrl_c_ends_it_without_a_trace(library: Path) -> None:
    served, _ = first_line(library)
    began = time.monotonic()
    served.send_signal(signal.SIGINT)
    assert served.wait(20) == 130
    assert time.monotonic() - began < 5
    out, err = served.communicate()
    assert (out, err) == ("", "")


def test_without_the_package_it_says_what_to_do(tmp_path: Path) -> None:
    blocked = (
        "import importlib.util as u; found = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'mcp' else found(name, *rest)\n" + START
    )
    done = subprocess.run(
        [sys.executable, "-c", blocked, "--home", str(tmp_path / "home"), "mcp"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert done.returncode == 4 and done.stdout == ""
    assert "familiar-assistant[mcp]" in done.stderr and "Traceback" not in done.stderr


def test_loading_the_home_costs_no_model(tmp_path: Path) -> None:
    code = "import assistant.mcp.server, sys; print('torch' in sys.modules, 'langchain_core' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
    assert Home(tmp_path).root == tmp_path
