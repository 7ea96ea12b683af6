"""`familiar watch` as a launchd agent: its property list, and the small program that loads it."""

from __future__ import annotations

import os
import plistlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assistant.daemon.service_file import (
    LABEL,
    STOP_S,
    ServiceState,
    Watched,
    check_ours,
    marked,
    must_run,
    ownership,
    run_program,
    write_marked,
)


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
        return marked(content, b"<!-- ", b" -->", after=b'<?xml version="1.0" encoding="UTF-8"?>\n')

    def install(self, watched: Watched, *, force: bool = False) -> ServiceState:
        """Write the agent and load it, now and with every session; again changes nothing."""
        changed = write_marked(self.path, self.text(watched), force=force)
        load = [["bootstrap", self._domain, str(self.path)]]
        unload = [["bootout", f"{self._domain}/{LABEL}"]]
        if self._launchctl is None:
            return self.state(commands=[f"launchctl {' '.join(map(_shell, command))}" for command in load])
        if changed or not self._is_loaded():
            if self._is_loaded():
                must_run([self._launchctl, *unload[0]])
            must_run([self._launchctl, *load[0]])
        return self.state()

    def uninstall(self, *, force: bool = False) -> ServiceState:
        """Unload it and remove the agent that `install` wrote."""
        if check_ours(self.path, "uninstalling", force=force) == "absent":
            return self.state()
        command = ["bootout", f"{self._domain}/{LABEL}"]
        if self._launchctl is not None and self._is_loaded():
            must_run([self._launchctl, *command])
        self.path.unlink()
        return self.state(commands=[] if self._launchctl else [f"launchctl {' '.join(command)}"])

    def start_again(self) -> None:
        """Start what is installed, where it has ended; does nothing where that is not known."""
        if ownership(self.path) in ("ours", "changed") and self._launchctl is not None and self._is_loaded():
            must_run([self._launchctl, "kickstart", f"{self._domain}/{LABEL}"])

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
        return run_program([self._launchctl, "print", f"{self._domain}/{LABEL}"]) is not None


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


def _shell(word: str) -> str:
    import shlex

    return shlex.quote(word)
