"""What a newcomer meets first: help in panels, the next step, and refusals in words."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from commands import json_here, run_here
from stored_photos import store_photo

from assistant.cli.help_panels import PANELS, arrange_help
from personalizer.home import Home
from personalizer.jobs.kinds import JobKind
from personalizer.jobs.queue import JobQueue
from personalizer.library.library import Library
from personalizer.schemas import BoundingBox, Embedding, NewDetection

FAMILIAR = [sys.executable, "-c", "from tui.entry import main; main()"]


def familiar(home: Path, *arguments: str, status: int = 0, **environment: str) -> str:
    done = subprocess.run(
        [*FAMILIAR, "--home", str(home), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stderr if status else done.stdout


def next_commands(home: Path) -> list[str]:
    document: Any = json_here(home)
    return [step["command"] for step in document["next"]]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").ensure()


def store_thing(library: Library, name: str, concept: int) -> None:
    """A photo with one thing, which is a member of `concept`."""
    thing = NewDetection("object", BoundingBox(0, 0, 9, 9), 1.0, "whole")
    photo = store_photo(
        library,
        content_hash=name,
        path=Path(f"/{name}.jpg"),
        detections=[(thing, Embedding(np.ones(4, np.float32), "m", "1"))],
    )
    members = [detection.id for detection in library.detections(photo.id)]
    library.add_members(concept, members, source="cluster", status="confirmed")


# --- help


def test_every_command_has_a_panel_and_a_real_example() -> None:
    from tui.entry import app

    group = typer.main.get_command(app)
    before = set(group.commands)
    arrange_help(group)
    assert set(group.commands) == before
    for panel in PANELS:
        for name, example in panel.examples.items():
            assert example.split()[:2] == ["familiar", name]


def test_help_fits_eighty_columns_and_names_the_panels_in_order(tmp_path: Path) -> None:
    shown = familiar(tmp_path, "--help", COLUMNS="80", TERMINAL_WIDTH="80")
    assert max(map(len, shown.splitlines())) <= 80
    places = [shown.index(panel.title + ": familiar") for panel in PANELS]
    assert places == sorted(places)
    assert "[env: FAMILIAR_HOME]" in shown


# --- the next step


def test_the_next_step_follows_from_the_home(home: Home) -> None:
    assert next_commands(home.root)[0] == "familiar add ~/Pictures"
    with Library.open(home.database) as library:
        group = library.create_concept("object")
        store_thing(library, "a", group.id)
        named = library.create_concept("object", "Bo Bear")
        store_thing(library, "b", named.id)
    commands = next_commands(home.root)
    assert commands[:2] == ["familiar report", f"familiar name {group.id} NAME"]
    assert "familiar train 'Bo Bear'" in commands
    text = familiar(home.root)
    assert "1 pet or thing without a name" in text and "familiar --help" in text


# --- names


def test_name_and_rename_take_a_name(home: Home) -> None:
    with Library.open(home.database) as library:
        group = library.create_concept("object")
        store_thing(library, "a", group.id)
    named = run_here(home.root, "name", str(group.id), "Bo")
    said = named.stdout
    assert named.returncode == 0, named.stderr
    assert "Bo (number 1, 1 photo) is recognised" in said and "familiar imagine 'Bo on a beach'" in said
    json_here(home.root, "rename", "bo", "Max")
    json_here(home.root, "name", "Max", "Rex")
    with Library.open(home.database) as library:
        assert library.names() == ["Rex"]


# --- refusals


def test_a_file_is_no_home(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("mine")
    for home in (file, file / "below"):
        said = familiar(home, "status", status=2)
        assert "is a file, not a folder" in said and "Traceback" not in said
    assert file.read_text() == "mine"


@pytest.mark.parametrize("command", [["status"], ["concepts"], ["train", "Bo"]])
def test_an_unknown_backbone_is_refused_at_once(tmp_path: Path, command: list[str]) -> None:
    said = familiar(tmp_path / "home", "--backbone", "janus", *command, status=4)
    assert "no backbone of that name" in said and "pocket" in said
    assert not (tmp_path / "home").exists()


# --- jobs that failed


def test_failed_jobs_are_dismissed_and_waiting_ones_cancelled(home: Home) -> None:
    with Library.open(home.database) as library:
        queue = JobQueue(library)
        failed = queue.enqueue(JobKind.TRAIN, "1", {})
        assert queue.claim(1) is not None
        queue.fail(failed, "a photo is gone")
        assert queue.get(failed).state == "failed"
        waiting = queue.enqueue(JobKind.SCAN, "library", {})
    assert "familiar jobs" in next_commands(home.root)
    refused = run_here(home.root, "jobs", "dismiss", str(waiting))
    assert refused.returncode == 2 and "it has not failed" in refused.stderr
    assert json_here(home.root, "jobs", "dismiss", str(failed))["state"] == "cancelled"
    assert json_here(home.root, "jobs", "cancel", str(waiting))["state"] == "cancelled"
    assert json_here(home.root, "status")["jobs"]["failed"] == 0
    assert "there is none" in familiar(home.root, "jobs", "cancel", "99", status=3)


# --- a narrow terminal


@pytest.mark.parametrize(
    ("command", "answer", "row", "status"),
    [
        ([], b"", "  Or watch the whole job on photos that", 0),
        (["faces", "off", "--erase"], b"no\n", "This removes every face that was found", 2),
    ],
)
def test_text_is_wrapped_between_words_on_a_terminal(
    home: Home, command: list[str], answer: bytes, row: str, status: int
) -> None:
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [*FAMILIAR, "--home", str(home.root), *command],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**os.environ, "COLUMNS": "40"},
    )
    os.close(follower)
    os.write(leader, answer)
    written = b""
    # At the end Linux says so with an error, macOS with nothing.
    with suppress(OSError):
        while block := os.read(leader, 4096):
            written += block
    os.close(leader)
    assert process.wait(timeout=60) == status
    rows = written.decode().replace("\r", "").split("\n")
    assert row in rows and max(map(len, rows)) <= 40, rows
