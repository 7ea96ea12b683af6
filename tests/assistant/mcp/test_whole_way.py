"""Every tool, called by an MCP client on a real library: photos, a worker, a training, a picture."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("mcp")

from commands import json_here
from mcp import ClientSession, StdioServerParameters, stdio_client
from mcp_types import CallToolResult
from PIL import Image, ImageDraw
from waiting import until

START = "import sys; from tui.entry import main; sys.argv[0] = 'familiar'; main()"


def draw_photos(folder: Path) -> None:
    """Three of an orange disc, and twelve of nothing alike."""
    folder.mkdir()
    for number in range(3):
        picture = Image.new("RGB", (160, 120), (40 + 20 * number, 90, 200 - 20 * number))
        corner = 30 + 5 * number
        ImageDraw.Draw(picture).ellipse((corner, 20, corner + 70, 90), fill=(220, 60 + number, 30))
        picture.save(folder / f"bo{number}.jpg")
    noise = np.random.default_rng(3)
    for number in range(12):
        small = noise.integers(0, 255, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(small).resize((160, 120)).save(folder / f"other{number}.jpg")


@pytest.fixture
def arguments(pocket_like: Path, tmp_path: Path) -> list[str]:
    """Options of a library with these photos, and a tiny backbone."""
    draw_photos(tmp_path / "photos")
    chosen = ["--backbone", str(pocket_like)]
    added = json_here(tmp_path / "home", *chosen, "add", str(tmp_path / "photos"), "--yes")
    assert added["new"] == 15
    return ["--home", str(tmp_path / "home"), *chosen]


def members_of_bo(changed: Any) -> int:
    return next(int(one["members"]) for one in changed["concepts"] if one["name"] == "Bo")


@pytest.mark.slow
async def test_every_tool_on_a_real_library(arguments: list[str], tmp_path: Path) -> None:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-c", START, *arguments, "mcp"],
        env=dict(os.environ),
        cwd=Path(__file__).parents[3],
    )
    async with stdio_client(server) as (reads, writes), ClientSession(reads, writes) as session:
        await session.initialize()

        async def heard(_done: float, _total: float | None, message: str | None) -> None:
            told.append(message or "")

        told: list[str] = []

        async def call(tool: str, **given: Any) -> Any:
            result = await session.call_tool(tool, given, progress_callback=heard)
            assert isinstance(result, CallToolResult) and not result.is_error, (tool, result.content)
            assert result.content[0].type == "text" and result.content[0].text.startswith(f"{tool} says: “")
            return result.structured_content

        photos = ["bo0.jpg", "bo1.jpg", "bo2.jpg"]
        assert (await call("name_concept", name="Bo", photos=photos))["photos"] == 3
        assert (await call("describe", photo="bo0.jpg"))["concepts"][0]["name"] == "Bo"
        assert members_of_bo(await call("confirm", concept="Bo", photo="other0.jpg")) == 4
        assert members_of_bo(await call("undo")) == 3
        assert (await call("reject", concept="Bo", photo="other1.jpg"))["operation"]
        split = await call("split", concept="Bo", photos=["bo2.jpg"])
        made = split["concepts"][-1]["id"]
        assert (await call("merge", concept="Bo", other=str(made)))["members"] == 3
        assert (await call("remember", concept="Bo", text="Bo is round"))["facts"] == ["Bo is round"]
        trained = await call("train", concept="Bo")
        assert trained["concept"] == "Bo" and trained["steps"] > 0
        assert any("rain" in message for message in told), told
        drawn = await call("imagine", prompt="Bo on a beach", seed=5)
        assert drawn["concepts"] == ["Bo"] and drawn["seed"] == 5
        assert drawn["painter"] == "montage" and drawn["sources"][0]["concept"] == "Bo"
        assert Image.open(drawn["paths"][0]).size == (768, 768)
        found = await call("find", query="Bo")
        assert {Path(one["path"]).name for one in found["photos"]} >= set(photos)
        assert "Bo" in [one["name"] for one in (await call("list_concepts"))["concepts"]]
        removed = (await call("forget", concept="Bo", typed="Bo"))["removed"]
        assert removed["concepts"] == 1 and removed["facts"] == 1 and removed["prefix_files"] > 0
    assert "Bo" not in [one["name"] for one in json_here(tmp_path / "home", "concepts")]


@pytest.mark.slow
@pytest.mark.parametrize(("ending", "code"), [("end of input", 0), ("Ctrl-C", 130)])
def test_what_was_asked_for_is_cancelled_at_the_end(
    arguments: list[str], tmp_path: Path, ending: str, code: int
) -> None:
    home = tmp_path / "home"
    photos = [str(tmp_path / "photos" / f"bo{number}.jpg") for number in range(3)]
    json_here(home, *arguments[2:], "learn", "Bo", *photos, "--background", "--yes")
    served = subprocess.Popen(
        [sys.executable, "-c", START, *arguments, "mcp"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert served.stdin is not None and served.stdout is not None
    client = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    }
    train = {"name": "train", "arguments": {"concept": "Bo"}}
    for message in (
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": train},
    ):
        served.stdin.write(json.dumps(message) + "\n")
        served.stdin.flush()
    until(lambda: len(trainings(home)) == 2)
    if ending == "Ctrl-C":
        served.send_signal(signal.SIGINT)
    else:
        served.stdin.close()
    assert served.wait(20) == code
    assert served.stderr is not None and served.stderr.read() == ""
    assert trainings(home)[-1] == "cancelled"


def trainings(home: Path) -> list[str]:
    """States of the jobs that train, in the order of asking."""
    jobs = json_here(home, "jobs")
    return [job["state"] for job in sorted(jobs, key=lambda job: int(job["id"])) if job["kind"] == "train"]
