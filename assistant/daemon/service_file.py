"""Common parts of the services of all systems: the command, and the marked service file."""

from __future__ import annotations

import hashlib
import re
import site
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from personalizer.errors import FamiliarError, NotReadyError
from personalizer.home import PACKAGE_PARENT, Home, write_atomically

UNIT = "familiar.service"


LABEL = "io.familiar.watch"


STOP_S = 20
"""After SIGTERM; the worker itself ends within eight seconds."""


_MARK = re.compile(rb"^.*Written by .familiar service install.; sha256 ([0-9a-f]{64}).*\n", re.MULTILINE)


_PROGRAM_TIMEOUT_S = 90.0


Ours = Literal["absent", "ours", "changed", "foreign"]


@dataclass(frozen=True, slots=True)
class ServiceState:
    """What is installed, and the steps left to the user."""

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
    """The command of the service."""

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

    def install(self, watched: Watched, *, force: bool = False) -> ServiceState: ...

    def uninstall(self, *, force: bool = False) -> ServiceState: ...

    def start_again(self) -> None: ...

    def state(self) -> ServiceState: ...


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


def marked(content: bytes, begin: bytes, end: bytes, after: bytes = b"") -> bytes:
    digest = hashlib.sha256(content).hexdigest().encode()
    mark = begin + b"Written by `familiar service install`; sha256 " + digest + end + b"\n"
    assert content.startswith(after)
    return after + mark + content[len(after) :]


def write_marked(path: Path, text: bytes, *, force: bool) -> bool:
    """Write the file unless it says the same already; returns whether it was written."""
    check_ours(path, "installing", force=force)
    if path.exists() and path.read_bytes() == text:
        return False
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomically(path, text)
    return True


def check_ours(path: Path, doing: str, *, force: bool) -> Ours:
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


def run_program(command: list[str]) -> str | None:
    """What a program says, or None when it fails."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_PROGRAM_TIMEOUT_S, check=False, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def must_run(command: list[str]) -> None:
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
