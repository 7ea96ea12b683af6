"""The question about faces, on a real terminal and without one; and what follows from the answer."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from photos import CHINA, PORTRAIT, package_file, package_photo
from PIL import Image
from waiting import until

from assistant.daemon.process import stop_worker
from personalizer.home import Home
from personalizer.library.library import Library

PROGRAM = [sys.executable, "-c", "from tui.entry import main; main()"]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path / "home").ensure()
    yield made
    stop_worker(made, 20)


def run(home: Home, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*PROGRAM, "--home", str(home.root), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == status, done.stderr
    return done


def on_terminal(home: Home, typed: list[str], *arguments: str) -> tuple[int, str]:
    """Run the command on a terminal of its own; each line is typed once a question stands there."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [*PROGRAM, "--home", str(home.root), *arguments])
    shown, waiting, deadline = "", list(typed), time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                piece = os.read(terminal, 4096)
            except OSError:
                break
            if not piece:
                break
            shown += piece.decode(errors="replace")
        if waiting and shown.rstrip().endswith(("[y/n]", "y or n:", ">")):
            os.write(terminal, f"{waiting.pop(0)}\n".encode())
            shown += "\n"
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown


def asked(home: Home) -> tuple[bool, bool]:
    """(whether somebody decided, whether faces are looked for)"""
    with Library.open(home.database) as library:
        return library.was_asked_about_faces(), library.faces_are_on()


@pytest.fixture
def empty(tmp_path: Path) -> str:
    (tmp_path / "photos").mkdir()
    return str(tmp_path / "photos")


@pytest.mark.parametrize(("typed", "on"), [(["maybe", "Y"], True), (["n"], False)])
def test_on_a_terminal_it_is_asked_once(home: Home, empty: str, typed: list[str], on: bool) -> None:
    code, shown = on_terminal(home, typed, "add", empty)
    assert code == 0, shown
    assert "biometric" in shown and "leaves this machine" in shown and "faces off --erase" in shown
    assert str(home.root) in shown.replace("\r\n", "")
    assert asked(home) == (True, on)
    code, shown = on_terminal(home, [], "add", empty)
    assert code == 0 and "[y/n]" not in shown


def test_no_answer_adds_nothing(home: Home, empty: str) -> None:
    code, shown = on_terminal(home, ["\x04"], "add", empty)
    assert code == 1, shown
    assert asked(home) == (False, True)
    with Library.open(home.database) as library:
        assert library.roots() == []


def test_a_script_is_not_asked_but_told(home: Home, empty: str) -> None:
    done = run(home, "--json", "add", empty)
    assert set(json.loads(done.stdout)) >= {"seen", "new", "failed", "elapsed_s", "estimate"}
    assert "familiar faces off" in done.stderr
    assert asked(home) == (False, True)
    assert "familiar faces off" not in run(home, "--json", "add", empty, "--yes").stderr
    assert asked(home) == (True, True)
    assert "familiar faces off" not in run(home, "--json", "add", empty).stderr


def test_options_that_contradict_each_other_are_refused(home: Home, empty: str) -> None:
    run(home, "add", empty, "--yes", "--no-faces", status=2)
    run(home, "faces", "on", "--erase", status=2)
    run(home, "faces", "perhaps", status=2)
    run(home, "training", "perhaps", status=2)


def test_training_is_switched(home: Home) -> None:
    assert json.loads(run(home, "--json", "training", "off").stdout)["on"] is False
    assert json.loads(run(home, "--json", "status").stdout)["training"]["state"] == "off"
    assert "off" in run(home, "training").stdout
    assert json.loads(run(home, "--json", "training", "on").stdout)["on"] is True


@pytest.fixture
def portraits(tmp_path: Path, home: Home) -> Path:
    """Two photos of one person, in the public domain, and one without anybody."""
    folder = tmp_path / "people"
    folder.mkdir()
    person = package_photo(*PORTRAIT)
    person.save(folder / "one.jpg", quality=95)
    person.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / "two.jpg", quality=90)
    shutil.copy(package_file(*CHINA), folder / "nobody.jpg")
    return folder


def counts(home: Home) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(run(home, "--json", "status").stdout)
    return shown


@pytest.mark.slow
def test_faces_off_on_and_erased(home: Home, portraits: Path) -> None:
    run(home, "--json", "add", str(portraits), "--no-faces")
    status = counts(home)
    assert (status["photos"], status["faces"], status["faces_on"]) == (3, 0, False)
    with Library.open(home.database) as library:
        assert len(library.faceless_photos()) == 3

    # On: looked for in the photos in which that was left out, and only once.
    found = json.loads(run(home, "--json", "faces", "on").stdout)
    assert (found["looked_at"], found["found"], found["kept"]) == (3, 2, 2)
    assert json.loads(run(home, "--json", "faces", "on").stdout)["looked_at"] == 0
    assert counts(home)["detections"] == 3 * 2 + 2

    # A person with a name, something told, and a trace in the log of operations.
    people = [one for one in json.loads(run(home, "--json", "concepts").stdout) if one["kind"] == "face"]
    assert len(people) == 1
    run(home, "--json", "name", str(people[0]["id"]), "Zorblatt")
    run(home, "--json", "remember", "Zorblatt", "likes Trundlewix")
    prefix = home.concepts / str(people[0]["id"])
    prefix.mkdir(mode=0o700)
    (prefix / "prefix.safetensors").write_bytes(b"learned of Zorblatt")

    def who(photo: str) -> set[str]:
        """Who is said to be in it."""
        said = run(home, "--json", "describe", str(portraits / photo), "--ask", "who is it?").stdout
        return {one["name"] for one in json.loads(said)["concepts"] if one["verdict"] != "no"}

    assert who("one.jpg") == {"Zorblatt"}

    page = json.loads(run(home, "--json", "report").stdout)
    assert (page["people"], page["pictures"]) == (1, 2)
    assert "Zorblatt" in home.people_page.read_text()

    # Off keeps what there is and looks for no more, also where a photo is only described.
    kept = json.loads(run(home, "--json", "faces", "off").stdout)
    assert (kept["faces"], kept["kept"]) == (False, 2)
    assert who("one.jpg") == set()

    run(home, "faces", "off", "--erase", status=2)
    assert counts(home)["faces"] == 2, "the word was not typed"
    erased = json.loads(run(home, "--json", "faces", "off", "--erase", "--yes").stdout)
    assert erased["removed"]["faces"] == 2 and erased["removed"]["concepts"] == 1
    status = counts(home)
    assert (status["photos"], status["faces"], status["detections"], status["faces_on"]) == (3, 0, 6, False)
    assert [one for one in json.loads(run(home, "--json", "concepts").stdout) if one["kind"] == "face"] == []
    assert not prefix.exists() and not home.people_page.exists()
    assert stop_worker(home, 20)
    for path in home.root.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"Zorblatt" not in content and b"Trundlewix" not in content, path
    with Library.open(home.database) as library:
        assert library.counts()["vectors"] == 6
        assert len(library.faceless_photos()) == 3, "should it be switched on again"


@pytest.mark.slow
def test_erasing_that_was_interrupted_is_finished_by_the_next_worker(home: Home, portraits: Path) -> None:
    run(home, "--json", "add", str(portraits), "--yes")
    assert counts(home)["faces"] == 2
    stop_worker(home, 20)

    with Library.open(home.database) as library:
        library.begin_erasing_faces()
    # Whatever wakes the worker.
    run(home, "--json", "scan")
    until(lambda: counts(home)["faces"] == 0)
    with Library.open(home.database) as library:
        assert not library.is_erasing_faces() and library.counts()["faces"] == 0
