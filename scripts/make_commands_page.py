"""Writes docs/COMMANDS.md from the command line itself.

    python -m scripts.make_commands_page [--check]

`--check` writes nothing and exits with 1 where the page is out of date.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[1] / "docs" / "COMMANDS.md"
INTRODUCTION = """# Commands

Made by `python -m scripts.make_commands_page` from the command line itself; `familiar COMMAND --help` shows the same.

    familiar [--home DIR] [--backbone NAME] [--device auto|cpu|cuda] [--json] [--quiet] [--log-level LEVEL] COMMAND …

These options may also follow the command. `--json` prints one JSON document on standard output and nothing else there;
messages and progress go to standard error. `familiar` alone says what can be done next. Exit codes: 0 done, 1 failed,
2 wrong usage, 3 no such photo, concept or job, 4 not ready (with what to do), 130 interrupted.
"""


def commands_page() -> str:
    """The whole page."""
    import typer

    from assistant.cli.help_panels import PANELS
    from tui.entry import app

    group: Any = typer.main.get_command(app)
    parts = [INTRODUCTION]
    for panel in PANELS:
        parts.append(f"## {panel.title}\n")
        for name, example in panel.examples.items():
            parts += _sections(f"familiar {name}", group.commands[name], example)
    return "\n".join(parts)


def _sections(path: str, command: Any, example: str = "") -> Iterator[str]:
    """The command's own section, and those of the commands below it."""
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    lines = [
        f"### `{' '.join([path, *map(_argument, arguments)])}`",
        "",
        " ".join((command.help or "").split()),
    ]
    if example:
        lines += ["", f"    {example}"]
    rows = [
        f"- {_names(parameter)}{_text(parameter)}"
        for parameter in command.params
        if not getattr(parameter, "hidden", False)
        and (parameter.param_type_name == "option" or parameter.help)
    ]
    yield "\n".join([*lines, *([""] if rows else []), *rows, ""])
    for name, child in getattr(command, "commands", {}).items():
        yield from _sections(f"{path} {name}", child)


def _argument(parameter: Any) -> str:
    metavar = str(parameter.metavar or parameter.name.upper())
    return metavar if parameter.required or metavar.startswith("[") else f"[{metavar}]"


def _names(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{_argument(parameter)}`"
    names = ", ".join(f"`{name}`" for name in [*parameter.opts, *parameter.secondary_opts])
    return f"{names} {parameter.metavar}" if parameter.metavar else names


def _text(parameter: Any) -> str:
    default = parameter.default
    shown = default not in (None, False, True, (), [], "") and not callable(default)
    parts = [" ".join((parameter.help or "").split()), f"Default: {default}." if shown else ""]
    text = " ".join(filter(None, parts))
    return f" – {text}" if text else ""


def main(arguments: list[str] | None = None) -> int:
    """Write or check the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only compare")
    page = commands_page()
    if parser.parse_args(arguments).check:
        return 0 if PAGE.read_text("utf-8") == page else 1
    PAGE.write_text(page, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
