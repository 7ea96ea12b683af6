"""The `familiar` command in this process: what it prints and its exit code, without the start of a program.

For tests of what a command does. How it starts, what it loads and how it meets a pipe or a terminal needs the program.
"""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from assistant.cli.app import run_app
from tui.entry import app


def run_here(home: Path, *arguments: str) -> CompletedProcess[str]:
    """As the program run with this home, with nobody at a terminal and nothing on standard input."""
    given = ["--home", str(home), *arguments]
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2)]
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(streams[0]), redirect_stderr(streams[1]):
        patch.setattr(sys, "stdin", io.StringIO())
        code = run_app(app, given)
    out, err = (stream.detach().getvalue().decode() for stream in streams)
    return CompletedProcess(given, code, out, err)


def json_here(home: Path, *arguments: str) -> Any:
    """The JSON document of a command that has to succeed."""
    done = run_here(home, "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
