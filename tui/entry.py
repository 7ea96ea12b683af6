"""The `familiar` command: the assistant's commands, and those that need a screen."""

from __future__ import annotations

import sys

from assistant.cli import app, run_app


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(run_app(app, sys.argv[1:]))
