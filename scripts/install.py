"""Installs the project into a virtual environment in named steps, with progress; skips what is done already.

Runs on a bare Python 3.11 (standard library only). It passes pip no index and changes none of pip's settings.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "constraints.txt"
REPORT_EVERY_S = 20.0
LOG_LINES_ON_FAILURE = 25
INTERRUPTED = 130


@dataclass(frozen=True)
class Step:
    """One call of pip. `estimate` is for two cores and an ordinary connection."""

    name: str
    message: str
    estimate: str
    requirements: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """Steps that belong together; `hint` says how to go on after it failed or was interrupted."""

    steps: tuple[Step, ...]
    hint: str


def groups() -> dict[str, Group]:
    """What can be installed, by the name used on the command line."""
    torch_pin = pinned("torch")
    return {
        "base": Group(
            (
                # First and alone: otherwise another requirement may choose a build of several gigabytes.
                Step("torch", "Installing torch", "1-3 minutes", (f"torch=={torch_pin}",)),
                Step("base", "Installing Familiar and its libraries", "2-4 minutes", ("-e", ".[cpu]")),
            ),
            "Run the same command again to go on.",
        ),
        "dev": Group(
            (Step("dev", "Installing the test tools", "1 minute", ("-e", ".[cpu,dev]")),),
            "Run the same command again to go on.",
        ),
        "chat": Group(
            (
                Step(
                    "chat",
                    "Compiling and installing what runs a language model",
                    "about 10 minutes on 2 cores; Ctrl-C skips it without harm",
                    ("-e", ".[cpu,chat]"),
                ),
            ),
            "Everything works without it, but no language model runs: `make chat MODEL=FILE` tries again.",
        ),
    }


def pinned(package: str) -> str:
    """The version of `package` in the constraints file."""
    for line in CONSTRAINTS.read_text().splitlines():
        name, _, version = line.partition("==")
        if name == package:
            return version.strip()
    raise SystemExit(f"{CONSTRAINTS.name} does not pin {package}")


def fingerprint(step: Step) -> str:
    """Changes whenever what the step would install changes; tool settings do not count."""
    import tomllib  # after the version check in main

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    relevant = repr((step.requirements, project["project"], project["build-system"], CONSTRAINTS.read_text()))
    return hashlib.sha256(relevant.encode()).hexdigest()[:16]


def create_environment(venv: Path) -> Path:
    """Create the virtual environment unless it is there and has a pip that runs; returns its interpreter."""
    python = venv / "bin" / "python"
    if has_pip(python):
        return python
    command = [sys.executable, "-m", "venv", str(venv)]
    version = sys.version.split()[0]
    if python.is_symlink() or python.exists():
        if not (venv / "pyvenv.cfg").is_file():
            # Clearing it would remove everything in a folder that nobody made for this.
            raise SystemExit(f"{venv} is no virtual environment and has no pip; choose another with --venv")
        # Left by an interrupted run, or by a Python that is gone; its stamps go with it.
        say(f"{venv} is incomplete: its pip does not run. Creating it again with Python {version}")
        command.append("--clear")
    else:
        say(f"Creating {venv} with Python {version}")
    made = subprocess.run(command, check=False)
    if made.returncode or not has_pip(python):
        raise SystemExit("python -m venv failed (Debian and Ubuntu: install the package python3-venv)")
    return python


def has_pip(python: Path) -> bool:
    """Whether the interpreter is there and can install: making an environment puts pip into it last."""
    command = [str(python), "-m", "pip", "--version"]
    try:
        asked = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except OSError:
        return False
    return asked.returncode == 0


def run_step(step: Step, python: Path, venv: Path) -> int:
    """Run pip for one step with its output in a log file; returns pip's exit status."""
    log = venv / f"install-{step.name}.log"
    command = [str(python), "-m", "pip", "install", "-c", str(CONSTRAINTS), *step.requirements]
    environment = dict(os.environ)
    environment.setdefault("CMAKE_BUILD_PARALLEL_LEVEL", str(os.cpu_count() or 1))
    environment["PIP_NO_INPUT"] = "1"
    environment["PIP_USER"] = "0"  # a user-wide setting; meaningless, and refused, inside an environment
    say(f"{step.message} ({step.estimate})")
    with (
        log.open("w") as output,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        ) as process,
    ):
        try:
            with heartbeat(log):
                status = process.wait()
        except KeyboardInterrupt:
            process.terminate()
            raise
    if status:
        say(f"pip failed ({status}); the end of {log}:")
        with log.open(errors="replace") as lines:
            sys.stderr.writelines(deque(lines, LOG_LINES_ON_FAILURE))
    return status


@contextmanager
def heartbeat(log: Path) -> Iterator[None]:
    """Say every now and then how long it has taken and what pip is doing."""
    started = time.monotonic()
    finished = threading.Event()

    def report() -> None:
        while not finished.wait(REPORT_EVERY_S):
            with log.open(errors="replace") as lines:
                last = [line for line in deque(lines, 40) if line.strip() and not line.startswith("WARNING")]
            doing = last[-1].strip()[:80] if last else "starting"
            say(f"  {time.monotonic() - started:4.0f} s  {doing}")

    reporter = threading.Thread(target=report, daemon=True)
    reporter.start()
    try:
        yield
    finally:
        finished.set()
        reporter.join()
        say(f"  {time.monotonic() - started:4.0f} s  done" if sys.exc_info()[0] is None else "  stopped")


def install(group: Group, python: Path, venv: Path) -> int:
    """Run the steps not yet done for the current requirements; returns the first failing status."""
    for step in group.steps:
        stamp = venv / f".installed-{step.name}"
        wanted = fingerprint(step)
        if stamp.exists() and stamp.read_text() == wanted:
            continue
        status = run_step(step, python, venv)
        if status:
            return status
        stamp.write_text(wanted)
    return 0


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("groups", nargs="+", choices=("base", "dev", "chat"))
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv")
    options = parser.parse_args(arguments)
    if sys.version_info < (3, 11):  # noqa: UP036 - the very thing to find out
        say(f"Familiar needs Python 3.11 or newer; this is {sys.version.split()[0]}. Use PYTHON=… make demo")
        return 1
    venv: Path = options.venv.absolute()
    available = groups()
    for name in options.groups:
        group = available[name]
        try:
            status = install(group, create_environment(venv), venv)
        except KeyboardInterrupt:
            status = INTERRUPTED
        if status:
            say(f"Not installed: {name}. {group.hint}")
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
