"""`familiar watch` as a service of the user's own session: a systemd user unit, or a launchd agent.

Knows the text of both, where they go and which small programs switch them on; knows no worker. What it wrote it knows
by a line with a checksum, and touches nothing else.
"""

from __future__ import annotations

import hashlib
import os
import plistlib
import re
import shutil
import site
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from personalizer.errors import FamiliarError, NotReadyError
from personalizer.home import PACKAGE_PARENT, Home, write_atomically

UNIT = "familiar.service"
LABEL = "io.familiar.watch"
STOP_S = 20
"""After SIGTERM; the worker itself ends within eight seconds."""
MEMORY_SHARE = 75
_MARK = re.compile(rb"^.*Written by .familiar service install.; sha256 ([0-9a-f]{64}).*\n", re.MULTILINE)
_PROGRAM_TIMEOUT_S = 90.0

Ours = Literal["absent", "ours", "changed", "foreign"]


@dataclass(frozen=True, slots=True)
class ServiceState:
    """What is installed, and what is left to the user."""

    kind: str
    """`systemd` or `launchd`."""
    path: Path
    installed: bool
    file: Ours
    enabled: bool | None
    """Whether it starts with the session; None where nobody can be asked."""
    running: bool | None
    commands: list[str] = field(default_factory=list)
    """To be run by the user, because the service manager of this session could not be reached."""
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Watched:
    """What the service is to run."""

    home: Home
    backbone: str = "pocket"
    device: str = "auto"
    training: bool = True

    @property
    def command(self) -> list[str]:
        # -P: where a service happens to stand is no place to import from.
        command = [sys.executable, "-P", "-m", "assistant.worker", "--watch", "--home", str(self.home.root)]
        if self.backbone != "pocket":
            command += ["--backbone", self.backbone]
        if self.device != "auto":
            command += ["--device", self.device]
        return command if self.training else [*command, "--no-training"]

    @property
    def environment(self) -> dict[str, str]:
        """Where the packages are, when that is not where the interpreter looks anyway."""
        known = {Path(folder).resolve() for folder in [*site.getsitepackages(), site.getusersitepackages()]}
        return {} if PACKAGE_PARENT in known else {"PYTHONPATH": str(PACKAGE_PARENT)}


class Service(Protocol):
    """One service manager."""

    @property
    def path(self) -> Path: ...

    def install(self, watched: Watched, *, force: bool = False) -> ServiceState: ...

    def uninstall(self, *, force: bool = False) -> ServiceState: ...

    def state(self) -> ServiceState: ...


def service_of_this_system(platform: str = sys.platform) -> Service:
    """The service manager that this system has. Raises NotReadyError for one that we do not know."""
    if platform.startswith("linux"):
        return SystemdUnit(_config_folder() / "systemd" / "user")
    if platform == "darwin":
        return LaunchdAgent(Path.home() / "Library" / "LaunchAgents")
    raise NotReadyError(
        tried="installing the service",
        found=f"it can be a systemd user service or a launchd agent, and this system is {platform}",
        fix="Start `familiar watch` with whatever starts programs here.",
    )


def _config_folder() -> Path:
    configured = os.environ.get("XDG_CONFIG_HOME")
    return Path(configured) if configured else Path.home() / ".config"


class SystemdUnit:
    """A unit of the user's own systemd in `folder`. `systemctl` is asked only where it is there."""

    def __init__(self, folder: Path, systemctl: str | None = None, namespaces: bool | None = None) -> None:
        self._folder = folder
        self._systemctl = systemctl or shutil.which("systemctl")
        self._namespaces = namespaces

    @property
    def path(self) -> Path:
        return self._folder / UNIT

    def text(self, watched: Watched) -> bytes:
        """The unit, with its mark."""
        namespaces = _namespaces_work() if self._namespaces is None else self._namespaces
        return _marked(unit_text(watched, namespaces=namespaces).encode(), b"# ", b"")

    def install(self, watched: Watched, *, force: bool = False) -> ServiceState:
        """Write the unit and start it, now and with every session; again changes nothing."""
        text = self.text(watched)
        changed = _write(self.path, text, force=force)
        commands = [["daemon-reload"], ["enable", UNIT], ["restart" if changed else "start", UNIT]]
        left = self._run_all(commands)
        notes = []
        if not _lingers():
            notes.append("It runs while you are logged in. To have it run always: loginctl enable-linger")
        return self.state(commands=left, notes=notes)

    def uninstall(self, *, force: bool = False) -> ServiceState:
        """Stop it and remove the unit that `install` wrote."""
        if _check_ours(self.path, "uninstalling", force=force) == "absent":
            return self.state()
        left = self._run_all([["disable", "--now", UNIT]])
        wanted = self._folder / "default.target.wants" / UNIT
        if wanted.is_symlink() and wanted.resolve() == self.path.resolve():
            wanted.unlink()
        self.path.unlink()
        if not left:
            self._run_all([["daemon-reload"]])
        # What it runs still has to be stopped by hand; what it was enabled with is gone.
        return self.state(commands=[f"systemctl --user stop {UNIT}"] if left else [])

    def state(self, commands: Sequence[str] = (), notes: Sequence[str] = ()) -> ServiceState:
        """What is there."""
        ours = ownership(self.path)
        reachable = ours != "absent" and self._is_reachable()
        return ServiceState(
            "systemd",
            self.path,
            ours in ("ours", "changed"),
            ours,
            self._says("is-enabled") if reachable else None,
            self._says("is-active") if reachable else None,
            list(commands),
            list(notes),
        )

    def _is_reachable(self) -> bool:
        """Whether the user's systemd answers: in a container, or behind `su`, it does not."""
        return (
            self._systemctl is not None and _run([self._systemctl, "--user", "show-environment"]) is not None
        )

    def _says(self, question: str) -> bool:
        assert self._systemctl is not None
        return _run([self._systemctl, "--user", "--quiet", question, UNIT]) is not None

    def _run_all(self, commands: list[list[str]]) -> list[str]:
        """Run these, or return them as lines for the user. Raises FamiliarError when one fails."""
        if not self._is_reachable():
            return [f"systemctl --user {' '.join(command)}" for command in commands]
        assert self._systemctl is not None
        for command in commands:
            _must([self._systemctl, "--user", *command])
        return []


