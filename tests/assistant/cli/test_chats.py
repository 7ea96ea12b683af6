"""`familiar chats`: the list, one chat, searching, exporting, deleting, switching."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from commands import run_here
from kept_chats import described, drawing, drawn, familiar_that_keeps, said
from PIL import Image

from assistant.chat.history.recorder import Recorder
from assistant.service.familiar import Familiar
from personalizer.home import Home

HOSTILE = "](http://evil.example) <img src=x> # no *heading*\n1. one\n- two\n    code `x` www.evil.example"


def json_here(home: Path, *arguments: str) -> Any:
    done = run_here(home, "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Two chats; in the second a photo and a drawing were shown, and a photo that is gone."""
    familiar = familiar_that_keeps(tmp_path)
    said(Recorder(familiar), "first chat")
    photo = tmp_path / "holi](day.JPG"
    Image.new("RGB", (8, 8), "red").save(photo, "JPEG")
    recorder = Recorder(familiar)
    said(recorder, HOSTILE, *described(photo, "That is Bo."))
    said(recorder, "draw Bo", *drawn([drawing(familiar.home, "Bo")], ["Bo"]))
    said(recorder, "and here?", *described(tmp_path / "gone.jpg", "Nobody."))
    recorder.request("killed")
    familiar.close()
    return familiar.home.root


def test_the_list_and_one_chat(home: Path) -> None:
    second, first = json_here(home, "chats")
    assert set(first) == {"id", "title", "started_at", "messages"}
    assert (first["title"], first["messages"]) == ("first chat", 2)
    assert json_here(home, "chats", "list") == [second, first]
    shown = json_here(home, "chats", "show", str(first["id"]))
    assert shown["exchanges"][0]["answers"][0]["text"] == "About: first chat"
    lines = run_here(home, "chats", "show", f"#{second['id']}").stdout
    assert "> draw Bo" in lines and "This answer was not finished." in lines


def test_a_search_names_the_chat(home: Path) -> None:
    [found] = json_here(home, "chats", "search", "about first")
    assert found["title"] == "first chat" and found["role"] == "program"
    assert run_here(home, "chats", "search", "…").returncode == 2


@pytest.mark.parametrize(
    "arguments", [("show", "99"), ("show", "Bo"), ("delete", "99", "--yes"), ("export", "9", "a.md")]
)
def test_a_chat_that_is_not_there(home: Path, arguments: tuple[str, ...]) -> None:
    done = run_here(home, "--json", "chats", *arguments)
    assert done.returncode == 3 and json.loads(done.stdout)["error"]["fix"]


def test_an_export_is_markdown_with_copies_and_nothing_breaks_out(home: Path, tmp_path: Path) -> None:
    number = json_here(home, "chats")[0]["id"]
    file = tmp_path / "my chat (1).md"
    done = json_here(home, "chats", "export", str(number), str(file))
    assert (done["pictures"], done["missing"]) == (2, 1)
    text = file.read_text()
    folder = tmp_path / "my chat (1)-pictures"
    links = re.findall(r"(?<!\\)\]\(([^)]*)\)", text)
    assert links == [f"my%20chat%20%281%29-pictures/{name}" for name in ("001.jpg", "002.png")]
    assert (folder / "001.jpg").read_bytes() == (tmp_path / "holi](day.JPG").read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600 and folder.stat().st_mode & 0o777 == 0o700
    assert not re.search(r"(?<!\\)[<>]|(?i:https?:/|www\.)|^(?:1\.|- |    )", text, re.MULTILINE)
    assert [line for line in text.split("\n") if line.startswith("#")] == [f"# {text.splitlines()[0][2:]}"]
    assert "gone)" in text and "*This answer was not finished.*" in text


def test_an_export_replaces_nothing_and_stays_out_of_the_home(home: Path, tmp_path: Path) -> None:
    number = str(json_here(home, "chats")[0]["id"])
    file = tmp_path / "chat.md"
    file.write_text("mine")
    assert run_here(home, "chats", "export", number, str(file)).returncode == 2
    assert file.read_text() == "mine"
    assert run_here(home, "chats", "export", number, str(file), "--force").returncode == 0
    assert file.read_text().startswith("# ")
    for wrong in (home / "chat.md", tmp_path, tmp_path / "no folder" / "a.md", tmp_path / "a.txt"):
        refused = run_here(home, "chats", "export", number, str(wrong), "--force")
        assert refused.returncode == 2, wrong
    (tmp_path / "other-pictures").symlink_to(tmp_path)
    assert run_here(home, "chats", "export", number, str(tmp_path / "other.md"), "--force").returncode == 2


def test_deleting_asks_and_then_leaves_no_byte(home: Path, tmp_path: Path) -> None:
    with_drawing, first = (str(chat["id"]) for chat in json_here(home, "chats"))
    assert run_here(home, "chats", "delete", with_drawing).returncode == 2, "nobody was there to be asked"
    assert run_here(home, "chats", "delete").returncode == 2
    assert run_here(home, "chats", "delete", "--all", first, "--yes").returncode == 2
    done = json_here(home, "chats", "delete", with_drawing, "--yes")
    assert (done["chats"], done["drawings"]) == (1, 1)
    everything = b"".join(file.read_bytes() for file in home.rglob("*") if file.is_file())
    for marker in (b"evil.example", b"That is Bo", b"evil", b"appearance 0.39", b"holi]("):
        assert marker not in everything, marker
    assert b"first chat" in everything and (tmp_path / "holi](day.JPG").exists()
    assert json_here(home, "chats", "delete", "--all", "--yes")["chats"] == 1
    assert json_here(home, "chats") == []


def test_switching_says_how_it_stands(tmp_path: Path) -> None:
    home = tmp_path / "new"
    assert "familiar chats on" in run_here(home, "chats").stdout
    assert json_here(home, "chats", "on") == {"chats": True, "asked": True, "kept": 0}
    familiar = Familiar(Home(home))
    said(Recorder(familiar), "kept")
    familiar.close()
    assert "delete --all" in run_here(home, "chats", "off").stdout
    assert len(json_here(home, "chats")) == 1
