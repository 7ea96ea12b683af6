"""The `familiar` command: the assistant's commands, and those that need a screen."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from assistant.cli.app import app, run_app
from assistant.cli.front_end import FrontEnd, front_end
from personalizer.errors import UsageError


@app.command()
def demo(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where the pictures go.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing; do not offer the chat.")] = False,
) -> None:
    """Show the whole job on the photos that ship, then offer the chat."""
    ui = front_end(context)
    ui.home = demo_home(ui.home)
    from assistant.demo.run import Demo
    from assistant.demo.summary import summary_lines

    result = ui.run(lambda on_progress: Demo(ui.familiar, out, on_progress).run())
    ui.show(result, lambda shown: summary_lines(shown, pictures=sys.stdout.isatty()), drawn=True)
    if yes or ui.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return
    if typer.confirm("Open the chat about these photos?", default=True):
        _chat(ui, None)


@app.command()
def chat(
    context: typer.Context,
    model: Annotated[
        Path | None,
        typer.Option(metavar="GGUF", help="A language model for small talk; the chat needs none."),
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Line by line: for pipes and screen readers.")
    ] = False,
) -> None:
    """Talk about your photos in the terminal: ask, name, draw."""
    ui = front_end(context)
    if plain and not ui.json:
        from assistant.chat.plain import run

        raise typer.Exit(run(ui.familiar, model))
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or ui.json:
        raise UsageError(
            tried="opening the chat",
            found="this is no terminal, or --json was given",
            fix="Run it in a terminal, or with --plain for lines of text; scripts use describe and imagine.",
        )
    _chat(ui, model)


def _chat(ui: FrontEnd, model: Path | None) -> None:
    from tui.app import run_chat

    code = run_chat(ui.familiar.home, ui.familiar.backbone, ui.familiar.device, model)
    if code:
        raise typer.Exit(code)


def demo_home(chosen: Path | None) -> Path:
    """The demo's own library, apart from the user's, unless a home is given."""
    if chosen is not None:
        return chosen
    from personalizer.home import default_home

    home = default_home()
    return home.root.with_name(f"{home.root.name}-demo")


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(run_app(app, sys.argv[1:]))