def unit_text(watched: Watched, *, namespaces: bool) -> str:
    """The unit without its mark. Reading photos is allowed everywhere; writing, with `namespaces`, only at home."""
    home = watched.home.root
    environment = [f"Environment={_quoted(f'{name}={value}')}" for name, value in watched.environment.items()]
    lines = [
        "[Unit]",
        "Description=Familiar: watches the folders of photos",
        "Documentation=man:systemd.service(5)",
        "StartLimitIntervalSec=1h",
        "StartLimitBurst=10",
        "",
        "[Service]",
        "Type=exec",
        f"ExecStart={' '.join(map(_quoted, watched.command))}",
        *environment,
        "KillMode=mixed",
        "KillSignal=SIGTERM",
        f"TimeoutStopSec={STOP_S}",
        "Restart=on-failure",
        "RestartSec=30",
        "# 2: it was told something wrong; 4: another one runs, or something is missing.",
        "RestartPreventExitStatus=2 4",
        "",
        "# Whoever uses the machine comes first.",
        "Nice=10",
        "IOSchedulingClass=idle",
        "CPUWeight=20",
        f"MemoryMax={MEMORY_SHARE}%",
        "OOMPolicy=continue",
        "",
        "# It talks to nobody: not even by accident.",
        "RestrictAddressFamilies=AF_UNIX",
        "NoNewPrivileges=yes",
        "UMask=0077",
        "LockPersonality=yes",
        "RestrictRealtime=yes",
        "RestrictSUIDSGID=yes",
        "SystemCallArchitectures=native",
        "SystemCallFilter=~@clock @cpu-emulation @debug @module @mount @obsolete @raw-io @reboot @swap",
        "SystemCallErrorNumber=EPERM",
    ]
    if namespaces:
        lines += [
            "# Everything may be read and only its own folder written: it cannot change a photo.",
            "PrivateUsers=yes",
            "PrivateNetwork=yes",
            "ProtectSystem=strict",
            # Which leaves out the homes of people, where the photos are.
            "ProtectHome=read-only",
            f"ReadWritePaths={_quoted(str(home), specifiers=True)} -/tmp -/var/tmp",
            "RestrictNamespaces=yes",
        ]
    return "\n".join([*lines, "", "[Install]", "WantedBy=default.target", ""])


def _quoted(word: str, *, specifiers: bool = True) -> str:
    """A word as systemd reads it back: in quotes, with its specifiers and variables doubled."""
    if any(ord(character) < 32 for character in word):
        raise NotReadyError(
            tried="writing the service",
            found=f"a control character in {word!r}",
            fix="Use a folder whose name has none.",
        )
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    if specifiers:
        escaped = escaped.replace("%", "%%")
    return '"' + escaped.replace("$", "$$") + '"'


