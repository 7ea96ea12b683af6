"""The service: what is written, that it is what systemd and launchd read, and that nothing of others is touched."""

from __future__ import annotations

import json
import os
import plistlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assistant.daemon.launchd import LaunchdAgent
from assistant.daemon.service_file import LABEL, UNIT, Watched, ownership
from assistant.daemon.service_unit import service_of_this_system
from assistant.daemon.systemd import SystemdUnit
from personalizer.errors import FamiliarError, NotReadyError
from personalizer.home import Home

STRANGE = 'my "library" 100% $HOME \\ äö'


def systemctl(folder: Path, broken_command: str = "none") -> tuple[str, Callable[[], list[str]]]:
    """A program that writes down what it is asked; and what it was asked."""
    said = folder / "asked.txt"
    path = folder / "systemctl"
    path.write_text(
        f'#!/bin/sh\necho "$@" >> {said}\nif [ "$2" = {broken_command} ]; then echo broken >&2; exit 1; fi\n'
    )
    path.chmod(0o755)
    return str(path), lambda: said.read_text().splitlines() if said.exists() else []


def unreachable(folder: Path) -> str:
    path = folder / "systemctl"
    path.write_text("#!/bin/sh\necho 'Failed to connect to bus' >&2\nexit 1\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(Home(tmp_path / STRANGE))


@pytest.mark.parametrize("namespaces", [True, False])
def test_systemd_finds_nothing_wrong_with_the_unit(
    tmp_path: Path, watched: Watched, namespaces: bool
) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("there is no systemd-analyze")
    watched.home.ensure()
    unit = SystemdUnit(tmp_path / "units", unreachable(tmp_path), namespaces)
    unit.install(watched)
    done = subprocess.run(
        [analyze, "--user", "verify", str(unit.path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
    )
    about_it = [line for line in done.stderr.splitlines() if UNIT in line]
    assert (done.returncode, about_it) == (0, []), done.stderr


def test_the_unit_says_what_it_should(watched: Watched) -> None:
    text = SystemdUnit(Path("/nowhere"), namespaces=True).text(watched).decode()
    settings = dict(line.split("=", 1) for line in text.splitlines() if "=" in line and line[0] not in "#[")
    assert settings["ExecStart"].startswith(
        f'"{sys.executable}" "-P" "-m" "assistant.worker" "--watch" "--home"'
    )
    assert '100%% $$HOME \\\\ äö"' in settings["ExecStart"], "specifiers and variables are doubled"
    assert (settings["Restart"], settings["TimeoutStopSec"], settings["Nice"]) == ("on-failure", "20", "10")
    assert (settings["RestrictAddressFamilies"], settings["NoNewPrivileges"]) == ("AF_UNIX", "yes")
    assert (settings["ProtectSystem"], settings["ProtectHome"]) == ("strict", "read-only")
    assert 'my \\"library' in settings["ReadWritePaths"]
    plain = SystemdUnit(Path("/nowhere"), namespaces=False).text(watched).decode()
    assert "ProtectSystem" not in plain and "RestrictAddressFamilies=AF_UNIX" in plain


def test_options_go_into_the_command(tmp_path: Path) -> None:
    chosen = Watched(Home(tmp_path), "/models/big", "cuda", training=False)
    assert chosen.command[-5:] == ["--backbone", "/models/big", "--device", "cuda", "--no-training"]


def test_a_home_with_a_line_break_in_its_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotReadyError, match="control character"):
        SystemdUnit(tmp_path, unreachable(tmp_path)).install(Watched(Home(tmp_path / "a\nExecStart=/bin/sh")))
    assert not (tmp_path / UNIT).exists()


def test_installing_twice_changes_nothing_and_uninstalling_leaves_nothing(
    tmp_path: Path, watched: Watched
) -> None:
    program, asked = systemctl(tmp_path)
    unit = SystemdUnit(tmp_path / "config" / "systemd" / "user", program, namespaces=False)
    first = unit.install(watched)
    assert first.installed and first.running and first.commands == []
    assert unit.path.stat().st_mode & 0o077 == 0
    written = unit.path.read_bytes(), unit.path.stat().st_mtime_ns
    assert f"--user restart {UNIT}" in asked()
    unit.install(watched)
    assert (unit.path.read_bytes(), unit.path.stat().st_mtime_ns) == written
    assert f"--user start {UNIT}" in asked(), "it is not stopped for nothing"
    wants = unit.path.parent / "default.target.wants" / UNIT
    wants.parent.mkdir()
    wants.symlink_to(unit.path)
    last = unit.uninstall()
    assert not last.installed and not unit.path.exists() and not wants.is_symlink()
    assert f"--user disable --now {UNIT}" in asked()
    before = asked()
    assert not unit.uninstall().installed
    assert asked() == before, "nothing is there, so nobody is asked"


def test_where_nobody_can_be_asked_the_commands_are_said(tmp_path: Path, watched: Watched) -> None:
    unit = SystemdUnit(tmp_path / "units", unreachable(tmp_path), namespaces=False)
    state = unit.install(watched)
    assert state.installed and state.running is None
    assert state.commands == [
        "systemctl --user daemon-reload",
        f"systemctl --user enable {UNIT}",
        f"systemctl --user restart {UNIT}",
    ]
    assert unit.uninstall().commands == [f"systemctl --user stop {UNIT}"]


def test_a_command_that_fails_says_so(tmp_path: Path, watched: Watched) -> None:
    program, _ = systemctl(tmp_path, broken_command="enable")
    with pytest.raises(FamiliarError, match="broken"):
        SystemdUnit(tmp_path / "units", program, namespaces=False).install(watched)


@pytest.mark.parametrize("kind", ["unit", "agent"])
def test_a_file_of_somebody_else_is_left_alone(tmp_path: Path, watched: Watched, kind: str) -> None:
    service: Any = (
        SystemdUnit(tmp_path, unreachable(tmp_path), namespaces=False)
        if kind == "unit"
        else LaunchdAgent(tmp_path, None)
    )
    service.path.write_text("[Service]\nExecStart=/usr/bin/true\n")
    before = service.path.read_bytes()
    for action in (lambda: service.install(watched, force=True), lambda: service.uninstall(force=True)):
        with pytest.raises(NotReadyError, match="not written by Familiar"):
            action()
    assert service.path.read_bytes() == before
    assert service.state().file == "foreign" and not service.state().installed


def test_a_unit_that_was_edited_is_left_alone_unless_forced(tmp_path: Path, watched: Watched) -> None:
    unit = SystemdUnit(tmp_path, unreachable(tmp_path), namespaces=False)
    unit.install(watched)
    unit.path.write_text(unit.path.read_text().replace("Nice=10", "Nice=0"))
    assert unit.state().file == "changed"
    for action in (lambda: unit.install(watched), unit.uninstall):
        with pytest.raises(NotReadyError, match="edited"):
            action()
    assert "Nice=0" in unit.path.read_text()
    unit.install(watched, force=True)
    assert ownership(unit.path) == "ours" and "Nice=10" in unit.path.read_text()


def test_a_link_to_our_file_is_not_our_file(tmp_path: Path, watched: Watched) -> None:
    real = SystemdUnit(tmp_path / "real", unreachable(tmp_path), namespaces=False)
    real.install(watched)
    linked = SystemdUnit(tmp_path / "linked", unreachable(tmp_path), namespaces=False)
    linked.path.parent.mkdir()
    linked.path.symlink_to(real.path)
    with pytest.raises(NotReadyError):
        linked.uninstall()
    assert real.path.exists()


def test_the_agent_is_a_property_list_that_says_what_it_should(tmp_path: Path, watched: Watched) -> None:
    service = LaunchdAgent(tmp_path, None)
    state = service.install(watched)
    assert state.installed and state.commands[0].startswith("launchctl bootstrap gui/")
    said = plistlib.loads(service.path.read_bytes())
    assert said["Label"] == LABEL == service.path.stem
    assert said["ProgramArguments"] == watched.command
    assert Path(said["ProgramArguments"][0]).is_absolute()
    assert said["KeepAlive"] == {"SuccessfulExit": False} and said["RunAtLoad"] is True
    assert (said["Nice"], said["Umask"], said["ExitTimeOut"], said["ProcessType"]) == (
        10,
        0o077,
        20,
        "Background",
    )
    assert ownership(service.path) == "ours"
    before = service.path.stat().st_mtime_ns
    service.install(watched)
    assert service.path.stat().st_mtime_ns == before
    service.uninstall()
    assert list(tmp_path.iterdir()) == []


def test_other_systems_are_told_so() -> None:
    with pytest.raises(NotReadyError, match="win32") as refused:
        service_of_this_system("win32")
    assert refused.value.exit_code == 4
    assert isinstance(service_of_this_system("darwin"), LaunchdAgent)


def test_the_command_line(tmp_path: Path) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("a unit is for Linux")
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config"), "PATH": "/nowhere"}
    program = [
        sys.executable,
        "-c",
        "from tui.entry import main; main()",
        "--home",
        str(tmp_path / "home"),
        "--json",
    ]

    def run(*arguments: str) -> Any:
        done = subprocess.run(
            [*program, "service", *arguments], capture_output=True, text=True, env=environment, check=False
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    unit = tmp_path / "config" / "systemd" / "user" / UNIT
    assert run("status")["installed"] is False
    installed = run("install", "--yes")
    assert (installed["installed"], installed["path"]) == (True, str(unit))
    assert str(tmp_path / "home") in unit.read_text()
    assert run("status")["file"] == "ours"
    assert run("uninstall")["installed"] is False
    assert not unit.exists()
