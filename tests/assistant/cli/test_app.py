"""The command line as users and scripts see it: exit codes, JSON, start-up time."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from commands import json_here, run_here

from assistant.cli.app import global_options_first

FAMILIAR = [sys.executable, "-c", "from tui.entry import main; main()"]


def familiar(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*FAMILIAR, "--home", str(home), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def familiar_json(home: Path, *arguments: str) -> Any:
    done = familiar(home, "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_help_names_only_commands_that_exist_and_is_fast(tmp_path: Path) -> None:
    familiar(tmp_path, "--help")
    # Processor time, which other processes on the machine do not change; the wall clock of an idle machine is close.
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    shown = familiar(tmp_path, "--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert shown.returncode == 0
    assert "describe" in shown.stdout
    assert "mcp" in shown.stdout and " web " not in shown.stdout
    assert spent_s < 1.0


def test_the_plain_chat_reads_a_pipe(tmp_path: Path) -> None:
    command = [*FAMILIAR, "--home", str(tmp_path), "chat", "--plain"]
    done = subprocess.run(
        command, input="/help\n/quit\n", capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "/describe" in done.stdout and "/imagine" in done.stdout
    refused = familiar(tmp_path, "chat")
    assert refused.returncode != 0 and "--plain" in refused.stderr


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from tui.entry import app; import typer; typer.main.get_command(app)\n"
        "print([m for m in ('numpy', 'torch', 'onnxruntime', 'langchain', 'chromadb', 'textual', 'PIL')"
        " if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["name", "x"],
        ["imagine"],
        ["imagine", "a cat", "--count", "0"],
        ["--device", "tpu", "status"],
        ["remember", "Bo"],
        ["profile", "Bo", "--change", "1"],
        ["learn", "Bo"],
    ],
)
def test_usage_errors_exit_with_2_and_say_so_in_json(tmp_path: Path, arguments: list[str]) -> None:
    done = run_here(tmp_path, "--json", *arguments)
    assert done.returncode == 2
    assert set(json.loads(done.stdout)["error"]) == {"tried", "found", "fix"}
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["describe", "/no/such/photo.jpg"],
        ["add", "/no/such/folder"],
        ["learn", "Bo", "/no/such/photo.jpg"],
        ["train", "Nobody"],
        ["forget", "Nobody", "--yes"],
        ["name", "77", "Bo"],
        ["merge", "1", "2"],
        ["remember", "Nobody", "afraid of water"],
        ["profile", "Nobody"],
        ["jobs", "retry", "5"],
    ],
)
def test_missing_things_exit_with_3(tmp_path: Path, arguments: list[str]) -> None:
    done = run_here(tmp_path, "--json", *arguments)
    assert done.returncode == 3, done.stderr
    error = json.loads(done.stdout)["error"]
    assert all(error.values())


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_name_that_is_not_utf_8_can_be_printed(tmp_path: Path, encoding: str) -> None:
    command = [
        *map(os.fsencode, FAMILIAR),
        b"--home",
        os.fsencode(tmp_path),
        b"describe",
        b"/no/caf\xe9\x1b.jpg",
    ]
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    shown = subprocess.run(command, capture_output=True, env=environment, timeout=120, check=False)
    assert shown.returncode == 3, shown.stderr
    assert rb"/no/caf\udce9\x1b.jpg" in shown.stderr
    shown = subprocess.run(
        [*command, b"--json"], capture_output=True, env=environment, timeout=120, check=False
    )
    assert shown.returncode == 3
    assert json.loads(shown.stdout)["error"]["tried"] == "describing /no/caf\udce9\x1b.jpg"


def test_the_plain_chat_reads_and_prints_names_that_are_not_utf_8(tmp_path: Path) -> None:
    command = [*FAMILIAR, "--home", str(tmp_path), "chat", "--plain"]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}
    line = b"/describe /no/caf\xe9.jpg\n"
    done = subprocess.run(command, input=line, capture_output=True, env=environment, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert rb"opening /no/caf\udce9.jpg" in done.stdout


def test_an_unknown_backbone_is_not_ready(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    _picture().save(photo)
    done = run_here(tmp_path / "home", "--json", "--backbone", "nonsense", "describe", str(photo))
    assert done.returncode == 4, done.stderr


def test_status_of_a_new_home(tmp_path: Path) -> None:
    status = familiar_json(tmp_path / "home", "status")
    assert {"jobs", "photos", "concepts", "worker"} <= set(status)
    assert status["photos"] == 0
    assert status["worker"] == {"running": False, "pid": None, "paused": False}


def test_lists_are_empty_in_a_new_home(tmp_path: Path) -> None:
    assert json_here(tmp_path, "concepts") == []
    assert json_here(tmp_path, "jobs") == []


def test_pause_and_resume(tmp_path: Path) -> None:
    assert json_here(tmp_path, "pause") == {"paused": True}
    assert json_here(tmp_path, "status")["worker"]["paused"] is True
    assert json_here(tmp_path, "resume") == {"paused": False}
    assert json_here(tmp_path, "status")["worker"]["paused"] is False


def test_doctor_finds_what_is_installed_and_checks_permissions(tmp_path: Path) -> None:
    home = tmp_path / "home"
    checks = {check["name"]: check for check in familiar_json(home, "doctor")["checks"]}
    assert {"python", "onnxruntime", "torch", "backbone", "face embedding", "disk"} <= set(checks)
    assert all({"name", "ok", "detail", "fix"} <= set(check) for check in checks.values())
    home.mkdir(mode=0o755)
    home.chmod(0o755)
    done = familiar(home, "--json", "doctor")
    assert done.returncode == 1
    failed = {check["name"]: check for check in json.loads(done.stdout)["checks"] if not check["ok"]}
    assert "chmod" in failed["home"]["fix"]


def test_doctor_survives_the_broken_libraries_that_it_finds(tmp_path: Path) -> None:
    """A module that fails otherwise than by ImportError: as with a wrong numpy, or a missing file of its own."""
    for module in ("onnxruntime", "dlib"):
        (tmp_path / f"{module}.py").write_text("raise AttributeError('half installed')")
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, types\nsys.modules['torch'] = types.ModuleType('torch')  # find_spec raises for it"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [*FAMILIAR, "--home", str(tmp_path / "home"), "--json", "doctor"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert done.returncode == 1, done.stderr
    failed = {check["name"]: check for check in json.loads(done.stdout)["checks"] if not check["ok"]}
    assert {"onnxruntime", "dlib", "torch"} <= set(failed)
    assert "half installed" in failed["onnxruntime"]["detail"]
    assert "half installed" in failed["dlib"]["detail"]
    assert "pip install" in failed["dlib"]["fix"] and "pip install" in failed["onnxruntime"]["fix"]


@pytest.fixture
def named(tmp_path: Path) -> Path:
    """A home with a named and an unnamed concept."""
    from assistant.service.familiar import Familiar
    from personalizer.home import Home

    made = Familiar(Home(tmp_path / "home"))
    made.library.create_concept("object", name="Bo")
    made.library.create_concept("object")
    made.close()
    return tmp_path / "home"


@pytest.mark.parametrize(
    ("arguments", "intent", "slots"),
    [
        (["draw Bo on a beach"], "imagine", {"concept": "Bo"}),
        (["is this Bo?", "--photo", "/no/such.jpg"], "describe", {"concept": "Bo", "photo": "/no/such.jpg"}),
        (["is this Bo?"], "clarify", {"concept": "Bo", "missing": "photo"}),
        (["who do you know?"], "list_concepts", {}),
        (["call number 2 Rex"], "name_concept", {"id": 2, "name": "Rex"}),
        (["good morning!"], "chat", {}),
    ],
)
def test_route_says_which_tool(named: Path, arguments: list[str], intent: str, slots: dict[str, Any]) -> None:
    found = json_here(named, "route", *arguments)
    assert set(found) == {"intent", "slots", "confidence", "source", "elapsed_ms"}
    assert found["intent"] == intent
    assert slots.items() <= found["slots"].items()
    assert found["source"] == "pattern"


def test_route_in_words_for_people(named: Path) -> None:
    shown = run_here(named, "route", "draw Bo on a beach")
    assert shown.returncode == 0, shown.stderr
    assert "imagine" in shown.stdout and "concept='Bo'" in shown.stdout


def test_route_loads_nothing_heavy(named: Path) -> None:
    code = (
        "import sys; from tui.entry import app; from assistant.cli.app import run_app\n"
        f"code = run_app(app, ['--home', {str(named)!r}, 'route', 'draw Bo'])\n"
        "heavy = ('torch', 'onnxruntime', 'langchain', 'langchain_core', 'transformers', 'PIL')\n"
        "print(code, [m for m in heavy if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines()[-1] == "0 []"


CONCEPT_KEYS = {"id", "name", "kind", "members", "suggested", "state", "example"}


def test_editing_prints_the_concept_with_the_keys_of_the_list(named: Path) -> None:
    assert [set(concept) for concept in json_here(named, "concepts")] == [CONCEPT_KEYS, CONCEPT_KEYS]
    renamed = json_here(named, "name", "2", "Rex")
    assert set(renamed) == CONCEPT_KEYS and renamed["name"] == "Rex"
    assert set(json_here(named, "merge", "Bo", "Rex")) == CONCEPT_KEYS


def test_what_is_told_is_kept_listed_and_taken_back(named: Path) -> None:
    assert json_here(named, "profile", "bo")["facts"] == []
    told = "Bo, my corgi – בו אוהב מים 🐶"
    kept = json_here(named, "remember", "bo", told)
    assert (kept["concept"], kept["facts"], kept["added"]) == ("Bo", [told], told)
    again = json_here(named, "remember", "Bo", f" {told.upper()}. ")
    assert (again["facts"], again["added"]) == ([told], None)
    assert told in run_here(named, "profile", "Bo").stdout
    assert run_here(named, "profile", "Bo", "--remove", "2").returncode == 3
    left = json_here(named, "profile", "Bo", "--remove", "1")
    assert (left["facts"], left["removed"]) == ([], told)
    assert json_here(named, "undo")["says"].startswith("Undone: take_back")
    assert json_here(named, "profile", "Bo")["facts"] == [told]


def test_what_is_told_is_changed_by_words(named: Path) -> None:
    for text in ("afraid of thunder", "loves cheese", "loves swimming"):
        json_here(named, "remember", "Bo", text)
    changed = json_here(named, "profile", "Bo", "--change", "the thing about thunder", "afraid of storms")
    assert (changed["removed"], changed["added"]) == ("afraid of thunder", "afraid of storms")
    refused = run_here(named, "--json", "profile", "Bo", "--remove", "loves")
    assert refused.returncode == 2 and "loves swimming" in json.loads(refused.stdout)["error"]["found"]
    assert "Taken back: loves cheese" in run_here(named, "profile", "Bo", "--remove", "cheese").stdout
    assert "Changed: loves swimming → hates water" in (
        run_here(named, "profile", "Bo", "--change", "2", "hates water").stdout
    )
    assert run_here(named, "profile", "Bo", "--change", "1", "x", "--remove", "1").returncode == 2
    assert run_here(named, "profile", "Bo", "--remove", "the color of money").returncode == 3


@pytest.mark.parametrize("text", ["", " \n", "x" * 10_000, "a\x1b[2J"])
def test_telling_what_cannot_be_kept_is_a_usage_error(named: Path, text: str) -> None:
    done = run_here(named, "--json", "remember", "Bo", text)
    assert done.returncode == 2
    assert set(json.loads(done.stdout)["error"]) == {"tried", "found", "fix"}
    assert len(done.stderr) < 1000 and "\x1b" not in done.stderr


@pytest.fixture
def worked_home(tmp_path: Path) -> Iterator[Path]:
    """A home whose worker, once started, does not outlive the test."""
    from assistant.daemon.process import running_worker_pid
    from personalizer.home import Home

    home = Home(tmp_path / "home")
    yield home.root
    pid = running_worker_pid(home)
    if pid:
        os.kill(pid, signal.SIGTERM)


def test_rebuilding_the_index_says_where_it_is(worked_home: Path) -> None:
    rebuilt = familiar_json(worked_home, "rebuild-index")
    assert rebuilt == {"indexed": 0, "path": str(worked_home / "chroma")}
    assert Path(rebuilt["path"]).is_dir()


def test_home_comes_from_the_environment(tmp_path: Path) -> None:
    environment = {"FAMILIAR_HOME": str(tmp_path / "mine"), "PATH": "/usr/bin:/bin"}
    command = [*FAMILIAR, "--json", "status"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert json.loads(done.stdout)["home"] == str(tmp_path / "mine")


def test_the_home_is_private(tmp_path: Path) -> None:
    familiar_json(tmp_path / "home", "status")
    for path in [tmp_path / "home", *(tmp_path / "home").rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize(
    ("written", "ordered"),
    [
        (["describe", "a.jpg", "--json"], ["--json", "describe", "a.jpg"]),
        (["scan", "--home", "/x"], ["--home", "/x", "scan"]),
        (["scan", "--home=/x", "--quiet"], ["--home=/x", "--quiet", "scan"]),
        (["imagine", "--", "--json"], ["imagine", "--", "--json"]),
        (["scan", "--home"], ["--home", "scan"]),
    ],
)
def test_global_options_may_stand_anywhere(written: list[str], ordered: list[str]) -> None:
    assert global_options_first(written) == ordered


def _picture() -> Any:
    from PIL import Image

    return Image.new("RGB", (64, 48), "teal")


def test_a_disk_that_is_full_is_no_mistake_of_ours(
    named: Path, largest_file: Callable[[int], AbstractContextManager[None]]
) -> None:
    from personalizer.library.library import Library

    with Library.open(named / "library.sqlite3") as library:
        # As long as this is open, what others write goes behind it into the log of the library.
        library.set_setting("long", "x" * 50_000)
        with largest_file(40_000):
            done = familiar(named, "--json", "remember", "Bo", "afraid of water")
        assert library.facts(1) == []
    assert done.returncode == 1
    error = json.loads(done.stdout)["error"]
    assert "the library" in error["found"] and "free space" in error["fix"]
    assert "Traceback" not in done.stderr and "mistake" not in done.stderr
    assert familiar_json(named, "remember", "Bo", "afraid of water")["facts"] == ["afraid of water"]