class LaunchdAgent:
    """An agent of the user's own session in `folder`. `launchctl` is asked only where it is there."""

    def __init__(self, folder: Path, launchctl: str | None = None) -> None:
        self._folder = folder
        self._launchctl = launchctl or shutil.which("launchctl")

    @property
    def path(self) -> Path:
        return self._folder / f"{LABEL}.plist"

    def text(self, watched: Watched) -> bytes:
        """The property list, with its mark as a comment in its second line."""
        content = plistlib.dumps(agent(watched), sort_keys=False)
        return _marked(content, b"<!-- ", b" -->", after=b'<?xml version="1.0" encoding="UTF-8"?>\n')

    def install(self, watched: Watched, *, force: bool = False) -> ServiceState:
        """Write the agent and load it, now and with every session; again changes nothing."""
        changed = _write(self.path, self.text(watched), force=force)
        load = [["bootstrap", self._domain, str(self.path)]]
        unload = [["bootout", f"{self._domain}/{LABEL}"]]
        if self._launchctl is None:
            return self.state(commands=[f"launchctl {' '.join(map(_shell, command))}" for command in load])
        if changed or not self._is_loaded():
            if self._is_loaded():
                _must([self._launchctl, *unload[0]])
            _must([self._launchctl, *load[0]])
        return self.state()

    def uninstall(self, *, force: bool = False) -> ServiceState:
        """Unload it and remove the agent that `install` wrote."""
        if _check_ours(self.path, "uninstalling", force=force) == "absent":
            return self.state()
        command = ["bootout", f"{self._domain}/{LABEL}"]
        if self._launchctl is not None and self._is_loaded():
            _must([self._launchctl, *command])
        self.path.unlink()
        return self.state(commands=[] if self._launchctl else [f"launchctl {' '.join(command)}"])

    def state(self, commands: Sequence[str] = ()) -> ServiceState:
        """What is there."""
        ours = ownership(self.path)
        loaded = self._is_loaded() if self._launchctl is not None and ours != "absent" else None
        return ServiceState(
            "launchd", self.path, ours in ("ours", "changed"), ours, loaded, loaded, list(commands)
        )

    @property
    def _domain(self) -> str:
        return f"gui/{os.getuid()}"

    def _is_loaded(self) -> bool:
        assert self._launchctl is not None
        return _run([self._launchctl, "print", f"{self._domain}/{LABEL}"]) is not None


def agent(watched: Watched) -> dict[str, Any]:
    """The launchd agent; `launchd.plist(5)` says what the keys mean."""
    settings: dict[str, Any] = {
        "Label": LABEL,
        "ProgramArguments": watched.command,
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 30,
        "ExitTimeOut": STOP_S,
        "ProcessType": "Background",
        "LowPriorityIO": True,
        "Nice": 10,
        "Umask": 0o077,
        "WorkingDirectory": "/",
        # It has a log of its own; what it says before it has that is for whoever looks into this.
        "StandardOutPath": "/dev/null",
        "StandardErrorPath": str(watched.home.logs / "launchd.log"),
    }
    if watched.environment:
        settings["EnvironmentVariables"] = watched.environment
    return settings


def ownership(path: Path) -> Ours:
    """Whether a file is what `install` wrote: `changed` when somebody edited it since."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return "absent"
    marks = _MARK.findall(content)
    if len(marks) != 1 or path.is_symlink():
        return "foreign"
    return "ours" if hashlib.sha256(_MARK.sub(b"", content)).hexdigest().encode() == marks[0] else "changed"


def _marked(content: bytes, begin: bytes, end: bytes, after: bytes = b"") -> bytes:
    digest = hashlib.sha256(content).hexdigest().encode()
    mark = begin + b"Written by `familiar service install`; sha256 " + digest + end + b"\n"
    assert content.startswith(after)
    return after + mark + content[len(after) :]


def _write(path: Path, text: bytes, *, force: bool) -> bool:
    """Write the file unless it says the same already; returns whether it was written."""
    _check_ours(path, "installing", force=force)
    if path.exists() and path.read_bytes() == text:
        return False
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomically(path, text)
    return True


def _check_ours(path: Path, doing: str, *, force: bool) -> Ours:
    """Raise NotReadyError for a file that is somebody else's, or that somebody edited, unless `force`."""
    ours = ownership(path)
    if ours == "foreign":
        raise NotReadyError(
            tried=f"{doing} the service",
            found=f"{path} is there and was not written by Familiar",
            fix="Move it away, or leave it: nothing was changed.",
        )
    if ours == "changed" and not force:
        raise NotReadyError(
            tried=f"{doing} the service",
            found=f"{path} was edited since Familiar wrote it",
            fix="Keep your changes elsewhere (systemctl --user edit familiar) and say --force.",
        )
    return ours


def _namespaces_work() -> bool:
    """Whether a user may have namespaces of his own here: without them a unit that asks for some does not start."""
    unshare = shutil.which("unshare")
    return (
        unshare is not None
        and _run([unshare, "--user", "--map-current-user", "--mount", "--net", "true"]) is not None
    )


def _lingers() -> bool:
    loginctl = shutil.which("loginctl")
    said = None if loginctl is None else _run([loginctl, "show-user", str(os.getuid()), "--property=Linger"])
    return said is not None and "Linger=yes" in said


def _run(command: list[str]) -> str | None:
    """What a program says, or None when it fails."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_PROGRAM_TIMEOUT_S, check=False, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _must(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_PROGRAM_TIMEOUT_S, check=False, errors="replace"
        )
        found = done.stderr.strip() or f"it ended with status {done.returncode}"
        failed = done.returncode != 0
    except (OSError, subprocess.TimeoutExpired) as error:
        failed, found = True, str(error)
    if failed:
        raise FamiliarError(
            tried=" ".join(command),
            found=found,
            fix="See: systemctl --user status familiar, or launchctl list.",
        )


def _shell(word: str) -> str:
    import shlex

    return shlex.quote(word)
