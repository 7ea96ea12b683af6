"""`familiar watch` as a systemd user unit: its text, and the small programs that switch it on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from assistant.daemon.service_file import (
    STOP_S,
    UNIT,
    ServiceState,
    Watched,
    check_ours,
    marked,
    must_run,
    ownership,
    run_program,
    write_marked,
)
from personalizer.errors import NotReadyError

MEMORY_SHARE = 75


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
        return marked(unit_text(watched, namespaces=namespaces).encode(), b"# ", b"")

    def install(self, watched: Watched, *, force: bool = False) -> ServiceState:
        """Write the unit and start it, now and with every session; again changes nothing."""
        text = self.text(watched)
        changed = write_marked(self.path, text, force=force)
        commands = [["daemon-reload"], ["enable", UNIT], ["restart" if changed else "start", UNIT]]
        left = self._run_all(commands)
        notes = []
        if not _lingers():
            notes.append("It runs while you are logged in. To have it run always: loginctl enable-linger")
        return self.state(commands=left, notes=notes)

    def uninstall(self, *, force: bool = False) -> ServiceState:
        """Stop it and remove the unit that `install` wrote."""
        if check_ours(self.path, "uninstalling", force=force) == "absent":
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

    def start_again(self) -> None:
        """Start what is installed, where it has ended; does nothing where that is not known."""
        if ownership(self.path) in ("ours", "changed") and self._is_reachable():
            self._run_all([["start", UNIT]])

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
            self._systemctl is not None
            and run_program([self._systemctl, "--user", "show-environment"]) is not None
        )

    def _says(self, question: str) -> bool:
        assert self._systemctl is not None
        return run_program([self._systemctl, "--user", "--quiet", question, UNIT]) is not None

    def _run_all(self, commands: list[list[str]]) -> list[str]:
        """Run these, or return them as lines for the user. Raises FamiliarError when one fails."""
        if not self._is_reachable():
            return [f"systemctl --user {' '.join(command)}" for command in commands]
        assert self._systemctl is not None
        for command in commands:
            must_run([self._systemctl, "--user", *command])
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


def _namespaces_work() -> bool:
    """Whether a user may have namespaces of his own here: without them a unit that asks for some does not start."""
    unshare = shutil.which("unshare")
    return (
        unshare is not None
        and run_program([unshare, "--user", "--map-current-user", "--mount", "--net", "true"]) is not None
    )


def _lingers() -> bool:
    loginctl = shutil.which("loginctl")
    said = (
        None
        if loginctl is None
        else run_program([loginctl, "show-user", str(os.getuid()), "--property=Linger"])
    )
    return said is not None and "Linger=yes" in said
