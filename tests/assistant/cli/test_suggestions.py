"""`familiar suggestions`: a list for pipes, a question for each picture on a terminal."""

from __future__ import annotations

import json
import os
import pty
import select
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import run_here
from PIL import Image
from stored_photos import store_photo

from assistant.service.familiar import Familiar
from personalizer.home import Home
from personalizer.library.library import Library
from personalizer.schemas import BoundingBox, Embedding, NewDetection

FAMILIAR = [sys.executable, "-c", "from tui.entry import main; main()"]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A group of one photo, which two others resemble and one does not."""
    made = Home(tmp_path / "home").ensure()
    with Library.open(made.database) as library:
        group = library.create_concept("object")
        for number, name in enumerate(("member", "one", "two", "other")):
            path = tmp_path / f"{name}.png"
            Image.new("RGB", (64, 48), "orange").save(path)
            vector = np.eye(4, dtype=np.float32)[int(name == "other")]
            whole = NewDetection("photo", BoundingBox(0, 0, 64, 48), 1.0, "test")
            found = [(whole, Embedding(vector, "o", "1"))]
            photo = store_photo(library, content_hash=name, path=path, detections=found)
            if number == 0:
                member = library.detections(photo.id)[0].id
                library.add_members(group.id, [member], source="cluster", status="confirmed")
    return made


def run(home: Home, *arguments: str) -> str:
    done = run_here(home.root, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def on_terminal(home: Home, typed: list[str], *arguments: str) -> str:
    """Each answer is typed once it is asked for."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [*FAMILIAR, "--home", str(home.root), *arguments])
    shown, asked, deadline = "", "", time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                piece = os.read(terminal, 4096).decode(errors="replace")
            except OSError:
                break
            if not piece:
                break
            shown, asked = shown + piece, asked + piece
        if typed and asked.endswith("quit: "):
            os.write(terminal, f"{typed.pop(0)}\n".encode())
            asked = ""
    os.waitpid(pid, 0)
    os.close(terminal)
    return shown


def statuses(home: Home) -> list[str]:
    with Library.open(home.database) as library:
        return sorted(member.status for member in library.memberships())


def test_naming_says_how_many_photos_wait(home: Home) -> None:
    assert "2 more photos may show Bo: familiar suggestions Bo" in run(home, "name", "1", "Bo")


def test_the_list_ends_with_the_commands_that_answer(home: Home) -> None:
    assert run(home, "suggestions").strip() == "No photo waits for your answer."
    run(home, "name", "1", "Bo")
    lines = run(home, "suggestions", "Bo").splitlines()
    assert lines[0] == "2 photos may show Bo:"
    assert any("99 % sure: appearance 1.00, needs 0.42" in line for line in lines)
    assert lines[-2:] == [
        "To answer: familiar confirm Bo one.png",
        "       or: familiar reject Bo one.png",
    ]
    run(home, *lines[-2].removeprefix("To answer: familiar ").split())
    run(home, "reject", "Bo", "two.png")
    assert statuses(home) == ["confirmed", "confirmed", "rejected"]


def test_json_has_what_the_contract_says(home: Home, tmp_path: Path) -> None:
    run(home, "name", "1", "Bo")
    document: list[dict[str, Any]] = json.loads(run(home, "suggestions", "--json"))
    assert {one["photo"] for one in document} == {str(tmp_path / "one.png"), str(tmp_path / "two.png")}
    for one in document:
        assert one.keys() >= {"concept", "photo", "probability", "why"}
        assert one["concept"] == "Bo" and 0 < one["probability"] < 1


def test_a_terminal_is_asked_about_each_picture(home: Home) -> None:
    run(home, "name", "1", "Bo")
    shown = on_terminal(home, ["y", "perhaps", "n"], "suggestions")
    assert shown.count("Is this Bo? I am 99 % sure") == 2
    assert "▀" in shown and "1 yes, 1 no; 0 photos wait." in shown
    assert statuses(home) == ["confirmed", "confirmed", "rejected"]


def test_quitting_and_skipping_leave_what_waits(home: Home) -> None:
    run(home, "name", "1", "Bo")
    assert "0 yes, 0 no; 2 photos wait." in on_terminal(home, ["s", "q"], "suggestions", "Bo")
    listed = on_terminal(home, [], "suggestions", "--list")
    assert "▀" in listed and "Is this Bo?" not in listed
    assert statuses(home) == ["confirmed", "suggested", "suggested"]


def test_a_person_answered_meanwhile_is_not_asked_again(home: Home) -> None:
    run(home, "name", "1", "Bo")
    familiar = Familiar(home)
    first, second = familiar.suggestions()
    familiar.confirm("Bo", first.reference)
    assert (familiar.still_waits(first), familiar.still_waits(second)) == (False, True)
    familiar.close()
